package cli

import (
	"context"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/plan"
)

// lifecycle of the containers that there are: what start, stop and restart have in common.
type lifecycle struct {
	*cli
	compose.LifecycleOptions
	run     run
	needs   bool         // it is an error if there is no container
	nothing func() error // what to say if there is nothing to do; may be nil
	// agreed tells whether the plan may be carried out; nil: it may.
	agreed func(context.Context, plan.Plan) (bool, error)
}

type planner func(compose.Tool, context.Context, compose.Project, compose.LifecycleOptions) (plan.Plan, error)

func (o *lifecycle) carry(ctx context.Context, make planner) error {
	project, err := o.project(ctx, o.Services)
	if err != nil {
		return err
	}
	if err := compose.CheckServices(project, o.Services); err != nil {
		return err
	}
	t, err := o.tool(ctx)
	if err != nil {
		return err
	}
	again := func(ctx context.Context) (plan.Plan, error) { return make(t, ctx, project, o.LifecycleOptions) }
	p, err := o.decide(ctx, again)
	if err != nil {
		return err
	}
	if o.agreed != nil && !p.Empty() { // before others have to wait for an answer
		if yes, err := o.agreed(ctx, p); err != nil || !yes {
			return err
		}
	}
	return o.exclusively(ctx, t, p, job{project: project, command: o.run.title, again: again, do: func(t compose.Tool, p plan.Plan) error {
		return o.change(ctx, t, project, p)
	}})
}

// change the containers as planned.
func (o *lifecycle) change(ctx context.Context, t compose.Tool, project compose.Project, p plan.Plan) error {
	if o.nothing != nil && p.Empty() {
		return o.nothing()
	}
	if o.needs && p.Empty() {
		if err := t.CheckContainers(ctx, project, o.Services, o.AsCompose); err != nil {
			return err
		}
	}
	if o.agreed != nil {
		if yes, err := o.agreed(ctx, p); err != nil || !yes {
			return err
		}
	}
	p, err := o.ready(ctx, t, project, p)
	if err != nil {
		return err
	}
	return o.carryOut(ctx, t, p, o.run)
}
