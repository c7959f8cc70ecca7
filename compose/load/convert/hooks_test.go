package convert_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/image"
)

func loaded(t *testing.T, text string) desired.Project {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "compose.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := load.Load(t.Context(), load.Options{Dir: dir, ProjectName: "demo", Environment: []string{"PWD=" + dir}})
	if err != nil {
		t.Fatal(err)
	}
	return r.Project
}

// TestHookNetworks: networks and network_mode exclude each other; what the hook says wins over what it has from its service.
func TestHookNetworks(t *testing.T) {
	p := loaded(t, `
services:
  a: {image: x, pre_start: [{network_mode: host}, {command: c}]}
  b: {image: x, network_mode: host, pre_start: [{networks: [n]}, {command: c}]}
networks: {n: }
`)
	a, b := p.Services[0].PreStart, p.Services[1].PreStart
	if c := a[0].Container; c.NetworkMode != "host" || c.Networks != nil {
		t.Errorf("a.0: %q %v", c.NetworkMode, c.Networks)
	}
	if c := a[1].Container; c.NetworkMode != "" || len(c.Networks) != 1 || c.Networks[0].Network != "default" {
		t.Errorf("a.1: %q %v", c.NetworkMode, c.Networks)
	}
	if c := b[0].Container; c.NetworkMode != "" || len(c.Networks) != 1 || c.Networks[0].Name != "demo_n" {
		t.Errorf("b.0: %q %v", c.NetworkMode, c.Networks)
	}
	if c := b[1].Container; c.NetworkMode != "host" || c.Networks != nil {
		t.Errorf("b.1: %q %v", c.NetworkMode, c.Networks)
	}
	if len(p.Networks) != 2 {
		t.Errorf("networks %v", p.Networks)
	}
}

// TestHookImages: a hook runs the service's image, built if that is built, or another one, which nothing builds.
func TestHookImages(t *testing.T) {
	p := loaded(t, `
services:
  web:
    build: .
    pull_policy: build
    pre_start: [{command: c}, {image: demo-web}, {image: busybox}, {image: busybox, pull_policy: always}]
`)
	own := p.Services[0].Image
	for i, want := range []image.Spec{own, own, {Ref: "busybox", Policy: image.Missing}, {Ref: "busybox", Policy: image.Always}} {
		h := p.Services[0].PreStart[i]
		if got := h.Image; got.Ref != want.Ref || got.Policy != want.Policy || (got.Build == nil) != (want.Build == nil) || h.Container.Image != want.Ref {
			t.Errorf("%d: %+v in a container of %s, want %+v", i, got, h.Container.Image, want)
		}
	}
}

// TestHookMounts: the hook's own mounts win, whichever kind they are; anonymous volumes are the replicas' own.
func TestHookMounts(t *testing.T) {
	p := loaded(t, `
services:
  web:
    image: x
    volumes: ["data:/a", "data:/b", "/anonymous"]
    tmpfs: ["/t", "/u"]
    pre_start: [{tmpfs: ["/b", "/v"], volumes: ["./x:/t"]}]
volumes: {data: }
`)
	c := p.Services[0].PreStart[0].Container
	var got []string
	for _, m := range c.Mounts {
		got = append(got, m.Target)
	}
	got = append(got, c.Tmpfs...)
	if want := []string{"/t", "/a", "/b", "/v", "/u"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestGlobalIsOneReplica(t *testing.T) {
	p := loaded(t, `services: {a: {image: x, deploy: {mode: global, replicas: 3}}, b: {image: x, deploy: {mode: replicated, replicas: 3}}}`)
	if a, b := p.Services[0].Replicas, p.Services[1].Replicas; a != 1 || b != 3 {
		t.Error(a, b)
	}
}

func TestRolloutDefaults(t *testing.T) {
	p := loaded(t, `services: {a: {image: x, deploy: {update_config: {delay: 1s}, rollback_config: {parallelism: 0}}}, b: {image: x, deploy: {replicas: 1}}}`)
	a, b := p.Services[0], p.Services[1]
	if a.Update.Parallelism != 1 || a.Rollback.Parallelism != 0 || b.Update != nil || b.Rollback != nil {
		t.Errorf("%+v %+v %+v %+v", a.Update, a.Rollback, b.Update, b.Rollback)
	}
}

// TestHookNeeds: a service comes after those whose namespaces or volumes its hooks share, though not after itself.
func TestHookNeeds(t *testing.T) {
	p := loaded(t, `services: {db: {image: x}, web: {image: x, pre_start: [{volumes_from: [db, web]}, {pid: "container:y"}]}}`)
	want := desired.Dependency{Service: "db", Condition: desired.Started, Required: true, Via: "pre_start"}
	if d := p.Services[1].Depends; len(d) != 1 || d[0] != want {
		t.Errorf("%+v", d)
	}
}

// TestHookHostPaths: a bind creates its path on the host unless a file says otherwise, in the long form too.
func TestHookHostPaths(t *testing.T) {
	p := loaded(t, `
services:
  web:
    image: x
    pre_start:
      - command: c
        volumes:
          - ./a:/a
          - {type: bind, source: ./b, target: /b}
          - {type: bind, source: ./c, target: /c, bind: {propagation: rprivate}}
          - {type: bind, source: ./d, target: /d, bind: {create_host_path: false}}
`)
	for _, m := range p.Services[0].PreStart[0].Container.Mounts {
		if want := m.Target != "/d"; m.CreateHostPath != want {
			t.Errorf("%s: %t", m.Target, m.CreateHostPath)
		}
	}
}
