package watch

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/volume"
)

func service(name string, rules ...desired.WatchRule) desired.Service {
	return desired.Service{Name: name, Watch: rules, Image: image.Spec{Build: &image.Build{Context: "/p", Dockerfile: "web.Dockerfile"}}}
}

func rules(t *testing.T, left map[string]Ignored, services ...desired.Service) Rules {
	t.Helper()
	rs, warnings, err := New(services, left)
	if err != nil || len(warnings) > 0 {
		t.Fatal(err, warnings)
	}
	return rs
}

func changed(paths ...string) (out []Change) {
	for _, p := range paths {
		path, gone := strings.CutPrefix(p, "-")
		out = append(out, Change{path, gone})
	}
	return out
}

func TestDecide(t *testing.T) {
	sync := desired.WatchRule{Action: desired.Sync, Path: "/p/src", Target: "/app/src"}
	hook := container.Hook{Command: []string{"reload"}}
	with := func(r desired.WatchRule, change func(*desired.WatchRule)) desired.WatchRule { change(&r); return r }
	for _, c := range []struct {
		name    string
		rules   []desired.WatchRule
		left    Ignored
		changes []Change
		want    string
	}{
		{"a file is copied where it belongs", []desired.WatchRule{sync}, Ignored{}, changed("/p/src/a/b.js"), "sync /p/src/a/b.js→/app/src/a/b.js"},
		{"a change elsewhere is none", []desired.WatchRule{sync}, Ignored{}, changed("/p/srcs/a", "/p/a", "/p"), ""},
		{"what is gone is removed", []desired.WatchRule{sync}, Ignored{}, changed("-/p/src/a"), "sync -/app/src/a"},
		{"a rule of one file", []desired.WatchRule{{Action: desired.Sync, Path: "/p/x.json", Target: "/app/y.json"}}, Ignored{}, changed("/p/x.json"), "sync /p/x.json→/app/y.json"},
		{"a rule of one file into a directory", []desired.WatchRule{{Action: desired.Sync, Path: "/p/x.json", Target: "/app/"}}, Ignored{}, changed("/p/x.json"), "sync /p/x.json→/app/x.json"},
		{"rules of the same path add up", []desired.WatchRule{sync, {Action: desired.Rebuild, Path: "/p/src"}, {Action: desired.Restart, Path: "/p/src"}}, Ignored{}, changed("/p/src/a", "/p/src/b"),
			"rebuild web; sync /p/src/a→/app/src/a /p/src/b→/app/src/b; restart web"},
		{"the same place once", []desired.WatchRule{sync, {Action: desired.SyncRestart, Path: "/p/src", Target: "/app/src"}}, Ignored{}, changed("/p/src/a"), "sync /p/src/a→/app/src/a; restart web"},
		{"a hook runs once", []desired.WatchRule{{Action: desired.SyncExec, Path: "/p/c", Target: "/c", Exec: hook}}, Ignored{}, changed("/p/c/1", "/p/c/2"), "sync /p/c/1→/c/1 /p/c/2→/c/2; exec reload"},
		{"ignore", []desired.WatchRule{with(sync, func(r *desired.WatchRule) { r.Ignore = []string{"node_modules/", "*.tmp"} })}, Ignored{}, changed("/p/src/node_modules/x/y", "/p/src/a.tmp", "/p/src/d/a.tmp"), "sync /p/src/d/a.tmp→/app/src/d/a.tmp"},
		{"ignore all but some", []desired.WatchRule{with(sync, func(r *desired.WatchRule) { r.Ignore = []string{"*", "!*.py"} })}, Ignored{}, changed("/p/src/a.py", "/p/src/a.c"), "sync /p/src/a.py→/app/src/a.py"},
		{"include", []desired.WatchRule{with(sync, func(r *desired.WatchRule) { r.Include = []string{"**/*.js", "lib"} })}, Ignored{}, changed("/p/src/a/b.js", "/p/src/a/b.c", "/p/src/lib/x", "/p/src"),
			"sync /p/src/a/b.js→/app/src/a/b.js /p/src/lib/x→/app/src/lib/x"},
		{"include all", []desired.WatchRule{with(sync, func(r *desired.WatchRule) { r.Include = []string{"*"} })}, Ignored{}, changed("/p/src/a"), "sync /p/src/a→/app/src/a"},
		{"a .dockerignore", []desired.WatchRule{sync}, Ignored{Context: "/p", Patterns: []string{"**/*.log", "!src/keep.log"}}, changed("/p/src/a.log", "/p/src/keep.log"), "sync /p/src/keep.log→/app/src/keep.log"},
		{"a .dockerignore of another directory", []desired.WatchRule{sync}, Ignored{Context: "/q", Patterns: []string{"**/a"}}, changed("/p/src/a"), "sync /p/src/a→/app/src/a"},
		{"a .dockerignore of everything", []desired.WatchRule{sync}, Ignored{Context: "/p", Patterns: []string{"*", "!dist"}}, changed("/p/src/a"), "sync /p/src/a→/app/src/a"},
		{"what editors leave", []desired.WatchRule{sync}, Ignored{}, changed("/p/src/.a.swp", "/p/src/d/4913", "/p/src/a~", "/p/src/.#a", "/p/src/.idea/x", "/p/src/a___jb_tmp___", "/p/src/.git/HEAD"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			rs := rules(t, map[string]Ignored{"web": c.left}, service("web", c.rules...))
			if got := text(rs.Decide(c.changes)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// text of work of one service.
func text(w Work) string {
	var out []string
	say := func(verb string, words ...string) {
		if len(words) > 0 {
			out = append(out, verb+" "+strings.Join(words, " "))
		}
	}
	say("rebuild", w.Rebuild...)
	for _, s := range w.Sync {
		var files []string
		for _, f := range s.Files {
			if f.Gone {
				files = append(files, "-"+f.To)
			} else {
				files = append(files, f.From+"→"+f.To)
			}
		}
		say("sync", files...)
	}
	say("restart", w.Restart...)
	for _, e := range w.Exec {
		say("exec", e.Hook.Command...)
	}
	return strings.Join(out, "; ")
}

func TestSeveralServices(t *testing.T) {
	r := desired.WatchRule{Action: desired.SyncRestart, Path: "/p/lib", Target: "/lib"}
	w := rules(t, nil, service("web", r), service("api", r, desired.WatchRule{Action: desired.Rebuild, Path: "/p/api"})).Decide(changed("/p/lib/a", "/p/api/b"))
	file := []File{{From: "/p/lib/a", To: "/lib/a"}}
	want := Work{Rebuild: []string{"api"}, Sync: []Sync{{"api", file}, {"web", file}}, Restart: []string{"api", "web"}}
	if d := cmp.Diff(want, w); d != "" {
		t.Error(d)
	}
}

func TestInitial(t *testing.T) {
	rs := rules(t, map[string]Ignored{"web": {Context: "/p", Patterns: []string{"secret"}}},
		service("web", desired.WatchRule{Action: desired.SyncExec, Path: "/p", Target: "/app", InitialSync: true, Exec: container.Hook{Command: []string{"x"}}},
			desired.WatchRule{Action: desired.Sync, Path: "/q", Target: "/q"}, desired.WatchRule{Action: desired.Rebuild, Path: "/p/a", InitialSync: true}))
	got := text(rs.Initial([]string{"/p/a", "/p/Dockerfile", "/p/compose.yaml", "/p/web.Dockerfile", "/p/secret", "/q/b"}))
	if got != "sync /p/a→/app/a" {
		t.Error(got)
	}
}

func TestSkips(t *testing.T) {
	rs := rules(t, map[string]Ignored{"web": {Context: "/p", Patterns: []string{"node_modules"}}, "api": {}},
		service("web", desired.WatchRule{Action: desired.Sync, Path: "/p", Target: "/app", Ignore: []string{"out", "!out/keep"}}),
		service("api", desired.WatchRule{Action: desired.Restart, Path: "/p/lib"}))
	for dir, want := range map[string]bool{
		"/p": false, "/p/src": false, "/p/node_modules": true, "/p/node_modules/x": true, "/p/.git": true, "/p/out": false, "/p/lib/node_modules": false, "/elsewhere": true,
	} {
		if got := rs.Skips(dir); got != want {
			t.Errorf("%s: %v", dir, got)
		}
	}
}

// TestSkipsWhileDeciding: the watch asks whether to look into directories beside the one who decides what changes mean (run with -race).
func TestSkipsWhileDeciding(t *testing.T) {
	rs := rules(t, map[string]Ignored{"web": {Context: "/p", Patterns: []string{"**/node_modules", "*.log"}}},
		service("web", desired.WatchRule{Action: desired.Sync, Path: "/p", Target: "/app"}))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if !rs.Skips("/p/a/node_modules") {
				t.Error("looked into node_modules")
			}
		})
		all.Go(func() {
			if d := text(rs.Decide(changed("/p/x.log"))); d != "" {
				t.Error(d)
			}
		})
	}
	all.Wait()
}

func TestNew(t *testing.T) {
	bound := service("web", desired.WatchRule{Action: desired.Sync, Path: "/p/src", Target: "/app"}, desired.WatchRule{Action: desired.Restart, Path: "/p/src"})
	bound.Container.Mounts = []volume.Mount{{Type: volume.Bind, Source: "/p", Target: "/app"}}
	rs, warnings, err := New([]desired.Service{bound}, nil)
	if err != nil || len(warnings) != 1 || text(rs.Decide(changed("/p/src/a"))) != "restart web" {
		t.Error("what is mounted is not copied, with a warning:", warnings, err)
	}
	pulled := service("db", desired.WatchRule{Action: desired.Rebuild, Path: "/p"})
	pulled.Image.Build = nil
	for want, s := range map[string]desired.Service{
		`can't watch service "db" with action rebuild without a build context`: pulled,
		`can't watch with action "sync+exec" on service web without a command`: service("web", desired.WatchRule{Action: desired.SyncExec, Path: "/p", Target: "/p"}),
		`service "web": develop.watch: ignore: syntax error in pattern`:        service("web", desired.WatchRule{Action: desired.Sync, Path: "/p", Target: "/p", Ignore: []string{"[a"}}),
	} {
		if _, _, err := New([]desired.Service{s}, nil); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, _, err := New([]desired.Service{service("web")}, nil); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}
