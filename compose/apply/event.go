package apply

import (
	"time"

	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
)

// Event tells how a run goes on. The set is closed. Events come from one goroutine at a time, in order.
type Event interface{ event() }

// The events.
type (
	// Planned is the first: all that is going to be done.
	Planned struct{ Plan plan.Plan }
	// StepStarted: a step has begun.
	StepStarted struct {
		Node plan.Node
		At   time.Time
	}
	// StepProgress of a pull or a build.
	StepProgress struct {
		Node     plan.Node
		Progress engine.Progress
	}
	// StepEnded: a step has ended, in exactly one of the outcomes. One that never started was skipped, cancelled, or done because it turned
	// out to be needless.
	StepEnded struct {
		Node    plan.Node
		Outcome graph.Outcome
		Err     error
		At      time.Time
		Took    time.Duration
	}
	// Undoing: what was done of some hand-overs, or of all, is being taken back; these are the steps.
	Undoing struct{ Plan plan.Plan }
	// Stopping: the run was asked to stop; steps that run are finished, no new ones begin.
	Stopping struct{ Running int }
	// Ended is the last.
	Ended struct{ Report Report }
)

func (Planned) event()      {}
func (StepStarted) event()  {}
func (StepProgress) event() {}
func (StepEnded) event()    {}
func (Undoing) event()      {}
func (Stopping) event()     {}
func (Ended) event()        {}

// Report is what became of a plan.
type Report struct {
	Results     []Result // in the plan's order
	Failures    []Failure
	Snapshots   []plan.SnapshotVolume // that were taken, and stay
	Undone      []Undone              // what was taken back, in order of its end
	Warnings    []Warning
	Interrupted bool // asked to stop before all was done
	Took        time.Duration
}

// Result of one step.
type Result struct {
	ID      plan.ID
	Outcome graph.Outcome
	Err     error
	Ran     bool // it was begun
	Took    time.Duration
}

// Warning of what the engine leaves out of a container that it makes, or of an image that was not renewed.
type Warning struct {
	Container string // name that it was made under; "" if it is of an image
	Image     string
	Text      string // the engine's own
}

// Undone is what was taken back after a failure.
type Undone struct {
	Plan     plan.Plan // the way back
	All      bool      // of all that the run did; else of the hand-overs of some replicas
	Failures []Failure // what could not be taken back
}

// Failure is a step that failed, with what can be learned about it.
type Failure struct {
	Node      plan.Node
	Err       error  // the cause chain, as a path of verbs
	Container string // name; empty if it is not about a container
	Diagnosis *engine.Diagnosis
	Logs      []engine.LogLine // the last ones
	Waiting   []string         // services that did not start because of it, in order
	Tolerated bool             // a dependency with required: false: a warning
}

// Failed tells whether a failure counts.
func (r Report) Failed() bool {
	for _, f := range r.Failures {
		if !f.Tolerated {
			return true
		}
	}
	return false
}
