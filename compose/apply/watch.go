package apply

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// watch keeps the last event that matters of every container of the project, and wakes those who wait for one.
type watch struct {
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	states  map[string]*state
	lost    error // why there are no more events
	waiters map[string][]chan struct{}
}

// state of a container as far as events told it.
type state struct {
	health container.Health
	exited bool
	code   int
	oom    bool
	gone   bool
	ends   int // how often its process has ended since the subscription, or since it was started by this run

	started time.Time // when its last start was told; zero: it was not

	asleep bool // it is about to be started: what is told until then is about its past
}

// subscribe returns once the engine has taken the subscription: nothing that happens afterwards is missed.
func subscribe(ctx context.Context, e engine.Events, project string) (*watch, error) {
	ctx, cancel := context.WithCancel(ctx)
	events, errc, err := e.Subscribe(ctx, project)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("subscribe to events: %w", err)
	}
	w := &watch{cancel: cancel, done: make(chan struct{}), states: map[string]*state{}, waiters: map[string][]chan struct{}{}}
	go w.listen(events, errc)
	return w, nil
}

func (w *watch) close() {
	w.cancel()
	<-w.done
}

func (w *watch) listen(events <-chan engine.Event, errc <-chan error) {
	defer close(w.done)
	for e := range events {
		w.note(e)
	}
	var err error
	select {
	case err = <-errc:
	default:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lost = fmt.Errorf("%w: its events ended", engine.ErrUnavailable)
	if err != nil {
		w.lost = err
	}
	for id := range w.waiters {
		w.wake(id)
	}
}

func (w *watch) note(e engine.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.states[e.Container]
	if s == nil {
		s = &state{}
		w.states[e.Container] = s
	}
	switch e.Kind {
	case engine.EventStart:
		s.exited, s.code, s.health, s.asleep, s.started = false, 0, container.NoHealth, false, time.Now()
	case engine.EventDie:
		s.exited, s.code = true, e.ExitCode
		if !s.asleep {
			s.ends++
		}
	case engine.EventOOM:
		s.oom = true
	case engine.EventHealth:
		s.health = e.Health
	case engine.EventDestroy:
		s.gone = true
	default:
		return
	}
	w.wake(e.Container)
}

// state of a container as far as events told it.
func (w *watch) state(id string) state {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.states[id]; s != nil {
		return *s
	}
	return state{}
}

// healthy says that a probe of ours has succeeded, unless the container has ended since, or the engine has come to another verdict.
func (w *watch) healthy(id string, ends int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.states[id]
	if s == nil {
		s = &state{}
		w.states[id] = s
	}
	if s.ends != ends || s.exited || s.gone || s.health == container.Unhealthy {
		return
	}
	s.health = container.Healthy
	w.wake(id)
}

// forget what was told of a container that is about to be started.
func (w *watch) forget(id string) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.states[id] = &state{asleep: true}
}

func (w *watch) wake(id string) {
	for _, c := range w.waiters[id] {
		close(c)
	}
	delete(w.waiters, id)
}

// next is closed at the container's next event; the state is what events told until now.
func (w *watch) next(id string) (state, <-chan struct{}, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := make(chan struct{})
	if w.lost != nil {
		return state{}, nil, w.lost
	}
	w.waiters[id] = append(w.waiters[id], c)
	if s := w.states[id]; s != nil {
		return *s, c, nil
	}
	return state{}, c, nil
}

// NotReady is why a wait cannot end well any more.
type NotReady struct {
	Name     string
	Until    plan.Until
	State    string // "is unhealthy", "exited (1)", "has no healthcheck configured", "was removed"
	TimedOut bool
}

func (e *NotReady) Error() string {
	if e.TimedOut {
		return fmt.Sprintf("container %s: timed out waiting until it is %s", e.Name, e.Until)
	}
	return fmt.Sprintf("container %s %s", e.Name, e.State)
}

