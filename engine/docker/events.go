package docker

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	apievents "github.com/moby/moby/api/types/events"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// events tells what happens.
type events struct{ c *conn }

// Subscribe to the events of a project's containers.
func (e events) Subscribe(ctx context.Context, project string) (<-chan engine.Event, <-chan error, error) {
	out, errc, err := listen(ctx, e.c, "{"+eventsOf(project)+"}", func(m apievents.Message) (engine.Event, bool) {
		ev, matters := eventOf(m)
		return ev, matters && container.MadeFor(m.Actor.Attributes, project)
	})
	if err == nil && e.c.podman() {
		out = e.c.withHealth(ctx, project, out)
	}
	return out, errc, err
}

// listen returns when the engine has answered. Engine 20.10 answers a moment before it listens, so a local engine, whose clock
// is ours, is also asked for what it has heard since we asked. read tells whether a message matters.
func listen[T any](ctx context.Context, c *conn, filters string, read func(apievents.Message) (T, bool)) (<-chan T, <-chan error, error) {
	query := url.Values{"filters": {filters}}
	if strings.HasPrefix(c.host, "unix://") && !c.podman() {
		now := time.Now()
		query.Set("since", strconv.FormatInt(now.Unix(), 10)+"."+nanos(now))
	}
	resp, err := c.get(ctx, "/events", query)
	if err != nil {
		return nil, nil, failed(err, "subscribe to events")
	}
	out, errc := make(chan T, 64), make(chan error, 1)
	go func() {
		defer close(errc)
		defer close(out)
		defer resp.Body.Close()
		errc <- pump(ctx, resp, out, read)
	}()
	return out, errc, nil
}

// pump gives nil when ctx ended.
func pump[T any](ctx context.Context, resp *http.Response, out chan<- T, read func(apievents.Message) (T, bool)) error {
	for dec := json.NewDecoder(resp.Body); ; {
		var m apievents.Message
		if err := dec.Decode(&m); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fault{what: "watch events", kind: engine.ErrUnavailable, err: err}
		}
		ev, ok := read(m)
		if !ok {
			continue
		}
		select {
		case out <- ev:
		case <-ctx.Done():
			return nil
		}
	}
}

// kinds are the engine's actions that matter. Podman says died, and remove instead of destroy.
var kinds = map[string]engine.EventKind{
	"create": engine.EventCreate, "start": engine.EventStart, "die": engine.EventDie, "died": engine.EventDie, "stop": engine.EventStop,
	"kill": engine.EventKill, "oom": engine.EventOOM, "destroy": engine.EventDestroy, "remove": engine.EventDestroy,
	"rename": engine.EventRename, "pause": engine.EventPause, "unpause": engine.EventUnpause, "health_status": engine.EventHealth,
}

// eventOf reads a message; "health_status: healthy" has its result behind the colon.
func eventOf(m apievents.Message) (engine.Event, bool) {
	action, detail, _ := strings.Cut(string(m.Action), ":")
	kind, ok := kinds[action]
	if !ok || m.Type != apievents.ContainerEventType {
		return engine.Event{}, false
	}
	labels := m.Actor.Attributes
	ev := engine.Event{Kind: kind, Container: m.Actor.ID, Name: labels["name"], Time: time.Unix(0, m.TimeNano), Labels: labels}
	switch kind {
	case engine.EventDie:
		ev.ExitCode, _ = strconv.Atoi(labels["exitCode"])
		if text, ok := labels["containerExitCode"]; ok { // Podman
			ev.ExitCode, _ = strconv.Atoi(text)
		}
	case engine.EventHealth:
		ev.Health = container.Health(strings.TrimSpace(detail))
		if ev.Health == "running" || ev.Health == "" {
			ev.Health = container.Starting
		}
	}
	return ev, true
}
