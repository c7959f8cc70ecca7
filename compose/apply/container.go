package apply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/network"
)

// endpoints keeps the renaming of containers that run apart from all that makes and removes endpoints of networks. Engine 20.10 counts those of a
// network, and writes the count back when it renames one: what changed meanwhile is lost, and the network can never be removed again.
type endpoints struct {
	mu       sync.Mutex
	turn     sync.Cond // of mu
	changing int
	renaming bool
}

// change endpoints, at the same time as others do.
func (e *endpoints) change(do func() error) error {
	e.when(func() bool { return !e.renaming }, func() { e.changing++ })
	defer e.then(func() { e.changing-- })
	return do()
}

// moment is how long a stop counts as a change: most have ended by then, and nobody waits for one that takes its time. That it ends just while
// another container is renamed is unlikely.
const moment = time.Second

// leave is the change that a container's end makes.
func (e *endpoints) leave(do func() error) error {
	e.when(func() bool { return !e.renaming }, func() { e.changing++ })
	ended := sync.OnceFunc(func() { e.then(func() { e.changing-- }) })
	defer ended()
	defer time.AfterFunc(moment, ended).Stop()
	return do()
}

// rename once nobody changes endpoints. Nothing but the end of the run hangs on a name, so others come first.
func (e *endpoints) rename(do func() error) error {
	e.when(func() bool { return !e.renaming && e.changing == 0 }, func() { e.renaming = true })
	defer e.then(func() { e.renaming = false })
	return do()
}

func (e *endpoints) when(ready func() bool, begin func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for !ready() {
		e.turn.Wait()
	}
	begin()
}

func (e *endpoints) then(end func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	end()
	e.turn.Broadcast()
}

// startContainer and run its post_start hooks, in order.
func (r *run) startContainer(ctx context.Context, n plan.Node, s plan.StartContainer) error {
	id := r.id(s.Container)
	r.watch.forget(id)
	if err := r.endpoints.change(func() error { return r.engine.StartContainer(ctx, id) }); err != nil {
		return err
	}
	return r.hooks(ctx, n, id, "post_start", s.Hooks.PostStart)
}

// stopContainer runs its pre_stop hooks, and stops it whatever came of them. One that does not run has no use for hooks.
func (r *run) stopContainer(ctx context.Context, n plan.Node, s plan.StopContainer) error {
	id := r.id(s.Container)
	hooks := r.hooks(ctx, n, id, "pre_stop", s.Hooks.PreStop)
	if errors.Is(hooks, engine.ErrConflict) || errors.Is(hooks, engine.ErrNotFound) {
		hooks = nil
	}
	if err := r.endpoints.leave(func() error { return r.engine.StopContainer(ctx, id, s.Timeout) }); err != nil {
		return err
	}
	return hooks
}

// removeContainer, and the volumes that held its configs and secrets.
func (r *run) removeContainer(ctx context.Context, s plan.RemoveContainer) error {
	id := r.id(s.Container)
	remove := func() error { return r.engine.RemoveContainer(ctx, id, s.Force, s.Volumes) }
	err := gone(r.endpoints.change(remove))
	if s.Stop && errors.Is(err, engine.ErrConflict) {
		if err = gone(r.endpoints.leave(func() error { return r.engine.StopContainer(ctx, id, s.Timeout) })); err == nil {
			err = gone(r.endpoints.change(remove))
		}
	}
	for _, name := range s.Contents {
		if err == nil {
			err = gone(r.engine.RemoveVolume(ctx, name))
		}
	}
	return err
}

