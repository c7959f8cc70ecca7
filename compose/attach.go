package compose

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// Cascade says what becomes of the others when a container ends.
type Cascade string

// The cascades.
const (
	NoCascade     Cascade = ""
	StopOnExit    Cascade = "exit"    // --abort-on-container-exit
	StopOnFailure Cascade = "failure" // --abort-on-container-failure
)

// AttachOptions of Attach.
type AttachOptions struct {
	Services []string // whose containers are brought up; none: all
	Show     []string // whose lines are told
	Cascade  Cascade
	ExitFrom string // the service whose exit code counts
}

// Attachment follows the containers of an `up`.
type Attachment struct {
	// Names of the containers followed from the beginning, in order: those that run and those that the plan starts.
	Names []container.Live
	// Aborted is closed when a container's end asks that the others be stopped.
	Aborted <-chan struct{}
	// Ended is closed when, after Settle, all containers have ended.
	Ended <-chan struct{}

	o       AttachOptions
	project Project
	abort   sync.Once
	aborted chan struct{}
	ended   chan struct{}
	settle  chan apply.Report
	leave   chan struct{}
	leaving sync.Once
	held    atomic.Int32
	let     chan struct{}
	cancel  context.CancelFunc

	mu   sync.Mutex
	code *int
	err  error
}

// Attach begins to follow, before plan p is carried out, so that no line is lost: what runs already is followed from now on, what the plan starts
// from its first line. tell is called from one goroutine at a time. Close it in the end.
func (t Tool) Attach(ctx context.Context, project Project, p plan.Plan, o AttachOptions, tell func(Output)) (*Attachment, error) {
	ctx, cancel := context.WithCancel(ctx)
	a := &Attachment{o: o, project: project, aborted: make(chan struct{}), ended: make(chan struct{}), settle: make(chan apply.Report, 1), leave: make(chan struct{}), let: make(chan struct{}, 1), cancel: cancel}
	a.Aborted, a.Ended = a.aborted, a.ended
	events, broken, err := t.Engine.Subscribe(ctx, project.Name)
	if err != nil {
		cancel()
		return nil, err
	}
	all, err := t.shown(ctx, project.Name)
	if err != nil {
		cancel()
		return nil, err
	}
	f := a.follower(ctx, t.Engine, all, p, tell)
	go func() {
		defer close(a.ended)
		a.err = f.run(events, broken)
	}()
	return a, nil
}

func (a *Attachment) follower(ctx context.Context, e engine.Engine, all []container.Live, p plan.Plan, tell func(Output)) *follower {
	f := newFollower(ctx, e, a.o.shows, func(o Output) {
		if end, ok := o.(Exited); ok {
			a.judge(end)
			if !a.o.shows(end.From) {
				return
			}
		}
		tell(o)
	})
	f.counts = a.counts
	f.settle, f.leave = a.settle, a.leave
	f.held, f.let = func() bool { return a.held.Load() > 0 }, a.let
	f.taken, f.expected = takenDown(p), f.starts(p)
	for _, l := range all {
		switch {
		case f.taken[l.ID] == gone || !f.watches(l):
		case l.Up():
			c := &cursor{live: l}
			c.fromNow()
			f.resume(c)
			a.name(l)
		default:
			f.know(&cursor{live: l, since: stamp(f.began)})
		}
	}
	a.starting(p, all)
	return f
}

// shows tells whether the lines of a container are wanted.
func (o AttachOptions) shows(l container.Live) bool {
	return !l.OneOff() && slices.Contains(o.Show, l.Service())
}

// counts tells whether a container keeps the attachment going, and its end asks for the others' end.
func (a *Attachment) counts(l container.Live) bool {
	_, ours := a.project.Service(l.Service())
	return ours && !l.OneOff() && (len(a.o.Services) == 0 || slices.Contains(a.o.Services, l.Service()) || l.Service() == a.o.ExitFrom)
}

// name adds a container to those that are followed.
func (a *Attachment) name(l container.Live) {
	known := func(o container.Live) bool { return o.Name == l.Name }
	if a.o.shows(l) && !slices.ContainsFunc(a.Names, known) {
		a.Names = append(a.Names, l)
		slices.SortFunc(a.Names, byName)
	}
}

