package enginetest

import (
	"context"
	"strings"
	"time"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// execs runs commands in containers.
type execs struct{ w *world }

// command runs in a container.
type command struct {
	does        func(engine.Exec) (lines []string, code int, takes time.Duration) // nil: nothing
	exited, cut chan struct{}
}

// Exec does what the container's Behaviour says. A container that ends takes its commands with it; a caller who gives up does not.
func (p execs) Exec(ctx context.Context, id string, e engine.Exec, line func(engine.LogLine)) (int, error) {
	var c command
	on := p.w.nameOf(id) + " " + strings.Join(e.Command, " ")
	err := p.w.call(ctx, "Exec", on, func() (err error) { c, err = p.w.command(id, e); return err })
	if err != nil || c.does == nil {
		return 0, err
	}
	lines, code, takes := c.does(e)
	for _, l := range lines {
		line(written(l))
	}
	return c.end(ctx, code, takes)
}

func (w *world) command(id string, e engine.Exec) (command, error) {
	b, err := w.must(id)
	switch {
	case err != nil:
		return command{}, err
	case b.state != container.Running:
		return command{}, refuse(engine.ErrConflict, "run command in container %s: Container %s is not running", b.name, b.id)
	case len(e.Command) == 0:
		return command{}, refuse(engine.ErrInvalid, "run command in container %s: No exec command specified", b.name)
	}
	does := b.b.Exec
	if b.b.Ready > 0 && b.isProbe(e.Command) {
		does = b.answer()
	}
	return command{does, b.exited, w.cut}, nil
}

func (c command) end(ctx context.Context, code int, takes time.Duration) (int, error) {
	if takes <= 0 {
		return code, nil
	}
	t := time.NewTimer(takes)
	defer t.Stop()
	select {
	case <-t.C:
		return code, nil
	case <-c.exited:
		return 137, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-c.cut:
		return 0, errCut
	}
}
