//go:build unix

package main

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// TestHungUp: docker closes its socket when it has had a signal, which may have come to us as well.
func TestHungUp(t *testing.T) {
	s := listen()
	s.hungUp()
	if sig := <-s.to; sig != syscall.SIGTERM {
		t.Error("docker alone had a signal, and we are told", sig)
	}
	for name, first := range map[string]func(func()){
		"before": func(do func()) { do() },
		"behind": func(do func()) { time.AfterFunc(10*time.Millisecond, do) },
	} {
		s := listen()
		first(func() {
			if err := syscall.Kill(os.Getpid(), syscall.SIGINT); err != nil {
				t.Error(err)
			}
		})
		s.hungUp()
		if sig := <-s.to; sig != syscall.SIGINT || len(s.to) > 0 {
			t.Errorf("one Ctrl-C, which came to us %s docker's: told %s, and %d more", name, sig, len(s.to))
		}
	}
}
