package watch

import (
	"context"
	"maps"
	"slices"
	"time"
)

// Window says when changes are handed on: an editor that saves many files, or a switch of branches, is one change.
type Window struct {
	Quiet   time.Duration // that no further change comes
	Longest time.Duration // that one waits, however many come
}

// DefaultWindow is short enough not to be noticed.
var DefaultWindow = Window{Quiet: 100 * time.Millisecond, Longest: 2 * time.Second}

// Batches gathers paths until they have settled, each once and in order. It never keeps the one who tells of them waiting: what comes while a
// batch is worked on is in the next. It ends with the paths or with ctx.
func Batches(ctx context.Context, paths <-chan string, w Window) <-chan []string {
	out := make(chan []string)
	go func() {
		defer close(out)
		g := gathering{window: w, seen: map[string]bool{}}
		for g.step(ctx, paths, out) {
		}
	}()
	return out
}

type gathering struct {
	window Window
	seen   map[string]bool
	first  time.Time
	due    <-chan time.Time
	ready  bool
}

func (g *gathering) step(ctx context.Context, paths <-chan string, out chan<- []string) bool {
	var to chan<- []string
	var batch []string
	if g.ready {
		to, batch = out, slices.Sorted(maps.Keys(g.seen))
	}
	select {
	case p, ok := <-paths:
		g.add(p)
		return ok
	case <-g.due:
		g.ready, g.due = true, nil
	case to <- batch:
		g.seen, g.ready = map[string]bool{}, false
	case <-ctx.Done():
		return false
	}
	return true
}

// add a path. What is ready stays so: it is only not taken yet.
func (g *gathering) add(path string) {
	now := time.Now()
	if len(g.seen) == 0 {
		g.first = now
	}
	if g.seen[path] = true; !g.ready {
		g.due = time.After(min(g.window.Quiet, g.first.Add(g.window.Longest).Sub(now)))
	}
}
