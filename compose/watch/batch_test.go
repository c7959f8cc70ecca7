package watch

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

var window = Window{Quiet: 100 * time.Millisecond, Longest: time.Second}

// batches of a test: told is when paths come, got what comes of them.
func batches(t *testing.T, tell func(chan<- string)) (got [][]string, took time.Duration) {
	t.Helper()
	paths := make(chan string)
	began := time.Now()
	out := Batches(t.Context(), paths, window)
	go tell(paths)
	for b := range out {
		if got = append(got, b); took == 0 {
			took = time.Since(began)
		}
	}
	return got, took
}

func TestChangesAreHandedOnOnceTheyHaveSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got, took := batches(t, func(paths chan<- string) {
			for range 3 {
				paths <- "b"
				paths <- "a"
				time.Sleep(99 * time.Millisecond)
			}
			time.Sleep(time.Second)
			paths <- "c"
			time.Sleep(time.Second)
			close(paths)
		})
		if len(got) != 2 || !slices.Equal(got[0], []string{"a", "b"}) || !slices.Equal(got[1], []string{"c"}) || took != 298*time.Millisecond {
			t.Errorf("%q, the first after %s", got, took)
		}
	})
}

func TestWhatNeverSettlesIsHandedOnAllTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, took := batches(t, func(paths chan<- string) {
			for range 50 {
				paths <- "log"
				time.Sleep(50 * time.Millisecond)
			}
			close(paths)
		})
		if took != window.Longest {
			t.Errorf("first batch after %s, want %s", took, window.Longest)
		}
	})
}

func TestOneWhoTellsIsNeverKeptWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		paths := make(chan string)
		ctx, cancel := context.WithCancel(t.Context())
		out := Batches(ctx, paths, window)
		for _, p := range []string{"a", "b", "c"} { // nobody takes what is ready
			paths <- p
			time.Sleep(time.Second)
		}
		if got := <-out; !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("%q", got)
		}
		cancel()
		if _, more := <-out; more {
			t.Error("it goes on")
		}
	})
}
