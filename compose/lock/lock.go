// Package lock lets one command at a time change a project, wherever on the machines that share an engine it runs.
//
// The lock is a mark in the engine that names its holder. Nobody has to say again and again that he lives: whoever waits sees the end of a
// process of his own machine, and knocks at one of another: the holder hears of a mark made for him, and takes it away. Who does not answer is dead,
// and one of those who wait, his heir, takes the lock from him.
//
// Limits: marks are removed by name, whatever they say by then. A holder that was stopped (SIGSTOP, a suspended machine) for longer than the patience
// of others, and goes on, finds by Lost that it is not one any more; if it released in that very moment, it could remove the lock of the next. An heir
// that is killed after it removed a lock, and before it took it, leaves an empty volume that is in nobody's way.
package lock

import (
	"context"
	"fmt"
	"time"

	"github.com/tutti-run/tutti/engine"
)

// Marks is what it takes of an engine; see engine.Marks.
type Marks interface {
	Mark(ctx context.Context, name string, labels map[string]string) (found map[string]string, err error)
	Unmark(ctx context.Context, name string) error
	WatchMarks(ctx context.Context, prefix string) (marks <-chan engine.MarkEvent, errc <-chan error, err error)
}

// Options of Take.
type Options struct {
	NoWait bool // a living holder is an error: *Held
	// Waiting is told whom we wait for, once for each; may be nil.
	Waiting func(Holder)
	// TookOver is told whose lock was taken because he is dead; may be nil.
	TookOver func(Holder)
	Patience time.Duration // how long somebody may take to answer a knock; 0 is 5 s
	Every    time.Duration // between knocks; 0 is 15 s
}

func (o Options) filled() Options {
	if o.Patience == 0 {
		o.Patience = 5 * time.Second
	}
	if o.Every == 0 {
		o.Every = 15 * time.Second
	}
	return o
}

// Lock is held until Release, or until it is lost.
type Lock struct {
	*taking // how it was got
}

// Name of a project's lock in the engine. What else belongs to it begins with this name and a dot, which no project's name has.
func Name(project string) string { return "tutti-lock-" + project }

// Held is the error of Take with NoWait.
type Held struct {
	Project string
	By      Holder
}

// Error is `project "shop" is being changed by anna@build-3 (tutti up, pid 812, for 12 s)`.
func (h *Held) Error() string {
	held := max(time.Since(h.By.Since), 0) // machines' clocks differ
	return fmt.Sprintf("project %q is being changed by %s (tutti %s, pid %d, for %d s)", h.Project, h.By.Who(), h.By.Command, h.By.PID, int(held.Seconds()))
}

// Take the lock of a project. When it is free, that takes the time of one call. The error is *Held, what ended ctx, or the engine's; then nothing is
// held.
func Take(ctx context.Context, marks Marks, project string, me Holder, o Options) (*Lock, error) {
	name := Name(project)
	t := &taking{project: project, name: name, marks: marks, me: me, labels: me.labels(project), o: o.filled(), litter: map[string]bool{}, named: map[string]bool{}}
	t.ear = listen(context.WithoutCancel(ctx), marks, name, me.Token)
	err := t.acquire(ctx, name)
	if err == nil {
		err = t.listening(ctx)
	}
	t.clean(ctx, name, err == nil)
	if err != nil {
		t.ear.close()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	t.ear.guard(t.still)
	return &Lock{t}, nil
}

// Waited tells whether there was another holder in between, so that what was known of the project may be out of date.
func (l *Lock) Waited() bool { return l.waited }

// Lost is closed when the lock is not held any more: another took it, or the engine went away. Then begin nothing new.
func (l *Lock) Lost() <-chan struct{} { return l.ear.lost }

// Release gives it back, also when ctx has ended. If that fails, whoever comes next will find its holder dead.
func (l *Lock) Release(ctx context.Context) {
	ctx, cancel := brief(ctx)
	defer cancel()
	if l.ear.retire() && l.marks.Unmark(ctx, l.name) != nil && l.ours(ctx, l.name) { // it may be removed, and be another's by now
		_ = l.marks.Unmark(ctx, l.name)
	}
	l.ear.close()
}

// brief is for what has to be done even after ctx has ended.
func brief(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
}