// reload is one step: what was put in without a word would never be told.
func (r *run) reload(ctx context.Context, s plan.ReloadContainer) error {
	id := r.id(s.Container)
	if err := r.engine.PutFiles(ctx, id, s.Files); err != nil {
		return err
	}
	for _, signal := range s.Signals {
		if err := r.engine.KillContainer(ctx, id, signal); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) hooks(ctx context.Context, n plan.Node, id, when string, hooks []container.Hook) error {
	return Hooks(ctx, r.engine, id, when, hooks, func(text string) { r.tell(StepProgress{n, engine.Progress{Text: text}}) })
}

// Hooks run one after the other in a container, each line that they write is told. when is "post_start" or "pre_stop".
func Hooks(ctx context.Context, e engine.Execs, id, when string, hooks []container.Hook, tell func(string)) error {
	for i, h := range hooks {
		var last []string
		code, err := e.Exec(ctx, id, ExecOf(h), func(l engine.LogLine) {
			last = append(last[max(0, len(last)-9):], l.Text)
			tell(l.Text)
		})
		if err != nil {
			return fmt.Errorf("%s hook %d: %w", when, i+1, err)
		}
		if code != 0 {
			return &HookFailed{When: when, Number: i + 1, Code: code, Said: last}
		}
	}
	return nil
}

// HookFailed is a hook that ended with another code than 0.
type HookFailed struct {
	When   string // post_start, pre_stop
	Number int    // from 1
	Code   int
	Said   []string // the last lines
}

func (e *HookFailed) Error() string {
	text := fmt.Sprintf("%s hook %d exited with status %d", e.When, e.Number, e.Code)
	if len(e.Said) > 0 {
		text += ": " + strings.Join(e.Said, "\n")
	}
	return text
}

// ExecOf a hook is the command that it runs.
func ExecOf(h container.Hook) engine.Exec {
	e := engine.Exec{Command: h.Command, User: h.User, Privileged: h.Privileged, WorkingDir: h.WorkingDir}
	for k, v := range h.Environment {
		if v != nil {
			e.Environment = append(e.Environment, k+"="+*v)
		}
	}
	slices.Sort(e.Environment)
	return e
}

// reserve addresses on networks that have some.
func (r *run) reserve(networks []network.Attachment) []network.Attachment {
	r.made.mu.Lock()
	defer r.made.mu.Unlock()
	out := slices.Clone(networks)
	for i, a := range out {
		if free, ok := r.reserved[a.Name]; ok && a.IPv4Address == "" {
			out[i].IPv4Address = free.Take()
			r.reserved[a.Name] = free
		}
	}
	return out
}

// disconnect a container, and remember the address that it asked for if it is to come back to it. One that the engine chose is not asked for:
// somebody else may have it by then, or whenever the container starts again.
func (r *run) disconnect(ctx context.Context, s plan.DisconnectNetwork) error {
	id := r.id(s.Container)
	if s.Keep {
		r.keepAddress(ctx, id, s.Network)
	}
	return r.tolerate(engine.ErrConflict, gone(r.engine.DisconnectNetwork(ctx, s.Network, id)))
}

func (r *run) keepAddress(ctx context.Context, id, on string) {
	l, err := r.engine.Inspect(ctx, id)
	if err != nil {
		return // the next call will tell
	}
	for _, e := range l.Networks {
		if e.Name == on && e.StaticIPv4 != "" {
			r.made.mu.Lock()
			r.addresses[id+" "+on] = e.StaticIPv4
			r.made.mu.Unlock()
		}
	}
}

// connect a container, at the address that it had where that is asked for and the network grants it. If the address is not known, as after a kill,
// a reserved one will do.
func (r *run) connect(ctx context.Context, s plan.ConnectNetwork) error {
	id, a := r.id(s.Container), s.Attachment
	r.made.mu.Lock()
	had := r.addresses[id+" "+a.Name]
	if free, ok := r.reserved[a.Name]; ok && s.Keep && had == "" {
		had = free.Take()
		r.reserved[a.Name] = free
	}
	r.made.mu.Unlock()
	if !s.Keep || had == "" || a.IPv4Address != "" {
		return r.engine.ConnectNetwork(ctx, a.Name, id, a)
	}
	there := a
	there.IPv4Address = had
	if err := r.engine.ConnectNetwork(ctx, a.Name, id, there); err == nil {
		return nil
	}
	return r.engine.ConnectNetwork(ctx, a.Name, id, a)
}
