package compose

import (
	"context"
	"time"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
)

// PlanPull says which images to pull.
func (t Tool) PlanPull(ctx context.Context, p Project, o plan.ImageOptions) (plan.Plan, error) {
	return t.bring(ctx, p, o, plan.Pull)
}

// PlanPush says which images to push.
func (t Tool) PlanPush(ctx context.Context, p Project, o plan.ImageOptions) (plan.Plan, error) {
	return t.bring(ctx, p, o, plan.Push)
}

// PlanBuild says which images to build.
func (t Tool) PlanBuild(ctx context.Context, p Project, o plan.ImageOptions) (plan.Plan, error) {
	return t.bring(ctx, p, o, plan.BuildImages)
}

func (t Tool) bring(ctx context.Context, p Project, o plan.ImageOptions, decide func(desired.State, engine.Snapshot, plan.ImageOptions) (plan.Plan, error)) (plan.Plan, error) {
	want, wrong := desired.Build(p, desired.Options{Version: Version})
	if wrong.HasErrors() {
		return plan.Plan{}, located(wrong, p)
	}
	q := engine.Query{Project: p.Name}
	for _, s := range p.Services {
		for _, img := range s.Images() {
			q.Images = append(q.Images, img.Ref)
		}
	}
	have, err := t.Engine.Observe(ctx, q)
	if err != nil {
		return plan.Plan{}, err
	}
	o.Now = time.Now()
	return decide(want, have, o)
}
