package compose_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
)

func TestTrial(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	step := func(id plan.ID, service string) plan.Node {
		return plan.Node{ID: id, Resource: plan.Resource{Kind: plan.Container, Service: service}}
	}
	a, b, web, net := step("a", "db"), step("b", "db"), step("c", "web"), plan.Node{ID: "n", Resource: plan.Resource{Kind: plan.Network, Name: "net"}}
	bad := apply.Failure{Node: b, Err: errors.New("exited (3)"), Logs: []engine.LogLine{{Text: "oh"}}}
	var trial compose.Trial
	for _, e := range []apply.Event{
		apply.Planned{Plan: plan.Plan{Nodes: []plan.Node{net, a, b, web}}},
		apply.StepStarted{Node: net, At: at(1)}, apply.StepEnded{Node: net, At: at(2)},
		apply.StepStarted{Node: a, At: at(2)}, apply.StepEnded{Node: a, At: at(4)},
		apply.StepStarted{Node: b, At: at(6)}, apply.StepEnded{Node: b, Outcome: graph.Failed, Err: bad.Err, At: at(9)},
		apply.StepEnded{Node: web, Outcome: graph.Skipped, At: at(9)},
		apply.Ended{Report: apply.Report{Failures: []apply.Failure{{Node: net, Err: bad.Err, Tolerated: true}, bad}}},
	} {
		trial.Event(e)
	}
	want := []compose.Case{
		{Suite: "up", Name: "db", Took: 7 * time.Second, Failure: "exited (3)", Output: []string{"oh"}},
		{Suite: "up", Name: "network net", Took: time.Second},
		{Suite: "up", Name: "web", Skipped: true},
	}
	got := trial.Cases("up")
	if !trial.Began || !slices.EqualFunc(got, want, func(a, b compose.Case) bool {
		same := slices.Equal(a.Output, b.Output)
		return same && a.Suite == b.Suite && a.Name == b.Name && a.Took == b.Took && a.Failure == b.Failure && a.Skipped == b.Skipped
	}) {
		t.Errorf("began %v\n%+v, want\n%+v", trial.Began, got, want)
	}
}
