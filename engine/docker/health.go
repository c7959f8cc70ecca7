package docker

import (
	"cmp"
	"context"
	"sync"
	"time"

	apicontainer "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// healthInterval is the engine's own, of a healthcheck that has none.
const healthInterval = 30 * time.Second

// healths tell how containers are on Podman, whose events do not say it, and leaves healthchecks to systemd: where that does not run them, they are
// run as it would.
type healths struct {
	c   *conn
	out chan<- engine.Event

	ends map[string]context.CancelFunc // of those that are looked after, by id
	all  sync.WaitGroup
}

// withHealth adds what healthchecks say of a project's containers to their events.
func (c *conn) withHealth(ctx context.Context, project string, in <-chan engine.Event) <-chan engine.Event {
	out := make(chan engine.Event, cap(in))
	h := &healths{c: c, out: out, ends: map[string]context.CancelFunc{}}
	go func() {
		defer close(out)
		ctx, cancel := context.WithCancel(ctx)
		defer h.all.Wait()
		defer cancel()
		running, _ := observer{c}.ListContainers(ctx, project) // what cannot be listed now is not watched, and whoever waits for it asks
		for _, l := range running {
			if l.Up() {
				h.begin(ctx, l.ID, l.Name)
			}
		}
		for ev := range in {
			if ev.Kind == engine.EventHealth {
				continue // it does not tell how the container is
			}
			select {
			case out <- ev:
			case <-ctx.Done():
			}
			switch ev.Kind {
			case engine.EventStart:
				h.end(ev.Container)
				h.begin(ctx, ev.Container, ev.Name)
			case engine.EventDie, engine.EventDestroy:
				h.end(ev.Container)
			}
		}
	}()
	return out
}

func (h *healths) begin(ctx context.Context, id, name string) {
	if h.ends[id] != nil {
		return
	}
	ctx, h.ends[id] = context.WithCancel(ctx)
	h.all.Go(func() { h.follow(ctx, id, name) })
}

func (h *healths) end(id string) {
	if cancel := h.ends[id]; cancel != nil {
		cancel()
		delete(h.ends, id)
	}
}

// follow a container while it runs, and tell when its health becomes another.
func (h *healths) follow(ctx context.Context, id, name string) {
	p, ok := h.look(ctx, id)
	last, known := container.Starting, p.began
	for ok {
		if p.health != last && p.health != container.NoHealth {
			last = p.health
			select {
			case h.out <- engine.Event{Kind: engine.EventHealth, Container: id, Name: name, Time: time.Now(), Health: p.health, Labels: p.labels}:
			case <-ctx.Done():
				return
			}
		}
		select {
		case <-time.After(p.every):
		case <-ctx.Done():
			return
		}
		if p, ok = h.look(ctx, id); ok && p.began == known { // nobody else runs it
			h.run(ctx, id)
			p, ok = h.look(ctx, id)
			known = p.began
		}
	}
}

// run a container's healthcheck, as systemd would.
func (h *healths) run(ctx context.Context, id string) {
	resp, err := h.c.get(ctx, "/libpod/containers/"+id+"/healthcheck", nil)
	if err == nil { // else the next look tells what is wrong
		resp.Body.Close()
	}
}

// pulse of a container.
type pulse struct {
	health container.Health
	began  string // the last probe, by the engine's clock
	every  time.Duration
	labels map[string]string
}

// look at a container; false if it has no healthcheck, or is gone.
func (h *healths) look(ctx context.Context, id string) (pulse, bool) {
	res, err := h.c.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return pulse{}, false
	}
	in := res.Container
	fill(&in)
	if !probed(in.Config) {
		return pulse{}, false
	}
	p := pulse{every: cmp.Or(in.Config.Healthcheck.Interval, healthInterval), labels: in.Config.Labels}
	if s := in.State.Health; s != nil { // it has none yet while it starts
		p.health = container.Health(s.Status)
		if n := len(s.Log); n > 0 {
			p.began = s.Log[n-1].Start.String()
		}
	}
	return p, true
}

// probed tells whether a container has a healthcheck.
func probed(c *apicontainer.Config) bool {
	return c.Healthcheck != nil && len(c.Healthcheck.Test) > 0 && c.Healthcheck.Test[0] != "NONE"
}
