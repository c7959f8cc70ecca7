// Package apply carries out a plan: it schedules, limits, reports, and takes back as the plan says what does not come to its end. It decides nothing.
package apply

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
)

// Engine is what a run needs of an engine.
type Engine interface {
	engine.Observer
	engine.Containers
	engine.Pausing
	engine.Networks
	engine.Volumes
	engine.Data
	engine.Contents
	engine.Images
	engine.Tags
	engine.Execs
	engine.Events
	engine.Logs
	engine.Doctor
}

// Options of Run.
type Options struct {
	// Events is told how the run goes on, from one goroutine at a time; may be nil.
	Events func(Event)
	// Outside runs what no engine does; nil: it cannot be had.
	Outside Outside
	// Stop, once closed, lets running steps finish, but for builds, and begins no new ones; may be nil.
	Stop <-chan struct{}
	// Parallel is how many container, network and volume operations run at once; 0 is DefaultParallel.
	Parallel int
	// WaitTimeout ends all waits, counted from when all images are there; 0 is never.
	WaitTimeout time.Duration
}

// DefaultParallel operations keep an engine busy without making it slower.
const DefaultParallel = 8

// pullParallel of one registry, buildParallel and stopParallel: what one engine does well at once. Stops that only wait for processes to end keep others
// back no longer than stopPatience.
const (
	pullParallel  = 4
	buildParallel = 2
	stopParallel  = 12
	stopPatience  = time.Second
)

// Run carries out the plan, and takes back what the plan says is to be taken back when it fails. When ctx ends, running steps are abandoned;
// Options.Stop is the gentle way.
func Run(ctx context.Context, p plan.Plan, e Engine, o Options) Report {
	r := newRun(p, e, o)
	r.tell(Planned{p})
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if watches(p) {
		r.watch, r.broken = subscribe(ctx, e, p.Project)
	}
	r.walk(ctx)
	r.undoing.all.Wait()
	r.undoAll(ctx)
	report := r.report(ctx)
	if r.watch != nil {
		r.watch.close()
	}
	r.tell(Ended{report})
	return report
}

// run is one carrying out of a plan. Taking back is a run of its own, which shares with its parent what was made.
type run struct {
	plan    plan.Plan
	engine  Engine
	o       Options
	back    bool // it takes back what another run did
	began   time.Time
	nodes   map[plan.ID]plan.Node
	watch   *watch
	broken  error     // why the events could not be had
	up      *together // the waits of --wait
	probers probers
	*made

	stop context.Context         // once it ends no step begins: errAsked or errAtomic is why
	halt context.CancelCauseFunc // ends it

	mu       sync.Mutex
	start    map[plan.ID]time.Time
	running  int
	fetching int       // steps under way that bring images
	fetched  time.Time // when the last of them ended, or the run began
	results  map[plan.ID]Result
	looked   map[plan.ID]Failure // failures that were looked at before they were taken back

	undoing undoing
	tellMu  *sync.Mutex
}

// Why no more steps begin.
var (
	errAsked  = errors.New("asked to stop")
	errAtomic = errors.New("a step of an atomic plan has failed")
)

// made is what came into being.
type made struct {
	mu         sync.Mutex
	containers map[string]string           // ids of containers made, by key
	images     map[string]string           // ids of images, by reference, and digests of variables, by what gave them
	given      map[string]Variables        // by what gave them
	addresses  map[string]string           // that containers had asked for, by id and network
	reserved   map[string]network.Reserved // addresses that may be asked for, by network
	warnings   []Warning

	endpoints endpoints
}

func newRun(p plan.Plan, e Engine, o Options) *run {
	r := &run{plan: p, engine: e, o: o, began: time.Now(), fetched: time.Now(), up: newTogether(),
		made:  &made{containers: map[string]string{}, images: map[string]string{}, given: map[string]Variables{}, addresses: map[string]string{}, reserved: maps.Clone(p.Reserved)},
		nodes: map[plan.ID]plan.Node{}, results: map[plan.ID]Result{}, start: map[plan.ID]time.Time{}, looked: map[plan.ID]Failure{}, tellMu: &sync.Mutex{}}
	if r.reserved == nil {
		r.reserved = map[string]network.Reserved{}
	}
	for _, n := range p.Nodes {
		r.nodes[n.ID] = n
		if upWait(n) {
			r.up.expect(n.ID)
		}
	}
	r.probers.of = map[string]*prober{}
	r.undoing.expect(p)
	r.endpoints.turn.L = &r.endpoints.mu
	r.stop, r.halt = context.WithCancelCause(context.Background())
	return r
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
	over, listener := make(chan struct{}), sync.WaitGroup{}
	if !r.asked() {
		listener.Go(func() { r.listen(over) })
	}
	defer func() { close(over); listener.Wait(); r.halt(nil) }()
	parallel := r.o.Parallel
	if parallel <= 0 {
		parallel = DefaultParallel
	}
	w := graph.Walker[plan.ID]{Run: r.step, Stop: r.stop.Done(),
		Ended: func(id plan.ID, o graph.Outcome, err error) { r.ended(ctx, id, o, err) },
		Class: func(id plan.ID) string { return class(r.nodes[id].Step) },
		Limit: limits(r.plan, parallel), Patience: map[string]time.Duration{"stop": stopPatience}}
	if err := r.plan.Graph().Walk(ctx, w); err != nil {
		r.broken = err
	}
}

