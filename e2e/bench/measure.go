package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/e2e/internal/dock"
)

// bench holds what all cases share, and what has been measured.
type bench struct {
	real    *dock.Engine
	dir     string
	image   string // of the stub
	limit   time.Duration
	results results
}

// results by the name of a step and of a tool.
type results map[[2]string]*series

type series struct {
	samples []sample
	calls   int // -1: not counted
}

func (r results) of(step, tool string) *series {
	key := [2]string{step, tool}
	if r[key] == nil {
		r[key] = &series{calls: -1}
	}
	return r[key]
}

// stage is one project of one tool, set up for a case.
type stage struct {
	b     *bench
	t     tool
	dir   string
	env   []string
	proxy *dock.Proxy // nil: times are taken
}

// measure a case with a tool: its times, or its calls.
func (b *bench) measure(ctx context.Context, c benchCase, t tool, calls bool) error {
	if slices.Contains(c.without, t.name) {
		return nil
	}
	dir, err := os.MkdirTemp(b.dir, "stage")
	if err != nil {
		return err
	}
	engine := b.real
	if c.simulated {
		sim, err := b.simulate(ctx, dir)
		if err != nil {
			return err
		}
		defer sim.close()
		engine = sim.engine
	}
	s := &stage{b: b, t: t, dir: dir}
	host := engine.Host
	if calls {
		if s.proxy, err = dock.NewProxy(engine, dir); err != nil {
			return err
		}
		defer s.proxy.Close()
		host = s.proxy.Host
	}
	project := fmt.Sprintf("bench%d", os.Getpid()) + strings.TrimPrefix(filepath.Base(dir), "stage") // its own: what the engine did not let go of must not meet the next
	s.env = append(os.Environ(), "DOCKER_HOST="+host, "COMPOSE_PROJECT_NAME="+project, "STUB="+b.image, "STACK="+filepath.Join(dir, "stack.json"))
	body, err := json.Marshal(c.stack)
	err = errors.Join(err, os.WriteFile(filepath.Join(dir, "stack.json"), body, 0o644), os.WriteFile(filepath.Join(dir, "compose.yaml"), []byte(c.stack.file()), 0o644))
	if err != nil {
		return err
	}
	if !c.simulated {
		defer engine.RemoveProject(context.WithoutCancel(ctx), project)
	}
	for _, step := range c.steps {
		if err := s.take(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// take a step, and keep what came of it.
func (s *stage) take(ctx context.Context, step step) error {
	argv := s.t.argv(step)
	if step.env != "" {
		s.env = append(s.env, step.env)
	}
	if argv == nil {
		return nil
	}
	into := s.b.results.of(step.name, s.t.name)
	if n := len(into.samples); n > 0 && into.samples[n-1].Over {
		return nil
	}
	if s.proxy != nil {
		s.proxy.Calls()
	}
	got, err := s.launch(ctx, argv, step.follow)
	if err != nil {
		return fmt.Errorf("%s: %w", strings.Join(argv[1:], " "), err)
	}
	if s.proxy != nil {
		into.calls = len(s.proxy.Calls())
	}
	if s.proxy == nil || got.Over {
		into.samples = append(into.samples, got)
	}
	return nil
}

// launch a command in a process that measures it.
func (s *stage) launch(ctx context.Context, argv []string, follow time.Duration) (sample, error) {
	self, err := os.Executable()
	if err != nil {
		return sample{}, err
	}
	in, out, err := os.Pipe()
	if err != nil {
		return sample{}, err
	}
	defer in.Close()
	cmd := exec.CommandContext(ctx, self, append([]string{"launch", s.b.limit.String(), follow.String()}, argv...)...)
	var lines lineCounter
	cmd.Dir, cmd.Env, cmd.ExtraFiles = s.dir, s.env, []*os.File{out}
	text, err := os.Create(filepath.Join(s.dir, "output"))
	if err != nil {
		return sample{}, err
	}
	defer text.Close()
	cmd.Stdout, cmd.Stderr = text, text
	if follow > 0 {
		cmd.Stdout = &lines
	}
	err = cmd.Run()
	out.Close()
	got := sample{}
	if err == nil {
		err = json.NewDecoder(in).Decode(&got)
	}
	if err == nil && got.Failed && !got.Over {
		err = errors.New("it failed")
	}
	if err != nil {
		written, _ := os.ReadFile(text.Name())
		return sample{}, fmt.Errorf("%w\n%s", err, written[max(0, len(written)-4000):])
	}
	got.Lines = int(lines)
	return got, nil
}

// lineCounter counts what is written to it.
type lineCounter int

func (c *lineCounter) Write(p []byte) (int, error) {
	*c += lineCounter(bytes.Count(p, []byte("\n")))
	return len(p), nil
}

// build the stub's image, and the simulated engine if a case wants it.
func (b *bench) build(ctx context.Context, chosen []benchCase) error {
	stub := filepath.Join(b.dir, "stub")
	if err := compile(ctx, stub, "./e2e/stub", "GOOS="+b.real.OS, "GOARCH="+b.real.Arch); err != nil {
		return err
	}
	body, err := os.ReadFile(stub)
	if err != nil {
		return err
	}
	file := "FROM scratch\nCOPY stub /stub\nENTRYPOINT [\"/stub\"]\nCMD [\"serve\"]\n"
	err = b.real.Build(ctx, b.image, dock.File{Name: "stub", Mode: 0o755, Body: body}, dock.File{Name: "Dockerfile", Mode: 0o644, Body: []byte(file)})
	if err != nil || !slices.ContainsFunc(chosen, func(c benchCase) bool { return c.simulated }) {
		return err
	}
	return compile(ctx, filepath.Join(b.dir, "simulated"), "./engine/enginetest/simulated")
}

func compile(ctx context.Context, to, dir string, env ...string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", to, dir)
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", dir, err, out)
	}
	return nil
}

// simulation is a simulated engine that runs.
type simulation struct {
	engine *dock.Engine
	cmd    *exec.Cmd
}

func (b *bench) simulate(ctx context.Context, dir string) (*simulation, error) {
	socket := filepath.Join(dir, "simulated.sock")
	cmd := exec.CommandContext(ctx, filepath.Join(b.dir, "simulated"), "-socket", socket, "-image", b.image)
	cmd.Stderr = os.Stderr
	ready, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &simulation{cmd: cmd}
	if _, err := io.ReadFull(ready, make([]byte, len("ready\n"))); err != nil {
		s.close()
		return nil, fmt.Errorf("simulated engine: %w", err)
	}
	if s.engine, err = dock.Dial(ctx, "unix://"+socket); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *simulation) close() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}
