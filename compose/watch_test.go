package compose_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/watch"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/enginetest"
	"github.com/tutti-run/tutti/image"
)

// watched is a watch of a project on the Fake, with what it has told.
type watched struct {
	*testing.T
	dir    string
	beside string // another
	engine *enginetest.Fake
	tool   compose.Tool

	mu    sync.Mutex
	fails string // what a call of the engine is, which fails
	lines []string
	heard chan struct{}
	next  int
}

func (w *watched) tell(text string) {
	w.mu.Lock()
	w.lines = append(w.lines, text)
	w.mu.Unlock()
	w.heard <- struct{}{}
}

// says this next, but for what was seen in several batches.
func (w *watched) says(want string) {
	w.Helper()
	limit := time.After(time.Minute)
	for {
		w.mu.Lock()
		i := slices.Index(w.lines[w.next:], want)
		if i >= 0 {
			w.next += i + 1
		}
		all := strings.Join(w.lines, "\n")
		w.mu.Unlock()
		if i >= 0 {
			return
		}
		select {
		case <-w.heard:
		case <-limit:
			w.Fatalf("not told: %s\n%s", want, all)
		}
	}
}

// write a file at once, so that it is one change.
func (w *watched) write(name, text string) {
	w.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.Fatal(err)
	}
	beside := filepath.Join(w.beside, "file")
	if err := os.WriteFile(beside, []byte(text), 0o644); err != nil {
		w.Fatal(err)
	}
	if err := os.Rename(beside, path); err != nil {
		w.Fatal(err)
	}
}

func (w *watched) failing(call string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fails = call
}

// content of a file in a container.
func (w *watched) content(name, path string) string {
	w.Helper()
	b, err := w.engine.ReadFile(w.Context(), w.id(name), path)
	if err != nil {
		w.Fatal(err)
	}
	return string(b)
}

func (w *watched) id(name string) string {
	w.Helper()
	all, err := w.engine.ListContainers(w.Context(), "shop")
	if err != nil {
		w.Fatal(err)
	}
	i := slices.IndexFunc(all, func(l container.Live) bool { return l.Name == name })
	if i < 0 {
		w.Fatal("no container ", name)
	}
	return all[i].ID
}

// Rebuild and Restart make a Changer.
func (w *watched) Rebuild(ctx context.Context, services []string) error {
	w.tell("rebuild " + strings.Join(services, " "))
	return nil
}

func (w *watched) Restart(ctx context.Context, services []string) error {
	w.tell("restart " + strings.Join(services, " "))
	return nil
}

// watching brings two replicas of web up, in a container of which commands do as run says, and watches until the test ends.
func watching(t *testing.T, run func(engine.Exec) ([]string, int, time.Duration), rules func(dir string) []desired.WatchRule) *watched {
	t.Helper()
	w := &watched{T: t, dir: t.TempDir(), beside: t.TempDir(), engine: enginetest.New(), heard: make(chan struct{}, 1000)}
	w.engine.AddImages(enginetest.Behaviour{Exec: run}, "steady")
	w.engine.Fail = func(c enginetest.Call) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.fails != "" && c.String() == w.fails {
			return errors.New("broken")
		}
		return nil
	}
	w.tool = compose.Tool{Engine: w.engine}
	s := service("web", "steady")
	s.Watch = rules(w.dir)
	s.Image.Build = &image.Build{Context: w.dir}
	p := shop(s)
	up(t, w.tool, p, compose.UpOptions{Scale: map[string]int{"web": 2}}, compose.RunOptions{})
	w.write("src/first", "1")
	w.write("src/d/old", "")
	w.write(".dockerignore", "src/out")
	asked, err := w.tool.Watching(p, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		ended <- w.tool.Watch(ctx, asked, compose.WatchOptions{Changer: w, Tell: w.tell, Fail: w.tell, Wrote: func(l engine.LogLine) { w.tell(l.Text) },
			Window: watch.Window{Quiet: 20 * time.Millisecond, Longest: time.Second}})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		w.says("Watch disabled")
		w.engine.Close()
	})
	w.says("Watch enabled")
	return w
}

