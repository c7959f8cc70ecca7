package load_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// asFound is a container with something of most kinds.
func asFound(t *testing.T) container.Live {
	t.Helper()
	text, second := "x$y", 3*time.Second
	s := container.Spec{
		Name: "web", Image: "web:1", Command: []string{"serve", "$HOME"}, Environment: map[string]*string{"A": &text, "PATH": ptr("/bin")}, WorkingDir: "/srv", User: "1000", Hostname: "hey",
		TTY: true, StdinOpen: true, StopSignal: "SIGINT", StopTimeout: &second, Healthcheck: &container.Healthcheck{Test: []string{"CMD", "true"}, Interval: second, Retries: 2},
		Expose: []string{"9/tcp"}, Ports: []container.Port{{HostIP: "127.0.0.1", Published: "80", Target: 80, Protocol: "tcp"}}, Labels: map[string]string{"a.b": "c"},
		Mounts: []volume.Mount{{Type: volume.Volume, Source: "data", Target: "/data"}, {Type: volume.Bind, Source: "/src/conf", Target: "/conf", ReadOnly: true}, {Type: volume.Bind, Source: "/etc", Target: "/etc2", CreateHostPath: true}, {Type: volume.Tmpfs, Target: "/t", TmpfsSize: 1 << 20}},
		Tmpfs:  []string{"/run:size=1m"}, Networks: []network.Attachment{{Network: "back", Name: "back", Aliases: []string{"other"}, IPv4Address: "10.0.0.9"}}, ExtraHosts: []string{"db:10.0.0.1"}, DNS: []string{"1.1.1.1"},
		Restart: container.Restart{Name: "on-failure", MaxRetries: 3}, Resources: container.Resources{Memory: 64 << 20, MemorySwap: 96 << 20, NanoCPUs: 500000000, PidsLimit: 50, BlkioWeight: 300, BlkioDevices: []string{"device_read_bps /dev/sda 1048576"}},
		CapAdd: []string{"NET_ADMIN"}, ReadOnly: true, SecurityOpt: []string{"no-new-privileges"}, Devices: []container.Device{{Source: "/dev/null", Target: "/dev/x", Permissions: "rw"}}, Ulimits: []container.Ulimit{{Name: "nofile", Soft: 1, Hard: 2}, {Name: "nproc", Soft: 5, Hard: 5}},
		Sysctls: map[string]string{"net.core.somaxconn": "100"}, ShmSize: 32 << 20, Init: ptr(true), PID: "host", GroupAdd: []string{"20"}, OOMScoreAdj: 100, Logging: container.Logging{Driver: "json-file", Options: map[string]string{"max-size": "1m"}},
		DeviceRequests: []container.DeviceRequest{{Driver: "nvidia", Count: -1, Capabilities: [][]string{{"gpu"}}}},
	}
	return container.Live{ID: strings.Repeat("ab", 32), Name: "web", ImageID: "sha256:1", Networks: []network.Endpoint{{Name: "back"}}, Found: &s}
}

func ptr[T any](v T) *T { return &v }

var given = &image.Defaults{Env: []string{"PATH=/bin"}, Cmd: []string{"other"}}

// loaded is what the generated file comes to.
func loaded(t *testing.T, g load.Generated) (load.Result, string) {
	t.Helper()
	text, err := g.YAML()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "compose.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	res, err := load.Load(context.Background(), load.Options{Dir: dir, Environment: []string{}})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return res, string(text)
}

// TestGenerateIsTheInverse: what is loaded from the file does not differ from the container.
func TestGenerateIsTheInverse(t *testing.T) {
	l := asFound(t)
	g := load.Generate(load.Found{Containers: []container.Live{l}, Defaults: map[string]*image.Defaults{"sha256:1": given}, Images: map[string]string{"web:1": "sha256:1"}}, load.GenerateOptions{})
	if len(g.Notes) > 0 {
		t.Errorf("notes %q", g.Notes)
	}
	res, text := loaded(t, g)
	svc, ok := res.Project.Service("web")
	if !ok {
		t.Fatal(text)
	}
	want := svc.Container
	want.Name, want.Image = "web", svc.Image.Ref
	if d := container.Diff(want, "", l, given); !d.Empty() {
		t.Errorf("%+v\n%s", d, text)
	}
	if strings.Contains(text, "PATH") {
		t.Errorf("what the image gives is in the file:\n%s", text)
	}
	json, err := g.JSON()
	if err != nil || !strings.Contains(string(json), `"A": "x$$y"`) {
		t.Errorf("%v %s", err, json)
	}
}

func TestGenerateOfAProject(t *testing.T) {
	labels := func(number string) map[string]string {
		return map[string]string{container.LabelProject: "shop", container.LabelService: "web", container.LabelNumber: number, container.LabelDependsOn: "db:service_healthy:true,gone:service_started:false"}
	}
	of := func(name string, labels map[string]string, s container.Spec) container.Live {
		s.Name, s.Image, s.Labels = name, "x", map[string]string{}
		return container.Live{ID: strings.Repeat(name[len(name)-1:], 64), Name: name, ImageID: "i", Labels: labels, Found: &s}
	}
	db := map[string]string{container.LabelProject: "shop", container.LabelService: "db", container.LabelNumber: "1"}
	web := container.Spec{Networks: []network.Attachment{{Network: "back", Name: "shop_back"}}, Mounts: []volume.Mount{{Type: volume.Volume, Source: "shop_data", Target: "/d"}, {Type: volume.Bind, Source: "/src/x", Target: "/x"}}}
	other := web
	other.User = "me"
	f := load.Found{
		Containers: []container.Live{of("renamed", db, container.Spec{NetworkMode: "container:" + strings.Repeat("1", 64)}), of("shop-web-1", labels("1"), web), of("shop-web-2", labels("2"), other)},
		Networks:   []network.Live{{Name: "shop_back", Driver: "bridge", Internal: true, Labels: map[string]string{container.LabelProject: "shop", container.LabelNetwork: "back"}}},
		Volumes:    []volume.Live{{Name: "shop_data", Driver: "local", Labels: map[string]string{container.LabelProject: "shop", container.LabelVolume: "data"}}},
	}
	g := load.Generate(f, load.GenerateOptions{Dir: "/src"})
	if g.Name != "shop" || len(g.Services) != 2 || *g.Services["web"].Scale != 2 || g.Services["web"].ContainerName != "" || g.Services["db"].ContainerName != "renamed" {
		t.Errorf("%+v", g)
	}
	if d := g.Services["web"].DependsOn; len(d) != 1 || d["db"].Condition != "service_healthy" || !d["db"].Restart {
		t.Errorf("depends on %+v", d)
	}
	if n := g.Networks["back"]; bool(n.External) || n.Name != "shop_back" || !n.Internal {
		t.Errorf("network %+v", n)
	}
	if v := g.Volumes["data"]; bool(v.External) || v.Name != "shop_data" {
		t.Errorf("volume %+v", v)
	}
	if got := g.Services["db"].NetworkMode + " " + g.Services["web"].Volumes[1].Source; got != "service:web ./x" {
		t.Error(got)
	}
	if !slices.ContainsFunc(g.Notes, func(n string) bool { return strings.Contains(n, "shop-web-2: it is not as the other") }) {
		t.Errorf("notes %q", g.Notes)
	}
}
