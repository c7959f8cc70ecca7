package compose_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/enginetest"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// anEngine has an image for every way a service can behave: it runs, becomes healthy, ends well, and declares a volume.
func anEngine() *enginetest.Fake {
	f := enginetest.New()
	f.AddImage(enginetest.Image{Ref: "run", Behaviour: enginetest.Behaviour{StopsAfter: time.Second}})
	f.AddImage(enginetest.Image{Ref: "run:2"})
	f.AddImage(enginetest.Image{Ref: "healthy", Behaviour: enginetest.Behaviour{HealthyAfter: 2 * time.Second}})
	f.AddImage(enginetest.Image{Ref: "job", Behaviour: enginetest.Behaviour{ExitCode: enginetest.Exits(0), After: time.Second}})
	f.AddImage(enginetest.Image{Ref: "anon", Defaults: image.Defaults{Volumes: []string{"/data"}}})
	return f
}

// aProject draws services that depend only on earlier ones.
func aProject(t *rapid.T, label string) desired.Project {
	p := desired.Project{Name: "shop", WorkingDir: "/src", Files: []string{"/src/compose.yaml"}}
	for _, key := range []string{"default", "back"} {
		p.Networks = append(p.Networks, network.Spec{Key: key, Name: "shop_" + key, Internal: rapid.IntRange(0, 9).Draw(t, label+" internal") == 0})
	}
	p.Volumes = []volume.Spec{{Key: "data", Name: "shop_data"}}
	for i := range rapid.IntRange(1, 6).Draw(t, label+" services") {
		p.Services = append(p.Services, aService(t, fmt.Sprintf("%s s%d", label, i), i, p.Services))
	}
	return p
}

func aService(t *rapid.T, label string, i int, before []desired.Service) desired.Service {
	ref := rapid.SampledFrom([]string{"run", "run:2", "healthy", "job", "anon"}).Draw(t, label+" image")
	s := desired.Service{Name: fmt.Sprintf("s%d", i), Replicas: rapid.IntRange(0, 3).Draw(t, label+" replicas"), Image: image.Spec{Ref: ref}}
	color := rapid.SampledFrom([]string{"red", "blue"}).Draw(t, label+" color")
	s.Container.Environment = map[string]*string{"COLOR": &color}
	s.Container.Resources.Memory = rapid.SampledFrom([]int64{0, 64 << 20, 128 << 20}).Draw(t, label+" memory")
	s.Container.Networks = []network.Attachment{{Network: "default", Name: "shop_default"}}
	if rapid.Bool().Draw(t, label+" back") {
		s.Container.Networks = append(s.Container.Networks, network.Attachment{Network: "back", Name: "shop_back", Aliases: []string{"x"}})
	}
	if rapid.Bool().Draw(t, label+" volume") {
		s.Container.Mounts = []volume.Mount{{Type: volume.Volume, Key: "data", Source: "shop_data", Target: "/v"}}
	}
	if ref == "healthy" {
		s.Container.Healthcheck = &container.Healthcheck{Test: []string{"CMD", "ok"}, Interval: time.Second}
	}
	for _, d := range before {
		if rapid.IntRange(0, 2).Draw(t, label+" depends") == 0 {
			s.Depends = append(s.Depends, desired.Dependency{Service: d.Name, Condition: condition(d), Required: true,
				Restart: rapid.Bool().Draw(t, label+" restart"), Via: "depends_on"})
		}
	}
	return s
}

func condition(d desired.Service) desired.Condition {
	switch d.Image.Ref {
	case "healthy":
		return desired.IsHealthy
	case "job":
		return desired.Completed
	}
	return desired.Started
}

