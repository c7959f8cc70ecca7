package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	apicontainer "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/tutti-run/tutti/engine"
)

// execs runs commands in containers.
type execs struct{ c *conn }

// Exec takes three calls: make it, start it, and ask for its code. When ctx ends the command goes on: the engine has no call to end it.
func (x execs) Exec(ctx context.Context, id string, e engine.Exec, line func(engine.LogLine)) (int, error) {
	what := "run command in container " + short(id)
	made, err := x.c.api.ExecCreate(ctx, id, client.ExecCreateOptions{
		User: e.User, Privileged: e.Privileged, AttachStdout: true, AttachStderr: true, Env: e.Environment, WorkingDir: e.WorkingDir, Cmd: e.Command,
	})
	if err != nil {
		return 0, failed(err, what)
	}
	code := 0
	if err = x.run(ctx, made.ID, line); err == nil {
		code, err = x.code(ctx, made.ID)
	}
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	return code, failed(err, what)
}

// run starts it and reads what it writes. It does not ask for the connection to be taken over, as the client would: without input an
// answer that ends with the command will do, and one that says no has its status.
func (x execs) run(ctx context.Context, id string, line func(engine.LogLine)) error {
	body, err := json.Marshal(apicontainer.ExecStartRequest{})
	if err != nil {
		return err
	}
	resp, err := x.c.do(ctx, http.MethodPost, "/exec/"+id+"/start", nil, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	out, errs := &lineWriter{line: line}, &lineWriter{line: line, stderr: true}
	_, err = stdcopy.StdCopy(out, errs, resp.Body)
	out.end()
	errs.end()
	return ended(err)
}

// code of a command that has closed its output. It may not have ended yet, or the engine may not have noticed.
func (x execs) code(ctx context.Context, id string) (int, error) {
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		in, err := x.c.api.ExecInspect(ctx, id, client.ExecInspectOptions{})
		if err != nil || !in.Running {
			return in.ExitCode, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// lineWriter cuts a stream at its line ends.
type lineWriter struct {
	line   func(engine.LogLine)
	stderr bool
	rest   []byte // a line whose end has not come yet
}

var _ io.Writer = (*lineWriter)(nil)

func (l *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for {
		text, more, whole := bytes.Cut(p, newline)
		l.rest = append(l.rest, text...)
		if !whole {
			return n, nil
		}
		l.tell()
		p = more
	}
}

func (l *lineWriter) tell() {
	l.line(engine.LogLine{Time: time.Now(), Stderr: l.stderr, Text: string(bytes.TrimSuffix(l.rest, carriage))})
	l.rest = l.rest[:0]
}

// end tells what has no line end.
func (l *lineWriter) end() {
	if len(l.rest) > 0 {
		l.tell()
	}
}
