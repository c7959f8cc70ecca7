package compose

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
)

// Version of the tool, set when it is built; it stands in the labels of what the tool makes.
var Version = "dev"

// Plan says what Up would do. The error is a diag.List when the file asks for what cannot be.
func (t Tool) Plan(ctx context.Context, p Project, o UpOptions) (plan.Plan, error) {
	return t.decide(ctx, p, o.Scale, o.plan())
}

// decide looks at the engine and makes the plan.
func (t Tool) decide(ctx context.Context, p Project, scale map[string]int, o plan.Options) (plan.Plan, error) {
	want, wrong := desired.Build(p, desired.Options{Scale: scale, Version: Version})
	if wrong.HasErrors() {
		return plan.Plan{}, located(wrong, p)
	}
	have, err := t.Engine.Observe(ctx, query(p, o))
	if err != nil {
		return plan.Plan{}, err
	}
	if err := t.inspect(ctx, &have, plan.Inspections(want, have, o)); err != nil {
		return plan.Plan{}, err
	}
	out, err := plan.Build(want, have, o)
	if o.Former == nil && err == nil {
		var warnings diag.List
		if o.Former, warnings = t.former(ctx, p, out, have.Images); o.Former != nil {
			out, err = plan.Build(want, have, o)
		}
		out.Warnings = append(out.Warnings, warnings...)
	}
	out.Found = have.Containers
	out.Warnings = located(out.Warnings, p)
	if wrong, ok := errors.AsType[diag.List](err); ok {
		return out, located(wrong, p)
	}
	return out, err
}

// query of a project and of the images that are wanted back, by their IDs.
func query(p Project, o plan.Options) engine.Query {
	q := plan.Query(p)
	for _, ref := range slices.Sorted(maps.Keys(o.Pins)) {
		q.Images = append(q.Images, o.Pins[ref].ID)
	}
	if o.RecreateVolumes {
		q.Volumes = append(q.Volumes, plan.Snapshots(p)...)
	}
	return q
}

// located gives diagnostics that only have a path in the model the place in its files.
func located(l diag.List, p Project) diag.List {
	for i := range l {
		if p.Place != nil && l[i].Path != "" && l[i].Place == (diag.Place{}) {
			l[i].Place = p.Place(l[i].Path)
		}
	}
	return l
}

func (o UpOptions) plan() plan.Options {
	return plan.Options{Services: o.Services, NoDeps: o.NoDeps, Rerun: o.Rerun, ForceRecreate: o.Recreate == Always, NoRecreate: o.Recreate == Never,
		AlwaysRecreateDeps: o.AlwaysRecreateDeps, RemoveOrphans: o.RemoveOrphans, IgnoreOrphans: o.IgnoreOrphans,
		RenewAnonVolumes: o.RenewAnonVolumes, RecreateVolumes: o.RecreateVolumes, NoStart: o.NoStart, Wait: o.Wait, Atomic: o.Atomic, Build: o.Build || o.Pull == string(image.Rebuild), NoBuild: o.NoBuild,
		Pull: image.Policy(o.Pull), Timeout: o.Timeout, Now: time.Now()}
}

// inspect fills in what the plan needs to say what was there before, a few containers at once.
func (t Tool) inspect(ctx context.Context, s *engine.Snapshot, needs plan.Needs) error {
	var first error
	var mu sync.Mutex
	found := func(err error, keep func()) {
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			keep()
		} else if first == nil {
			first = err
		}
	}
	var all sync.WaitGroup
	slots := make(chan struct{}, apply.DefaultParallel)
	look := func(f func()) {
		all.Go(func() { slots <- struct{}{}; f(); <-slots })
	}
	for _, id := range needs.Containers {
		look(func() {
			l, err := t.Engine.Inspect(ctx, id)
			found(err, func() { replace(s.Containers, l) })
		})
	}
	for _, c := range needs.Contents {
		look(func() {
			b, err := t.Engine.ReadFile(ctx, c.Container, c.Path)
			if errors.Is(err, engine.ErrNotFound) {
				return // it is as if it were another
			}
			found(err, func() { keepContent(s.Containers, c, b) })
		})
	}
	for _, id := range needs.Images {
		look(func() {
			img, err := t.Engine.InspectImage(ctx, id)
			if err != nil { // it may be gone while its container lives on
				return
			}
			found(nil, func() { s.Images[id] = img })
		})
	}
	all.Wait()
	return first
}

func keepContent(all []container.Live, c plan.Content, content []byte) {
	i := slices.IndexFunc(all, func(l container.Live) bool { return l.ID == c.Container })
	if all[i].Contents == nil {
		all[i].Contents = map[string][]byte{}
	}
	all[i].Contents[c.Path] = content
}

