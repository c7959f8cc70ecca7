package e2e

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/e2e/internal/dock"
)

const historyFile = `
services:
  web:
    image: ${IMAGE}
    environment: {COLOR: red, DB_PASSWORD: geheim1}
    secrets: [key]
    stop_grace_period: 1s
  db:
    image: ${STUB}
    volumes: [data:/data]
    stop_grace_period: 1s
  gone:
    image: ${STUB}
    stop_grace_period: 1s
volumes: {data: {}}
secrets: {key: {environment: KEY}}
`

const historyFile2 = `
services:
  web:
    image: ${IMAGE}
    environment: {COLOR: blue, DB_PASSWORD: geheim2}
    stop_grace_period: 1s
  db:
    image: ${STUB}
    volumes: [data:/data]
    stop_grace_period: 1s
  added:
    image: ${STUB}
    stop_grace_period: 1s
volumes: {data: {}}
`

// historyStack has an image of its own, PROJECT-web, so that it can be moved.
func historyStack(t *testing.T) *stack {
	t.Helper()
	s := newStack(t, map[string]string{"compose.yaml": historyFile})
	s = s.with("IMAGE="+s.project+"-web", "KEY=geheim3")
	s.build("1")
	return s
}

// build another image for web, which is of no other project: the engine would remove it with that one's name.
func (s *stack) build(version string) {
	s.t.Helper()
	file := "FROM " + stub + "\nLABEL version=" + version + " of=" + s.project + "\n"
	if err := engine.Build(context.Background(), s.project+"-web", dock.File{Name: "Dockerfile", Mode: 0o644, Body: []byte(file)}); err != nil {
		s.t.Fatal(err)
	}
}

// whatRuns is what the containers were made from, by name.
func (s *stack) whatRuns() map[string]string {
	s.t.Helper()
	out := map[string]string{}
	for name := range s.containers() {
		v, err := engine.Inspect(context.Background(), s.project+"-"+name)
		if err != nil {
			s.t.Fatal(err)
		}
		fields := []string{}
		for _, path := range []string{"Image", "Config.Env", "Config.Labels.dev.tutti.fields", "State.Status"} {
			fields = append(fields, dock.Pick(v, path))
		}
		out[name] = strings.Join(fields, " ")
	}
	return out
}

func (s *stack) sameRuns(want map[string]string) {
	s.t.Helper()
	if got := s.whatRuns(); !maps.Equal(got, want) {
		s.t.Errorf("runs:\n%v\nwant:\n%v", got, want)
	}
}

// revisions by `history --json`, newest first.
func (s *stack) revisions() (out []struct {
	Number         int
	Command, State string
	Services       []string
}) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.tutti("history", "--json")), &out); err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *stack) hasHistory() bool {
	return engine.HasImage(context.Background(), "tutti-history:"+s.project)
}

// TestRollback to an earlier revision: a variable, an image that moved, a service more and a service less.
func TestRollback(t *testing.T) {
	t.Parallel()
	s := historyStack(t)
	s.tutti("up", "-d")
	s.inside("db-1", "write", "/data/mark", "kept")
	then := s.whatRuns()
	s.build("2")
	s.write("compose.yaml", historyFile2)
	s.tutti("up", "-d", "--remove-orphans")
	if got := slices.Sorted(maps.Keys(s.whatRuns())); !slices.Equal(got, []string{"added-1", "db-1", "web-1"}) {
		t.Fatal(got)
	}
	if out := s.tutti("--dry-run", "rollback"); !strings.Contains(out, "added-1") || !strings.Contains(out, "gone-1") {
		t.Errorf("plan:\n%s", out)
	}
	s.tutti("rollback")
	s.sameRuns(then)
	if mark := s.inside("db-1", "cat", "/data/mark"); strings.TrimSpace(mark) != "kept" {
		t.Errorf("the volume holds %q", mark)
	}
	s.write("compose.yaml", historyFile)
	s.settled()
	all := s.revisions()
	if len(all) != 3 || all[0].Command != "rollback to 1" || all[0].State != "current" || !slices.Equal(all[0].Services, []string{"db", "gone", "web"}) {
		t.Errorf("%+v", all)
	}
	if text := s.tutti("history", "1") + s.tutti("history", "2") + s.tutti("history", "1", "--file"); strings.Contains(text, "geheim") || !strings.Contains(text, "COLOR: red") {
		t.Errorf("history:\n%s", text)
	}
}

