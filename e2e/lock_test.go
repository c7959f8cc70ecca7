package e2e

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tutti-run/tutti/e2e/internal/dock"
)

const lockFile = `
services:
  slow:
    image: ${STUB}
    environment: {COLOR: "${COLOR:-red}"}
    healthcheck:
      test: [CMD, /stub, cat, /go/on]
      interval: 200ms
      retries: 1000
    volumes: ["./go:/go"]
  web:
    image: ${STUB}
    environment: {COLOR: "${COLOR:-red}"}
    depends_on: {slow: {condition: service_healthy}}
`

// slowStack is one whose up is under way until goOn.
func slowStack(t *testing.T) *stack {
	t.Helper()
	s := newStack(t, map[string]string{"compose.yaml": lockFile})
	if err := os.MkdirAll(s.dir+"/go", 0o755); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stack) goOn() { s.t.Helper(); s.write("go/on", "yes") }

// process is a tutti that runs beside the test.
type process struct {
	*background
	t *testing.T
}

func (s *stack) start(program string, args ...string) *process {
	s.t.Helper()
	p := &process{&background{cmd: s.command(context.Background(), program, args...), done: make(chan struct{})}, s.t}
	p.cmd.Stdout, p.cmd.Stderr = locked{&p.mu, &p.out}, locked{&p.mu, &p.err}
	if err := p.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { p.cmd.Wait(); close(p.done) }()
	s.t.Cleanup(func() { p.cmd.Process.Kill(); <-p.done })
	return p
}

// sees what it has written, or will soon.
func (p *process) sees(pattern string) {
	p.t.Helper()
	want := regexp.MustCompile("(?m)" + pattern)
	for limit := time.Now().Add(patience / 2); ; time.Sleep(20 * time.Millisecond) {
		out, text := p.text()
		if want.MatchString(out) || want.MatchString(text) {
			return
		}
		if time.Now().After(limit) {
			p.t.Fatalf("has not written %s:\n%s%s", pattern, out, text)
		}
	}
}

func (p *process) ended(code int) {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatal("has not ended")
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		out, text := p.text()
		p.t.Errorf("exit code %d, not %d:\n%s%s", got, code, out, text)
	}
}

// unlocked: nothing of the lock is left.
func (s *stack) unlocked() {
	s.t.Helper()
	if names, err := engine.Marks(context.Background(), s.project); err != nil || len(names) > 0 {
		s.t.Errorf("left of the lock: %q, %v", names, err)
	}
}

func (s *stack) color(name string) string {
	v, err := engine.Inspect(context.Background(), s.project+"-"+name)
	if err != nil {
		s.t.Fatal(err)
	}
	return dock.Pick(v, "Config/Env")
}

const waiting = `is being changed by \S+@\S+ \(up, since [0-9:]+, pid \d+\): waiting$`

func TestLockSerialises(t *testing.T) {
	t.Parallel()
	s := slowStack(t)
	first := s.with("COLOR=green").start(binary, "up", "-d")
	first.sees("slow-1 +Started")
	second := s.with("COLOR=blue").start(binary, "up", "-d")
	second.sees(waiting)
	_, text, code := s.try("up", "-d", "--no-wait")
	if code != 1 || !regexp.MustCompile(`project "`+s.project+`" is being changed by \S+ \(tutti up, pid \d+, for \d+ s\)`).MatchString(text) {
		t.Errorf("--no-wait: exit code %d\n%s", code, text)
	}
	s.goOn()
	first.ended(0)
	second.ended(0)
	for _, name := range []string{"slow-1", "web-1"} {
		if env := s.color(name); !strings.Contains(env, "COLOR=blue") {
			t.Errorf("%s has %s", name, env)
		}
	}
	s.with("COLOR=blue").settled()
	s.unlocked()
}

