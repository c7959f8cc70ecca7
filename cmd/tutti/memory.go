package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// atEase is how much memory may be taken before anything is collected. Most commands end before that.
const atEase = 20 << 20

// lateCollection collects nothing before memory is worth it, and then whenever half as much as what was kept is taken anew:
// what is loaded stays to the end, so that a heap of twice its size, as is usual, would be for nothing.
func lateCollection() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(atEase)
	afterEach(func() { debug.SetMemoryLimit(max(atEase, int64(kept())*3/2)) })
}

// kept is what the last collection left, in bytes, and what the runtime needs itself. It is not what there is by now: whoever reads logs takes
// much between the end of a collection and this.
func kept() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"}, {Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	live, itself := s[0].Value.Uint64(), s[1].Value.Uint64()
	for _, heap := range s[2:] {
		itself -= heap.Value.Uint64()
	}
	return live + itself
}

// afterEach collection do is called.
func afterEach(do func()) {
	runtime.AddCleanup(new([16]byte), func(int) {
		do()
		afterEach(do)
	}, 0)
}
