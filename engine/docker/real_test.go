package docker_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/docker"
	"github.com/tutti-run/tutti/engine/field"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// project is a name of its own, cleared when the test ends.
func project(t *testing.T, e *docker.Engine) string {
	t.Helper()
	b := make([]byte, 5)
	rand.Read(b)
	name := "real" + hex.EncodeToString(b)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		s, err := e.Observe(ctx, engine.Query{Project: name})
		for _, c := range s.Containers {
			err = errors.Join(err, e.RemoveContainer(ctx, c.ID, true, true))
		}
		for _, n := range s.Networks {
			err = errors.Join(err, e.RemoveNetwork(ctx, n.ID))
		}
		if err != nil {
			t.Error(err)
		}
	})
	return name
}

// output of a container of the helper's image that ends by itself.
func output(t *testing.T, e *docker.Engine, n engine.NewContainer) []string {
	t.Helper()
	id, err := e.CreateContainer(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	events, _, err := e.Subscribe(t.Context(), n.Labels[container.LabelProject])
	if err != nil {
		t.Fatal(err)
	}
	if err := e.StartContainer(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	for ev := range events {
		if ev.Kind == engine.EventDie {
			break
		}
	}
	var out []string
	err = e.Logs(t.Context(), id, engine.LogOptions{}, func(l engine.LogLine) error { out = append(out, l.Text); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestFiles: content goes in with owner and mode, where there is no directory yet too; a file of the host is mounted.
func TestFiles(t *testing.T) {
	e := real(t)
	p, mode := project(t, e), uint32(0o440)
	host := filepath.Join(t.TempDir(), "c")
	if err := os.WriteFile(host, []byte("of the host"), 0o644); err != nil {
		t.Fatal(err)
	}
	got := output(t, e, engine.NewContainer{Name: p + "-files", Labels: map[string]string{container.LabelProject: p, container.LabelConfigHash: "made"}, Spec: container.Spec{
		Image: withHelper(t, e), NetworkMode: "none",
		Command: []string{"cat=/run/secrets/s", "stat=/run/secrets/s", "cat=/etc/deep/down/c", "stat=/etc/deep/down/c", "cat=/h", "env=FROM_IMAGE", "exit=0"},
		Files: []container.File{
			{Kind: "secret", Source: "s", Target: "/run/secrets/s", Content: []byte("hush"), UID: "103", GID: "104", Mode: &mode},
			{Kind: "config", Source: "c", Target: "/etc/deep/down/c", Content: []byte("plain")}, {Kind: "config", Source: "h", Target: "/h", HostPath: host},
		},
		Environment: map[string]*string{"FROM_IMAGE": nil},
	}})
	if e.Info().Caps.Engine == "podman" {
		got[5] = "false " // Podman cannot take away what the image sets
	}
	if want := []string{"hush", "0440 103:104", "plain", "0444 0:0", "of the host", "false "}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestNothingHalfMade: when files cannot be put in, the container goes again, even when the caller has given up meanwhile.
func TestNothingHalfMade(t *testing.T) {
	e := real(t)
	if e.Info().Caps.Engine == "podman" {
		t.Skip("Podman puts files into a read-only container")
	}
	p := project(t, e)
	_, err := e.CreateContainer(t.Context(), engine.NewContainer{Name: p + "-ro", Labels: map[string]string{container.LabelProject: p, container.LabelConfigHash: "made"}, Spec: container.Spec{
		Image: withHelper(t, e), NetworkMode: "none", ReadOnly: true, Files: []container.File{{Kind: "config", Source: "c", Target: "/c", Content: []byte("x")}},
	}})
	if err == nil || !strings.HasPrefix(err.Error(), "create container "+p+"-ro: copy configs and secrets: ") {
		t.Errorf("got %v", err)
	}
	s, err := e.Observe(t.Context(), engine.Query{Project: p})
	if err != nil || len(s.Containers) > 0 {
		t.Errorf("left behind: %+v %v", s.Containers, err)
	}
}

// TestMACAddress is had on engines that want it elsewhere too.
func TestMACAddress(t *testing.T) {
	e := real(t)
	p := project(t, e)
	labels := map[string]string{container.LabelProject: p, container.LabelConfigHash: "made"}
	if _, err := e.CreateNetwork(t.Context(), network.Spec{Name: p + "_n"}, labels); err != nil {
		t.Fatal(err)
	}
	spec := container.Spec{Image: withHelper(t, e), MacAddress: "02:42:ac:11:77:02", Networks: []network.Attachment{{Network: "n", Name: p + "_n"}}}
	id, err := e.CreateContainer(t.Context(), engine.NewContainer{Name: p + "-mac", Labels: labels, Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.StartContainer(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	l, err := e.Inspect(t.Context(), id)
	if err != nil || len(l.Networks) != 1 || l.Networks[0].MacAddress != spec.MacAddress {
		t.Errorf("%+v %v", l.Networks, err)
	}
	if d := container.Diff(spec, "", l, nil); e.Info().Caps.Engine != "podman" && slices.ContainsFunc(d.Recreate, func(c field.Change) bool { return strings.HasSuffix(c.Path, "mac_address") }) {
		t.Errorf("%+v", d)
	}
}

// TestReplacing keeps what an anonymous volume holds.
func TestReplacing(t *testing.T) {
	e := real(t)
	p := project(t, e)
	n := engine.NewContainer{Name: p + "-old", Labels: map[string]string{container.LabelProject: p, container.LabelConfigHash: "made"}, Spec: container.Spec{
		Image: withHelper(t, e), NetworkMode: "none", Command: []string{"write=/declared/x:kept", "exit=0"},
		Mounts: []volume.Mount{{Type: volume.Volume, Target: "/own"}},
	}}
	output(t, e, n)
	s, err := e.Observe(t.Context(), engine.Query{Project: p})
	if err != nil {
		t.Fatal(err)
	}
	n.Name, n.Spec.Command, n.Inherit = p+"-new", []string{"cat=/declared/x", "exit=0"}, s.Containers[0].Mounts
	if got := output(t, e, n); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("got %q", got)
	}
}

func TestBuild(t *testing.T) {
	e := real(t)
	dir, outside := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{
		"Dockerfile": "FROM scratch\nARG WHO\nLABEL who=$WHO\nCOPY . /\nCOPY nobody /\n", ".dockerignore": "secret*\nsub\n!sub/kept\n", "secret.txt": "", "a": "", "sub/x": "", "sub/kept": "", "sub/deep/y": "",
	} {
		path = filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(outside, "Other"), []byte("FROM scratch AS one\nCOPY a /a\nFROM scratch\nCOPY nobody /\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ref := "tutti-build-" + hex.EncodeToString([]byte(t.Name()))[:8]
	who := "me"
	var steps []string
	build := func(b image.Build) (string, error) {
		b.Context, steps = dir, nil
		return e.BuildImage(t.Context(), ref, b, func(p engine.Progress) { steps = append(steps, p.Text) })
	}
	_, err := build(image.Build{Args: map[string]*string{"WHO": &who}})
	if err == nil || !strings.Contains(err.Error(), "nobody") || len(steps) != 5 || steps[3] != "Step 4/5 : COPY . /" && e.Info().Caps.Engine == "docker" {
		t.Errorf("got %v, steps %q", err, steps)
	}
	for name, ok := range map[string]bool{"a": true, "sub/kept": true, "sub/x": false, "secret.txt": false, "Dockerfile": true} {
		_, err := build(image.Build{DockerfileInline: "FROM scratch\nCOPY " + name + " /\n"})
		if (err == nil) != ok {
			t.Errorf("COPY %s: %v", name, err)
		}
	}
	id, err := build(image.Build{Dockerfile: filepath.Join(outside, "Other"), Target: "one", Labels: map[string]string{"l": "v"}, Tags: []string{ref + ":more"}})
	if err != nil || !strings.HasPrefix(id, "sha256:") {
		t.Errorf("got %s %v", id, err)
	}
	if in, err := e.InspectImage(t.Context(), ref+":more"); err != nil || in.ID != id || in.Defaults.Labels["l"] != "v" {
		t.Errorf("got %+v %v", in, err)
	}
	if all, err := e.ListImages(t.Context(), "l=v"); err != nil || !slices.ContainsFunc(all, func(l image.Listed) bool {
		return l.ID == id && slices.Contains(l.Tags, ref+":more") && l.Labels["l"] == "v"
	}) {
		t.Errorf("got %+v %v", all, err)
	}
	for _, r := range []string{ref, ref + ":more"} {
		if err := e.RemoveImage(t.Context(), r); err != nil {
			t.Error(err)
		}
	}
	if _, err := build(image.Build{Dockerfile: "none"}); !errors.Is(err, engine.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

// TestSubscriptionMissesNothing: what happens straight after Subscribe returned is told.
func TestSubscriptionMissesNothing(t *testing.T) {
	e := real(t)
	ref := withHelper(t, e)
	for range 10 {
		p := project(t, e)
		events, _, err := e.Subscribe(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		id, err := e.CreateContainer(t.Context(), engine.NewContainer{Name: p, Labels: map[string]string{container.LabelProject: p, container.LabelConfigHash: "made"}, Spec: container.Spec{Image: ref, NetworkMode: "none"}})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case ev := <-events:
			if ev.Kind != engine.EventCreate || ev.Container != id {
				t.Errorf("%+v", ev)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the creation was missed")
		}
	}
}

// BenchmarkObserve a project of ten containers.
func BenchmarkObserve(b *testing.B) {
	e, err := docker.Dial(b.Context(), docker.Options{})
	if err != nil {
		b.Skip(err)
	}
	defer e.Close()
	for b.Loop() {
		if _, err := e.Observe(b.Context(), engine.Query{Project: os.Getenv("BENCH_PROJECT"), Images: []string{"redis", "nginx"}}); err != nil {
			b.Fatal(err)
		}
	}
}
