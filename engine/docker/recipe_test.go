package docker

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	apicontainer "github.com/moby/moby/api/types/container"
	apinetwork "github.com/moby/moby/api/types/network"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// oldest and newest engines as far as create is concerned.
var (
	oldest = &conn{caps: capabilities("docker", "20.10.24", "1.41", "linux")}
	newest = &conn{caps: capabilities("docker", "29.0.0", "1.52", "linux")}
)

// whole has a value in every field that create knows.
func whole() container.Spec {
	grace, yes, mode := 7*time.Second, true, uint32(0o440)
	value, swappiness := "blue", int64(10)
	return container.Spec{
		Name: "p-web-1", Image: "web", Command: []string{"a", "b"}, Entrypoint: []string{}, Environment: map[string]*string{"COLOR": &value, "GONE": nil},
		WorkingDir: "/w", User: "1:2", Hostname: "h", Domainname: "d", TTY: true, StdinOpen: true, StopSignal: "SIGINT", StopTimeout: &grace,
		Healthcheck: &container.Healthcheck{Test: []string{"CMD", "x"}, Interval: 1e9, Timeout: 2e9, StartPeriod: 3e9, StartInterval: 4e9, Retries: 5},
		Expose:      []string{"7000-7001", "53/udp"},
		Ports: []container.Port{
			{HostIP: "::1", Published: "8080", Target: 80, Protocol: "tcp"}, {HostIP: "127.0.0.1", Published: "8000-8010", Target: 80, Protocol: "tcp"}, {Target: 90, Protocol: "udp"},
		},
		Labels: map[string]string{"own": "yes"}, Annotations: map[string]string{"note": "n"},
		Mounts: []volume.Mount{
			{Type: volume.Volume, Source: "data", Target: "/data", Subpath: "sub", NoCopy: true}, {Type: volume.Volume, Target: "/anon"},
			{Type: volume.Bind, Source: "/src", Target: "/src", CreateHostPath: true, ReadOnly: true, SELinux: "z", Propagation: "rslave"},
			{Type: volume.Bind, Source: "/a:b", Target: "/colon", CreateHostPath: true}, {Type: volume.Bind, Source: "/rec", Target: "/rec", Recursive: "readonly", ReadOnly: true},
			{Type: volume.Tmpfs, Target: "/t", TmpfsSize: 5, TmpfsMode: 0o1777}, {Type: volume.Image, Source: "other", Target: "/image", Subpath: "x"},
		},
		Tmpfs: []string{"/run", "/tmp:size=1m,mode=700"}, VolumesFrom: []string{"service:db:ro", "container:else"},
		Files: []container.File{{Kind: "config", Source: "c", Target: "/c", HostPath: "/host/c"}, {Kind: "secret", Source: "s", Target: "/run/s", Content: []byte("x"), Mode: &mode}},
		Networks: []network.Attachment{
			{Network: "back", Name: "p_back", Aliases: []string{"web"}, IPv4Address: "10.1.2.3", IPv6Address: "fd00::3", LinkLocalIPs: []string{"169.254.1.1"}, MacAddress: "02:42:ac:11:00:02", DriverOpts: map[string]string{"o": "v"}, GwPriority: 3, InterfaceName: "eth7"},
			{Network: "front", Name: "p_front", Priority: 5},
		},
		ExtraHosts: []string{"a:1.2.3.4"}, DNS: []string{"9.9.9.9"}, DNSSearch: []string{"s"}, DNSOpts: []string{"o"},
		Restart: container.Restart{Name: "on-failure", MaxRetries: 3},
		Resources: container.Resources{
			Memory: 1, MemoryReservation: 2, MemorySwap: 3, MemorySwappiness: &swappiness, OOMKillDisable: true, NanoCPUs: 4, CPUShares: 5, CPUPeriod: 6, CPUQuota: 7,
			CPURTPeriod: 8, CPURTRuntime: 9, CPUSet: "0-1", CPUCount: 10, CPUPercent: 11, PidsLimit: 12, BlkioWeight: 13,
			BlkioDevices: []string{"weight_device /dev/a 300", "device_read_bps /dev/a 1", "device_read_iops /dev/a 2", "device_write_bps /dev/a 3", "device_write_iops /dev/a 4"},
		},
		CapAdd: []string{"NET_ADMIN"}, CapDrop: []string{"ALL"}, Privileged: true, ReadOnly: true, SecurityOpt: []string{"seccomp=unconfined", "no-new-privileges:true", "systempaths=unconfined"},
		Devices: []container.Device{{Source: "/dev/null", Target: "/dev/n", Permissions: "r"}, {Source: "vendor.com/gpu=all"}}, DeviceCgroupRules: []string{"c 1:3 r"},
		DeviceRequests: []container.DeviceRequest{{Driver: "nvidia", Count: -1, Capabilities: [][]string{{"gpu"}}, Options: map[string]string{"k": "v"}}},
		Ulimits:        []container.Ulimit{{Name: "nofile", Soft: 1, Hard: 2}}, Sysctls: map[string]string{"k": "v"}, ShmSize: 9, Init: &yes, IPC: "service:db", PID: "service:db", UTS: "host",
		UserNS: "host", Cgroup: "private", CgroupParent: "/p", GroupAdd: []string{"g"}, Runtime: "runc", Isolation: "process", CredentialSpec: "registry://spec", OOMScoreAdj: 4,
		StorageOpt: map[string]string{"size": "1G"}, Logging: container.Logging{Driver: "local", Options: map[string]string{"max-size": "1m"}},
	}
}

