package lock

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/tutti-run/tutti/engine"
)

// ear hears of marks from before the lock is taken until after it is released, and answers knocks all that time: also who waits may be an heir.
type ear struct {
	marks       Marks
	name, token string
	cancel      context.CancelFunc
	all         sync.WaitGroup
	ready       chan struct{} // closed when it hears, or cannot
	failed      chan struct{} // closed when it hears nothing any more
	lost        chan struct{} // closed when the lock it guards is not ours any more, or when it could be and we would not hear

	mu       sync.Mutex
	failure  error
	removals map[string]chan struct{}
	check    check // nil while we do not hold the lock
}

// check that the lock is ours as ever; else tell whether it is because it was made anew.
type check func(context.Context) (held, anew bool)

func listen(ctx context.Context, marks Marks, name, token string) *ear {
	ctx, cancel := context.WithCancel(ctx)
	e := &ear{marks: marks, name: name, token: token, cancel: cancel, ready: make(chan struct{}), failed: make(chan struct{}),
		lost: make(chan struct{}), removals: map[string]chan struct{}{}}
	e.all.Go(func() { e.run(ctx) })
	return e
}

// removal is closed when a mark of that name is removed from now on; now and then also when it may have been.
func (e *ear) removal(name string) <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.removals[name] == nil {
		e.removals[name] = make(chan struct{})
	}
	return e.removals[name]
}

// err is why it hears nothing; nil while it does.
func (e *ear) err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.failure
}

// guard the lock from now on.
func (e *ear) guard(check check) {
	e.mu.Lock()
	e.check = check
	failed := e.failure != nil
	e.mu.Unlock()
	if failed {
		e.lose()
	}
}

// retire from guarding; false if the lock is lost already.
func (e *ear) retire() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.check = nil
	return !isClosed(e.lost)
}

func (e *ear) close() {
	e.cancel()
	e.all.Wait()
}

func (e *ear) lose() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.check != nil {
		close(e.lost)
	}
	e.check = nil
}

func (e *ear) run(ctx context.Context) {
	events, errc, err := e.marks.WatchMarks(ctx, e.name)
	if err == nil {
		close(e.ready)
	}
	for err == nil {
		for ev := range events {
			e.hear(ctx, ev)
		}
		if err = <-errc; err == nil {
			return // ctx has ended
		}
		events, errc, err = e.rejoin(ctx, err)
	}
	e.fail(err)
}

func (e *ear) fail(err error) {
	e.mu.Lock()
	e.failure = err
	e.mu.Unlock()
	if !isClosed(e.ready) {
		close(e.ready)
	}
	close(e.failed)
	e.lose()
}

func (e *ear) hear(ctx context.Context, ev engine.MarkEvent) {
	switch {
	case ev.Removed:
		e.wake(ev.Name)
		if ev.Name == e.name {
			e.verify(ctx)
		}
	case strings.HasPrefix(ev.Name, knockPrefix(e.name, e.token)):
		e.answer(ctx, ev.Name)
	}
}

// answer a knock. Our life hangs on it, so it is tried more than once.
func (e *ear) answer(ctx context.Context, knock string) {
	e.all.Go(func() {
		for range 3 {
			if e.marks.Unmark(ctx, knock) == nil {
				return
			}
		}
	})
}

func (e *ear) wake(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.removals[name]; c != nil {
		close(c)
		delete(e.removals, name)
	}
}

// verify that the lock is ours: what we hear of may be the removal of the one before it, late.
func (e *ear) verify(ctx context.Context) {
	e.mu.Lock()
	check := e.check
	e.mu.Unlock()
	if check == nil {
		return
	}
	e.all.Go(func() {
		ctx, cancel := brief(ctx) // what is begun is undone
		defer cancel()
		held, anew := check(ctx)
		if !held {
			e.lose()
		}
		if anew {
			_ = e.marks.Unmark(ctx, e.name)
		}
	})
}

// rejoin after the engine, or something between, ended the stream. What was told meanwhile is made up for: whoever knocked is answered, whoever waits looks
// again, and the lock is verified. It has to be quick: who does not answer is dead.
func (e *ear) rejoin(ctx context.Context, err error) (<-chan engine.MarkEvent, <-chan error, error) {
	for range 4 {
		events, errc, failure := e.marks.WatchMarks(ctx, e.name)
		if failure == nil {
			e.catchUp(ctx)
			return events, errc, nil
		}
		err = failure
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	return nil, nil, err
}

func (e *ear) catchUp(ctx context.Context) {
	for n := range knocks {
		e.answer(ctx, knockName(e.name, e.token, n+1))
	}
	e.mu.Lock()
	for name, c := range e.removals {
		close(c)
		delete(e.removals, name)
	}
	e.mu.Unlock()
	e.verify(ctx)
}