// TestNoSecretsInLabels: what a history holds is seen by who may read images, not by who may list them.
func TestNoSecretsInLabels(t *testing.T) {
	t.Parallel()
	s := historyStack(t)
	s.tutti("up", "-d")
	var images []struct{ Labels map[string]string }
	var events any
	if err := engine.Do(context.Background(), "GET", "/images/json?all=1", nil, &images); err != nil {
		t.Fatal(err)
	}
	if err := engine.Do(context.Background(), "GET", "/images/tutti-history:"+s.project+"/json", nil, &events); err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{images, events} {
		if text, _ := json.Marshal(v); strings.Contains(string(text), "geheim") {
			t.Errorf("a secret shows: %s", text)
		}
	}
}

// TestInterruptedUp: tutti is killed with -9 in the middle of an up. The history tells, and rollback undoes what was done.
func TestInterruptedUp(t *testing.T) {
	t.Parallel()
	s := historyStack(t)
	s.tutti("up", "-d")
	then := s.whatRuns()
	s.write("compose.yaml", historyFile2)
	s.killed("up", "-d")
	all := s.revisions()
	if len(all) != 2 || all[0].State != "interrupted" || all[0].Number != 2 || all[1].State != "current" {
		t.Fatalf("%+v", all)
	}
	if _, text, code := s.try("rollback"); code != 0 {
		t.Fatalf("rollback: %d\n%s", code, text)
	}
	s.sameRuns(then)
	all = s.revisions()
	if all[0].Command != "rollback to 1" || all[0].State != "current" {
		t.Errorf("%+v", all)
	}
	// and once more, to be gone on with
	s.killed("up", "-d")
	if _, text, code := s.try("up", "-d"); code != 0 || !strings.Contains(text, "was interrupted: up goes on with it, rollback goes back to revision 2") {
		t.Errorf("up: %d\n%s", code, text)
	}
	if all = s.revisions(); all[0].Number != 3 || all[0].Command != "up" || all[0].State != "current" {
		t.Errorf("%+v", all)
	}
}

// killed with -9 when something was started and the record of it was kept.
func (s *stack) killed(args ...string) {
	s.t.Helper()
	p := s.proxy()
	cmd := s.with("DOCKER_HOST="+p.Host).command(context.Background(), binary, args...)
	started, kept, changed := make(chan struct{}), false, false
	p.After = func(c dock.Call) {
		kept = kept || strings.HasPrefix(c.Path, "/images/create")
		changed = changed || strings.HasSuffix(c.Path, "/start")
		if kept && changed {
			<-started
			cmd.Process.Kill()
		}
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	close(started)
	if err := cmd.Wait(); err == nil {
		s.t.Fatal("it was not killed")
	}
	p.Calls()
	p.Quiet()
}

// TestDownAndHistory: it stays as long as the project has data.
func TestDownAndHistory(t *testing.T) {
	t.Parallel()
	s := historyStack(t)
	s.tutti("up", "-d")
	s.tutti("down")
	if !s.hasHistory() {
		t.Fatal("down has forgotten a project that has a volume")
	}
	s.tutti("rollback", "1")
	s.settled()
	if out := s.tutti("--dry-run", "down", "-v"); !strings.Contains(out, "tutti-history:"+s.project) {
		t.Errorf("plan:\n%s", out)
	}
	s.tutti("down", "-v")
	if s.hasHistory() {
		t.Error("down -v leaves a history")
	}
}

// TestRecordingCosts: what a change costs more for being recorded. A no-op up costs nothing more; see TestCalls.
func TestRecordingCosts(t *testing.T) {
	t.Parallel()
	s := historyStack(t)
	s.tutti("up", "-d")
	p := s.proxy()
	through := s.with("DOCKER_HOST=" + p.Host)
	count := map[string]int{}
	for _, keep := range []string{"0", "10"} {
		p.Calls()
		through.with("TUTTI_HISTORY="+keep).tutti("up", "-d", "--force-recreate", "-t", "1")
		for _, c := range p.Calls() {
			if strings.HasPrefix(c.Path, "/images/") {
				count[keep]++
			}
		}
	}
	t.Logf("%d calls about images, %d without record", count["10"], count["0"])
	if more := count["10"] - count["0"]; more < 4 || more > 8 {
		t.Errorf("recording takes %d calls", more)
	}
}
