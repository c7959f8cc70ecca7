package compose

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/tutti-run/tutti/compose/bake"
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

// Checked is what was found in the build of a service's image.
type Checked struct {
	Service string
	Found   engine.BuildCheck
}

// CheckBuilds looks at the builds of a plan, in its order, and runs none.
func (t Tool) CheckBuilds(ctx context.Context, p plan.Plan) ([]Checked, error) {
	checker, ok := t.Engine.(engine.BuildChecker)
	if !ok {
		return nil, errors.New("check builds: it needs BuildKit, which the engine does not build with")
	}
	var out []Checked
	for _, n := range p.Nodes {
		s, ok := n.Step.(plan.BuildImage)
		if !ok {
			continue
		}
		found, err := checker.CheckBuild(ctx, *s.Image.Build)
		if err != nil {
			return out, fmt.Errorf("check the build of service %s: %w", n.Resource.Service, err)
		}
		out = append(out, Checked{n.Resource.Service, found})
	}
	return out, nil
}

// BakeFile words the project's builds for docker buildx bake; nil if there is none. The services are those to build.
func BakeFile(p Project, o plan.ImageOptions, check bool) ([]byte, error) {
	real := func(dir string) string {
		if to, err := filepath.EvalSymlinks(dir); err == nil {
			return to
		}
		return dir
	}
	return bake.File(p, bake.Options{Services: o.Services, Deps: o.Deps, Push: o.Push, Check: check, Change: o.Change, Real: real, Version: Version})
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
	return decide(want, have, o)
}
