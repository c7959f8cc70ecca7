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
	"github.com/tutti-run/tutti/compose/graph"
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
	cancel  context.CancelFunc

	mu   sync.Mutex
	code *int
	err  error
}

// Attach begins to follow, before plan p is carried out, so that no line is lost: what runs already is followed from now on, what the plan starts
// from its first line. tell is called from one goroutine at a time. Close it in the end.
func (t Tool) Attach(ctx context.Context, project Project, p plan.Plan, o AttachOptions, tell func(Output)) (*Attachment, error) {
	ctx, cancel := context.WithCancel(ctx)
	a := &Attachment{o: o, project: project, aborted: make(chan struct{}), ended: make(chan struct{}), settle: make(chan apply.Report, 1), leave: make(chan struct{}), cancel: cancel}
	a.Aborted, a.Ended = a.aborted, a.ended
	events, broken, err := t.Engine.Subscribe(ctx, project.Name)
	if err != nil {
		cancel()
		return nil, err
	}
	all, err := t.containers(ctx, project.Name)
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
	if e.Restarting || !a.counts(e.From) {
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
	all, err := t.containers(ctx, p.Name)
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

// source is what a follower reads from.
type source interface {
	engine.Logs
	engine.Doctor
}

// follower follows containers across restarts and replacements. One goroutine, run, owns all of it but tell.
type follower struct {
	ctx     context.Context // of all that it reads; ended by stop
	stop    context.CancelFunc
	engine  source
	wants   func(container.Live) bool // whose lines are told
	counts  func(container.Live) bool // whose running keeps it going; nil: those whose lines are told
	tell    func(Output)
	until   string
	began   time.Time
	taken   map[string]fate // ends that are not told, until it is settled
	settled bool
	settle  <-chan apply.Report
	// expected are starts, by service and number, whose event has not come yet.
	expected map[string]plan.ID
	late     <-chan time.Time // gives up on them
	// patience with what others stopped: it may be about to be started again, or replaced.
	linger  time.Duration
	stays   time.Time
	lingers <-chan time.Time
	leave   <-chan struct{} // closed: do not wait for that

	streams map[string]*stream
	drained chan *stream
	reading sync.WaitGroup
	telling sync.Mutex
}

// stream of one container.
type stream struct {
	*cursor
	up      bool
	killed  bool // by somebody, since it started
	reading bool
	again   bool    // it was started while the lines of before were still being read
	end     *Exited // told once its lines are
	cancel  context.CancelFunc
}

func newFollower(ctx context.Context, e source, wants func(container.Live) bool, tell func(Output)) *follower {
	ctx, stop := context.WithCancel(ctx)
	return &follower{ctx: ctx, stop: stop, engine: e, wants: wants, tell: tell, began: time.Now(), streams: map[string]*stream{}, drained: make(chan *stream), linger: patience}
}

// watches tells whether a container matters at all.
func (f *follower) watches(l container.Live) bool {
	return f.wants(l) || f.counts != nil && f.counts(l)
}

// know a container that does not run.
func (f *follower) know(c *cursor) *stream {
	s := &stream{cursor: c}
	f.streams[c.live.ID] = s
	return s
}

// resume following one that was read up to the cursor; of one that does not run any more the rest.
func (f *follower) resume(c *cursor) {
	s := f.know(c)
	s.up = c.live.Up()
	f.read(s)
}

// run until all have ended, once settled, or ctx ends.
func (f *follower) run(events <-chan engine.Event, broken <-chan error) error {
	defer f.reading.Wait()
	defer f.stop()
	for !f.ended() {
		select {
		case ev, ok := <-events:
			if !ok {
				return f.lost(broken)
			}
			f.happened(ev)
		case s := <-f.drained:
			f.finished(s)
		case r := <-f.settle:
			f.settleWith(r)
		case <-f.late:
			f.expected = nil
		case <-f.lingers:
		case <-f.leave:
			f.linger, f.stays, f.leave = 0, time.Time{}, nil
		case <-f.ctx.Done():
			return f.ctx.Err()
		}
	}
	return nil
}

func (f *follower) lost(broken <-chan error) error {
	if f.ctx.Err() != nil {
		return f.ctx.Err()
	}
	return <-broken
}

func (f *follower) settleWith(r apply.Report) {
	f.settled, f.late = true, time.After(patience)
	for _, res := range r.Results {
		if res.Outcome == graph.Done {
			continue
		}
		maps.DeleteFunc(f.expected, func(_ string, id plan.ID) bool { return id == res.ID })
	}
}

// starts of a plan that will be heard of.
func (f *follower) starts(p plan.Plan) map[string]plan.ID {
	out := map[string]plan.ID{}
	for _, n := range p.Nodes {
		s, ok := n.Step.(plan.StartContainer)
		if ok && f.watches(container.Live{Labels: map[string]string{container.LabelService: n.Resource.Service}}) {
			out[s.Container.Key] = n.ID
		}
	}
	return out
}

func (f *follower) ended() bool {
	if !f.settled || len(f.expected) > 0 || time.Now().Before(f.stays) {
		return false
	}
	for _, s := range f.streams {
		if (s.up || s.reading || s.end != nil) && (f.counts == nil || f.counts(s.live) || s.reading && !s.up) {
			return false
		}
	}
	return true
}

func (f *follower) happened(ev engine.Event) {
	live := container.Live{ID: ev.Container, Name: ev.Name, Labels: ev.Labels}
	if !f.watches(live) || !f.settled && f.taken[ev.Container] == gone {
		return
	}
	switch ev.Kind {
	case engine.EventCreate:
		f.know(&cursor{live: live}).up = f.counts == nil // one that is made now is about to be started
	case engine.EventStart:
		f.started(live, ev)
	case engine.EventKill:
		if s := f.streams[ev.Container]; s != nil {
			s.killed = true
		}
	case engine.EventDie:
		f.died(ev)
	case engine.EventStop: // of one that was about to restart it is all that is told
		if s := f.streams[ev.Container]; s != nil {
			s.up = false
		}
	case engine.EventDestroy:
		if s := f.streams[ev.Container]; s != nil && !s.reading && s.end == nil {
			delete(f.streams, ev.Container)
		}
	}
}

func (f *follower) started(live container.Live, ev engine.Event) {
	delete(f.expected, live.Service()+"-"+live.Labels[container.LabelNumber])
	s := f.streams[ev.Container]
	if s == nil {
		s = f.know(&cursor{live: live, since: stamp(f.began.Add(-drift(ev.Time)))})
	}
	s.up, s.killed, s.live.Name = true, false, live.Name
	if s.end != nil { // the engine did not end the lines of before
		f.say(*s.end)
		s.end = nil
	}
	if s.reading {
		s.again = true
		return
	}
	f.read(s)
}

// drift is how far our clock is ahead of the engine's. Less than what an event may be late by is none.
func drift(event time.Time) time.Duration {
	d := time.Since(event)
	if event.IsZero() || d < time.Second && d > -time.Second {
		return 0
	}
	return d
}

func (f *follower) died(ev engine.Event) {
	s := f.streams[ev.Container]
	if s == nil || !s.up && s.end == nil {
		return
	}
	restarting := f.restarts(ev.Container)
	s.up = restarting
	if s.killed {
		f.stays, f.lingers = time.Now().Add(f.linger), time.After(f.linger)
	}
	if !f.settled && f.taken[ev.Container] == stopped {
		return
	}
	s.end = &Exited{From: s.live, Code: ev.ExitCode, Restarting: restarting}
	if s.reading {
		time.AfterFunc(patience, s.cancel)
		return
	}
	f.finished(s)
}

// patience with an engine that does not end the lines of a container that has.
const patience = 2 * time.Second

// restarts: the engine says "restarting" when its policy asks for it, and "running" during a restart that somebody asked for.
func (f *follower) restarts(id string) bool {
	d, err := f.engine.Diagnose(f.ctx, id)
	return err == nil && container.Live{State: d.State}.Up()
}

// finished: all lines were told.
func (f *follower) finished(s *stream) {
	s.reading = false
	if s.end != nil {
		f.say(*s.end)
		s.end = nil
	}
	if s.again {
		s.again = false
		f.read(s)
	}
}

func (f *follower) say(o Output) {
	f.telling.Lock()
	defer f.telling.Unlock()
	f.tell(o)
}

// read the lines of a container until they end.
func (f *follower) read(s *stream) {
	if !f.wants(s.live) {
		return
	}
	s.reading = true
	reading, cancel := context.WithCancel(f.ctx)
	s.cancel = cancel
	o := s.next()
	o.Follow, o.Until = true, f.until
	live := s.live
	f.reading.Go(func() {
		defer cancel()
		err := f.engine.Logs(reading, live.ID, o, func(l engine.LogLine) error {
			if s.take(l) {
				f.say(Line{live, l})
			}
			return nil
		})
		if reading.Err() == nil && readable(err) != nil {
			f.say(Unreadable{live, err})
		}
		select {
		case f.drained <- s:
		case <-f.ctx.Done():
		}
	})
}