var peers = map[string]string{"service:db": "dbid"}

// readBack gives what an engine would show of a recipe: all of it, through JSON.
func readBack(t *testing.T, r recipe) container.Live {
	t.Helper()
	in := apicontainer.InspectResponse{ID: "x", Name: "/p-web-1", Config: r.options.Config, HostConfig: r.options.HostConfig, NetworkSettings: &apicontainer.NetworkSettings{}}
	if n := r.options.NetworkingConfig; n != nil {
		in.NetworkSettings.Networks = n.EndpointsConfig
	}
	data, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out apicontainer.InspectResponse
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	fill(&out)
	s := specOf(out, "")
	return container.Live{Found: &s}
}

// TestNothingIsLost: on the newest engine every field of the spec comes back from what is sent.
func TestNothingIsLost(t *testing.T) {
	want := whole()
	n := engine.NewContainer{Name: want.Name, Spec: want, Labels: map[string]string{"own": "yes", container.LabelProject: "p"}, Peers: peers}
	r, err := newest.recipeOf(n)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.connect) != 0 || len(r.options.NetworkingConfig.EndpointsConfig) != 2 || r.options.HostConfig.NetworkMode != "p_front" {
		t.Errorf("mode %s, connect %v", r.options.HostConfig.NetworkMode, r.connect)
	}
	delete(want.Environment, "GONE") // shows by its absence
	want.Mounts = append(want.Mounts, volume.Mount{Type: volume.Bind, Source: "/host/c", Target: "/c", ReadOnly: true})
	d := container.Diff(want, "", readBack(t, r), nil)
	for _, c := range slices.Concat(d.Recreate, d.Update) {
		t.Errorf("%s: sent %q, came back %q", c.Path, c.New, c.Old)
	}
}

// TestCredentialSpecs are for Windows only: engines elsewhere refuse them.
func TestCredentialSpecs(t *testing.T) {
	windows := &conn{caps: capabilities("docker", "29.0.0", "1.52", "windows")}
	for c, want := range map[*conn][]string{windows: {"a=b", "credentialspec=file://spec.json"}, newest: {"a=b"}} {
		s := container.Spec{Image: "web", SecurityOpt: []string{"a=b"}, CredentialSpec: "file://spec.json"}
		r, err := c.recipeOf(engine.NewContainer{Spec: s})
		if err != nil || !slices.Equal(r.options.HostConfig.SecurityOpt, want) {
			t.Errorf("%s: %v %v", c.caps.OS, r.options.HostConfig.SecurityOpt, err)
		}
	}
}

// TestOldEnginesAreNotSentWhatTheyDrop without a word.
func TestOldEnginesAreNotSentWhatTheyDrop(t *testing.T) {
	s := whole()
	s.MacAddress = "02:42:ac:11:00:09"
	r, err := oldest.recipeOf(engine.NewContainer{Name: s.Name, Spec: s, Peers: peers})
	if err != nil {
		t.Fatal(err)
	}
	o := r.options
	if len(o.HostConfig.Annotations) > 0 || len(o.NetworkingConfig.EndpointsConfig) != 1 || len(r.connect) != 1 || r.connect[0].Name != "p_back" || r.mac != s.MacAddress {
		t.Errorf("%+v", r)
	}
	for _, m := range o.HostConfig.Mounts {
		if m.VolumeOptions != nil && m.VolumeOptions.Subpath != "" || m.BindOptions != nil && (m.BindOptions.CreateMountpoint || m.BindOptions.ReadOnlyForceRecursive) {
			t.Errorf("mount %+v", m)
		}
	}
	e, err := oldest.endpointFor(s.Networks[0])
	if err != nil {
		t.Fatal(err)
	}
	if len(e.MacAddress) > 0 || e.GwPriority != 0 || e.DriverOpts[ifname] != "" || e.DriverOpts["o"] != "v" {
		t.Errorf("endpoint %+v", e)
	}
}