// listen for the wish to stop until the walk is over.
func (r *run) listen(over <-chan struct{}) {
	select {
	case <-r.o.Stop:
		r.asked()
	case <-over:
	}
}

// asked to stop: then no step begins any more, and it is told.
func (r *run) asked() bool {
	select {
	case <-r.o.Stop:
	default:
		return false
	}
	running := r.finishing()
	r.halt(errAsked)
	r.tell(Stopping{running})
	return true
}

// finishing is how many steps run that go on to their end: a build does not.
func (r *run) finishing() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.running
	for id := range r.start {
		_, over := r.results[id]
		if _, builds := r.nodes[id].Step.(plan.BuildImage); builds && !over {
			out--
		}
	}
	return out
}

// watches tells whether a plan needs the engine's events: it waits for something, or may have to when it is taken back.
func watches(p plan.Plan) bool {
	for _, n := range p.Nodes {
		if _, ok := n.Step.(plan.WaitContainer); ok || n.Unit != "" || p.Atomic {
			return true
		}
	}
	return false
}

// class of a step, for limits: renames wait for others, and waits for something to happen; they keep nobody back.
func class(s plan.Step) string {
	switch s := s.(type) {
	case plan.PullImage:
		return fromRegistry(s.Image.Ref)
	case plan.PushImage:
		return fromRegistry(s.Ref)
	case plan.ServeModel:
		return "model"
	case plan.BuildImage:
		return "build"
	case plan.StopContainer:
		return "stop"
	case plan.WaitContainer, plan.RenameContainer, plan.CheckImage, plan.TryVolume, plan.Verify, plan.Pause, plan.Commit, plan.Provide, plan.PublishProject:
		return ""
	}
	return "change"
}

// fetches tells whether a step brings an image.
func fetches(s plan.Step) bool {
	switch s.(type) {
	case plan.PullImage, plan.BuildImage:
		return true
	}
	return false
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
	if fetches(n.Step) {
		r.fetching++
	}
	r.mu.Unlock()
	r.tell(StepStarted{n, now})
	return r.do(ctx, n)
}

// needless: every image that the step hangs on turned out to be the same, or what it would build, or would be built from that, was pulled.
func (r *run) needless(n plan.Node) bool {
	r.made.mu.Lock()
	defer r.made.mu.Unlock()
	if b, is := n.Step.(plan.BuildImage); is {
		built := func(ref string) bool { return r.images[ref] == "" } // or will be
		return b.Unpulled && !built(b.Image.Ref) || len(b.For) > 0 && !slices.ContainsFunc(b.For, built)
	}
	if len(n.Unless) == 0 {
		return false
	}
	for _, s := range n.Unless {
		if r.images[s.Ref] != s.ID {
			return false
		}
	}
	return true
}

// ended records a node's end before anything that comes after it begins.
func (r *run) ended(ctx context.Context, id plan.ID, o graph.Outcome, err error) {
	res := Result{ID: id, Outcome: o, Err: err}
	r.mu.Lock()
	if began, ran := r.start[id]; ran {
		r.running--
		res.Took, res.Ran = time.Since(began), true
		if fetches(r.nodes[id].Step) {
			r.fetching--
			r.fetched = time.Now()
		}
	}
	r.results[id] = res
	r.mu.Unlock()
	r.up.reached(id)
	n := r.nodes[id]
	r.tell(StepEnded{n, o, err, time.Now(), res.Took})
	if r.plan.Atomic {
		if o == graph.Failed && !r.tolerated(n, err) {
			r.halt(errAtomic)
		}
		return
	}
	r.undo(ctx, n, o)
}

// result of a step that has ended, or the zero value.
func (r *run) result(id plan.ID) Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.results[id]
}

