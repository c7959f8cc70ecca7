package container_test

import (
	"slices"
	"testing"
	"time"

	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/field"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

func ptr[T any](v T) *T { return &v }

func spec() container.Spec {
	return container.Spec{
		Name: "shop-web-1", Image: "web:1", Command: []string{"serve"}, WorkingDir: "/app",
		Environment: map[string]*string{"COLOR": ptr("red"), "UNSET": nil},
		Ports:       []container.Port{{Published: "8080", Target: 80, Protocol: "tcp"}},
		Mounts:      []volume.Mount{{Type: volume.Volume, Source: "shop_data", Target: "/data"}},
		Networks:    []network.Attachment{{Network: "default", Name: "shop_default", Aliases: []string{"web"}}},
		Restart:     container.Restart{Name: "always"}, Resources: container.Resources{Memory: 64 << 20},
		Origin: map[string]string{"environment.COLOR": "web.env"},
	}
}

// made is a container made from s, with our label.
func made(s container.Spec) container.Live {
	return container.Live{Labels: map[string]string{container.LabelFields: s.Fields().Digests().String()}}
}

func paths(cs []field.Change) []string {
	var out []string
	for _, c := range cs {
		out = append(out, c.Path)
	}
	return out
}

func TestEveryFieldThatDiffersIsNamed(t *testing.T) {
	for _, test := range []struct {
		change   func(*container.Spec)
		recreate []string
		update   []string
	}{
		{func(*container.Spec) {}, nil, nil},
		{func(s *container.Spec) { s.Image = "web:2" }, []string{"image"}, nil},
		{func(s *container.Spec) { s.Environment = map[string]*string{"COLOR": ptr("blue"), "NEW": ptr("1")} }, []string{"environment.COLOR", "environment.NEW"}, nil},
		{func(s *container.Spec) { s.Environment = nil }, []string{"environment.COLOR"}, nil},
		{func(s *container.Spec) { s.Command = nil }, []string{"command"}, nil},
		{func(s *container.Spec) { s.Command = []string{} }, []string{"command"}, nil},
		{func(s *container.Spec) { s.Ports[0].Published = "8081" }, []string{"ports"}, nil},
		{func(s *container.Spec) { s.Networks[0].Aliases = []string{"web", "www"} }, []string{"networks.default.aliases"}, nil},
		{func(s *container.Spec) { s.Mounts[0].ReadOnly = true }, []string{"volumes./data"}, nil},
		{func(s *container.Spec) { s.StopTimeout = ptr(0 * time.Second) }, []string{"stop_grace_period"}, nil},
		{func(s *container.Spec) { s.Resources.Memory = 128 << 20 }, nil, []string{"mem_limit"}},
		{func(s *container.Spec) { s.Restart.Name = "no" }, nil, []string{"restart"}},
		{func(s *container.Spec) { s.Resources.Memory = 0 }, []string{"mem_limit"}, nil}, // a limit cannot be taken away in place
	} {
		want := spec()
		test.change(&want)
		d := container.Diff(want, "", made(spec()), nil)
		if !slices.Equal(paths(d.Recreate), test.recreate) || !slices.Equal(paths(d.Update), test.update) {
			t.Errorf("recreate %v update %v, want %v %v", paths(d.Recreate), paths(d.Update), test.recreate, test.update)
		}
	}
}

func TestOldValuesAndOriginAreToldOnceSomebodyLooked(t *testing.T) {
	want, found := spec(), spec()
	want.Environment["COLOR"] = ptr("blue")
	live := made(found)
	if c := container.Diff(want, "", live, nil).Recreate[0]; c.OldKnown || c.New != "blue" || c.Note != "web.env" {
		t.Errorf("%+v", c)
	}
	live.Found = &found
	found.Environment = map[string]*string{"COLOR": ptr("red")}
	if c := container.Diff(want, "", live, nil).Recreate[0]; !c.OldKnown || c.Old != "red" || c.New != "blue" {
		t.Errorf("%+v", c)
	}
}

func TestChangesBehindOurBackAreDrift(t *testing.T) {
	want, found := spec(), spec()
	found.Resources.Memory = 32 << 20
	live := made(spec())
	live.Found = &found
	d := container.Diff(want, "", live, nil)
	if len(d.Update) != 1 || d.Update[0] != (field.Change{Path: "mem_limit", Old: "32m", New: "64m", OldKnown: true, Drift: true}) {
		t.Errorf("%+v", d)
	}
}

// TestLimitsOfTheEngineItself are no drift.
func TestLimitsOfTheEngineItself(t *testing.T) {
	want := spec()
	l, found := made(want), want
	found.Resources.MemorySwap, found.Resources.PidsLimit = 128<<20, 2048
	l.Found = &found
	if d := container.Diff(want, "", l, nil); len(d.Update)+len(d.Recreate) > 0 {
		t.Errorf("%+v", d)
	}
	found.Resources.PidsLimit = 100
	if d := container.Diff(want, "", l, nil); !slices.Equal(paths(d.Recreate), []string{"pids_limit"}) {
		t.Errorf("%+v", d)
	}
	had := spec()
	had.Resources.PidsLimit = 2048
	l = made(had)
	l.Found = &had
	if d := container.Diff(want, "", l, nil); !slices.Equal(paths(d.Recreate), []string{"pids_limit"}) {
		t.Errorf("one that was asked for and is not any more: %+v", d)
	}
}

func TestAnUpdateInPlaceIsSettledByWhatIsFound(t *testing.T) {
	want := spec()
	want.Resources.Memory = 128 << 20
	found := want
	live := made(spec()) // the label still tells of 64 MiB
	live.Found = &found
	if d := container.Diff(want, "", live, nil); !d.Empty() {
		t.Errorf("%+v", d)
	}
}

func TestAdoption(t *testing.T) {
	want := spec()
	found := spec()
	// What the image and the engine add by themselves.
	found.Environment = map[string]*string{"COLOR": ptr("red"), "PATH": ptr("/bin"), "UNSET": nil}
	found.Entrypoint, found.StopSignal, found.Hostname, found.NetworkMode = []string{"/entry"}, "SIGQUIT", "abc", "shop_default"
	found.Labels = map[string]string{"vendor": "x"}
	found.Resources.MemorySwap = 128 << 20
	found.Mounts = append(slices.Clone(found.Mounts), volume.Mount{Type: volume.Volume, Source: "0123", Target: "/cache"})
	defaults := &image.Defaults{Env: []string{"PATH=/bin"}, Entrypoint: []string{"/entry"}, StopSignal: "SIGQUIT", Labels: map[string]string{"vendor": "x"}, Volumes: []string{"/cache"}}
	live := container.Live{Labels: map[string]string{container.LabelConfigHash: "made"}}
	if d := container.Diff(want, "other", live, defaults); !d.Empty() {
		t.Errorf("nobody has looked, yet %+v", d)
	}
	live.Found = &found
	if d := container.Diff(want, "other", live, defaults); !d.Empty() {
		t.Errorf("unchanged, yet %+v", d)
	}
	want.Files = []container.File{{Kind: "secret", Source: "key", Target: "/run/secrets/key", HostPath: "/src/key", Digest: "d"}}
	found.Mounts = append(found.Mounts, volume.Mount{Type: volume.Bind, Source: "/src/key", Target: "/run/secrets/key", ReadOnly: true})
	if d := container.Diff(want, "other", live, defaults); !d.Empty() {
		t.Errorf("a secret is mounted from the host, yet %+v", d)
	}
	want.User = "nobody"
	if d := container.Diff(want, "other", live, defaults); !slices.Equal(paths(d.Recreate), []string{"user"}) {
		t.Errorf("%+v", d)
	}
	if d := container.Diff(want, "made", live, defaults); !d.Empty() {
		t.Errorf("the same file, yet %+v", d)
	}
}

// TestProxies of the user are nobody's wish, unless the file speaks of them.
func TestProxies(t *testing.T) {
	found := spec()
	found.Environment = map[string]*string{"COLOR": ptr("red"), "HTTP_PROXY": ptr("http://p"), "http_proxy": ptr("http://p")}
	live := container.Live{Found: &found, Proxies: map[string]string{"HTTP_PROXY": "http://p", "http_proxy": "http://p"}}
	for _, c := range []struct {
		env  map[string]*string
		want []string
	}{
		{map[string]*string{"COLOR": ptr("red")}, nil},
		{map[string]*string{"COLOR": ptr("red"), "HTTP_PROXY": ptr("http://p")}, nil},
		{map[string]*string{"COLOR": ptr("red"), "HTTP_PROXY": ptr("other")}, []string{"environment.HTTP_PROXY"}},
		{map[string]*string{"COLOR": ptr("red"), "http_proxy": nil}, []string{"environment.http_proxy"}},
	} {
		want := spec()
		want.Environment = c.env
		if d := container.Diff(want, "", live, nil); !slices.Equal(paths(d.Recreate), c.want) || len(d.Update) > 0 {
			t.Errorf("%v: %+v", c.env, d)
		}
	}
	if env := live.Asked(nil).Environment; len(env) != 1 || env["COLOR"] == nil || len(found.Environment) != 3 {
		t.Errorf("asked for %v", env)
	}
	live.Proxies["HTTP_PROXY"] = "http://q"
	if d := container.Diff(spec(), "", live, nil); !slices.Equal(paths(d.Recreate), []string{"environment.HTTP_PROXY"}) {
		t.Errorf("another proxy, yet %+v", d)
	}
}

func TestKnown(t *testing.T) {
	want := spec()
	if ours, differs := container.Known(want, "", made(spec())); !ours || differs {
		t.Error(ours, differs)
	}
	want.Image = "web:2"
	if ours, differs := container.Known(want, "", made(spec())); !ours || !differs {
		t.Error(ours, differs)
	}
	theirs := container.Live{Labels: map[string]string{container.LabelConfigHash: "h"}}
	if ours, differs := container.Known(want, "h", theirs); ours || differs {
		t.Error(ours, differs)
	}
	if ours, differs := container.Known(want, "i", theirs); ours || !differs {
		t.Error(ours, differs)
	}
}

func BenchmarkDigests(b *testing.B) {
	s := spec()
	for b.Loop() {
		_ = s.Fields().Digests().String()
	}
}
