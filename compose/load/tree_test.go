package load

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestTree: the tree and the project that are made here are those that compose-go makes, of all files of the corpus and of the generated ones.
func TestTree(t *testing.T) {
	all := corpus(t)
	for name, text := range map[string]string{"flat": flatFile(60), "mixed": mixed(60), "layers": layered(5, 3, true), "every kind": everyKind} {
		o := inFile(t, text)
		o.Files = []string{filepath.Join(o.Dir, "compose.yaml")}
		all[name] = o
	}
	over := inFile(t, "services: {s0001: {environment: {A: b}, ports: [\"1:80\"], labels: [a=b]}, more: {image: x}}\n")
	two := all["mixed"]
	two.Files = append(two.Files, filepath.Join(over.Dir, "compose.yaml"))
	all["two files"] = two
	own, bound := 0, 0
	for name, o := range all {
		s, files, ok := prepared(t, o)
		if !ok {
			continue
		}
		ours, theirs := both(s, t, files)
		if diff := cmp.Diff(theirs, ours, cmpopts.EquateNaNs()); diff != "" {
			t.Errorf("%s: -compose-go +tutti\n%s", name, diff)
		}
		if ours == nil {
			continue
		}
		own++
		bound += boundAlike(t, name, s, ours, theirs)
	}
	if own < 30 || bound < 200 {
		t.Errorf("only %d trees and %d services were ours", own, bound)
	}
}

// corpus are the files of all archives and folders of tests, each with those beside it.
func corpus(t *testing.T) map[string]Options {
	t.Helper()
	all := map[string]Options{}
	for _, pattern := range []string{"../testdata/stacks/*/*compose.y*ml", "testdata/golden/*/compose.yaml"} {
		files, _ := filepath.Glob(pattern)
		for _, path := range files {
			abs, err := filepath.Abs(path)
			if err != nil {
				t.Fatal(err)
			}
			all[path] = of(abs)
		}
	}
	archives, _ := filepath.Glob("testdata/*/*.txtar")
	more, _ := filepath.Glob("../../cmd/internal/cli/testdata/config/*.txtar")
	for _, path := range append(archives, more...) {
		dir := t.TempDir()
		for _, f := range must(txtar.ParseFile(path)).Files {
			at := filepath.Join(dir, f.Name)
			if !filepath.IsLocal(f.Name) || strings.ContainsAny(f.Name, " :") || os.MkdirAll(filepath.Dir(at), 0o700) != nil || os.WriteFile(at, f.Data, 0o600) != nil {
				continue
			}
			if strings.HasSuffix(at, ".yaml") || strings.HasSuffix(at, ".yml") {
				all[path+":"+f.Name] = of(at)
			}
		}
	}
	return all
}

func of(path string) Options {
	return Options{Dir: filepath.Dir(path), Files: []string{path}, ProjectName: "demo", Environment: []string{"HOME=/home/demo", "A=b"}}
}

// prepared is a load right before compose-go, if it comes that far.
func prepared(t *testing.T, o Options) (*session, []types.ConfigFile, bool) {
	s, err := open(t.Context(), o)
	if err != nil {
		return nil, nil, false
	}
	s.prepare(t.Context())
	files, err := s.configFiles()
	return s, files, err == nil && !s.blocked()
}

// both trees; ours is nil where it is left to compose-go, or refused, and theirs is then nil too.
func both(s *session, t *testing.T, files []types.ConfigFile) (ours, theirs map[string]any) {
	defer silence()()
	details := func() types.ConfigDetails {
		return types.ConfigDetails{WorkingDir: s.dir, Environment: s.env, ConfigFiles: files}
	}
	ours, ok, err := s.ownTree(details())
	if !ok {
		return nil, nil
	}
	theirs, theirErr := loader.LoadModelWithContext(t.Context(), details(), s.loaderOptions, withoutFinish)
	if (err == nil) != (theirErr == nil) {
		t.Errorf("compose-go says %v, tutti %v", theirErr, err)
	}
	return ours, theirs
}

func boundAlike(t *testing.T, name string, s *session, ours, theirs map[string]any) (bound int) {
	defer silence()()
	mine, err := s.finish(ours)
	if err != nil {
		return 0
	}
	dict, err := s.finish(theirs)
	if err != nil {
		t.Fatal(err)
	}
	details := types.ConfigDetails{WorkingDir: s.dir, Environment: s.env}
	want, theirErr := loader.ModelToProject(dict, loader.ToOptions(&details, []func(*loader.Options){s.loaderOptions}), details)
	services, _ := mine["services"].(map[string]any)
	before := len(services)
	got, err := s.bound(mine)
	if err != nil || theirErr != nil {
		if (err == nil) != (theirErr == nil) {
			t.Errorf("%s: compose-go says %v, tutti %v", name, theirErr, err)
		}
		return 0
	}
	if !reflect.DeepEqual(want, got) {
		t.Errorf("%s: -compose-go +tutti\n%s", name, cmp.Diff(want.AllServices(), got.AllServices()))
	}
	return before - len(services)
}

// everyKind has an attribute of each shape, short and long.
const everyKind = `
services:
  a:
    image: "x:${A:-1}"
    init: "true"
    cpus: "0.5"
    cpu_count: "2"
    mem_limit: 1g
    shm_size: 64
    scale: 2
    read_only: true
    command: echo "$${A} b"
    entrypoint: ["a", "b"]
    environment: [A=1, B, A=2]
    labels: [a=1, a=2]
    expose: ["80", 81, "80"]
    cap_add: [A, B, A]
    ports: ["1000-1002:80-82", {target: 90, published: "91"}, "90"]
    volumes: ["/a", "./b:/c:ro", {type: volume, source: v, target: /d//e, volume: {nocopy: "true"}}]
    tmpfs: /run
    dns: 1.1.1.1
    ulimits: {nofile: 5, nproc: {soft: "1", hard: 2}}
    depends_on: [b]
    links: ["b:c"]
    networks: {n: {aliases: [x, y, x], x-net: 1}, m: }
    secrets: [s, {source: s, target: t, mode: 0440}]
    configs: [c]
    healthcheck: {test: echo, interval: 1m30s, retries: "3"}
    extra_hosts: ["a:1.2.3.4", "b=::1"]
    logging: {driver: json-file, options: {max-size: 10m}}
    deploy: {replicas: 2, labels: {a: b}, resources: {limits: {cpus: "1", memory: 1g}, reservations: {devices: [{capabilities: [gpu], count: all}]}}}
    sysctls: [a=1]
    stop_grace_period: 10s
    x-mine: {a: [1, b, {c: d}]}
  b: {build: {context: ., args: [A=1, A=2], tags: [t, t], secrets: [s]}, network_mode: host, labels: {x-label: a}, extra_hosts: {a: 1.2.3.4}, profiles: [p]}
networks: {n: {labels: [a=1, a=2], internal: "true"}, m: {driver_opts: {a: b}}}
volumes: {v: {external: "false"}}
secrets: {s: {environment: A}}
configs: {c: {content: "x ${A}"}}
x-top: {a: b}
`