func (r *run) do(ctx context.Context, n plan.Node) error {
	switch s := n.Step.(type) {
	case plan.CheckImage:
		return r.again(ctx, n, func() error { return r.checkImage(ctx, s) })
	case plan.PullImage:
		return r.pull(ctx, n, s)
	case plan.PushImage:
		return r.again(ctx, n, func() error { return r.engine.PushImage(ctx, s.Ref, r.progress(n)) })
	case plan.BuildImage:
		return r.build(ctx, n, s)
	case plan.TagImage:
		return r.brought(s.Ref, s.ID, r.engine.TagImage(ctx, s.ID, s.Ref))
	case plan.RemoveImage:
		return gone(r.engine.RemoveImage(ctx, s.Ref))
	case plan.Provide:
		return r.provide(ctx, n, s)
	case plan.ServeModel:
		return r.serve(ctx, n, s)
	case plan.PublishProject:
		return r.publish(ctx, s)
	case plan.CreateNetwork:
		return r.createNetwork(ctx, s)
	case plan.RemoveNetwork:
		return gone(r.engine.RemoveNetwork(ctx, s.ID))
	case plan.CreateVolume:
		return r.engine.CreateVolume(ctx, s.Volume, s.Labels)
	case plan.RemoveVolume:
		return gone(r.engine.RemoveVolume(ctx, s.Name))
	case plan.TryVolume:
		return r.tryVolume(ctx, s)
	case plan.SnapshotVolume:
		return r.snapshot(ctx, n, s)
	case plan.FillVolume:
		return r.fill(ctx, n, s)
	case plan.WaitContainer:
		return r.wait(ctx, n, s)
	case plan.Verify:
		return r.verify(s)
	case plan.Pause:
		return r.pause(ctx, s.For)
	case plan.Commit:
		return nil
	}
	return r.doContainer(ctx, n)
}

func (r *run) checkImage(ctx context.Context, s plan.CheckImage) error {
	_, err := r.engine.ResolveImage(ctx, s.Image.Ref)
	return err
}

func (r *run) pullImage(ctx context.Context, n plan.Node, s plan.PullImage) error {
	id, err := r.engine.PullImage(ctx, s.Image.Ref, s.Image.Platform, r.progress(n))
	if err == nil && s.Image.Policy == image.Refresh && !strings.Contains(s.Image.Ref, "@") {
		err = r.engine.TagImage(ctx, id, s.Image.Ref) // engines keep the time at which a name was given, but not by a pull
	}
	return r.brought(s.Image.Ref, id, err)
}

// pull an image. Where there is another way to have it nobody waits for a registry that is busy.
func (r *run) pull(ctx context.Context, n plan.Node, s plan.PullImage) error {
	try := func() error { return r.pullImage(ctx, n, s) }
	if s.Else != plan.BuildInstead && s.Else != plan.UseLocal {
		return r.again(ctx, n, try)
	}
	err := try()
	if err == nil || s.Else != plan.UseLocal || ctx.Err() != nil || r.stop.Err() != nil {
		return err
	}
	r.warn(Warning{Image: s.Image.Ref, Text: "the one that is here is used: " + err.Error()})
	return r.brought(s.Image.Ref, s.Was, nil)
}

func (r *run) doContainer(ctx context.Context, n plan.Node) error {
	switch s := n.Step.(type) {
	case plan.CreateContainer:
		return r.tolerate(engine.ErrConflict, r.create(ctx, s)) // it never went
	case plan.StartContainer:
		return r.startContainer(ctx, n, s)
	case plan.StopContainer:
		return gone(r.stopContainer(ctx, n, s))
	case plan.KillContainer:
		return r.engine.KillContainer(ctx, r.id(s.Container), s.Signal)
	case plan.PauseContainer:
		return r.engine.PauseContainer(ctx, r.id(s.Container))
	case plan.UnpauseContainer:
		return r.engine.UnpauseContainer(ctx, r.id(s.Container))
	case plan.RemoveContainer:
		return r.removeContainer(ctx, s)
	case plan.RenameContainer:
		return r.endpoints.rename(func() error { return r.engine.RenameContainer(ctx, r.id(s.Container), s.Name) })
	case plan.UpdateContainer:
		return r.tolerate(engine.ErrNotFound, r.engine.UpdateContainer(ctx, r.id(s.Container), s.Spec)) // Podman 4 cannot
	case plan.ReloadContainer:
		return r.reload(ctx, s)
	case plan.ConnectNetwork:
		return r.tolerate(engine.ErrConflict, r.endpoints.change(func() error { return r.connect(ctx, s) })) // it never left
	case plan.DisconnectNetwork:
		return r.endpoints.change(func() error { return r.disconnect(ctx, s) })
	}
	return fmt.Errorf("%s: no way to carry out %T", n.ID, n.Step)
}

// createNetwork takes a name that is taken for success if it is taken by the project's own network: a run that was cut off may have left its
// request with the engine, and it came through just now.
func (r *run) createNetwork(ctx context.Context, s plan.CreateNetwork) error {
	err := r.createWithSubnet(ctx, s)
	if !errors.Is(err, engine.ErrConflict) {
		return err
	}
	have, lookErr := r.engine.Observe(ctx, engine.Query{Project: r.plan.Project})
	for _, l := range have.Networks {
		if lookErr == nil && l.Name == s.Network.Name && sameLabels(l.Labels, s.Labels) {
			return nil
		}
	}
	return err
}

