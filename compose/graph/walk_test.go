package graph_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tutti-run/tutti/compose/graph"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBroken = errors.New("broken")

func TestNothingRunsBeforeWhatItComesAfterIsRecordedDone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, edges := random(t)
		broken := map[int]bool{}
		for i := range g.Len() {
			broken[i] = rapid.IntRange(0, 9).Draw(t, "broken") == 0
		}
		var mu sync.Mutex
		ran, ended := map[int]bool{}, map[int]graph.Outcome{}
		err := g.Walk(context.Background(), graph.Walker[int]{
			Run: func(_ context.Context, n int) error {
				mu.Lock()
				defer mu.Unlock()
				ran[n] = true
				for _, e := range edges {
					if o, over := ended[e[1]]; e[0] == n && (!over || o != graph.Done) {
						t.Errorf("%d runs, but %d is not recorded as done", n, e[1])
					}
				}
				if broken[n] {
					return errBroken
				}
				return nil
			},
			Ended: func(n int, o graph.Outcome, _ error) {
				mu.Lock()
				defer mu.Unlock()
				if _, twice := ended[n]; twice {
					t.Errorf("%d ended twice", n)
				}
				ended[n] = o
			},
		})
		if err != nil || len(ended) != g.Len() {
			t.Fatalf("%d of %d ended, %v", len(ended), g.Len(), err)
		}
		for n, o := range ended {
			switch {
			case o == graph.Skipped && ran[n], o == graph.Cancelled, o == graph.Failed && !broken[n], o == graph.Done && broken[n]:
				t.Errorf("%d: %s, ran %t, broken %t", n, o, ran[n], broken[n])
			}
		}
	})
}

func TestSoftEdgeGoesOnAfterAFailure(t *testing.T) {
	g := &graph.Graph[string]{}
	g.AfterAny("web", "db")
	g.After("api", "db")
	got := outcomes(g, graph.Walker[string]{Run: func(_ context.Context, n string) error {
		if n == "db" {
			return errBroken
		}
		return nil
	}})
	if got["web"] != graph.Done || got["api"] != graph.Skipped || got["db"] != graph.Failed {
		t.Errorf("%v", got)
	}
}

func outcomes(g *graph.Graph[string], w graph.Walker[string]) map[string]graph.Outcome {
	out := map[string]graph.Outcome{}
	w.Ended = func(n string, o graph.Outcome, _ error) { out[n] = o }
	if err := g.Walk(context.Background(), w); err != nil {
		panic(err)
	}
	return out
}

// tenAtOnce is how long a walk over ten independent nodes of one class takes.
func tenAtOnce(t *testing.T, each time.Duration, w graph.Walker[int]) time.Duration {
	g := &graph.Graph[int]{}
	for i := range 10 {
		g.Add(i)
	}
	w.Class = func(int) string { return "one" }
	w.Run = func(context.Context, int) error { time.Sleep(each); return nil }
	began := time.Now()
	if err := g.Walk(t.Context(), w); err != nil {
		t.Error(err)
	}
	return time.Since(began)
}

func TestIndependentNodesRunAtOnceWithinTheirLimit(t *testing.T) {
	for _, test := range []struct {
		limit int
		want  time.Duration
	}{{0, time.Second}, {5, 2 * time.Second}, {1, 10 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			if took := tenAtOnce(t, time.Second, graph.Walker[int]{Limit: map[string]int{"one": test.limit}}); took != test.want {
				t.Errorf("limit %d: %s, want %s", test.limit, took, test.want)
			}
		})
	}
}

// TestPatience: a class keeps to its limit as long as its nodes come to an end; those that do not keep the others back only for a while.
func TestPatience(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		100 * time.Millisecond: 500 * time.Millisecond,                // five times two
		10 * time.Second:       10*time.Second + 400*time.Millisecond, // two, and then all
	} {
		synctest.Test(t, func(t *testing.T) {
			w := graph.Walker[int]{Limit: map[string]int{"one": 2}, Patience: map[string]time.Duration{"one": 400 * time.Millisecond}}
			if got := tenAtOnce(t, took, w); got != want {
				t.Errorf("each %s: %s, want %s", took, got, want)
			}
		})
	}
}

func TestLongestWayBeginsFirst(t *testing.T) {
	g := &graph.Graph[string]{}
	for _, n := range []string{"x", "y", "head"} {
		g.Add(n)
	}
	g.After("tail", "head")
	var order []string
	err := g.Walk(t.Context(), graph.Walker[string]{Run: func(_ context.Context, n string) error { order = append(order, n); return nil },
		Class: func(string) string { return "one" }, Limit: map[string]int{"one": 1}})
	if err != nil || order[0] != "head" {
		t.Errorf("%v %v", order, err)
	}
}

func TestStopBeginsNothingNewAndWaitsForWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &graph.Graph[string]{}
		g.After("second", "first")
		g.Add("other")
		stop := make(chan struct{})
		time.AfterFunc(time.Second, func() { close(stop) })
		began := time.Now()
		got := outcomes(g, graph.Walker[string]{Stop: stop, Run: func(context.Context, string) error { time.Sleep(3 * time.Second); return nil }})
		if got["first"] != graph.Done || got["other"] != graph.Done || got["second"] != graph.Cancelled {
			t.Errorf("%v", got)
		}
		if time.Since(began) != 3*time.Second {
			t.Errorf("took %s", time.Since(began))
		}
	})
}

func TestCancelledContextEndsTheWalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		g := &graph.Graph[string]{}
		g.After("second", "first")
		ended := []string{}
		err := g.Walk(ctx, graph.Walker[string]{
			Run:   func(ctx context.Context, _ string) error { <-ctx.Done(); return context.Canceled },
			Ended: func(n string, o graph.Outcome, _ error) { ended = append(ended, n+" "+o.String()) }})
		if want := []string{"first cancelled", "second cancelled"}; err != nil || !slices.Equal(ended, want) {
			t.Errorf("%v %v", ended, err)
		}
	})
}

func BenchmarkWalk(b *testing.B) {
	g := layered(1000, 10)
	for b.Loop() {
		if err := g.Walk(context.Background(), graph.Walker[int]{Run: func(context.Context, int) error { return nil }}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*g.Len()), "ns/step")
}
