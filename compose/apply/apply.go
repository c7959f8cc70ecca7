// Package apply carries out a plan: it schedules, limits and reports. It decides nothing.
package apply

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// Engine is what a run needs of an engine.
type Engine interface {
	engine.Observer
	engine.Containers
	engine.Networks
	engine.Volumes
	engine.Images
	engine.Events
	engine.Logs
	engine.Doctor
}

// Options of Run.
type Options struct {
	// Events is told how the run goes on, from one goroutine at a time; may be nil.
	Events func(Event)
	// Stop, once closed, lets running steps finish and begins no new ones; may be nil.
	Stop <-chan struct{}
	// Parallel is how many container, network and volume operations run at once; 0 is DefaultParallel.
	Parallel int
	// WaitTimeout ends all waits, counted from the beginning of the run; 0 is never.
	WaitTimeout time.Duration
}

// DefaultParallel operations keep an engine busy without making it slower.
const DefaultParallel = 8

// pullParallel and buildParallel: what one engine does well at once.
const (
	pullParallel  = 4
	buildParallel = 2
)

// Run carries out the plan. When ctx ends, running steps are abandoned; Options.Stop is the gentle way.
func Run(ctx context.Context, p plan.Plan, e Engine, o Options) Report {
	r := &run{plan: p, engine: e, o: o, began: time.Now(), containers: map[string]string{}, images: map[string]string{},
		nodes: map[plan.ID]plan.Node{}, results: map[plan.ID]Result{}, start: map[plan.ID]time.Time{}, up: newTogether()}
	for _, n := range p.Nodes {
		r.nodes[n.ID] = n
		if upWait(n) {
			r.up.expect(n.ID)
		}
	}
	r.tell(Planned{p})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if watches(p) {
		r.watch, r.broken = subscribe(ctx, e, p.Project)
	}
	r.walk(ctx)
	report := r.report(ctx)
	if r.watch != nil {
		r.watch.close()
	}
	r.tell(Ended{report})
	return report
}

// run is one carrying out of a plan.
type run struct {
	plan   plan.Plan
	engine Engine
	o      Options
	began  time.Time
	nodes  map[plan.ID]plan.Node
	watch  *watch
	broken error     // why the events could not be had
	up     *together // the waits of --wait

	mu         sync.Mutex
	containers map[string]string // ids of containers made, by key
	images     map[string]string // ids of images, by reference
	start      map[plan.ID]time.Time
	running    int

	results map[plan.ID]Result // the walk's goroutine owns it
	tellMu  sync.Mutex
}

func (r *run) tell(e Event) {
	if r.o.Events == nil {
		return
	}
	r.tellMu.Lock()
	defer r.tellMu.Unlock()
	r.o.Events(e)
}

func (r *run) walk(ctx context.Context) {
	over, teller := make(chan struct{}), sync.WaitGroup{}
	teller.Go(func() { r.tellStop(over) })
	defer func() { close(over); teller.Wait() }()
	parallel := r.o.Parallel
	if parallel <= 0 {
		parallel = DefaultParallel
	}
	w := graph.Walker[plan.ID]{Run: r.step, Ended: r.ended, Stop: r.o.Stop,
		Class: func(id plan.ID) string { return class(r.nodes[id].Step) },
		Limit: map[string]int{"change": parallel, "pull": pullParallel, "build": buildParallel}}
	if err := r.plan.Graph().Walk(ctx, w); err != nil {
		r.broken = err
	}
}

// tellStop tells of the wish to stop, if it comes before the walk is over.
func (r *run) tellStop(over <-chan struct{}) {
	select {
	case <-r.o.Stop:
		r.mu.Lock()
		running := r.running
		r.mu.Unlock()
		r.tell(Stopping{running})
	case <-over:
	}
}

// watches tells whether a plan needs the engine's events: it waits for something.
func watches(p plan.Plan) bool {
	for _, n := range p.Nodes {
		if _, ok := n.Step.(plan.WaitContainer); ok {
			return true
		}
	}
	return false
}

// class of a step, for limits: stops only wait for a process to end, and waits for something to happen; neither keeps others back.
func class(s plan.Step) string {
	switch s.(type) {
	case plan.PullImage:
		return "pull"
	case plan.BuildImage:
		return "build"
	case plan.WaitContainer, plan.StopContainer, plan.CheckImage:
		return ""
	}
	return "change"
}

// step does one node's work, and tells of it.
func (r *run) step(ctx context.Context, id plan.ID) error {
	n := r.nodes[id]
	if r.needless(n) {
		return nil
	}
	now := time.Now()
	r.mu.Lock()
	r.start[id] = now
	r.running++
	r.mu.Unlock()
	r.tell(StepStarted{n, now})
	return r.do(ctx, n)
}

