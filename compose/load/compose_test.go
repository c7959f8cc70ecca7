package load

import (
	"path/filepath"
	"runtime"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
)

// TestBatches: services that are given to compose-go in several batches make the same project as in one.
func TestBatches(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	over := "services: {s0001: {environment: {SERVICE: other}, networks: [default]}, more: {image: x, networks: [back]}}\nvolumes: {data3: {name: mine}}\nx-top: {a: b}\n"
	for name, text := range map[string]string{"mixed": mixed(110), "flat": flatFile(110), "layers": layered(30, 5, true)} {
		o := inFile(t, text)
		o.Files, o.Stdin, o.Profiles = []string{"compose.yaml"}, nil, []string{"extra"}
		if name == "mixed" {
			p := inFile(t, over)
			o.Files = append(o.Files, filepath.Join(p.Dir, "compose.yaml"))
		}
		runtime.GOMAXPROCS(1)
		alone, all := must(Load(t.Context(), o)), [2]string{}
		runtime.GOMAXPROCS(4)
		for i, r := range []Result{alone, must(Load(t.Context(), o))} {
			all[i] = string(must(r.Model.YAML())) + report(r, nil)
			for _, h := range must(r.Model.Hashes(nil)) {
				all[i] += h.Service + " " + h.Hash + "\n"
			}
		}
		if diff := cmp.Diff(all[0], all[1]); diff != "" {
			t.Errorf("%s: -one batch +four\n%s", name, diff)
		}
	}
}

// TestBatchesTellAll: what is wrong in two batches is told of both.
func TestBatchesTellAll(t *testing.T) {
	o := inFile(t, flatFile(60)+"configs: {c: {content: x}}\n")
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	s, err := open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s.prepare(t.Context())
	batches := deal(must(s.configFiles()), 4)
	if len(batches) != 2 {
		t.Fatal(len(batches), "batches")
	}
	_, err = each(batches, func([]types.ConfigFile) (*types.Project, error) { panic("so") })
	if err == nil || len(parts(err)) != 2 {
		t.Errorf("told: %v", err)
	}
}

// TestFinish: what finish does is what compose-go does.
func TestFinish(t *testing.T) {
	files, _ := filepath.Glob("../testdata/stacks/*/*compose.y*ml")
	more, _ := filepath.Glob("testdata/golden/*/compose.yaml")
	if len(files) < 10 || len(more) < 5 {
		t.Fatal(files, more)
	}
	for _, path := range append(files, more...) {
		for _, raw := range []bool{false, true} {
			o := Options{Dir: filepath.Dir(path), Files: []string{filepath.Base(path)}, ProjectName: "demo", Environment: []string{"HOME=/home/demo"}, NoInterpolate: raw}
			dir, err := filepath.Abs(o.Dir)
			if err != nil {
				t.Fatal(err)
			}
			o.Dir = dir
			if diff := cmp.Diff(dictOf(t, o, true), dictOf(t, o, false)); diff != "" {
				t.Errorf("%s: -compose-go +tutti\n%s", path, diff)
			}
		}
	}
}

func dictOf(t *testing.T, o Options, plain bool) map[string]any {
	t.Helper()
	s, err := open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s.prepare(t.Context())
	files := must(s.configFiles())
	if !plain {
		return must(s.dictOf(t.Context(), files))
	}
	env := types.Mapping(s.env)
	if o.NoInterpolate {
		env = types.Mapping{}
	}
	return must(loader.LoadModelWithContext(t.Context(), types.ConfigDetails{WorkingDir: s.dir, Environment: env, ConfigFiles: files}, s.loaderOptions))
}

// TestEmptyKeys: what an override, a later document, or a service that extends another leaves empty, is as the one before says.
func TestEmptyKeys(t *testing.T) {
	base := "services: {web: {image: nginx, environment: {A: '1'}, ports: [80], deploy: {replicas: 2}, healthcheck: {test: [CMD, x]}}}\n"
	root := writeTree(t, "-- base.yaml --\n"+base+`
-- plain.yaml --
name: plain
`+base+`
-- over.yaml --
services:
  web:
    image:
    environment:
    ports:
    deploy:
      replicas:
    healthcheck:
      test:
-- unreadable.yaml --
services: {web: {image: x, mem_limit: unset, healthcheck: {interval: zz}}}
-- readable.yaml --
services: {web: {image: x, mem_limit: 5m, healthcheck: {interval: 1s}}}
-- documents.yaml --
name: plain
`+base+`
---
services:
  web:
    environment:
    ports:
---
services:
  web:
-- extends.yaml --
name: plain
services:
  web:
    extends: {file: base.yaml, service: web}
    environment:
    ports:
-- lists.yaml --
name: plain
services:
  web:
    extends: {file: base.yaml, service: web}
    environment: ["${EXTRA:-}"]
    labels: ["${EXTRA:-}", ""]
`)
	load := func(files ...string) string {
		r, err := Load(t.Context(), Options{Dir: root, Files: files, Environment: []string{"PWD=" + root}})
		if err != nil {
			t.Fatal(err)
		}
		return string(must(r.Model.YAML())) + report(r, nil)
	}
	if got, want := load("unreadable.yaml", "readable.yaml"), load("readable.yaml"); got != want {
		t.Error(cmp.Diff(want, got))
	}
	want := load("plain.yaml")
	for _, files := range [][]string{{"plain.yaml", "over.yaml"}, {"documents.yaml"}, {"extends.yaml"}, {"lists.yaml"}} {
		if diff := cmp.Diff(want, load(files...)); diff != "" {
			t.Errorf("%s: %s", files, diff)
		}
	}
}