func TestDetailsOfCreate(t *testing.T) {
	profile := filepath.Join(t.TempDir(), "seccomp.json")
	if err := os.WriteFile(profile, []byte("{ \"a\": 1 }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	half := 1500 * time.Millisecond
	r, err := newest.recipeOf(engine.NewContainer{
		Name: "x", Peers: map[string]string{"service:db": "dbid"}, Links: []string{"p-db-1:db"}, Inherit: []volume.Mounted{{Name: "kept", Target: "/anon"}},
		Spec: container.Spec{
			NetworkMode: "service:db", StopTimeout: &half, SecurityOpt: []string{"seccomp:" + profile, "systempaths=unconfined"}, Platform: "linux/arm64/v8",
			Healthcheck: &container.Healthcheck{Test: []string{"NONE"}, Retries: 3}, Mounts: []volume.Mount{{Type: volume.Volume, Target: "/anon"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	h, c := r.options.HostConfig, r.options.Config
	if h.NetworkMode != "container:dbid" || *c.StopTimeout != 2 || !slices.Equal(h.SecurityOpt, []string{`seccomp={"a":1}`}) || h.MaskedPaths == nil || len(h.MaskedPaths) > 0 {
		t.Errorf("%+v", h)
	}
	if len(h.Mounts) != 1 || h.Mounts[0].Source != "kept" || c.Healthcheck.Retries != 0 || r.options.Platform.Variant != "v8" {
		t.Errorf("%+v %+v", h.Mounts, c)
	}
}

func TestWhatCannotBeAskedFor(t *testing.T) {
	for name, s := range map[string]container.Spec{
		"peer": {NetworkMode: "service:db"}, "ipc": {IPC: "service:db"}, "volumes_from": {VolumesFrom: []string{"service:db"}}, "port": {Ports: []container.Port{{HostIP: "nonsense", Target: 1}}},
		"expose": {Expose: []string{"many"}}, "dns": {DNS: []string{"nonsense"}}, "blkio": {Resources: container.Resources{BlkioDevices: []string{"device_read_bps /dev/a much"}}},
		"seccomp": {SecurityOpt: []string{"seccomp=/no/such/file"}}, "address": {Networks: []network.Attachment{{Name: "n", IPv4Address: "nonsense"}}},
		"mac": {Networks: []network.Attachment{{Name: "n", MacAddress: "nonsense"}}},
	} {
		if _, err := newest.recipeOf(engine.NewContainer{Name: "x", Spec: s}); !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, f := range []container.File{{UID: "root"}, {GID: "wheel"}} {
		if _, err := archive([]container.File{f}); !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

func TestNetworkPools(t *testing.T) {
	want := network.IPAM{Driver: "default", Options: map[string]string{"o": "v"}, Pools: []network.Pool{{Subnet: "10.1.0.0/16", IPRange: "10.1.2.0/24", Gateway: "10.1.0.1", Aux: map[string]string{"a": "10.1.0.9"}}}}
	ipam, err := ipamOf(want)
	if err != nil {
		t.Fatal(err)
	}
	got := networkOf(apinetwork.Network{IPAM: *ipam})
	a, b := network.Spec{IPAM: want}.Fields(), network.Spec{IPAM: got.IPAM}.Fields()
	if len(a.Digests().Differing(b.Digests())) > 0 {
		t.Errorf("%v, want %v", b, a)
	}
	if _, err := ipamOf(network.IPAM{Pools: []network.Pool{{Subnet: "10.1.0.0"}}}); !errors.Is(err, engine.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestErrorsAreWordedOnce(t *testing.T) {
	s := newStub(0)
	e := s.dial(t)
	err := e.StartContainer(t.Context(), strings.Repeat("a", 64))
	if !errors.Is(err, engine.ErrNotFound) || err.Error() != "start container: no such thing" {
		t.Errorf("got %q", err)
	}
	if err := e.RemoveContainer(t.Context(), "gone", false, false); err != nil {
		t.Errorf("got %v", err)
	}
}
