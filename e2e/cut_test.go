package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/e2e/internal/dock"
)

// TestEngineGoesAway half-way through an up: it ends soon, says so in words, and the next up goes on from there.
func TestEngineGoesAway(t *testing.T) {
	t.Parallel()
	s := newStack(t, map[string]string{"compose.yaml": killFile})
	p := s.proxy()
	n := 0
	p.After = func(c dock.Call) {
		if c.Changes() {
			if n++; n == 4 {
				go p.Close()
			}
		}
	}
	start := time.Now()
	out, text, code := s.with("DOCKER_HOST="+p.Host).try("up", "-d")
	if code == 0 || time.Since(start) > 20*time.Second {
		t.Errorf("exit code %d after %s", code, time.Since(start))
	}
	if !strings.Contains(text, "engine") || strings.Contains(text, "panic") || strings.Contains(text, "goroutine") {
		t.Errorf("does not say what happened:\n%s%s", out, text)
	}
	p.Quiet()
	s.tutti("up", "-d")
	s.converged(killNames, nil)
}

// TestEngineGoesAwayBefore anything was changed: nothing is.
func TestEngineGoesAwayBefore(t *testing.T) {
	t.Parallel()
	s := newStack(t, map[string]string{"compose.yaml": killFile})
	p := s.proxy()
	p.After = func(c dock.Call) {
		if strings.HasSuffix(c.Path, "/containers/json") {
			go p.Close()
			<-p.Closed()
		}
	}
	before := s.state()
	_, text, code := s.with("DOCKER_HOST="+p.Host).try("up", "-d")
	if code == 0 || !strings.Contains(text, "engine") {
		t.Errorf("exit code %d:\n%s", code, text)
	}
	if now := s.state(); now != before {
		t.Errorf("the engine was changed; before:\n%s\nnow:\n%s", before, now)
	}
}
