package compose

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// source is what a follower reads from.
type source interface {
	engine.Logs
	engine.Doctor
}

// follower follows containers across restarts and replacements. One goroutine, run, owns all of it but tell.
type follower struct {
	ctx    context.Context // of all that it reads; ended by stop
	stop   context.CancelFunc
	engine source
	wants  func(container.Live) bool // whose lines are told
	counts func(container.Live) bool // whose running keeps it going; nil: those whose lines are told
	tell   func(Output)
	until  string
	began  time.Time

	// Of an attachment, until its plan was carried out:
	settled  bool
	settle   <-chan apply.Report
	taken    map[string]fate    // ends that the plan brings about are not told
	expected map[string]plan.ID // starts, by service and number, whose event has not come yet
	late     <-chan time.Time   // gives up on them

	// What somebody stops may be about to be started again, or replaced.
	linger time.Duration
	stays  time.Time // not ended before
	stayed <-chan time.Time
	leave  <-chan struct{} // closed: no lingering
	held   func() bool     // it does not end; may be nil
	let    <-chan struct{} // it may again

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
	untold  time.Time // its end was found, not told of: until then that is waited for, as it tells whether somebody stopped it
	again   bool      // it was started while the lines of before were still being read
	end     *Exited   // told once its lines are
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
		case <-f.stayed:
		case <-f.let: // what was started is told soon
			f.stays, f.stayed = time.Now().Add(f.linger), time.After(f.linger)
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
	if f.held != nil && f.held() || !f.settled || len(f.expected) > 0 || time.Now().Before(f.stays) {
		return false
	}
	for _, s := range f.streams {
		if f.holds(s) || f.linger > 0 && time.Now().Before(s.untold) {
			return false
		}
	}
	return true
}

// holds tells whether there is more to come: it runs, or its last lines are on the way.
func (f *follower) holds(s *stream) bool {
	running := s.up && f.until == "" && (f.counts == nil || f.counts(s.live))
	return running || s.reading && (!s.up || f.until != "") || s.end != nil
}

func (f *follower) happened(ev engine.Event) {
	live := container.Live{ID: ev.Container, Name: container.OwnName(ev.Name), Labels: ev.Labels}
	if !f.watches(live) || !f.settled && f.taken[ev.Container] == gone {
		return
	}
	switch ev.Kind {
	case engine.EventCreate:
		f.know(&cursor{live: live}).up = f.counts == nil // one that is made now is about to be started
	case engine.EventStart:
		f.started(live, ev)
	default:
		if s := f.streams[ev.Container]; s != nil {
			f.ending(s, ev)
		}
	}
}

// ending is what happens on the way to a container's end.
func (f *follower) ending(s *stream, ev engine.Event) {
	switch ev.Kind {
	case engine.EventKill:
		s.killed = true
	case engine.EventDie:
		f.died(s, ev)
	case engine.EventStop: // of one that was about to restart it is all that is told
		s.up = false
	case engine.EventDestroy:
		if !s.reading && s.end == nil {
			delete(f.streams, ev.Container)
		}
	}
}

func (f *follower) started(live container.Live, ev engine.Event) {
	delete(f.expected, live.Service()+"-"+live.Labels[container.LabelNumber])
	s := f.streams[ev.Container]
	switch since := stamp(f.began.Add(-drift(ev.Time))); {
	case s == nil:
		s = f.know(&cursor{live: live, since: since})
	case !s.up && !s.reading && s.last.IsZero(): // known when it was not up, by our clock
		s.since = since
	}
	s.up, s.killed, s.untold, s.live.Name = true, false, time.Time{}, live.Name
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

func (f *follower) died(s *stream, ev engine.Event) {
	untold := s.untold
	if s.untold = (time.Time{}); s.killed {
		f.stays, f.stayed = time.Now().Add(f.linger), time.After(f.linger)
	}
	if !untold.IsZero() || !s.up && s.end == nil {
		return
	}
	restarting := f.restarts(ev.Container)
	s.up = restarting
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
	if s.up && s.end == nil && !s.again {
		f.missed(s)
	}
	if s.end != nil {
		f.say(*s.end)
		s.end = nil
	}
	if s.again {
		s.again = false
		f.read(s)
	}
}

// missed looks whether a container whose lines are at their end has ended: a list may have it as running for a moment after it was told that
// it died (Engine 20.10), and then nothing more is told.
func (f *follower) missed(s *stream) {
	if d, err := f.engine.Diagnose(f.ctx, s.live.ID); err == nil && !(container.Live{State: d.State}).Up() {
		f.died(s, engine.Event{Container: s.live.ID, ExitCode: d.ExitCode})
		s.untold, f.stayed = time.Now().Add(f.linger), time.After(f.linger)
	}
}

func (f *follower) say(o Output) {
	f.telling.Lock()
	defer f.telling.Unlock()
	f.tell(o)
}

// read the lines of a container until they end. A busy engine may end what it follows before the last of them, or not at all: where there was none, or
// where the end did not come, the rest is asked for again.
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
		none := true
		line := func(l engine.LogLine) error {
			if s.take(l) {
				none = false
				f.say(Line{&live, l})
			}
			return nil
		}
		err := f.engine.Logs(reading, live.ID, o, line)
		if f.ctx.Err() == nil && (reading.Err() != nil || none && err == nil) && (o.Tail == "all" || !none) {
			rest := s.next()
			rest.Until = f.until
			err = f.engine.Logs(f.ctx, live.ID, rest, line)
		}
		if f.ctx.Err() == nil && readable(err) != nil {
			f.say(Unreadable{live, err})
		}
		select {
		case f.drained <- s:
		case <-f.ctx.Done():
		}
	})
}
