package apply

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
)

// lastLines of a failed container are shown.
const lastLines = "10"

// diagnoseFor is how long looking at what failed may take.
const diagnoseFor = 5 * time.Second

// report sums up, and looks closer at what failed: also when the run was cancelled.
func (r *run) report(ctx context.Context) Report {
	r.made.mu.Lock() // the way back of a unit reports while the walk goes on
	warnings := slices.Clone(r.warnings)
	r.made.mu.Unlock()
	out := Report{Took: time.Since(r.began), Undone: r.undoing.undone, Warnings: warnings}
	for _, n := range r.plan.Nodes {
		res, ok := r.results[n.ID] // the walk is over
		if !ok {
			res = Result{ID: n.ID, Outcome: graph.Failed, Err: r.broken}
		}
		out.Results = append(out.Results, res)
		if s, is := n.Step.(plan.SnapshotVolume); is && res.Outcome == graph.Done {
			out.Snapshots = append(out.Snapshots, s)
		}
		switch {
		case res.Outcome == graph.Cancelled && !errors.Is(context.Cause(r.stop), errAtomic):
			out.Interrupted = true
		case res.Outcome == graph.Failed:
			out.Failures = append(out.Failures, Failure{Node: n, Err: res.Err, Waiting: r.waiting(n), Tolerated: r.tolerated(n, res.Err)})
		}
	}
	r.diagnose(ctx, out.Failures)
	return out
}

// waiting are the services that did not start because a step failed.
func (r *run) waiting(failed plan.Node) []string {
	var out []string
	for _, id := range r.plan.Graph().Reach(failed.ID) {
		n := r.nodes[id]
		if _, starts := n.Step.(plan.StartContainer); !starts || r.results[id].Outcome != graph.Skipped {
			continue
		}
		if s := n.Resource.Service; (s != failed.Resource.Service || failed.Resource.Kind != plan.Container && failed.Resource.Kind != plan.Service) && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	slices.Sort(out)
	return out
}

// tolerated: everything that waited for it could do without, or it was to go and somebody else still uses it.
func (r *run) tolerated(n plan.Node, err error) bool {
	switch n.Step.(type) {
	case plan.RemoveNetwork, plan.RemoveVolume, plan.RemoveImage:
		return errors.Is(err, engine.ErrConflict) && r.onlyRemovals(n)
	}
	return plan.Optional(n.Step)
}

// onlyRemovals come after a step.
func (r *run) onlyRemovals(n plan.Node) bool {
	return !slices.ContainsFunc(r.plan.Graph().Reach(n.ID), func(id plan.ID) bool {
		switch r.nodes[id].Step.(type) {
		case plan.RemoveNetwork, plan.RemoveVolume, plan.RemoveImage:
			return false
		}
		return true
	})
}

// diagnose the containers of what failed, all at once.
func (r *run) diagnose(ctx context.Context, failures []Failure) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), diagnoseFor)
	defer cancel()
	var all sync.WaitGroup
	for i := range failures {
		if before, ok := r.lookedAt(failures[i].Node.ID); ok {
			before.Waiting = failures[i].Waiting
			failures[i] = before
		} else if ref, ok := subject(failures[i].Node.Step); ok {
			all.Go(func() { r.look(ctx, r.id(ref), &failures[i]) })
		}
	}
	all.Wait()
}

// lookedAt is a failure that was looked at before.
func (r *run) lookedAt(id plan.ID) (Failure, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f, ok := r.looked[id]
	return f, ok
}

// subject is the container that a failed step leaves something to learn about.
func subject(s plan.Step) (plan.Ref, bool) {
	switch s := s.(type) {
	case plan.StartContainer:
		return s.Container, true
	case plan.WaitContainer:
		return s.Container, true
	}
	return plan.Ref{}, false
}

func (r *run) look(ctx context.Context, id string, f *Failure) {
	f.Container = f.Node.Resource.Name
	if d, err := r.engine.Diagnose(ctx, id); err == nil {
		d.OOMKilled = d.OOMKilled || d.ExitCode == killed && r.outOfMemory(ctx, id)
		f.Diagnosis = &d
	}
	// What cannot be read is not worth another error: the failure itself is told.
	_ = r.engine.Logs(ctx, id, engine.LogOptions{Tail: lastLines}, func(l engine.LogLine) error {
		f.Logs = append(f.Logs, l)
		return nil
	})
}

const (
	killed  = 128 + 9     // exit code of a process that SIGKILL ended
	oomSoon = time.Second // how much later than the end the engine may tell that memory was the reason
)

// outOfMemory tells whether a container was killed for want of memory: the engine notices that only after it has told of the end.
func (r *run) outOfMemory(ctx context.Context, id string) bool {
	if r.watch == nil {
		return false
	}
	late := time.After(oomSoon)
	for {
		st, changed, err := r.watch.next(id)
		if err != nil || st.oom {
			return st.oom
		}
		select {
		case <-changed:
		case <-late:
			d, err := r.engine.Diagnose(ctx, id)
			return err == nil && d.OOMKilled
		}
	}
}
