package cli

import (
	"context"
	"testing"
)

// TestWatchIsTurnedOffWhileItIsTurnedOn: who is told asks whether it is on, as the menu does.
func TestWatchIsTurnedOffWhileItIsTurnedOn(t *testing.T) {
	told := make(chan bool, 2)
	s := &watchSwitch{ctx: t.Context(), watch: func(ctx context.Context, quit <-chan struct{}) { <-quit }}
	begin := make(chan struct{})
	s.turned = func() { <-begin; told <- s.on() }
	s.start()
	go close(begin)
	s.stop()
	if <-told; <-told || s.on() {
		t.Error("it is on")
	}
	s.stop() // again is fine
}
