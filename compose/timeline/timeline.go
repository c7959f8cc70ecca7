// Package timeline tells what of a run took how long, and what it waited for: bars over time, and the critical path. It is pure.
package timeline

import (
	"time"

	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
)

// Timeline is how a run went. Its JSON form is what is kept of the last one.
type Timeline struct {
	Project string        `json:"project"`
	Command string        `json:"command"` // "up"
	Began   time.Time     `json:"began"`   // of the first step
	Took    time.Duration `json:"took"`    // from there to the end of the last one, in nanoseconds
	Bars    []Bar         `json:"bars"`    // in order of their begin
}

// Bar is one step that ran. Times count from the begin of the timeline, in nanoseconds.
type Bar struct {
	ID       plan.ID       `json:"id"`      // "wait db-1 healthy"
	Subject  string        `json:"subject"` // the service that it is about, or what else: "network shop_default"
	Phase    Phase         `json:"phase"`
	From     time.Duration `json:"from"`
	To       time.Duration `json:"to"`
	Outcome  string        `json:"outcome"`            // "done", "failed", "cancelled"
	Behind   plan.ID       `json:"behind,omitempty"`   // of all that it came after, the bar that ended last
	Critical bool          `json:"critical,omitempty"` // it is part of the critical path
}

// Took is how long the step ran.
func (b Bar) Took() time.Duration { return b.To - b.From }

// Failed tells whether the step did not come to its end.
func (b Bar) Failed() bool { return b.Outcome != graph.Done.String() }

// Changed tells whether the run did anything but look and wait.
func (t Timeline) Changed() bool {
	for _, b := range t.Bars {
		if b.Phase != Look && b.Phase != Healthy {
			return true
		}
	}
	return false
}

// Critical path: each of its bars came after the one before, and the last one ended last. To make the run shorter one of these must be.
func (t Timeline) Critical() []Bar {
	var out []Bar
	for _, b := range t.Bars {
		if b.Critical {
			out = append(out, b)
		}
	}
	return out
}

// Recorder gathers a timeline from the events of a run. The zero value is ready.
type Recorder struct {
	project string
	nodes   []plan.Node // each behind what it comes after
	spans   map[plan.ID]*span
	last    time.Time
}

// span of a step that ran.
type span struct {
	from, to time.Time // to is zero while it runs
	outcome  graph.Outcome
}

// Event takes in how the run goes on. A plan that is made anew begins a new timeline.
func (r *Recorder) Event(e apply.Event) {
	switch e := e.(type) {
	case apply.Planned:
		*r = Recorder{project: e.Plan.Project, nodes: e.Plan.Nodes, spans: map[plan.ID]*span{}}
	case apply.Undoing:
		r.nodes = append(r.nodes[:len(r.nodes):len(r.nodes)], e.Plan.Nodes...)
	case apply.StepStarted:
		r.spans[e.Node.ID] = &span{from: e.At, outcome: graph.Cancelled}
		r.seen(e.At)
	case apply.StepEnded:
		if s := r.spans[e.Node.ID]; s != nil {
			s.to, s.outcome = e.At, e.Outcome
			r.seen(e.At)
		}
	}
}

func (r *Recorder) seen(at time.Time) {
	if at.After(r.last) {
		r.last = at
	}
}

// Timeline of what was gathered so far; what still runs ends with the last event.
func (r *Recorder) Timeline(command string) Timeline {
	t := Timeline{Project: r.project, Command: command, Began: r.began()}
	if len(r.spans) > 0 {
		t.Took = r.last.Sub(t.Began)
	}
	t.Bars = r.bars(t.Began)
	markCritical(t.Bars)
	return t
}

func (r *Recorder) began() time.Time {
	var out time.Time
	for _, s := range r.spans {
		if out.IsZero() || s.from.Before(out) {
			out = s.from
		}
	}
	return out
}
