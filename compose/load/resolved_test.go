package load

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
)

// TestResolvedComesBack loads every input that there is, keeps it, takes its files and its environment away, and loads what was
// kept: the same is wanted as before.
func TestResolvedComesBack(t *testing.T) {
	for name, o := range inputs(t) {
		t.Run(name, func(t *testing.T) {
			r, err := Load(t.Context(), o)
			if err != nil {
				t.Skip("it does not load: ", err)
			}
			kept := keep(t, r)
			back := reload(t, kept)
			if diff := cmp.Diff(r.Project, back.Project, sameProject...); diff != "" {
				t.Errorf("-loaded +loaded back\n%s\n%s", diff, kept.YAML)
			}
			sameState(t, r.Project, back.Project)
			if diff := cmp.Diff(kept, keep(t, back)); diff != "" {
				t.Errorf("kept again: %s", diff)
			}
			for _, h := range must(back.Model.Hashes(nil)) {
				if svc, _ := r.Project.Service(h.Service); h.Hash != svc.ConfigHash {
					t.Errorf("%s: hash %s, labelled %s", h.Service, h.Hash, svc.ConfigHash)
				}
			}
			takeAway(t, o.Dir)
			sameState(t, r.Project, reload(t, kept).Project)
		})
	}
}

// inputs are the golden ones, those of the conversion, and those of the diagnostics, in directories of their own.
func inputs(t *testing.T) map[string]Options {
	t.Helper()
	out := map[string]Options{}
	golden, _ := filepath.Glob("testdata/golden/*")
	for _, dir := range append(golden, "convert/testdata") {
		o := Options{Dir: t.TempDir(), Files: []string{"compose.yaml"}, ProjectName: "demo", Profiles: []string{"dev"}, Lenient: true}
		o.Environment = []string{"HOME=/home/demo", "PWD=" + o.Dir, "DIR=" + o.Dir, "TOKEN=in the environment $HOME\xff"}
		if err := os.CopyFS(o.Dir, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(o.Dir + "/project.env"); err == nil {
			o.EnvFiles = []string{"project.env"}
		}
		out[strings.TrimSuffix(filepath.Base(dir), "data")] = o
	}
	cases, _ := filepath.Glob("testdata/diagnostics/*.txtar")
	for _, path := range cases {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		unpack(t, a, dir)
		o := options(string(a.Comment), dir)
		o.Lenient = true
		out[strings.TrimSuffix(filepath.Base(path), ".txtar")] = o
	}
	return out
}

// takeAway removes all files, but for one that is mounted into a container that must have it from the host.
func takeAway(t *testing.T, dir string) {
	t.Helper()
	all, _ := filepath.Glob(dir + "/*")
	for _, path := range all {
		if filepath.Base(path) == "c.txt" {
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
}

// keep is what is kept of a project, after it was written and read.
func keep(t *testing.T, r Result) Resolved {
	t.Helper()
	kept, err := r.Resolved()
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(kept)
	if err != nil {
		t.Fatal(err)
	}
	var out Resolved
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// reload loads in an environment that would change whatever asked for it.
func reload(t *testing.T, kept Resolved) Result {
	t.Helper()
	for _, name := range strings.Fields("TOKEN FROM_PROJECT UNSET COLOR COMPOSE_PROFILES COMPOSE_FILE COMPOSE_PROJECT_NAME DOCKER_DEFAULT_PLATFORM COMPOSE_ENV_FILES") {
		t.Setenv(name, "not-as-it-was")
	}
	t.Setenv("COMPOSE_COMPATIBILITY", "true")
	t.Chdir(t.TempDir())
	back, err := LoadResolved(t.Context(), kept)
	if err != nil {
		t.Fatal(err, kept.YAML)
	}
	return back
}

// sameProject are how two projects are compared: by all but where things are written, which is not kept, and by what the hash
// of a service that shares with others would be.
var sameProject = cmp.Options{
	cmp.Transformer("service", func(s desired.Service) map[string]any {
		hash := ""
		if s.HashWith != nil {
			hash = s.HashWith(func(name string) string { return "id of " + name })
		}
		s.HashWith, s.Profiles = nil, nil // what was kept is enabled, whatever profiles it is of
		return map[string]any{"service": plain(s), "hash with": hash}
	}),
	cmp.FilterPath(func(p cmp.Path) bool {
		return p.Last().String() == ".Place" || p.Last().String() == ".Variables" || p.Last().String() == ".Origin"
	}, cmp.Ignore()),
}

type plain desired.Service

// sameState compares what is made of two projects, as the planner sees it.
func sameState(t *testing.T, was, is desired.Project) {
	t.Helper()
	a, _ := desired.Build(was, desired.Options{Version: "v"})
	b, _ := desired.Build(is, desired.Options{Version: "v"})
	for _, svc := range was.Services {
		if a.Replicas(svc.Name) != b.Replicas(svc.Name) {
			t.Errorf("%s: %d replicas, want %d", svc.Name, b.Replicas(svc.Name), a.Replicas(svc.Name))
		}
		back, _ := is.Service(svc.Name)
		for n := 1; n <= a.Replicas(svc.Name); n++ {
			sameReplica(t, a.Replica(svc.Name, n), b.Replica(svc.Name, n))
		}
		for i, h := range svc.PreStart {
			if got, want := back.PreStart[i].Container.Fields().Digests().String(), h.Container.Fields().Digests().String(); got != want {
				t.Errorf("%s: pre_start.%d: fields %s, want %s", svc.Name, i, got, want)
			}
		}
	}
}

func sameReplica(t *testing.T, want, got desired.Replica) {
	t.Helper()
	if diff := cmp.Diff(want.Labels, got.Labels); diff != "" {
		t.Errorf("%s: labels: %s", want.Key, diff)
	}
	if diff := cmp.Diff(want.Spec.Fields(), got.Spec.Fields()); diff != "" {
		t.Errorf("%s: fields: %s", want.Key, diff)
	}
}

// TestResolvedFiles: what is mounted from the host is taken as it is there, and from what was kept when it is gone.
func TestResolvedFiles(t *testing.T) {
	const text = `
services:
  web: {image: x, configs: [c], secrets: [s]}
  sealed: {image: x, read_only: true, secrets: [s]}
configs: {c: {file: ./c.txt}}
secrets: {s: {file: ./s.txt}}
`
	for _, c := range []struct {
		name          string
		change        func(dir string)
		want          []string // of each diagnostic
		path, content string   // of the config
	}{
		{"as it was", func(string) {}, nil, "$DIR/c.txt", ""},
		{"written again", func(dir string) { write(t, dir, "c.txt", "one") }, nil, "$DIR/c.txt", ""},
		{"changed", func(dir string) { write(t, dir, "c.txt", "two") },
			[]string{`warning: service "web": config "c": file $DIR/c.txt has changed since this revision; it is used as it is now`}, "$DIR/c.txt", ""},
		{"gone", func(dir string) { os.Remove(dir + "/c.txt") },
			[]string{`warning: service "web": config "c": file $DIR/c.txt is gone; what was kept of it is used`}, "", "one"},
		{"too large and gone", func(dir string) { os.Remove(dir + "/s.txt") },
			[]string{`error: service "sealed": secret "s": file $DIR/s.txt is gone, and was too large to be kept`, `error: service "web": secret "s": file $DIR/s.txt is gone, and was too large to be kept`}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := inFile(t, text)
			write(t, o.Dir, "c.txt", "one")
			write(t, o.Dir, "s.txt", strings.Repeat("x", MaxContent+1))
			kept := keep(t, must(Load(t.Context(), o)))
			c.change(o.Dir)
			back, err := LoadResolved(t.Context(), kept)
			var got []string
			for _, d := range back.Diags {
				got = append(got, string(d.Severity)+": "+strings.ReplaceAll(d.Error(), o.Dir, "$DIR"))
			}
			if !slices.Equal(got, c.want) || (err != nil) != back.Diags.HasErrors() {
				t.Fatalf("%q, %v", got, err)
			}
			if err != nil {
				return
			}
			web, _ := back.Project.Service("web")
			f := web.Container.Files[0]
			if strings.ReplaceAll(f.HostPath, o.Dir, "$DIR") != c.path || string(f.Content) != c.content {
				t.Errorf("%q %q", f.HostPath, f.Content)
			}
		})
	}
}

// TestResolvedReadOnly: into a read-only container nothing can be put, only mounted.
func TestResolvedReadOnly(t *testing.T) {
	o := inFile(t, `{services: {web: {image: x, read_only: true, secrets: [s]}}, secrets: {s: {file: ./s.txt}}}`)
	write(t, o.Dir, "s.txt", "one")
	kept := keep(t, must(Load(t.Context(), o)))
	os.Remove(o.Dir + "/s.txt")
	r, err := LoadResolved(t.Context(), kept)
	if err == nil || !strings.Contains(err.Error(), "read-only container") || !r.Diags.HasErrors() {
		t.Error(err)
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestResolvedHoldsAll: all enabled services are kept, also when some are named; values of secrets that nobody uses are not, and
// none is in the YAML.
func TestResolvedHoldsAll(t *testing.T) {
	o := inFile(t, `
services:
  a: {image: x, secrets: [used], labels: {price: 5$$, "$$key": v}}
  b: {image: x, profiles: [more]}
  c: {image: x, profiles: [off]}
secrets: {used: {environment: USED}, unused: {environment: UNUSED}}
`)
	o.Services, o.Profiles = []string{"a"}, []string{"more"}
	o.Environment = append(o.Environment, "USED=hush $$ ${x}", "UNUSED=never")
	r := must(Load(t.Context(), o))
	kept := keep(t, r)
	back := reload(t, kept)
	sameState(t, r.Project, back.Project)
	if got := len(back.Project.Services); got != 2 || !slices.Equal(back.Project.Disabled, []string{"c"}) {
		t.Errorf("%d services, disabled %v", got, back.Project.Disabled)
	}
	if string(kept.Environment["USED"]) != "hush $$ ${x}" || len(kept.Environment) != 1 || strings.Contains(kept.YAML, "hush") {
		t.Errorf("%q\n%s", kept.Environment, kept.YAML)
	}
	a := back.Project.Services[0].Container
	if a.Labels["price"] != "5$" || string(a.Files[0].Content) != "hush $$ ${x}" {
		t.Errorf("%v %q", a.Labels, a.Files[0].Content)
	}
}

// TestResolvedSeccomp: the profile is kept with the service.
func TestResolvedSeccomp(t *testing.T) {
	o := inFile(t, `{services: {web: {image: x, security_opt: ["seccomp=./p.json"], pre_start: [{command: c}]}}}`)
	write(t, o.Dir, "p.json", `{ "defaultAction": "SCMP_ACT_ALLOW" }`)
	r := must(Load(t.Context(), o))
	kept := keep(t, r)
	os.Remove(o.Dir + "/p.json")
	sameState(t, r.Project, reload(t, kept).Project)
}

// TestResolvedEmpty: a project that no profile enables anything of is kept too.
func TestResolvedEmpty(t *testing.T) {
	kept := keep(t, must(Load(t.Context(), inFile(t, "services: {c: {image: x, profiles: [off]}}"))))
	if p := reload(t, kept).Project; len(p.Services) != 0 || !slices.Equal(p.Disabled, []string{"c"}) {
		t.Errorf("%+v", p)
	}
}

func TestResolvedNeedsALoad(t *testing.T) {
	o := inFile(t, "services: {web: {image: x}}")
	o.NoInterpolate = true
	if _, err := must(Load(t.Context(), o)).Resolved(); err == nil {
		t.Error("resolved without interpolation")
	}
	if _, err := (Result{}).Resolved(); err == nil {
		t.Error("resolved nothing")
	}
	var list diag.List
	if _, err := LoadResolved(t.Context(), Resolved{YAML: "a: ["}); !asList(err, &list) {
		t.Errorf("broken: %v", err)
	}
}

func asList(err error, into *diag.List) bool {
	l, ok := err.(diag.List)
	*into = l
	return ok
}
