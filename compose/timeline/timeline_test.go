package timeline_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/compose/timeline"
)

var noon = time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)

func at(ms int) time.Time { return noon.Add(time.Duration(ms) * time.Millisecond) }

// ran tells a recorder of a step that ran.
func ran(r *timeline.Recorder, n plan.Node, from, to int, o graph.Outcome) {
	r.Event(apply.StepStarted{Node: n, At: at(from)})
	r.Event(apply.StepEnded{Node: n, Outcome: o, At: at(to)})
}

func node(id plan.ID, s plan.Step, service string, after ...plan.ID) plan.Node {
	return plan.Node{ID: id, Step: s, Resource: plan.Resource{Kind: plan.Container, Service: service}, After: after}
}

func TestCriticalPathGoesThroughStepsThatNeverRan(t *testing.T) {
	pull := node("pull web", plan.PullImage{}, "web")
	slow := node("pull db", plan.PullImage{}, "db")
	stop := node("stop web-1", plan.StopContainer{}, "web", "pull web", "pull db")
	start := node("start web-1", plan.StartContainer{}, "web", "stop web-1")
	wait := node("wait web-1 healthy", plan.WaitContainer{}, "web", "start web-1")
	var r timeline.Recorder
	r.Event(apply.Planned{Plan: plan.Plan{Project: "shop", Nodes: []plan.Node{pull, slow, stop, start, wait}}})
	ran(&r, pull, 0, 100, graph.Done)
	ran(&r, slow, 10, 300, graph.Done)
	r.Event(apply.StepEnded{Node: stop, Outcome: graph.Done, At: at(300)}) // needless
	ran(&r, start, 310, 400, graph.Done)
	ran(&r, wait, 400, 900, graph.Failed)
	got := r.Timeline("up")
	want := timeline.Timeline{Project: "shop", Command: "up", Began: noon, Took: 900 * time.Millisecond, Bars: []timeline.Bar{
		{ID: "pull web", Subject: "web", Phase: timeline.Pull, To: 100e6, Outcome: "done"},
		{ID: "pull db", Subject: "db", Phase: timeline.Pull, From: 10e6, To: 300e6, Outcome: "done", Critical: true},
		{ID: "start web-1", Subject: "web", Phase: timeline.Start, From: 310e6, To: 400e6, Outcome: "done", Behind: "pull db", Critical: true},
		{ID: "wait web-1 healthy", Subject: "web", Phase: timeline.Healthy, From: 400e6, To: 900e6, Outcome: "failed", Behind: "start web-1", Critical: true},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	text, err := json.Marshal(got)
	var back timeline.Timeline
	if err != nil || json.Unmarshal(text, &back) != nil || !cmp.Equal(got, back) {
		t.Errorf("is not the same when kept: %s", text)
	}
}

func TestAPlanMadeAnewBeginsAnew(t *testing.T) {
	n := node("start web-1", plan.StartContainer{}, "web")
	undo := node("undo start web-1", plan.StopContainer{}, "web")
	var r timeline.Recorder
	for i := range 2 {
		r.Event(apply.Planned{Plan: plan.Plan{Nodes: []plan.Node{n}}})
		ran(&r, n, i*1000, i*1000+10, graph.Failed)
	}
	r.Event(apply.Undoing{Plan: plan.Plan{Nodes: []plan.Node{undo}}})
	r.Event(apply.StepStarted{Node: undo, At: at(1500)})
	got := r.Timeline("up")
	if len(got.Bars) != 2 || got.Began != at(1000) || got.Took != 500*time.Millisecond || got.Bars[1].Outcome != "cancelled" {
		t.Errorf("got %+v", got)
	}
}

func TestNothingRan(t *testing.T) {
	var r timeline.Recorder
	wait := node("wait web-1 healthy", plan.WaitContainer{}, "web")
	r.Event(apply.Planned{Plan: plan.Plan{Nodes: []plan.Node{wait}}})
	if got := r.Timeline("up"); got.Changed() || len(got.Bars) != 0 || got.Took != 0 {
		t.Errorf("got %+v", got)
	}
	ran(&r, wait, 0, 10, graph.Done)
	if r.Timeline("up").Changed() {
		t.Error("waiting alone changes something")
	}
}

// drawn is a run of random steps: each begins when all that it comes after has ended, or later, and some never run.
func drawn(t *rapid.T) (nodes []plan.Node, tl timeline.Timeline) {
	var r timeline.Recorder
	ends := map[plan.ID]int{}
	for i := range rapid.IntRange(1, 25).Draw(t, "steps") {
		n := node(plan.ID(fmt.Sprint("start ", i)), plan.StartContainer{}, "web")
		for j := range i {
			switch rapid.IntRange(0, 5).Draw(t, "edge") {
			case 0:
				n.After = append(n.After, nodes[j].ID)
			case 1:
				n.AfterAny = append(n.AfterAny, nodes[j].ID)
			}
		}
		nodes = append(nodes, n)
	}
	r.Event(apply.Planned{Plan: plan.Plan{Nodes: nodes}})
	for _, n := range nodes {
		ready := 0
		for _, id := range slices.Concat(n.After, n.AfterAny) {
			ready = max(ready, ends[id])
		}
		ends[n.ID] = ready
		if rapid.IntRange(0, 3).Draw(t, "runs") > 0 {
			from := ready + rapid.IntRange(0, 3).Draw(t, "late")
			ends[n.ID] = from + rapid.IntRange(0, 9).Draw(t, "took")
			ran(&r, n, from, ends[n.ID], graph.Done)
		}
	}
	return nodes, r.Timeline("up")
}

func TestCriticalPathIsAChainToTheLastEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes, tl := drawn(t)
		path := tl.Critical()
		if len(tl.Bars) == 0 {
			return
		}
		if len(path) == 0 || slices.MaxFunc(path, byEnd).To != tl.Took {
			t.Fatalf("the path %v does not end at %v", path, tl.Took)
		}
		g := plan.Plan{Nodes: nodes}.Graph()
		slices.SortStableFunc(path, func(a, b timeline.Bar) int { return len(g.Needs(a.ID)) - len(g.Needs(b.ID)) })
		for i := 1; i < len(path); i++ {
			a, b := path[i-1], path[i]
			if b.Behind != a.ID || !slices.Contains(g.Needs(b.ID), a.ID) || b.From < a.To {
				t.Fatalf("%v does not come after %v", b, a)
			}
		}
		if path[0].Behind != "" {
			t.Fatalf("the path begins with %v", path[0])
		}
	})
}

func byEnd(a, b timeline.Bar) int { return int(a.To - b.To) }
