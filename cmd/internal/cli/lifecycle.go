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
	run   run
	needs bool // it is an error if there is no container
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
	p, err := o.decide(ctx, func(ctx context.Context) (plan.Plan, error) { return make(t, ctx, project, o.LifecycleOptions) })
	if err != nil {
		return err
	}
	if o.needs && p.Empty() {
		if err := t.CheckContainers(ctx, project, o.Services); err != nil {
			return err
		}
	}
	if p, err = o.ready(ctx, t, project, p); err != nil {
		return err
	}
	return o.carryOut(ctx, t, p, o.run)
}
