package compose

import (
	"context"
	"errors"
	"slices"

	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// Outrun are the failures of a run that the world may be the reason of, having moved after the plan was made: a name was taken or a container
// was gone. That happens when the engine is still busy with what a killed run has asked of it.
func Outrun(r apply.Report) []apply.Failure {
	var out []apply.Failure
	for _, f := range r.Failures {
		if outrun(f) {
			out = append(out, f)
		}
	}
	return out
}

func outrun(f apply.Failure) bool {
	gone := errors.Is(f.Err, engine.ErrNotFound)
	switch f.Node.Step.(type) {
	case plan.CreateContainer, plan.CreateNetwork, plan.ConnectNetwork, plan.RenameContainer:
		return gone || errors.Is(f.Err, engine.ErrConflict)
	case plan.StartContainer: // a conflict there is about a port
		return gone
	}
	return false
}

// Moved tells whether the world did move: a new plan would not do again what failed.
func Moved(failed []apply.Failure, now plan.Plan) bool {
	return slices.ContainsFunc(failed, func(f apply.Failure) bool {
		n, again := now.Node(f.Node.ID)
		return !again || n.Fingerprint() != f.Node.Fingerprint()
	})
}

// Stale tells whether containers have come, gone, started or stopped since a plan was made: one call. Another command may have ended between the
// look that the plan was made from and the moment when the project was ours.
func (t Tool) Stale(ctx context.Context, project string, p plan.Plan) (bool, error) {
	now, err := t.Engine.ListContainers(ctx, project)
	same := func(x, y container.Live) bool { return x.ID == y.ID && x.Name == y.Name && x.Up() == y.Up() }
	return err == nil && !slices.EqualFunc(p.Found, now, same), err
}
