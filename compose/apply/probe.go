package apply

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// probeTimeout is the engine's own, of a healthcheck that has none.
const probeTimeout = 30 * time.Second

// probers run the healthchecks of containers that start, as often as the file wants it, for engines that cannot: one for each container, as
// long as somebody waits for it.
type probers struct {
	mu sync.Mutex
	of map[string]*prober // by container id
}

type prober struct {
	waits  int
	cancel context.CancelFunc
	done   chan struct{}
}

// join those who wait for a container; the last one to leave ends its probes.
func (p *probers) join(ctx context.Context, id string, run func(context.Context)) (leave func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of[id] == nil {
		ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		b := &prober{cancel: cancel, done: make(chan struct{})}
		p.of[id] = b
		go func() { defer close(b.done); run(ctx) }()
	}
	b := p.of[id]
	b.waits++
	return func() { p.leave(id, b) }
}

func (p *probers) leave(id string, b *prober) {
	p.mu.Lock()
	b.waits--
	last := b.waits == 0
	if last {
		delete(p.of, id)
	}
	p.mu.Unlock()
	if last {
		b.cancel()
		<-b.done
	}
}

// probed runs the container's probe beside the engine while somebody waits, if the plan says so.
func (r *run) probed(ctx context.Context, id string, s plan.WaitContainer) (leave func()) {
	if s.Probe <= 0 {
		return func() {}
	}
	return r.probers.join(ctx, id, func(ctx context.Context) { r.probe(ctx, id, s.Probe) })
}

// probe a container during its start period. The first success counts as the engine's own would; a failure does not count, as the engine's
// does not. The probe is what the engine has: what the file leaves open comes from the image.
func (r *run) probe(ctx context.Context, id string, every time.Duration) {
	l, err := r.engine.Inspect(ctx, id)
	if err != nil || l.Found == nil || l.Found.Healthcheck == nil {
		return // the wait will tell
	}
	h := l.Found.Healthcheck
	command, began := probeCommand(h.Test), time.Now()
	if command == nil {
		return
	}
	for {
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return
		}
		st := r.watch.state(id)
		if st.started.After(began) {
			began = st.started
		}
		if st.exited || st.health == container.Healthy || time.Since(began) > h.StartPeriod {
			continue
		}
		if r.passes(ctx, id, command, cmp.Or(h.Timeout, probeTimeout)) {
			r.watch.healthy(id, st.ends)
		}
	}
}

// passes tells whether a probe succeeds in time. One that does not end in time goes on: no engine has a call to end it.
func (r *run) passes(ctx context.Context, id string, command []string, timeout time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	code, err := r.engine.Exec(ctx, id, engine.Exec{Command: command}, func(engine.LogLine) {})
	return err == nil && code == 0
}

// probeCommand is what a test runs (Engine API, HealthConfig.Test); nil: nothing.
func probeCommand(test []string) []string {
	switch {
	case len(test) > 1 && test[0] == "CMD":
		return test[1:]
	case len(test) > 1 && test[0] == "CMD-SHELL":
		return []string{"/bin/sh", "-c", test[1]}
	}
	return nil
}
