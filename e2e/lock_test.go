package e2e

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

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
	b, err := launch(s.command(context.Background(), program, args...))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(b.kill)
	return &process{b, s.t}
}

// sees what it has written, or will soon.
func (p *process) sees(pattern string) {
	p.t.Helper()
	if err := p.writes(pattern); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) ended(want int) {
	p.t.Helper()
	code, err := p.end()
	if err != nil {
		p.t.Fatal(err)
	}
	if out, text := p.text(); code != want {
		p.t.Errorf("exit code %d, not %d:\n%s%s", code, want, out, text)
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
	up := s.start(binary, "up", "-d")
	up.sees("is being changed by anna@build-3")
	up.sees("was left by anna@build-3")
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
	// one that did not answer would be taken over, and this end with 0
	if _, text, code := s.try("up", "-d", "--no-wait"); code != 1 || !strings.Contains(text, "is being changed by") {
		t.Errorf("--no-wait: exit code %d\n%s", code, text)
	}
	second := s.with("COLOR=blue").start(binary, "up", "-d")
	second.sees(waiting)
	s.goOn()
	first.ended(0)
	second.ended(0)
	if _, text := second.text(); strings.Contains(text, "was left by") {
		t.Errorf("taken over from a living one:\n%s", text)
	}
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