// needless: every image that the step hangs on turned out to be the same.
func (r *run) needless(n plan.Node) bool {
	if len(n.Unless) == 0 {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range n.Unless {
		if r.images[s.Ref] != s.ID {
			return false
		}
	}
	return true
}

// ended records a node's end before anything that comes after it begins.
func (r *run) ended(id plan.ID, o graph.Outcome, err error) {
	r.mu.Lock()
	began, ran := r.start[id]
	if ran {
		r.running--
	}
	r.mu.Unlock()
	res := Result{ID: id, Outcome: o, Err: err}
	if ran {
		res.Took = time.Since(began)
	}
	r.results[id] = res
	r.up.reached(id)
	r.tell(StepEnded{r.nodes[id], o, err, time.Now(), res.Took})
}

func (r *run) do(ctx context.Context, n plan.Node) error {
	switch s := n.Step.(type) {
	case plan.CheckImage:
		return r.engine.ResolveImage(ctx, s.Image.Ref)
	case plan.PullImage:
		id, err := r.engine.PullImage(ctx, s.Image.Ref, s.Image.Platform, r.progress(n))
		return r.brought(s.Image.Ref, id, err)
	case plan.BuildImage:
		id, err := r.engine.BuildImage(ctx, s.Image.Ref, *s.Image.Build, r.progress(n))
		return r.brought(s.Image.Ref, id, err)
	case plan.RemoveImage:
		return gone(r.engine.RemoveImage(ctx, s.Ref))
	case plan.CreateNetwork:
		return r.createNetwork(ctx, s)
	case plan.RemoveNetwork:
		return gone(r.engine.RemoveNetwork(ctx, s.ID))
	case plan.CreateVolume:
		return r.engine.CreateVolume(ctx, s.Volume, s.Labels)
	case plan.RemoveVolume:
		return gone(r.engine.RemoveVolume(ctx, s.Name))
	case plan.WaitContainer:
		return r.wait(ctx, n, s)
	}
	return r.doContainer(ctx, n)
}

func (r *run) doContainer(ctx context.Context, n plan.Node) error {
	switch s := n.Step.(type) {
	case plan.CreateContainer:
		return r.create(ctx, s)
	case plan.StartContainer:
		return r.engine.StartContainer(ctx, r.id(s.Container))
	case plan.StopContainer:
		return gone(r.engine.StopContainer(ctx, r.id(s.Container), s.Timeout))
	case plan.RemoveContainer:
		return gone(r.engine.RemoveContainer(ctx, r.id(s.Container), s.Force, s.Volumes))
	case plan.RenameContainer:
		return r.engine.RenameContainer(ctx, r.id(s.Container), s.Name)
	case plan.UpdateContainer:
		return r.engine.UpdateContainer(ctx, r.id(s.Container), s.Spec)
	case plan.ConnectNetwork:
		return r.engine.ConnectNetwork(ctx, s.Attachment.Name, r.id(s.Container), s.Attachment)
	case plan.DisconnectNetwork:
		return gone(r.engine.DisconnectNetwork(ctx, s.Network, r.id(s.Container)))
	}
	return fmt.Errorf("%s: no way to carry out %T", n.ID, n.Step)
}

// createNetwork takes a name that is taken for success if it is taken by the project's own network: a run that was cut off may have left its
// request with the engine, and it came through just now.
func (r *run) createNetwork(ctx context.Context, s plan.CreateNetwork) error {
	_, err := r.engine.CreateNetwork(ctx, s.Network, s.Labels)
	if !errors.Is(err, engine.ErrConflict) {
		return err
	}
	have, lookErr := r.engine.Observe(ctx, engine.Query{Project: r.plan.Project})
	for _, l := range have.Networks {
		if lookErr == nil && l.Name == s.Network.Name && maps.Equal(l.Labels, s.Labels) {
			return nil
		}
	}
	return err
}

// gone takes "not there" for success: that is what was wanted.
func gone(err error) error {
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	return err
}

func (r *run) progress(n plan.Node) func(engine.Progress) {
	return func(p engine.Progress) { r.tell(StepProgress{n, p}) }
}

func (r *run) brought(ref, id string, err error) error {
	if err == nil {
		r.mu.Lock()
		r.images[ref] = id
		r.mu.Unlock()
	}
	return err
}

// id of the container that a reference names: one that this run made, or one that was there.
func (r *run) id(ref plan.Ref) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if id, ok := r.containers[ref.Key]; ok {
		return id
	}
	return ref.ID
}

func (r *run) create(ctx context.Context, s plan.CreateContainer) error {
	c := engine.NewContainer{Name: s.Name, Spec: s.Spec, Labels: maps.Clone(s.Labels), Peers: map[string]string{}, Inherit: s.Inherit}
	r.mu.Lock()
	c.Labels[container.LabelImage] = cmp.Or(r.images[s.Spec.Image], s.ImageID)
	r.mu.Unlock()
	for k, ref := range s.Peers {
		c.Peers[k] = r.id(ref)
	}
	if s.HashWith != nil {
		c.Labels[container.LabelConfigHash] = s.HashWith(func(service string) string { return c.Peers["service:"+service] })
	}
	for _, l := range s.Links {
		c.Links = append(c.Links, l.Name+":"+l.Alias)
	}
	id, err := r.engine.CreateContainer(ctx, c)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.containers[s.Container.Key] = id
	r.mu.Unlock()
	return nil
}