func TestWatchCopiesIntoEachReplica(t *testing.T) {
	var mu sync.Mutex
	var removed []string
	run := func(e engine.Exec) ([]string, int, time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		removed = append(removed, strings.Join(e.Command, " "))
		return nil, 0, 0
	}
	w := watching(t, run, func(dir string) []desired.WatchRule {
		return []desired.WatchRule{{Action: desired.Sync, Path: filepath.Join(dir, "src"), Target: "/app", InitialSync: true}}
	})
	for _, name := range []string{"shop-web-1", "shop-web-2"} {
		if got := w.content(name, "/app/first"); got != "1" {
			t.Errorf("initial sync: %s has %q", name, got)
		}
	}
	w.write("src/out/ignored", "")
	w.write("src/d/a", "new")
	w.says(`Syncing service "web" after 1 changes were detected`)
	os.Remove(filepath.Join(w.dir, "src/first"))
	w.says(`Syncing service "web" after 1 changes were detected`)
	w.write("src/d/b", "last") // what is told of comes once what was before has been done
	w.says(`Syncing service "web" after 1 changes were detected`)
	if got := w.content("shop-web-2", "/app/d/a"); got != "new" {
		t.Errorf("copied %q", got)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"rm -rf /app/first", "rm -rf /app/first"}; !slices.Equal(removed, want) {
		t.Errorf("removed %q", removed)
	}
}

// TestWatchCopiesAlthoughSomethingCannotBeRemoved: an image without rm gets what is new all the same.
func TestWatchCopiesAlthoughSomethingCannotBeRemoved(t *testing.T) {
	noRm := func(engine.Exec) ([]string, int, time.Duration) { return nil, 127, 0 }
	w := watching(t, noRm, func(dir string) []desired.WatchRule {
		return []desired.WatchRule{{Action: desired.Sync, Path: filepath.Join(dir, "src"), Target: "/app"}}
	})
	if err := os.Rename(filepath.Join(w.dir, "src/first"), filepath.Join(w.dir, "src/second")); err != nil {
		t.Fatal(err)
	}
	w.says(`Syncing service "web" after 2 changes were detected`)
	w.says("Error handling changed files: deleting paths in shop-web-1: exit code 127\ndeleting paths in shop-web-2: exit code 127")
	for _, name := range []string{"shop-web-1", "shop-web-2"} {
		if got := w.content(name, "/app/second"); got != "1" {
			t.Errorf("%s has %q", name, got)
		}
	}
}

func TestWatchRebuildsRestartsAndRunsHooks(t *testing.T) {
	hook := func(e engine.Exec) ([]string, int, time.Duration) {
		return []string{e.User + " did " + strings.Join(e.Environment, " ")}, 3, 0
	}
	yes := "yes"
	w := watching(t, hook, func(dir string) []desired.WatchRule {
		return []desired.WatchRule{
			{Action: desired.Rebuild, Path: filepath.Join(dir, "lock")}, {Action: desired.SyncRestart, Path: filepath.Join(dir, "conf"), Target: "/conf"},
			{Action: desired.SyncExec, Path: filepath.Join(dir, "hook"), Target: "/hook", Exec: container.Hook{Command: []string{"x"}, User: "me", Environment: map[string]*string{"A": &yes}}},
		}
	})
	w.write("lock", "")
	w.says(`Rebuilding service(s) ["web"] after changes were detected...`)
	w.says("rebuild web")
	w.says(`service(s) ["web"] successfully built`)
	w.write("conf", "c")
	w.says("restart web")
	w.says(`service(s) ["web"] restarted`)
	if w.content("shop-web-1", "/conf") != "c" {
		t.Error("restarted before it was copied")
	}
	w.write("hook", "")
	w.says("me did A=yes")
	w.says("Error handling changed files: exec in shop-web-1: exit code 3\nexec in shop-web-2: exit code 3")
}

func TestAServiceWhoseFilesCannotBeCopiedIsNotRestarted(t *testing.T) {
	w := watching(t, nil, func(dir string) []desired.WatchRule {
		return []desired.WatchRule{{Action: desired.SyncRestart, Path: filepath.Join(dir, "conf"), Target: "/conf"}}
	})
	w.failing("PutPath shop-web-2 /")
	w.write("conf", "c")
	w.says(`Syncing service "web" after 1 changes were detected`)
	w.says("Error handling changed files: copying files to shop-web-2: broken")
	w.failing("")
	w.write("conf", "d")
	w.says(`Syncing service "web" after 1 changes were detected`)
	w.says(`service(s) ["web"] restarted`)
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := strings.Count(strings.Join(w.lines, "\n"), "restart web"); n != 1 {
		t.Errorf("restarted %d times", n)
	}
}

func TestNothingToWatch(t *testing.T) {
	_, err := compose.Tool{Engine: enginetest.New()}.Watching(shop(service("web", "steady")), nil)
	if err == nil || err.Error() != "none of the selected services is configured for watch, consider setting a 'develop' section" {
		t.Error(err)
	}
}