// wait until a container reaches a condition. The engine is asked once; afterwards its events tell, and when one tells of an exit,
// the engine is asked again: it may be about to start the container anew.
func (r *run) wait(ctx context.Context, n plan.Node, s plan.WaitContainer) error {
	if r.watch == nil {
		return r.broken
	}
	id, timeout := r.id(s.Container), r.timeout()
	defer r.probed(ctx, id, s)()
	at := standing{began: time.Now(), patient: timeout != nil}
	var v judgement
	for {
		st, changed, err := r.watch.next(id)
		if err != nil {
			return err
		}
		if !v.holds(st) {
			v, err = r.ask(ctx, id, s.Until, st)
		}
		watched := at.look(&v, st, s)
		if err != nil || v.why != "" || v.reached && !upWait(n) && !watched {
			return cmp.Or(err, v.err(n.Resource.Name, s.Until))
		}
		var all <-chan struct{} // closed: all are up at the same time
		if v.reached && upWait(n) && (at.stayed || !watched) {
			all = r.up.reached(n.ID)
		}
		select {
		case <-all:
			return nil
		case <-at.stable:
			if !upWait(n) {
				return nil
			}
			at.stayed = true
		case <-changed:
		case <-timeout:
			if left := r.left(); left > 0 {
				timeout = time.After(left)
				continue
			}
			if all != nil { // it is up: the others were not
				return nil
			}
			return &NotReady{Name: n.Resource.Name, Until: s.Until, TimedOut: true}
		case <-r.stop.Done():
			return context.Canceled
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// standing is what became so far of a container that is waited for.
type standing struct {
	began   time.Time
	patient bool // the user said how long to wait
	ends    int
	fell    bool             // its restart policy had to start it again
	stable  <-chan time.Time // told when it has stayed as it is wanted for long enough
	stayed  bool             // it has
}

const (
	fallingFor  = 30 * time.Second // how long --wait bears with a container that is started again and again, unless the user says how long
	fallenStays = time.Second      // how long such a container has to run until it counts as up
)

// look at a judgement: whether it has to be watched further that what was reached stays so. What has gone on falling for too long is given up.
func (a *standing) look(v *judgement, st state, s plan.WaitContainer) (watched bool) {
	if st.ends > a.ends || !v.reached {
		a.stable, a.stayed, a.ends = nil, false, st.ends
	}
	a.fell = a.fell || v.falls != ""
	if !a.patient && time.Since(a.began) > fallingFor {
		v.why = cmp.Or(v.why, v.falls)
	}
	monitor := v.monitor(s)
	if a.fell {
		monitor = max(monitor, fallenStays)
	}
	watched = monitor > 0 && !v.final
	if v.reached && watched && a.stable == nil {
		a.stable = time.After(monitor)
	}
	return watched
}

// upWait tells whether a node is one of the waits of --wait.
func upWait(n plan.Node) bool {
	w, ok := n.Step.(plan.WaitContainer)
	return ok && w.Until == plan.UntilUp
}

// together is what --wait waits for: that all are up at the same time. Who is up early may still fall before the last one is.
type together struct {
	mu      sync.Mutex
	missing map[plan.ID]bool
	all     chan struct{}
}

func newTogether() *together { return &together{missing: map[plan.ID]bool{}, all: make(chan struct{})} }

func (t *together) expect(id plan.ID) { t.missing[id] = true }

// reached says that one is up, or never will be; the channel is closed when nobody is missing.
func (t *together) reached(id plan.ID) <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.missing[id] {
		if delete(t.missing, id); len(t.missing) == 0 {
			close(t.all)
		}
	}
	return t.all
}

// timeout of a wait; nil is none.
func (r *run) timeout() <-chan time.Time {
	if r.o.WaitTimeout == 0 {
		return nil
	}
	return time.After(r.left())
}

// left of the time for waits, which does not pass while images are brought.
func (r *run) left() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fetching > 0 {
		return r.o.WaitTimeout
	}
	return r.o.WaitTimeout - time.Since(r.fetched)
}

// ask for a judgement: of what events told, or where they told nothing or of an exit, of what the engine says.
func (r *run) ask(ctx context.Context, id string, until plan.Until, told state) (judgement, error) {
	if told.gone || told.health != container.NoHealth && !told.exited && !(until == plan.UntilWell && told.ends > 0) {
		return verdict(until, told, true), nil
	}
	d, err := r.engine.Diagnose(ctx, id)
	if err != nil {
		return judgement{}, err
	}
	s := found(d)
	s.ends = told.ends
	if until == plan.UntilUp && d.State == container.Restarting {
		return judgement{falls: fmt.Sprintf("exited (%d) and is restarted, again and again", d.ExitCode)}, nil
	}
	if until == plan.UntilWell && !s.exited && (s.ends > 0 || d.State == container.Restarting) { // its restart policy hides that it fell
		return judgement{why: fmt.Sprintf("exited (%d) and is restarted", cmp.Or(told.code, d.ExitCode))}, nil
	}
	return verdict(until, s, d.HasHealth), nil
}

// found is the state that the engine tells when asked.
func found(d engine.Diagnosis) state {
	return state{health: d.Health, code: d.ExitCode, oom: d.OOMKilled, exited: d.State == container.Exited || d.State == container.Dead}
}

// judgement about a container that is waited for: reached, or why it never will be, or neither yet.
type judgement struct {
	reached bool
	probed  bool // it has a healthcheck
	final   bool // it has ended well: nothing more will happen
	why     string
	falls   string // why, if it goes on like that: it has ended, and will be started again
}

// holds tells whether a judgement need not be asked for again: it runs without a healthcheck, and nothing has befallen it.
func (v judgement) holds(told state) bool {
	return v.reached && !v.probed && !v.final && !told.exited && !told.gone && told.ends == 0
}

// monitor is how long it has to stay as it is.
func (v judgement) monitor(s plan.WaitContainer) time.Duration {
	if v.probed {
		return s.Monitor
	}
	return s.Unprobed
}

func (v judgement) err(name string, until plan.Until) error {
	if v.reached {
		return nil
	}
	return &NotReady{Name: name, Until: until, State: v.why}
}

// verdict on a state: what is waited for has come, cannot come any more, or may still come.
func verdict(until plan.Until, s state, hasHealth bool) judgement {
	switch {
	case s.gone:
		return judgement{why: "was removed"}
	case s.exited && s.code == 0 && until != plan.UntilHealthy:
		return judgement{reached: true, final: true}
	case s.exited && s.oom:
		return judgement{why: fmt.Sprintf("exited (%d): out of memory", s.code)}
	case s.exited:
		return judgement{why: fmt.Sprintf("exited (%d)", s.code)}
	case until == plan.UntilCompleted:
		return judgement{}
	case !hasHealth && until == plan.UntilHealthy:
		return judgement{why: "has no healthcheck configured"}
	case !hasHealth, s.health == container.Healthy:
		return judgement{reached: true, probed: hasHealth}
	case s.health == container.Unhealthy:
		return judgement{why: "is unhealthy"}
	}
	return judgement{}
}