// replace puts what an inspect found in the place of what a list showed, keeping what only events told.
func replace(all []container.Live, l container.Live) {
	i := slices.IndexFunc(all, func(o container.Live) bool { return o.ID == l.ID })
	if i < 0 {
		return
	}
	l.Stopped, l.Finished, l.Contents = all[i].Stopped, all[i].Finished, all[i].Contents
	all[i] = l
}

// Run carries out a plan.
func (t Tool) Run(ctx context.Context, p plan.Plan, o RunOptions) apply.Report {
	return apply.Run(ctx, p, t.Engine, apply.Options{Events: t.Events, Outside: t.outside(), Stop: t.Stop, Parallel: t.Parallel, WaitTimeout: o.WaitTimeout})
}

// PlanDown says how to take a project away; it may have only a name.
func (t Tool) PlanDown(ctx context.Context, p Project, o DownOptions) (plan.Plan, error) {
	have, err := t.Engine.Observe(ctx, plan.Query(p))
	if err != nil {
		return plan.Plan{}, err
	}
	down := plan.DownOptions{Services: o.Services, Volumes: o.Volumes, Anonymous: o.Anonymous, Images: o.Images, RemoveOrphans: o.RemoveOrphans,
		IgnoreOrphans: o.IgnoreOrphans, Timeout: o.Timeout}
	out, err := plan.Down(p, have, down)
	if err != nil {
		return out, err
	}
	former, warnings := t.former(ctx, p, out, have.Images)
	if down.Former = former; former != nil {
		out, err = plan.Down(p, have, down)
	}
	out.Found = have.Containers
	return warned(out, warnings...), err
}

// PlanStart, PlanStop and PlanRestart say how to start, stop and restart the containers that there are.
func (t Tool) PlanStart(ctx context.Context, p Project, o LifecycleOptions) (plan.Plan, error) {
	return t.lifecycle(ctx, p, o, plan.Start)
}

// PlanStop: see PlanStart.
func (t Tool) PlanStop(ctx context.Context, p Project, o LifecycleOptions) (plan.Plan, error) {
	stoppable := t.stoppable(ctx, p)
	return t.lifecycle(ctx, p, o, func(p desired.Project, have engine.Snapshot, o plan.LifecycleOptions) (plan.Plan, error) {
		o.Stoppable = stoppable
		return plan.Stop(p, have, o)
	})
}

// PlanRestart: see PlanStart.
func (t Tool) PlanRestart(ctx context.Context, p Project, o LifecycleOptions) (plan.Plan, error) {
	return t.lifecycle(ctx, p, o, plan.Restart)
}

// PlanKill says how to send what runs a signal.
func (t Tool) PlanKill(ctx context.Context, p Project, o plan.KillOptions) (plan.Plan, error) {
	return t.lifecycle(ctx, p, LifecycleOptions{}, func(p desired.Project, have engine.Snapshot, _ plan.LifecycleOptions) (plan.Plan, error) {
		return plan.Kill(p, have, o)
	})
}

// PlanPause and PlanUnpause say how to freeze what runs, and how to let it go on.
func (t Tool) PlanPause(ctx context.Context, p Project, o LifecycleOptions) (plan.Plan, error) {
	return t.lifecycle(ctx, p, o, plan.PauseContainers)
}

// PlanUnpause: see PlanPause.
func (t Tool) PlanUnpause(ctx context.Context, p Project, o LifecycleOptions) (plan.Plan, error) {
	return t.lifecycle(ctx, p, o, plan.UnpauseContainers)
}

// PlanRemove says how to remove what does not run.
func (t Tool) PlanRemove(ctx context.Context, p Project, o plan.RemoveOptions) (plan.Plan, error) {
	return t.lifecycle(ctx, p, LifecycleOptions{}, func(p desired.Project, have engine.Snapshot, l plan.LifecycleOptions) (plan.Plan, error) {
		o.Former = l.Former
		return plan.RemoveStopped(p, have, o)
	})
}

type decider func(desired.Project, engine.Snapshot, plan.LifecycleOptions) (plan.Plan, error)

func (t Tool) lifecycle(ctx context.Context, p Project, o LifecycleOptions, decide decider) (plan.Plan, error) {
	q := engine.Query{Project: p.Name}
	if nameOnly(p) { // the hooks are in the history, if anywhere
		q.Images = []string{desired.HistoryImage(p.Name)}
	}
	have, err := t.Engine.Observe(ctx, q)
	if err != nil {
		return plan.Plan{}, err
	}
	options := plan.LifecycleOptions{Services: o.Services, Timeout: o.Timeout, NoDeps: o.NoDeps, Wait: o.Wait}
	out, err := decide(p, have, options)
	if err != nil {
		return out, err
	}
	former, warnings := t.former(ctx, p, out, have.Images)
	if options.Former = former; former != nil {
		out, err = decide(p, have, options)
	}
	out.Found = have.Containers
	return warned(out, warnings...), err
}