func TestLockOfTheKilled(t *testing.T) {
	t.Parallel()
	s := slowStack(t)
	first := s.start(binary, "up", "-d")
	first.sees("slow-1 +Started")
	second := s.start(binary, "up", "-d")
	second.sees(waiting)
	s.goOn()
	first.cmd.Process.Kill()
	second.sees("was left by")
	second.ended(0)
	s.settled()
	s.unlocked()
}

// TestLockOfTheDead: the holder is dead when the next one comes.
func TestLockOfTheDead(t *testing.T) {
	t.Parallel()
	s := slowStack(t)
	first := s.start(binary, "up", "-d")
	first.sees("slow-1 +Started")
	first.cmd.Process.Kill()
	<-first.done
	s.goOn()
	if _, text, code := s.try("up", "-d", "--no-wait"); code != 0 || !strings.Contains(text, "was left by") {
		t.Errorf("exit code %d\n%s", code, text)
	}
	s.settled()
	s.unlocked()
}

// TestLockOfAnotherMachine that is gone: nobody answers.
func TestLockOfAnotherMachine(t *testing.T) {
	t.Parallel()
	s := slowStack(t)
	s.goOn()
	l := "dev.tutti.lock."
	mark := map[string]any{"Name": "tutti-lock-" + s.project, "Labels": map[string]string{l + "project": s.project, l + "token": "T", l + "user": "anna",
		l + "host": "build-3", l + "pid": "812", l + "machine": "another", l + "command": "up", l + "since": "2026-01-02T03:04:05Z"}}
	if err := engine.Do(context.Background(), "POST", "/volumes/create", mark, nil); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	up := s.start(binary, "up", "-d")
	up.sees("is being changed by anna@build-3")
	up.sees("was left by anna@build-3")
	if took := time.Since(began); took < 4*time.Second || took > 15*time.Second {
		t.Errorf("taken over after %s", took)
	}
	up.ended(0)
	s.unlocked()
}

// TestLockAcrossPIDNamespaces: what one cannot see it asks, and a living holder answers.
func TestLockAcrossPIDNamespaces(t *testing.T) {
	t.Parallel()
	apart := []string{"--pid", "--fork", "--kill-child", "--mount-proc", binary, "up", "-d"}
	if err := exec.Command("unshare", "--pid", "--fork", "--mount-proc", "true").Run(); err != nil {
		t.Skip("unshare: ", err)
	}
	s := slowStack(t)
	first := s.start("unshare", apart...)
	first.sees("slow-1 +Started")
	began := time.Now()
	_, text, code := s.try("up", "-d", "--no-wait")
	if code != 1 || !strings.Contains(text, "is being changed by") || time.Since(began) > 4*time.Second {
		t.Errorf("--no-wait: exit code %d after %s\n%s", code, time.Since(began), text)
	}
	second := s.with("COLOR=blue").start(binary, "up", "-d")
	second.sees(waiting)
	time.Sleep(6 * time.Second) // longer than the dead take to answer
	if _, text := second.text(); strings.Contains(text, "was left by") {
		t.Errorf("taken over from a living one:\n%s", text)
	}
	s.goOn()
	first.ended(0)
	second.ended(0)
	s.with("COLOR=blue").settled()
	s.unlocked()
}

// TestLockInterrupted: Ctrl-C ends the wait; an attached up that only stays holds no lock.
func TestLockInterrupted(t *testing.T) {
	t.Parallel()
	s := slowStack(t)
	first := s.start(binary, "up")
	first.sees("slow-1 +Started")
	second := s.with("COLOR=blue").start(binary, "up", "-d")
	second.sees(waiting)
	_ = second.cmd.Process.Signal(syscall.SIGINT)
	second.ended(130)
	s.goOn()
	first.sees("web-1 +Started")
	s.tutti("up", "-d", "--scale", "web=2") // would never end if it waited for one that stays
	_ = first.cmd.Process.Signal(syscall.SIGINT)
	first.ended(130)
	for name, c := range s.containers() {
		if c.State == "running" {
			t.Errorf("%s runs", name)
		}
	}
	s.unlocked()
}
