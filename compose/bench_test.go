package compose_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/desired"
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
		b.Run(fmt.Sprintf("apply/%d", n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				g := enginetest.New()
				g.AddImages(enginetest.Behaviour{}, "web")
				b.StartTimer()
				if r := (compose.Tool{Engine: g}).Run(context.Background(), pl, compose.RunOptions{}); r.Failed() {
					b.Fatal(r.Failures)
				}
				g.Close()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(pl.Nodes)), "µs/step")
		})
		tool.Run(context.Background(), pl, compose.RunOptions{})
		b.Run(fmt.Sprintf("nothing/%d", n), func(b *testing.B) { benchPlan(b, tool, p) })
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
