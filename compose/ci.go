package compose

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
)

// Case is one part of a ci run: a service that is brought up, the command, the way down.
type Case struct {
	Suite, Name string // "up", "web"
	Took        time.Duration
	Failure     string   // "" if it went well
	Output      []string // the last lines that what failed wrote
	Skipped     bool     // it did not come to it
}

// Trial gathers the cases of a run from its events. The zero value is ready.
type Trial struct {
	Began bool // a plan was being carried out
	spans map[string]*span
	fails []apply.Failure
}

// span from the first step of a case to its last.
type span struct {
	from, to time.Time
	skipped  bool
}

// Event takes in how the run goes on.
func (t *Trial) Event(e apply.Event) {
	switch e := e.(type) {
	case apply.Planned:
		t.Began = true
		t.spans, t.fails = map[string]*span{}, nil
		for _, n := range e.Plan.Nodes {
			t.spans[subject(n)] = &span{}
		}
	case apply.StepStarted:
		if s := t.of(e.Node); s.from.IsZero() || e.At.Before(s.from) {
			s.from = e.At
		}
	case apply.StepEnded:
		s := t.of(e.Node)
		s.skipped = s.skipped || e.Outcome == graph.Skipped || e.Outcome == graph.Cancelled
		if !s.from.IsZero() && e.At.After(s.to) {
			s.to = e.At
		}
	case apply.Ended:
		t.fails = e.Report.Failures
	}
}

func (t *Trial) of(n plan.Node) *span {
	s := t.spans[subject(n)]
	if s == nil { // of the way back
		s = &span{}
		t.spans[subject(n)] = s
	}
	return s
}

// subject is the service that a step is about, or what else it works on.
func subject(n plan.Node) string {
	if n.Resource.Service != "" {
		return n.Resource.Service
	}
	return fmt.Sprintf("%s %s", n.Resource.Kind, n.Resource.Name)
}

// Cases of what was gathered, in order of name.
func (t *Trial) Cases(suite string) []Case {
	var out []Case
	for name, s := range t.spans {
		c := Case{Suite: suite, Name: name, Skipped: s.skipped}
		if s.to.After(s.from) {
			c.Took = s.to.Sub(s.from)
		}
		t.fail(&c)
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Case) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// fail a case by the first failure of it that counts.
func (t *Trial) fail(c *Case) {
	i := slices.IndexFunc(t.fails, func(f apply.Failure) bool { return !f.Tolerated && subject(f.Node) == c.Name })
	if i < 0 {
		return
	}
	f := t.fails[i]
	c.Skipped, c.Failure = false, string(f.Node.ID)
	if f.Err != nil {
		c.Failure = f.Err.Error()
	}
	for _, l := range f.Logs {
		c.Output = append(c.Output, l.Text)
	}
}

// SaveLogs writes all that each container of a project has written so far to what open gives for its name, also of those that have ended.
func (t Tool) SaveLogs(ctx context.Context, project string, open func(container string) (io.WriteCloser, error)) error {
	all, err := t.Engine.ListContainers(ctx, project)
	for _, l := range all {
		err = errors.Join(err, t.saveLog(ctx, l.ID, l.Name, open))
	}
	return err
}

func (t Tool) saveLog(ctx context.Context, id, name string, open func(string) (io.WriteCloser, error)) error {
	w, err := open(name)
	if err != nil {
		return err
	}
	err = t.Engine.Logs(ctx, id, engine.LogOptions{Tail: "all"}, func(l engine.LogLine) error {
		_, err := fmt.Fprintln(w, l.Text)
		return err
	})
	if errors.Is(err, engine.ErrNotFound) {
		err = nil
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("save logs of %s: %w", name, err)
	}
	return nil
}
