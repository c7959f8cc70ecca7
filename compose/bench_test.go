package compose_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine/enginetest"
)

// BenchmarkPlan of services that each depend on the one before: nothing there yet, and nothing left to do.
func BenchmarkPlan(b *testing.B) {
	for _, n := range []int{100, 1000} {
		var services []desired.Service
		for i := range n {
			s := service(fmt.Sprintf("s%05d", i), "web")
			if i > 0 {
				s.Depends = []desired.Dependency{{Service: fmt.Sprintf("s%05d", i-1), Condition: desired.Started, Required: true}}
			}
			services = append(services, s)
		}
		p, f := shop(services...), enginetest.New()
		defer f.Close()
		f.AddImages(enginetest.Behaviour{}, "web")
		tool := compose.Tool{Engine: f}
		b.Run(fmt.Sprintf("first/%d", n), func(b *testing.B) { benchPlan(b, tool, p) })
		pl, err := tool.Plan(context.Background(), p, compose.UpOptions{})
		if err != nil {
			b.Fatal(err)
		}
		tool.Run(context.Background(), pl, compose.RunOptions{})
		b.Run(fmt.Sprintf("nothing/%d", n), func(b *testing.B) { benchPlan(b, tool, p) })
	}
}

// BenchmarkApply of services side by side, on an engine that takes no time: what the walk costs, and the Fake's own work.
func BenchmarkApply(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			pl, _ := side(b, n)
			for b.Loop() {
				b.StopTimer()
				f := enginetest.New()
				f.AddImages(enginetest.Behaviour{}, "web")
				b.StartTimer()
				if r := (compose.Tool{Engine: f}).Run(context.Background(), pl, compose.RunOptions{}); r.Failed() {
					b.Fatal(r.Failures)
				}
				f.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(pl.Nodes)), "µs/step")
		})
	}
}

// BenchmarkPlanDown of services side by side.
func BenchmarkPlanDown(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			pl, f := side(b, n)
			tool := compose.Tool{Engine: f}
			if r := tool.Run(context.Background(), pl, compose.RunOptions{}); r.Failed() {
				b.Fatal(r.Failures)
			}
			p := shop(sideBySide(n)...)
			for b.Loop() {
				down, err := tool.PlanDown(context.Background(), p, compose.DownOptions{})
				if err != nil || len(down.Nodes) < 2*n {
					b.Fatal(len(down.Nodes), err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/service")
		})
	}
}

// side by side: the plan of n services that need nothing of each other, on an engine that has none of them.
func side(t testing.TB, n int) (plan.Plan, *enginetest.Fake) {
	t.Helper()
	f := enginetest.New()
	t.Cleanup(func() { f.Close() })
	f.AddImages(enginetest.Behaviour{}, "web")
	pl, err := (compose.Tool{Engine: f}).Plan(context.Background(), shop(sideBySide(n)...), compose.UpOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pl, f
}

func sideBySide(n int) []desired.Service {
	var out []desired.Service
	for i := range n {
		out = append(out, service(fmt.Sprintf("s%05d", i), "web"))
	}
	return out
}

// TestApplyGrowth: eight times the containers take eight times the calls and allocations, not more.
func TestApplyGrowth(t *testing.T) {
	measure := func(n int) (calls, allocations float64) {
		pl, f := side(t, n)
		f.ForgetJournal()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if r := (compose.Tool{Engine: f}).Run(context.Background(), pl, compose.RunOptions{}); r.Failed() {
			t.Fatal(r.Failures)
		}
		runtime.ReadMemStats(&after)
		return float64(len(f.Journal())) / float64(n), float64(after.Mallocs-before.Mallocs) / float64(n)
	}
	measure(10) // what is made once
	calls, allocations := measure(250)
	moreCalls, moreAllocations := measure(2000)
	t.Logf("of a service: %.2f calls, %.0f allocations; of more %.2f, %.0f", calls, allocations, moreCalls, moreAllocations)
	if moreCalls > calls || calls > 2.1 {
		t.Errorf("a service takes %.2f calls of 250, %.2f of 2,000", calls, moreCalls)
	}
	if moreAllocations > 1.2*allocations {
		t.Errorf("a service takes %.0f allocations of 250, %.0f of 2,000", allocations, moreAllocations)
	}
}

func benchPlan(b *testing.B, tool compose.Tool, p desired.Project) {
	for b.Loop() {
		if _, err := tool.Plan(context.Background(), p, compose.UpOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(p.Services)), "µs/service")
}
