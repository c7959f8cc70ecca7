package compose

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// StatsOptions of Stats.
type StatsOptions struct {
	Services []string
	All      bool // also containers that do not run
	Once     bool // one sample of each, then the end
}

// Sample of what a container uses; Known is false as long as there is none.
type Sample struct {
	Container container.Live
	Usage     engine.Usage
	Known     bool
}

// Stats measures containers: show is called with all samples, in order of name, whenever all that run have a newer one. Without Once it goes on
// until ctx ends or no container is left; it measures those that were there in the beginning and those that are started meanwhile.
func (t Tool) Stats(ctx context.Context, p Project, o StatsOptions, show func([]Sample) error) error {
	all, err := t.containersOf(ctx, p, o.Services, !o.All)
	if err != nil {
		return err
	}
	if o.Once {
		samples := make([]Sample, len(all))
		err := each(all, func(i int, l container.Live) error {
			samples[i].Container = l
			if !l.Up() {
				return nil
			}
			return unlessGone(t.Engine.Usage(ctx, l.ID, true, func(u engine.Usage) error { samples[i].Usage, samples[i].Known = u, true; return nil }))
		})
		return errors.Join(err, show(samples))
	}
	return t.measure(ctx, p, o, all, show)
}

// unlessGone: a container that ends while it is measured is no error.
func unlessGone(err error) error {
	if errors.Is(err, engine.ErrNotFound) || errors.Is(err, engine.ErrConflict) {
		return nil
	}
	return err
}

// gauge keeps the newest samples. Whoever brings the one that was missing shows them.
type gauge struct {
	mu       sync.Mutex
	readings []*reading
	show     func([]Sample) error
	failed   context.CancelCauseFunc // what it could not show
}

// reading of a container; due: it is measured, and there is no sample that was not shown yet.
type reading struct {
	Sample
	due bool
}

// add a container, which is measured from now on or only listed.
func (g *gauge) add(l container.Live, measured bool) *reading {
	g.mu.Lock()
	defer g.mu.Unlock()
	r := &reading{Sample{Container: l}, measured}
	g.readings = slices.DeleteFunc(g.readings, func(o *reading) bool { return o.Container.ID == l.ID })
	g.readings = append(g.readings, r)
	slices.SortFunc(g.readings, func(a, b *reading) int { return byName(a.Container, b.Container) })
	return r
}

func (g *gauge) take(r *reading, u engine.Usage) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r.Usage, r.Known, r.due = u, true, false
	if slices.ContainsFunc(g.readings, func(o *reading) bool { return o.due }) {
		return
	}
	g.tell()
	for _, o := range g.readings {
		o.due = o.Known
	}
}

// drop a container that has ended; keep it in the list if those are wanted too.
func (g *gauge) drop(r *reading, keep bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	r.Known, r.due = false, false
	if !keep {
		g.readings = slices.DeleteFunc(g.readings, func(o *reading) bool { return o == r })
	}
	g.tell()
}

func (g *gauge) tell() {
	out := make([]Sample, len(g.readings))
	for i, r := range g.readings {
		out[i] = r.Sample
	}
	if err := g.show(out); err != nil {
		g.failed(err)
	}
}

// measure as long as there is something to.
func (t Tool) measure(ctx context.Context, p Project, o StatsOptions, all []container.Live, show func([]Sample) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	events, broken, err := t.Engine.Subscribe(ctx, p.Name)
	if err != nil {
		return err
	}
	g := &gauge{show: show, failed: cancel}
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel(nil)
	follow := func(r *reading) {
		group.Go(func() {
			_ = t.Engine.Usage(ctx, r.Container.ID, false, func(u engine.Usage) error { g.take(r, u); return nil }) // it has ended, or we have
			if ctx.Err() == nil {
				g.drop(r, o.All)
			}
		})
	}
	var up []*reading
	for _, l := range all {
		if r := g.add(l, l.Up()); l.Up() {
			up = append(up, r)
		}
	}
	g.tell()
	for _, r := range up { // once all are known
		follow(r)
	}
	for e := range events {
		service := e.Labels[container.LabelService]
		if e.Kind == engine.EventStart && (len(o.Services) == 0 || slices.Contains(o.Services, service)) {
			follow(g.add(container.Live{ID: e.Container, Name: e.Name, Labels: e.Labels, State: container.Running}, true))
		}
	}
	return errors.Join(context.Cause(ctx), <-broken)
}
