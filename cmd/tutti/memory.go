package main

import (
	"runtime"
	"runtime/debug"
)

// atEase is how much memory may be taken before anything is collected. Most commands end before that.
const atEase = 20 << 20

// lateCollection collects nothing before memory is worth it, and then whenever half as much as what was kept is taken anew:
// what is loaded stays to the end, so that a heap of twice its size, as is usual, would be for nothing.
func lateCollection() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(atEase)
	afterEach(func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		used := m.Sys - m.HeapReleased - (m.HeapSys - m.HeapReleased - m.HeapAlloc)
		debug.SetMemoryLimit(max(atEase, int64(used)*3/2))
	})
}

// afterEach collection do is called.
func afterEach(do func()) {
	runtime.AddCleanup(new([16]byte), func(int) {
		do()
		afterEach(do)
	}, 0)
}