// starting adds the containers that the plan starts.
func (a *Attachment) starting(p plan.Plan, all []container.Live) {
	made := map[string]map[string]string{}
	for _, n := range p.Nodes {
		switch s := n.Step.(type) {
		case plan.CreateContainer:
			made[s.Container.Key] = s.Labels
		case plan.StartContainer:
			l := container.Live{Name: n.Resource.Name, Labels: made[s.Container.Key]}
			if i := slices.IndexFunc(all, func(l container.Live) bool { return l.ID == s.Container.ID }); i >= 0 {
				l = all[i]
			}
			a.name(l)
		}
	}
}

// judge draws the conclusion from a container's end.
func (a *Attachment) judge(e Exited) {
	if e.Restarting || !a.counts(e.From) || a.held.Load() > 0 {
		return
	}
	if from := a.o.ExitFrom; from == "" || from == e.From.Service() {
		a.keep(e)
	}
	if a.o.Cascade == StopOnExit && !a.expected(e) || a.o.Cascade == StopOnFailure && e.Code != 0 {
		a.abort.Do(func() { close(a.aborted) })
	}
}

// keep the exit code of the first that counts.
func (a *Attachment) keep(e Exited) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.code == nil && (a.o.ExitFrom != "" || a.o.Cascade == StopOnExit && !a.expected(e) || a.o.Cascade == StopOnFailure && e.Code != 0) {
		a.code = &e.Code
	}
}

// expected: a one-shot that others wait for has done its work.
func (a *Attachment) expected(e Exited) bool {
	return e.Code == 0 && e.From.Service() != a.o.ExitFrom && slices.ContainsFunc(a.project.Services, func(s desired.Service) bool {
		return slices.ContainsFunc(s.Depends, func(d desired.Dependency) bool {
			return d.Service == e.From.Service() && d.Condition == desired.Completed
		})
	})
}

// Settle says how the plan was carried out: from now on the attachment ends with its containers. What was started is waited for, as its event
// may still be on the way.
func (a *Attachment) Settle(r apply.Report) { a.settle <- r }

// Leave says that the containers are being stopped for good: the attachment ends with the last of them, and waits for none to come back.
func (a *Attachment) Leave() { a.leaving.Do(func() { close(a.leave) }) }

// Hold says that containers are being replaced or restarted on purpose: until release is called, their ends say nothing.
func (a *Attachment) Hold() (release func()) {
	a.held.Add(1)
	return func() {
		a.held.Add(-1)
		select {
		case a.let <- struct{}{}:
		default:
		}
	}
}

// ExitCode that the containers' ends ask for: 0 if none does.
func (a *Attachment) ExitCode() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.code == nil {
		return 0
	}
	return *a.code
}

// Close stops following and gives the error that ended it, if one did.
func (a *Attachment) Close() error {
	a.cancel()
	<-a.ended
	if errors.Is(a.err, context.Canceled) {
		return nil
	}
	return a.err
}

// Kill ends the running containers of services at once.
func (t Tool) Kill(ctx context.Context, p Project, services []string) error {
	all, err := t.Engine.ListContainers(ctx, p.Name)
	if err != nil {
		return err
	}
	var errs []error
	for _, l := range all {
		if !l.Up() || l.OneOff() || len(services) > 0 && !slices.Contains(services, l.Service()) {
			continue
		}
		err := t.Engine.KillContainer(ctx, l.ID, "SIGKILL")
		if err != nil && !errors.Is(err, engine.ErrNotFound) && !errors.Is(err, engine.ErrConflict) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// fate of a container that a plan stops.
type fate int

const (
	stopped fate = iota + 1 // and maybe started again
	gone
)

// takenDown are the containers whose end the plan itself brings about, by id.
func takenDown(p plan.Plan) map[string]fate {
	out := map[string]fate{}
	for _, n := range p.Nodes {
		switch s := n.Step.(type) {
		case plan.StopContainer:
			out[s.Container.ID] = max(out[s.Container.ID], stopped)
		case plan.RemoveContainer:
			out[s.Container.ID] = gone
		}
	}
	return out
}
