package bake_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutti-run/tutti/compose/bake"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/image"
)

// shop is the project of testdata, and what Docker Compose 2.40.3 prints of it, lists that it has in no order sorted.
func shop(t *testing.T) (desired.Project, string) {
	t.Helper()
	dir, err := filepath.Abs("testdata/bake")
	if err != nil {
		t.Fatal(err)
	}
	r, err := load.Load(t.Context(), load.Options{Dir: dir, Files: []string{"compose.yaml"}, Environment: []string{"WHO=me", "A=1", "B=2"}})
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/bake/want.json")
	if err != nil {
		t.Fatal(err)
	}
	return r.Project, strings.ReplaceAll(string(want), "/here", dir)
}

func options() bake.Options {
	return bake.Options{Version: "v1", Real: func(dir string) string { return dir }}
}

func TestFile(t *testing.T) {
	project, want := shop(t)
	got, err := bake.File(project, options())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Error(d)
	}
}

// parsed file, as far as the tests look.
type parsed struct {
	Group  map[string]struct{ Targets []string }
	Target map[string]struct {
		Output, Tags []string
		Call         string
		Dockerfile   string
		NoCache      bool `json:"no-cache"`
	}
}

func fileOf(t *testing.T, p desired.Project, o bake.Options) parsed {
	t.Helper()
	text, err := bake.File(p, o)
	if err != nil {
		t.Fatal(err)
	}
	var out parsed
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSelection(t *testing.T) {
	project, _ := shop(t)
	for name, c := range map[string]struct {
		services []string
		deps     bool
		group    []string
		targets  int
	}{
		"built from another":          {[]string{"web.front"}, false, []string{"db", "web_front"}, 2},
		"alone":                       {[]string{"db"}, false, []string{"db"}, 1},
		"what it depends on is there": {[]string{"late"}, false, []string{"late"}, 2},
		"and built, if that is asked": {[]string{"late"}, true, []string{"late", "multi"}, 2},
	} {
		o := options()
		o.Services, o.Deps = c.services, c.deps
		got := fileOf(t, project, o)
		if d := cmp.Diff(c.group, got.Group["default"].Targets); d != "" {
			t.Errorf("%s: %s", name, d)
		}
		if len(got.Target) != c.targets {
			t.Errorf("%s: %d targets, want %d", name, len(got.Target), c.targets)
		}
	}
	o := options()
	o.Services = []string{"img"}
	if text, err := bake.File(project, o); text != nil || err != nil {
		t.Errorf("nothing to build is printed as %q, %v", text, err)
	}
}

func TestOptions(t *testing.T) {
	project, _ := shop(t)
	o := options()
	o.Push, o.Change = true, func(b *image.Build) { b.NoCache = true }
	got := fileOf(t, project, o)
	for name, want := range map[string]string{"multi": "type=image,push=true", "web_front": "type=registry", "db": "type=docker"} {
		if target := got.Target[name]; len(target.Output) != 1 || target.Output[0] != want || !target.NoCache {
			t.Errorf("%s: %+v, want %s without cache", name, target, want)
		}
	}
	o.Check = true
	if target := fileOf(t, project, o).Target["db"]; target.Call != "lint" || target.Output != nil {
		t.Errorf("a check is %+v", target)
	}
}

// TestNames: each service has a target of its own, whatever bake takes for a name; a Dockerfile is where it really is.
func TestNames(t *testing.T) {
	p := desired.Project{Name: "p"}
	for _, name := range []string{"a.b", "a_b"} {
		p.Services = append(p.Services, desired.Service{Name: name, Image: image.Spec{Ref: "p-" + name, Build: &image.Build{Context: "/link/x", Dockerfile: "y/D"}}})
	}
	o := options()
	o.Real = func(dir string) string { return strings.Replace(dir, "/link", "/real", 1) }
	got := fileOf(t, p, o)
	for target, tag := range map[string]string{"a_b": "p-a.b", "a_b_": "p-a_b"} {
		if x := got.Target[target]; len(x.Tags) != 1 || x.Tags[0] != tag || x.Dockerfile != "/real/x/y/D" {
			t.Errorf("%s is %+v", target, x)
		}
	}
}
