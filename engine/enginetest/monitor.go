package enginetest

import (
	"context"
	"strings"
	"time"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// monitor watches containers at work: each of them is one process that uses nothing.
type monitor struct{ w *world }

// Processes refuses a container that does not run.
func (p monitor) Processes(ctx context.Context, id string) (titles []string, rows [][]string, err error) {
	err = p.w.call(ctx, "Processes", p.w.nameOf(id), func() error {
		b, err := p.w.must(id)
		switch {
		case err != nil:
			return err
		case !b.up():
			return refuse(engine.ErrConflict, "list processes of container %s: it is not running", b.name)
		}
		titles = []string{"UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"}
		rows = [][]string{{"root", "1000", "999", "0", "00:00", "?", "00:00:00", strings.Join(append(b.spec.Entrypoint, b.spec.Command...), " ")}}
		return nil
	})
	return titles, rows, err
}

// Usage samples every second as long as the container runs.
func (p monitor) Usage(ctx context.Context, id string, once bool, sample func(engine.Usage) error) error {
	var b *box
	err := p.w.call(ctx, "Usage", p.w.nameOf(id), func() (err error) { b, err = p.w.must(id); return err })
	for err == nil {
		p.w.mu.Lock()
		exited, up := b.exited, b.up()
		p.w.mu.Unlock()
		u := engine.Usage{Limit: uint64(p.w.knobs.Beside.Memory)}
		if up {
			u.Memory, u.Processes = 1<<20, 1
		}
		if err = sample(u); once || !up || err != nil {
			break
		}
		select {
		case <-time.After(time.Second):
		case <-exited:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return err
}

// Happenings tells what happens from now on, whatever since says.
func (p monitor) Happenings(ctx context.Context, project, _, until string, tell func(engine.Happening)) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	if t, err := time.Parse(time.RFC3339Nano, until); err == nil {
		inner, cancel = context.WithDeadline(inner, t)
		defer cancel()
	}
	all, errc, err := events{p.w}.Subscribe(inner, project)
	if err != nil {
		return err
	}
	for e := range all {
		action := string(e.Kind)
		if e.Health != container.NoHealth {
			action = "health_status: " + string(e.Health)
		}
		attributes := map[string]string{"name": e.Name}
		for k, v := range e.Labels {
			attributes[k] = v
		}
		tell(engine.Happening{Action: action, Container: e.Container, Time: e.Time, Attributes: attributes})
	}
	if err := <-errc; err != nil {
		return err
	}
	return ctx.Err()
}