// inBubble draws first, and then runs what was drawn with time of its own: waiting costs nothing.
func inBubble(t *testing.T, draw func(t *rapid.T) func(t fataler)) {
	rapid.Check(t, func(rt *rapid.T) {
		property := draw(rt)
		var failure any
		synctest.Test(t, func(*testing.T) {
			defer func() { failure = recover() }()
			property(fataler{})
		})
		switch failure := failure.(type) {
		case nil:
		case halt:
			rt.Fatal(string(failure))
		default:
			panic(failure)
		}
	})
}

// fataler ends a property from within the bubble.
type fataler struct{}

type halt string

func (fataler) Fatal(args ...any) { panic(halt(fmt.Sprint(args...))) }

func (fataler) Fatalf(format string, args ...any) { panic(halt(fmt.Sprintf(format, args...))) }

func must(t fataler, f *enginetest.Fake, p desired.Project, o compose.UpOptions) (plan.Plan, apply.Report) {
	tool := compose.Tool{Engine: f}
	pl, err := tool.Plan(context.Background(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	return pl, tool.Run(context.Background(), pl, compose.RunOptions{})
}

// settled fails unless there is nothing left to do, nothing half-made, and everything wanted runs.
func settled(t failing, f *enginetest.Fake, p desired.Project) {
	pl, err := compose.Tool{Engine: f}.Plan(context.Background(), p, compose.UpOptions{IgnoreOrphans: true})
	if err != nil {
		t.Fatal(err)
	}
	if !pl.Empty() {
		t.Fatalf("not empty after up:\n%s", pl)
	}
	for _, l := range containersOf(t, f) {
		if !strings.HasPrefix(l.Name, "shop-") {
			t.Fatalf("%s is left over", l.Name)
		}
	}
}

func containersOf(t failing, f *enginetest.Fake) []container.Live {
	s, err := f.Observe(context.Background(), engine.Query{Project: "shop"})
	if err != nil {
		t.Fatal(err)
	}
	return s.Containers
}

func TestPlanIsEmptyAfterUp(t *testing.T) {
	inBubble(t, func(rt *rapid.T) func(fataler) {
		projects, wait := []desired.Project{aProject(rt, "first"), aProject(rt, "second")}, rapid.Bool().Draw(rt, "wait")
		return func(t fataler) {
			f := anEngine()
			defer f.Close()
			for _, p := range projects {
				if pl, r := must(t, f, p, compose.UpOptions{RemoveOrphans: true, Wait: wait}); r.Failed() {
					t.Fatalf("%+v\n%s", r.Failures, pl.Steps())
				}
				settled(t, f, p)
			}
		}
	})
}

func TestEqualInputGivesEqualBytes(t *testing.T) {
	inBubble(t, func(rt *rapid.T) func(fataler) {
		first, second := aProject(rt, "first"), aProject(rt, "second")
		return func(t fataler) {
			f := anEngine()
			defer f.Close()
			must(t, f, first, compose.UpOptions{})
			one := bytesOf(t, f, second)
			for range 3 {
				if two := bytesOf(t, f, second); one != two {
					t.Fatalf("%s\n%s", one, two)
				}
			}
		}
	})
}

func bytesOf(t fataler, f *enginetest.Fake, p desired.Project) string {
	pl, err := compose.Tool{Engine: f}.Plan(context.Background(), p, compose.UpOptions{RemoveOrphans: true})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(pl.String() + pl.Steps())
	for _, n := range pl.Nodes {
		b.WriteString(n.Fingerprint())
	}
	return b.String()
}

// TestAnyCallMayBeTheLast: the client dies, or the engine goes, after any number of calls. The next up brings everything to where it
// should be, and the anonymous volumes that were in use still are.
func TestAnyCallMayBeTheLast(t *testing.T) {
	inBubble(t, func(rt *rapid.T) func(fataler) {
		first, second, calls := aProject(rt, "first"), aProject(rt, "second"), rapid.IntRange(0, 60).Draw(rt, "calls")
		return func(t fataler) {
			f := anEngine()
			defer f.Close()
			must(t, f, first, compose.UpOptions{})
			before, tool := anonymous(containersOf(t, f)), compose.Tool{Engine: f}
			f.CutAfter(calls)
			if pl, err := tool.Plan(context.Background(), second, compose.UpOptions{RemoveOrphans: true}); err == nil {
				tool.Run(context.Background(), pl, compose.RunOptions{})
			}
			f.Mend()
			if pl, r := must(t, f, second, compose.UpOptions{RemoveOrphans: true}); r.Failed() {
				t.Fatalf("%+v\n%s", r.Failures, pl.Steps())
			}
			settled(t, f, second)
			after := anonymous(containersOf(t, f))
			for key, name := range before {
				if now, there := after[key]; there && now != name {
					t.Fatalf("%s: volume %s has become %s", key, name, now)
				}
			}
		}
	})
}

// anonymous volumes by replica.
func anonymous(ls []container.Live) map[string]string {
	out := map[string]string{}
	for _, l := range ls {
		for _, m := range l.Mounts {
			if m.Anonymous() && l.Image == "anon" {
				out[fmt.Sprintf("%s-%d %s", l.Service(), l.Number(), m.Target)] = m.Name
			}
		}
	}
	return out
}

var errFault = errors.New("the engine has had enough")

// TestFaultsStopOnlyWhatHangsOnThem: any call may fail, with or without having done its work.
func TestFaultsStopOnlyWhatHangsOnThem(t *testing.T) {
	inBubble(t, func(rt *rapid.T) func(fataler) {
		first, second := aProject(rt, "first"), aProject(rt, "second")
		bad, done := rapid.IntRange(0, 59).Draw(rt, "fault at"), rapid.Bool().Draw(rt, "after its work")
		return func(t fataler) {
			f := anEngine()
			defer f.Close()
			must(t, f, first, compose.UpOptions{})
			volumes := removals(f)
			f.Fail = faulty(done, func(c enginetest.Call) bool { return c.N%60 == bad })
			pl, r := must(t, f, second, compose.UpOptions{RemoveOrphans: true})
			checkReport(t, pl, r)
			f.Fail = nil
			if pl, r := must(t, f, second, compose.UpOptions{RemoveOrphans: true}); r.Failed() {
				t.Fatalf("%+v\n%s", r.Failures, pl.Steps())
			}
			settled(t, f, second)
			if removals(f) != volumes {
				t.Fatal("a volume was removed")
			}
		}
	})
}

// faulty makes the calls that are hit fail if they change something, with or without their work done.
func faulty(done bool, hit func(enginetest.Call) bool) func(enginetest.Call) error {
	return func(c enginetest.Call) error {
		switch {
		case !hit(c) || reads(c.Method):
			return nil
		case done:
			return enginetest.After(errFault)
		}
		return errFault
	}
}

func reads(method string) bool {
	return slices.Contains([]string{"Observe", "Inspect", "InspectImage", "Diagnose", "Logs", "Subscribe"}, method)
}

func removals(f *enginetest.Fake) (n int) {
	for _, call := range f.Journal() {
		if strings.HasPrefix(call, "RemoveVolume") {
			n++
		}
	}
	return n
}

// checkReport: each step has ended once, and none ran whose predecessors were not done.
func checkReport(t fataler, pl plan.Plan, r apply.Report) {
	ended := map[plan.ID]graph.Outcome{}
	for _, res := range r.Results {
		ended[res.ID] = res.Outcome
	}
	if len(ended) != len(pl.Nodes) || len(r.Results) != len(pl.Nodes) {
		t.Fatalf("%d results for %d steps", len(r.Results), len(pl.Nodes))
	}
	for _, n := range pl.Nodes {
		ran := ended[n.ID] == graph.Done || ended[n.ID] == graph.Failed
		for _, id := range n.After {
			if ran && ended[id] != graph.Done {
				t.Fatalf("%s ran, though %s was %s", n.ID, id, ended[id])
			}
		}
	}
}
