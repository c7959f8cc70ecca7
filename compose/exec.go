package compose

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// Terminal is the user's side of a process that we are connected with.
type Terminal struct {
	Stdin            io.Reader // nil: none
	Stdout, Stderr   io.Writer
	engine.Streaming               // its Stdin follows from the one above
	Resized          <-chan [2]int // columns and rows, whenever they change; may be nil
}

// ExecOptions of Exec.
type ExecOptions struct {
	Service string
	Index   int // of the replica; 0: the first
	Detach  bool
	engine.Exec
}

// Exec runs a command in a container of a service and gives its exit code.
func (t Tool) Exec(ctx context.Context, p Project, o ExecOptions, term Terminal) (int, error) {
	l, err := t.Replica(ctx, p, o.Service, o.Index)
	if err != nil {
		return 0, err
	}
	if o.Detach {
		return 0, t.Engine.StartExec(ctx, l.ID, o.Exec, term.TTY)
	}
	cmd, err := t.Engine.OpenExec(ctx, l.ID, o.Exec, term.streaming())
	if err != nil {
		return 0, err
	}
	if err := term.connect(ctx, cmd); err != nil {
		return 0, err
	}
	return cmd.Code(ctx)
}

// Replica of a service that runs: of that number, or with 0 the first. One that `run` made is taken if there is no other.
func (t Tool) Replica(ctx context.Context, p Project, service string, index int) (container.Live, error) {
	all, err := t.Engine.ListContainers(ctx, p.Name)
	if err != nil {
		return container.Live{}, err
	}
	all = slices.DeleteFunc(all, func(l container.Live) bool {
		return l.Service() != service || !l.Up() || l.Hook() || index > 0 && (l.Number() != index || l.OneOff())
	})
	slices.SortStableFunc(all, func(a, b container.Live) int {
		if a.OneOff() != b.OneOff() {
			return map[bool]int{true: 1, false: -1}[a.OneOff()]
		}
		return a.Number() - b.Number()
	})
	switch {
	case len(all) > 0:
		return all[0], nil
	case index > 0:
		return container.Live{}, fmt.Errorf("service %q is not running container #%d", service, index)
	}
	return container.Live{}, fmt.Errorf("service %q is not running", service)
}

func (t Terminal) streaming() engine.Streaming {
	s := t.Streaming
	s.Stdin = t.Stdin != nil
	return s
}

// connect the user's side with the process's until that ends, or ctx does.
func (t Terminal) connect(ctx context.Context, s engine.Stream) error {
	over := make(chan struct{})
	defer close(over)
	defer s.Close()
	detached := make(chan struct{})
	if t.Stdin != nil {
		go func() { // ends with the input, or with the program
			if _, err := io.Copy(s, t.Stdin); errors.Is(err, ErrDetached) {
				close(detached)
				return
			}
			_ = s.CloseWrite() // the process may have ended by itself
		}()
	}
	go t.resize(ctx, s, over)
	ended := make(chan error, 1)
	go func() { ended <- s.Copy(t.Stdout, t.Stderr) }()
	select {
	case err := <-ended:
		return err
	case <-detached:
		return ErrDetached
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ErrDetached: the user has typed the keys that leave a process to itself. It is the reader of a Terminal that gives it.
var ErrDetached = errors.New("detached")

func (t Terminal) resize(ctx context.Context, s engine.Stream, over <-chan struct{}) {
	if !t.TTY {
		return
	}
	if t.Cols > 0 {
		_ = s.Resize(ctx, t.Cols, t.Rows) // it may have ended already
	}
	for {
		select {
		case size := <-t.Resized:
			_ = s.Resize(ctx, size[0], size[1])
		case <-over:
			return
		}
	}
}
