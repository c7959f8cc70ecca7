package enginetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// exec gives what the helper wrote in a container, each stream in order, and its exit code.
func (r *room) exec(id string, e engine.Exec, words ...string) (out, errs []string, code int) {
	r.Helper()
	e.Command = append([]string{"/helper"}, words...)
	code, err := r.e.Exec(r.Context(), id, e, func(l engine.LogLine) {
		if l.Time.IsZero() {
			r.Errorf("no time: %+v", l)
		}
		if l.Stderr {
			errs = append(errs, l.Text)
		} else {
			out = append(out, l.Text)
		}
	})
	r.must(err)
	return out, errs, code
}

func execsObey(r *room) {
	spec := container.Spec{NetworkMode: "none", Environment: map[string]*string{"COLOR": ptr("blue"), "SIZE": ptr("big")}}
	id := r.make(engine.NewContainer{Name: "web", Spec: spec})
	r.start(id)
	stamp := "2026-01-02T03:04:05.000000000Z of its own"
	out, errs, code := r.exec(id, engine.Exec{}, "say=one", "say=!two", "say=", "say="+stamp, "exit=3")
	if !slices.Equal(out, []string{"one", "", stamp}) || !slices.Equal(errs, []string{"two"}) || code != 3 {
		r.Errorf("stdout %q, stderr %q, code %d", out, errs, code)
	}
	out, _, code = r.exec(id, engine.Exec{}, "uid", "pwd", "env=COLOR", "env=FROM_IMAGE", "env=NOBODY", "exit=0")
	if !slices.Equal(out, []string{"0:0", "/", "true blue", "true yes", "false "}) || code != 0 {
		r.Errorf("stdout %q, code %d", out, code)
	}
	own := engine.Exec{User: "1000:1001", WorkingDir: "/declared", Environment: []string{"COLOR=red", "FROM_IMAGE="}}
	out, _, _ = r.exec(id, own, "uid", "pwd", "env=COLOR", "env=SIZE", "env=FROM_IMAGE", "exit=0")
	if !slices.Equal(out, []string{"1000:1001", "/declared", "true red", "true big", "true "}) {
		r.Errorf("stdout %q", out)
	}
}

func execRefuses(r *room) {
	try := func(id string, words ...string) error {
		_, err := r.e.Exec(r.Context(), id, engine.Exec{Command: words}, func(engine.LogLine) {})
		return err
	}
	id := r.does("web")
	r.refused(try(id, "/helper", "exit=0"), engine.ErrConflict)
	r.start(id)
	r.must(try(id, "/helper", "exit=0"))
	if !r.podman() {
		r.refused(try(id), engine.ErrInvalid)
	}
	r.must(r.e.StopContainer(r.Context(), id, ptr(5*time.Second)))
	r.refused(try(id, "/helper", "exit=0"), engine.ErrConflict)
	r.refused(try(r.name("nobody"), "/helper", "exit=0"), engine.ErrNotFound)
}

// execFails: a program that is not there is an error, or a code with the reason among the lines; how, depends on the engine.
func execFails(r *room) {
	id, said := r.run("web"), ""
	code, err := r.e.Exec(r.Context(), id, engine.Exec{Command: []string{"/no/such/program"}}, func(l engine.LogLine) { said += l.Text })
	if err == nil && (code == 0 || !strings.Contains(said, "/no/such/program")) {
		r.Errorf("code %d, said %q", code, said)
	}
	if out, _, code := r.exec(id, engine.Exec{}, "say=well", "exit=0"); code != 0 || !slices.Equal(out, []string{"well"}) {
		r.Errorf("afterwards: stdout %q, code %d", out, code)
	}
}

// execEndsEarly: whoever gives up is let go at once, and a container takes its commands with it.
func execEndsEarly(r *room) {
	id := r.run("web")
	ctx, cancel := context.WithTimeout(r.Context(), 300*time.Millisecond)
	defer cancel()
	began := time.Now()
	long := engine.Exec{Command: []string{"/helper", "say=begun", "exit=0", "after=20s"}}
	_, err := r.e.Exec(ctx, id, long, func(engine.LogLine) {})
	if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took > 5*time.Second {
		r.Errorf("got %v after %s", err, took)
	}
	kill := func(engine.LogLine) { r.must(r.e.KillContainer(r.Context(), id, "SIGKILL")) }
	code, err := r.e.Exec(r.Context(), id, long, kill)
	if took := time.Since(began); err == nil && code != 137 || took > 15*time.Second {
		r.Errorf("got %d, %v after %s", code, err, took)
	}
}
