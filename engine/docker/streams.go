package docker

import (
	"context"
	"io"
	"strings"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"github.com/tutti-run/tutti/engine"
)

// streams connects us with processes in containers.
type streams struct{ c *conn }

// OpenExec makes a command and starts it with its streams connected: two calls, and one for its code.
func (s streams) OpenExec(ctx context.Context, id string, e engine.Exec, io engine.Streaming) (engine.Command, error) {
	what := "run command in container " + short(id)
	size := client.ConsoleSize{Height: uint(io.Rows), Width: uint(io.Cols)}
	if !s.c.at("1.42") {
		size = client.ConsoleSize{} // the client refuses to tell older engines
	}
	made, err := s.c.api.ExecCreate(ctx, id, client.ExecCreateOptions{
		User: e.User, Privileged: e.Privileged, TTY: io.TTY, AttachStdin: io.Stdin, AttachStdout: true, AttachStderr: !io.TTY, ConsoleSize: size,
		Env: e.Environment, WorkingDir: e.WorkingDir, Cmd: e.Command,
	})
	if err != nil {
		return nil, failed(err, what)
	}
	res, err := s.c.api.ExecAttach(ctx, made.ID, client.ExecAttachOptions{TTY: io.TTY, ConsoleSize: size})
	if err != nil {
		return nil, failed(err, what)
	}
	return command{stream{res.HijackedResponse, io.TTY, func(ctx context.Context, cols, rows int) error {
		_, err := s.c.api.ExecResize(ctx, made.ID, client.ExecResizeOptions{Height: uint(rows), Width: uint(cols)})
		return failed(err, "resize terminal")
	}}, func(ctx context.Context) (int, error) {
		code, err := execs(s).code(ctx, made.ID)
		return code, failed(err, what)
	}}, nil
}

// StartExec makes a command and leaves it to itself.
func (s streams) StartExec(ctx context.Context, id string, e engine.Exec, tty bool) error {
	what := "run command in container " + short(id)
	made, err := s.c.api.ExecCreate(ctx, id, client.ExecCreateOptions{
		User: e.User, Privileged: e.Privileged, TTY: tty, Env: e.Environment, WorkingDir: e.WorkingDir, Cmd: e.Command,
	})
	if err == nil {
		_, err = s.c.api.ExecStart(ctx, made.ID, client.ExecStartOptions{Detach: true, TTY: tty})
	}
	return failed(err, what)
}

// AttachContainer connects us with its own process.
func (s streams) AttachContainer(ctx context.Context, id string, io engine.Streaming) (engine.Stream, error) {
	res, err := s.c.api.ContainerAttach(ctx, id, client.ContainerAttachOptions{
		Stream: true, Stdin: io.Stdin, Stdout: true, Stderr: true,
	})
	if err != nil {
		return nil, failed(upgradeRefused(err), "attach to container", short(id))
	}
	return stream{res.HijackedResponse, io.TTY, func(ctx context.Context, cols, rows int) error {
		_, err := s.c.api.ContainerResize(ctx, id, client.ContainerResizeOptions{Height: uint(rows), Width: uint(cols)})
		return failed(err, "resize terminal")
	}}, nil
}

// upgradeRefused gives an answer that is no connection its kind: the client keeps only its status, as text.
func upgradeRefused(err error) error {
	switch {
	case strings.Contains(err.Error(), "received 404"):
		return refusal{"No such container", engine.ErrNotFound}
	case strings.Contains(err.Error(), "received 409"):
		return refusal{"it is paused or restarting", engine.ErrConflict}
	}
	return err
}

// stream over a connection that was taken over.
type stream struct {
	conn   client.HijackedResponse
	tty    bool
	resize func(ctx context.Context, cols, rows int) error
}

func (s stream) Write(p []byte) (int, error) { return s.conn.Conn.Write(p) }

func (s stream) CloseWrite() error { return s.conn.CloseWrite() }

func (s stream) Close() error { s.conn.Close(); return nil }

func (s stream) Resize(ctx context.Context, cols, rows int) error { return s.resize(ctx, cols, rows) }

// Copy has both outputs in one stream with heads, but of a terminal, which has one output as it is.
func (s stream) Copy(stdout, stderr io.Writer) error {
	var err error
	if s.tty {
		_, err = io.Copy(stdout, s.conn.Reader)
	} else {
		_, err = stdcopy.StdCopy(stdout, stderr, s.conn.Reader)
	}
	return err
}

// command that was started with its streams.
type command struct {
	stream
	code func(context.Context) (int, error)
}

func (c command) Code(ctx context.Context) (int, error) { return c.code(ctx) }