func sameLabels(found, wanted map[string]string) bool {
	found = maps.Clone(found)
	delete(found, container.LabelSubnet)
	return maps.Equal(found, wanted)
}

// createWithSubnet tries the subnets that were chosen, in order: somebody may have taken one since. If all are gone the engine chooses.
func (r *run) createWithSubnet(ctx context.Context, s plan.CreateNetwork) error {
	for _, subnet := range s.Subnets {
		dynamic, reserved, halves := network.Halves(subnet)
		spec, labels := s.Network, maps.Clone(s.Labels)
		spec.IPAM.Pools = append([]network.Pool{{Subnet: subnet, IPRange: dynamic}}, spec.IPAM.Pools...)
		if labels == nil {
			labels = map[string]string{}
		}
		labels[container.LabelSubnet] = subnet
		if _, err := r.engine.CreateNetwork(ctx, spec, labels); err != nil {
			continue
		}
		if halves {
			r.made.mu.Lock()
			r.reserved[s.Network.Name] = network.Reserved{Range: reserved}
			r.made.mu.Unlock()
		}
		return nil
	}
	_, err := r.engine.CreateNetwork(ctx, s.Network, s.Labels)
	return err
}

// gone takes "not there" for success: that is what was wanted.
func gone(err error) error {
	if errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	return err
}

// tolerate a kind of error while taking back: what was to be undone was not done.
func (r *run) tolerate(kind, err error) error {
	if r.back && errors.Is(err, kind) {
		return nil
	}
	return err
}

// verify that no more hand-overs failed than may, once those that did are back as they were. If one is not, nothing goes on.
func (r *run) verify(s plan.Verify) error {
	_, stuck := r.undoing.settle(r.units(s))
	bad := 0
	for _, id := range s.Units {
		if r.result(id).Outcome != graph.Done {
			bad++
		}
	}
	if bad <= s.Allowed && !stuck {
		return nil
	}
	return &NotUpdated{Service: s.Service, Failed: bad, Of: s.Of}
}

// NotUpdated is why the rollout of a service ends early: too many of its replicas could not be replaced.
type NotUpdated struct {
	Service    string
	Failed, Of int
}

func (e *NotUpdated) Error() string {
	return fmt.Sprintf("update service %s: %d of %d replicas could not be replaced", e.Service, e.Failed, e.Of)
}

// build an image, until no more is wanted: one that is given up leaves nothing, and may have taken long yet.
func (r *run) build(ctx context.Context, n plan.Node, s plan.BuildImage) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(r.stop, cancel)()
	id, err := r.engine.BuildImage(ctx, s.Image.Ref, *s.Image.Build, r.progress(n))
	return r.brought(s.Image.Ref, id, err)
}

func (r *run) pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-r.stop.Done():
		return context.Canceled
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *run) progress(n plan.Node) func(engine.Progress) {
	return func(p engine.Progress) { r.tell(StepProgress{n, p}) }
}

func (r *run) brought(ref, id string, err error) error {
	if err == nil {
		r.made.mu.Lock()
		r.images[ref] = id
		r.made.mu.Unlock()
	}
	return err
}

// id of the container that a reference names: one that this run made, or one that was there.
func (r *run) id(ref plan.Ref) string {
	r.made.mu.Lock()
	defer r.made.mu.Unlock()
	if id, ok := r.containers[ref.Key]; ok {
		return id
	}
	return ref.ID
}

func (r *run) warn(w Warning) {
	r.made.mu.Lock()
	defer r.made.mu.Unlock()
	r.warnings = append(r.warnings, w)
}

func (r *run) create(ctx context.Context, s plan.CreateContainer) error {
	c := engine.NewContainer{Name: s.Name, Spec: s.Spec, Labels: maps.Clone(s.Labels), Peers: map[string]string{}, Links: s.Links, Inherit: s.Inherit}
	r.made.mu.Lock()
	c.Labels[container.LabelImage] = cmp.Or(r.images[s.Spec.Image], s.ImageID)
	r.made.mu.Unlock()
	for k, ref := range s.Peers {
		c.Peers[k] = r.id(ref)
	}
	if s.HashWith != nil {
		c.Labels[container.LabelConfigHash] = s.HashWith(func(service string) string { return c.Peers["service:"+service] })
	}
	r.give(&c, s.Given)
	if s.Reserve {
		c.Spec.Networks = r.reserve(c.Spec.Networks)
	}
	c.Warn = func(text string) { r.warn(Warning{Container: s.Name, Text: text}) }
	id, err := r.engine.CreateContainer(ctx, c)
	if err != nil {
		return err
	}
	r.made.mu.Lock()
	r.containers[s.Container.Key] = id
	r.made.mu.Unlock()
	return nil
}
