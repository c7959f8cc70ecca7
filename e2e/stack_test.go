package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/e2e/internal/dock"
)

// stack is a project of a Go test: a directory with a compose.yaml, and a name of its own.
type stack struct {
	t       *testing.T
	project string
	dir     string
	env     []string
}

// newStack of files by name. Its containers, networks and volumes are gone after the test; what they were is shown if it failed.
func newStack(t *testing.T, files map[string]string) *stack {
	t.Helper()
	needEngine(t)
	s := &stack{t: t, project: newProject(t, t.Name()), dir: t.TempDir()}
	for name, text := range files {
		s.write(name, text)
	}
	s.env = append(os.Environ(), "COMPOSE_PROJECT_NAME="+s.project, "STUB="+stub, "DOCKER_HOST="+engine.Host, "TERM=dumb")
	t.Cleanup(func() {
		if t.Failed() {
			state, _ := engine.State(context.Background(), s.project)
			plan, _, _ := s.try("plan")
			t.Logf("=== engine\n%s\n=== tutti plan\n%s", state, plan)
		}
	})
	return s
}

func (s *stack) write(name, text string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// with further variables, the later ones count.
func (s *stack) with(env ...string) *stack {
	c := *s
	c.env = append(slices.Clone(s.env), env...)
	return &c
}

func (s *stack) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	return cmd
}

// run a program to its end; a code other than 0 ends the test.
func (s *stack) run(program string, args ...string) string {
	s.t.Helper()
	out, text, code := s.exec(program, args...)
	if code != 0 {
		s.t.Fatalf("%s %s: exit code %d\n%s%s", filepath.Base(program), strings.Join(args, " "), code, out, text)
	}
	return out
}

func (s *stack) tutti(args ...string) string { s.t.Helper(); return s.run(binary, args...) }

func (s *stack) try(args ...string) (stdout, stderr string, code int) { return s.exec(binary, args...) }

func (s *stack) exec(program string, args ...string) (stdout, stderr string, code int) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := s.command(ctx, program, args...)
	var out, text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &text
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		return "", err.Error(), -1
	}
	return out.String(), text.String(), cmd.ProcessState.ExitCode()
}

// settled: the plan is empty.
func (s *stack) settled() {
	s.t.Helper()
	if out, text, code := s.try("plan", "--detailed-exitcode"); code != 0 {
		s.t.Errorf("plan is not empty (exit code %d):\n%s%s", code, out, text)
	}
}

// containers by name, without the project's.
func (s *stack) containers() map[string]dock.Container {
	s.t.Helper()
	list, err := engine.Containers(context.Background(), s.project)
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]dock.Container{}
	for _, c := range list {
		out[strings.TrimPrefix(c.Name(), s.project+"-")] = c
	}
	return out
}

// state of the project in the engine, as text.
func (s *stack) state() string {
	s.t.Helper()
	text, err := engine.State(context.Background(), s.project)
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// inside runs the stub in a container.
func (s *stack) inside(name string, args ...string) string {
	s.t.Helper()
	out, code, err := engine.Exec(context.Background(), s.project+"-"+name, append([]string{"/stub"}, args...)...)
	if err != nil || code != 0 {
		s.t.Fatalf("inside %s %v: exit code %d, %v\n%s", name, args, code, err, out)
	}
	return out
}

// proxy in front of the engine, until the test ends.
func (s *stack) proxy() *dock.Proxy {
	s.t.Helper()
	p, err := dock.NewProxy(engine, s.t.TempDir())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(p.Close)
	return p
}
