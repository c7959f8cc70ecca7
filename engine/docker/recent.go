package docker

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tutti-run/tutti/engine/container"
)

// happening is an engine event, as much of it as tells what became of a container.
type happening struct {
	Type   string
	Action string
	Actor  struct {
		ID         string
		Attributes struct{ Container, Signal, ContainerExitCode string }
	}
	TimeNano int64 `json:"timeNano"`
}

// recent reads what the engine remembers of late: at most its last 256 events. It is a help and no proof: what has scrolled away is not told.
// Events of networks bear no project, so they take a call of their own: all events of all containers would take the engine longer to
// tell than everything else together.
func (o observer) recent(ctx context.Context, project string) ([]happening, error) {
	queries := o.c.recentQueries(project, time.Now())
	found := make([][]happening, len(queries))
	g, ctx := errgroup.WithContext(ctx)
	for i, q := range queries {
		g.Go(func() (err error) { found[i], err = o.remembered(ctx, q); return err })
	}
	err := g.Wait()
	return slices.Concat(found...), err
}

func (o observer) remembered(ctx context.Context, query url.Values) ([]happening, error) {
	// Until is the engine's clock; if it is behind ours the engine would wait for it, so we do not.
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Second, errNoAnswer)
	defer cancel()
	resp, err := o.c.get(ctx, "/events", query)
	if errors.Is(context.Cause(ctx), errNoAnswer) {
		return nil, nil
	}
	if err != nil {
		return nil, failed(err, "read recent events")
	}
	defer resp.Body.Close()
	var out []happening
	for dec := json.NewDecoder(resp.Body); ; {
		var h happening
		switch err := dec.Decode(&h); {
		case err == nil:
			out = append(out, h)
		case err == io.EOF, errors.Is(context.Cause(ctx), errNoAnswer):
			return out, nil
		default:
			return nil, failed(err, "read recent events")
		}
	}
}

// recentQueries ask for all that is remembered, up to now. Podman, which keeps a whole log, has its own way of saying so, and the word died.
func (c *conn) recentQueries(project string, now time.Time) []url.Values {
	ours := eventsOf(project)
	if c.podman() {
		return []url.Values{{
			"stream": {"false"}, "since": {strconv.FormatInt(now.Add(-24*time.Hour).Unix(), 10)},
			"filters": {`{` + ours + `,"event":{"start":true,"died":true,"stop":true,"kill":true}}`},
		}}
	}
	until := strconv.FormatInt(now.Unix(), 10) + "." + nanos(now)
	return []url.Values{
		{"since": {"1"}, "until": {until}, "filters": {`{` + ours + `,"event":{"start":true,"die":true,"stop":true,"kill":true,"update":true}}`}},
		{"since": {"1"}, "until": {until}, "filters": {`{"type":{"network":true},"event":{"disconnect":true,"connect":true}}`}},
	}
}

func nanos(t time.Time) string {
	s := strconv.Itoa(t.Nanosecond())
	return strings.Repeat("0", 9-len(s)) + s
}

// history is what happened to containers, oldest first.
type history []happening

// past of one container since its last start.
type past struct {
	up                        bool
	stopped, killed, finished bool
	left                      bool // a network, while it ran
	changed                   bool // updated, or taken off a network and put back while it ran: with other aliases maybe
}

// judge fills Stopped and Finished, and names the containers that were changed by hand.
func (h history) judge(all []container.Live) (changed []string) {
	of := map[string]*past{}
	for _, l := range all {
		of[l.ID] = &past{up: true} // its start may have scrolled away
	}
	slices.SortStableFunc(h, func(a, b happening) int { return compareInt(a.TimeNano, b.TimeNano) })
	for _, e := range h {
		id := e.Actor.ID
		if e.Type == "network" {
			id = e.Actor.Attributes.Container
		}
		if p := of[id]; p != nil {
			p.add(e)
		}
	}
	for i := range all {
		l, p := &all[i], of[all[i].ID]
		l.Stopped = !l.Up() && (p.stopped || p.killed)
		l.Finished = !l.Up() && p.finished && !l.Stopped
		if p.changed {
			changed = append(changed, l.ID)
		}
	}
	return changed
}

func compareInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (p *past) add(e happening) {
	switch e.Action {
	case "start":
		p.up, p.stopped, p.killed, p.finished = true, false, false, false
	case "kill":
		p.killed = p.killed || deadly(e.Actor.Attributes.Signal)
	case "stop":
		p.stopped = true
	case "die", "died": // Podman says died, and nothing of signals: there the exit code has to tell
		code := e.Actor.Attributes.ContainerExitCode
		p.killed = p.killed || code == "137" || code == "143"
		p.finished, p.up, p.left = !p.killed && !p.stopped, false, false
	case "update":
		p.changed = true
	case "disconnect":
		p.left = p.up // also the first sign of its end, on newer engines
	case "connect":
		p.changed = p.changed || p.left && p.up
	}
}

// deadly tells whether a signal asks to end. The others are sent to have a config read again, logs rotated, a window resized.
func deadly(signal string) bool {
	switch strings.TrimPrefix(signal, "SIG") {
	case "1", "10", "12", "17", "18", "28", "HUP", "USR1", "USR2", "CHLD", "CONT", "WINCH":
		return false
	}
	return true
}
