package enginetest

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// streams connects with what its containers do: they read nothing.
type streams struct{ w *world }

// OpenExec does what the container's Behaviour says once its output is copied.
func (p streams) OpenExec(ctx context.Context, id string, e engine.Exec, s engine.Streaming) (engine.Command, error) {
	out := &fakeCommand{exec: e, tty: s.TTY}
	on := p.w.nameOf(id) + " " + strings.Join(e.Command, " ")
	err := p.w.call(ctx, "OpenExec", on, func() (err error) { out.command, err = p.w.command(id, e); return err })
	if err != nil {
		return nil, err
	}
	return out, nil
}

// StartExec does nothing that could be seen.
func (p streams) StartExec(ctx context.Context, id string, e engine.Exec, _ bool) error {
	return p.w.call(ctx, "StartExec", p.w.nameOf(id)+" "+strings.Join(e.Command, " "), func() error { _, err := p.w.command(id, e); return err })
}

// AttachContainer copies what is written from now on.
func (p streams) AttachContainer(ctx context.Context, id string, s engine.Streaming) (engine.Stream, error) {
	var out *fakeAttached
	err := p.w.call(ctx, "AttachContainer", p.w.nameOf(id), func() error {
		b, err := p.w.must(id)
		switch {
		case err != nil:
			return err
		case b.state == container.Paused:
			return refuse(engine.ErrConflict, "attach to container %s: it is paused", b.name)
		}
		out = &fakeAttached{w: p.w, b: b, next: len(b.lines), tty: s.TTY, closed: make(chan struct{})}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// deaf is an input that nobody reads, and a terminal of any size.
type deaf struct{}

func (deaf) Write(p []byte) (int, error)            { return len(p), nil }
func (deaf) CloseWrite() error                      { return nil }
func (deaf) Resize(context.Context, int, int) error { return nil }

type fakeCommand struct {
	deaf
	command
	exec engine.Exec
	tty  bool
	code int
	err  error
}

func (c *fakeCommand) Close() error { return nil }

func (c *fakeCommand) Copy(stdout, stderr io.Writer) error {
	if c.does == nil {
		return nil
	}
	lines, code, takes := c.does(c.exec)
	for _, l := range lines {
		show(written(l), c.tty, stdout, stderr)
	}
	c.code, c.err = c.end(context.Background(), code, takes)
	return c.err
}

func (c *fakeCommand) Code(context.Context) (int, error) { return c.code, c.err }

func show(l engine.LogLine, tty bool, stdout, stderr io.Writer) {
	if l.Stderr && !tty {
		stdout = stderr
	}
	fmt.Fprintln(stdout, l.Text)
}

type fakeAttached struct {
	deaf
	w      *world
	b      *box
	next   int
	tty    bool
	closed chan struct{}
}

func (a *fakeAttached) Close() error { close(a.closed); return nil }

func (a *fakeAttached) Copy(stdout, stderr io.Writer) error {
	for {
		a.w.mu.Lock()
		lines, wrote, over := a.b.lines[a.next:], a.b.wrote, a.b.exited != nil && !a.b.up()
		a.next = len(a.b.lines)
		a.w.mu.Unlock()
		for _, l := range lines {
			show(l, a.tty, stdout, stderr)
		}
		if over {
			return nil
		}
		select {
		case <-wrote:
		case <-a.closed:
			return nil
		}
	}
}
