package e2e

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/e2e/internal/dock"
)

const killFile = `
services:
  store:
    image: ${STUB}
    environment: {COLOR: "${COLOR:-red}"}
    volumes: [/data]
    networks: [front, back]
    scale: 2
  web:
    image: ${STUB}
    environment: {COLOR: "${COLOR:-red}"}
    volumes: [/data, "named:/named"]
    networks: [front, back]
    depends_on: [store]
    configs: [page]
networks:
  front:
  back:
volumes:
  named:
configs:
  page:
    content: a page
`

var killNames = []string{"store-1", "store-2", "web-1"}

// TestKillRecreate: tutti is killed with -9 after each single changing call of an up that replaces everything. Each time the next
// plain up converges, and what the anonymous volumes held is still there.
func TestKillRecreate(t *testing.T) {
	t.Parallel()
	s := newStack(t, map[string]string{"compose.yaml": killFile})
	s.tutti("up", "-d")
	for _, name := range killNames {
		s.inside(name, "write", "/data/mark", name)
	}
	killed := killEach(t, s, killNames, func(int) {})
	if least := 5 * len(killNames); killed < least {
		t.Errorf("killed after %d calls only; replacing %d containers takes at least %d", killed, len(killNames), least)
	}
}

// TestKillFirst: the same of a first up.
func TestKillFirst(t *testing.T) {
	t.Parallel()
	s := newStack(t, map[string]string{"compose.yaml": killFile})
	killed := killEach(t, s, killNames, func(int) { s.tutti("down", "-v", "-t", "1") })
	if killed < 8 {
		t.Errorf("killed after %d calls only", killed)
	}
}

const rolloutFile = `
services:
  web:
    image: ${STUB}
    environment: {COLOR: "${COLOR:-red}"}
    healthcheck: {test: [CMD, /stub, probe], interval: 200ms}
    volumes: [/data]
    scale: 2
    deploy:
      update_config: {order: start-first, parallelism: 2}
  client:
    image: ${STUB}
    command: [requests, "http://web/", "5"]
    depends_on: {web: {condition: service_healthy}}
`

// TestKillRollout: tutti is killed after each single changing call of a start-first rollout. The service answers all the time, and each time the
// next plain up converges. The client may ask again: what is under way just when the old container changes its network, and the kill keeps it
// from coming back, is lost.
func TestKillRollout(t *testing.T) {
	t.Parallel()
	notOnPodman(t, "requests time out while containers join and leave a network of Podman's")
	s := newStack(t, map[string]string{"compose.yaml": rolloutFile})
	s.tutti("up", "-d", "--wait")
	for _, name := range []string{"web-1", "web-2"} {
		s.inside(name, "write", "/data/mark", name)
	}
	killed := killEach(t, s, []string{"client-1", "web-1", "web-2"}, func(int) {})
	if killed < 16 {
		t.Errorf("killed after %d calls only", killed)
	}
	if err := engine.Do(context.Background(), "POST", "/containers/"+s.project+"-client-1/stop", nil, nil); err != nil {
		t.Fatal(err)
	}
	text, err := engine.Logs(context.Background(), s.project+"-client-1")
	if err != nil || !strings.Contains(text, " failed 0\n") {
		t.Errorf("%v\n%s", err, text)
	}
}

// killEach kills an up after its k-th changing call, for each k until one runs to its end, and tells how many were killed.
func killEach(t *testing.T, s *stack, names []string, before func(k int)) int {
	t.Helper()
	for k := 1; k < 200; k++ {
		before(k)
		changed := s.with(fmt.Sprintf("COLOR=blue%d", k))
		marked := marks(s)
		last, killed := upKilledAfter(t, changed, k)
		if !killed {
			changed.converged(names, marked)
			return k - 1
		}
		if out, text, code := changed.try("up", "-d"); code != 0 {
			t.Fatalf("killed after call %d (%s %s): the next up fails with %d:\n%s%s", k, last.Method, last.Path, code, out, text)
		}
		changed.converged(names, marked)
		if t.Failed() {
			t.Fatalf("killed after call %d (%s %s)", k, last.Method, last.Path)
		}
	}
	t.Fatal("up never ends")
	return 0
}

// marks are the containers whose volume holds a mark.
func marks(s *stack) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(s.containers())) {
		if text, code, err := engine.Exec(context.Background(), s.project+"-"+name, "/stub", "cat", "/data/mark"); err == nil && code == 0 && strings.TrimSpace(text) == name {
			out = append(out, name)
		}
	}
	return out
}

// upKilledAfter the k-th call that can change something; false if it ended before.
func upKilledAfter(t *testing.T, s *stack, k int) (last dock.Call, killed bool) {
	t.Helper()
	p, err := dock.NewProxy(engine, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := s.with("DOCKER_HOST="+p.Host).command(ctx, binary, "up", "-d")
	started, n := make(chan struct{}), 0
	p.After = func(c dock.Call) {
		if !c.Changes() {
			return
		}
		if n++; n == k {
			<-started
			cmd.Process.Kill()
			last, killed = c, true
		}
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	close(started)
	err = cmd.Wait()
	p.Calls() // waits for a call that is being answered
	if os.Getenv("TUTTI_E2E_RUSH") == "" {
		p.Quiet() // calls under way end after the kill; in a rush, the next up runs while they do
	}
	if ctx.Err() != nil {
		t.Fatal("up does not end")
	}
	if err != nil && !killed {
		t.Fatalf("up: %v", err)
	}
	return last, killed
}

// converged: nothing to do, the names as they should be, all running, the config in its place, every mark kept.
func (s *stack) converged(wanted, marked []string) {
	s.t.Helper()
	s.settled()
	have := s.containers()
	if names := slices.Sorted(maps.Keys(have)); !slices.Equal(names, wanted) {
		s.t.Errorf("containers %v, not %v", names, wanted)
	}
	for name, c := range have {
		if c.State != "running" {
			s.t.Errorf("%s is %s", name, c.State)
		}
	}
	if slices.Equal(wanted, killNames) {
		if page := s.inside("web-1", "cat", "/page"); page != "a page" {
			s.t.Errorf("web-1 has the config %q", page)
		}
	}
	if now := marks(s); !slices.Equal(now, marked) {
		s.t.Errorf("volumes of %v held their marks, now only those of %v do", marked, now)
	}
}
