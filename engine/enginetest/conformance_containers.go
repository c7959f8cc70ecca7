package enginetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// fullSpec uses as many fields as Engine 20.10 has.
func (r *room) fullSpec() container.Spec {
	subnet := fmt.Sprintf("10.%d.%d", 200+rand.IntN(50), rand.IntN(250))
	_, err := r.e.CreateNetwork(r.Context(), network.Spec{
		Name: r.project + "_front", IPAM: network.IPAM{Pools: []network.Pool{{Subnet: subnet + ".0/24", Gateway: subnet + ".1"}}},
	}, r.labels())
	r.must(err)
	back := r.network("back")
	back.Aliases = []string{"full", "other"}
	r.must(r.e.CreateVolume(r.Context(), volume.Spec{Name: r.project + "_data"}, r.labels()))
	return container.Spec{
		Image: r.image, Command: []string{"say=hello"}, Entrypoint: []string{"/helper"},
		Environment: map[string]*string{"COLOR": ptr("blue"), "EMPTY": ptr(""), "WITH": ptr("a=b c"), "FROM_IMAGE": nil},
		WorkingDir:  "/work", User: "0:0", Hostname: "full", Domainname: "example.test", TTY: true, StdinOpen: true,
		StopSignal: "SIGTERM", StopTimeout: ptr(7 * time.Second),
		Healthcheck: &container.Healthcheck{Test: probe, Interval: 5 * time.Second, Timeout: 3 * time.Second, StartPeriod: time.Second, Retries: 4},
		Expose:      []string{"9000", "9001/udp"},
		Ports: []container.Port{
			{HostIP: "127.0.0.1", Published: fmt.Sprint(20000 + rand.IntN(10000)), Target: 8080, Protocol: "tcp"}, {Target: 8081, Protocol: "udp"},
		},
		Labels: map[string]string{"com.example.own": "yes"},
		Mounts: []volume.Mount{
			{Type: volume.Volume, Source: r.project + "_data", Target: "/data", ReadOnly: true}, {Type: volume.Volume, Target: "/anonymous"},
			{Type: volume.Bind, Source: r.TempDir(), Target: "/bound", CreateHostPath: true}, {Type: volume.Bind, Source: r.TempDir(), Target: "/ro", ReadOnly: true},
			{Type: volume.Tmpfs, Target: "/scratch", TmpfsSize: 1 << 20, TmpfsMode: 0o700},
		},
		Tmpfs:    []string{"/run", "/tmp:size=1m"},
		Networks: []network.Attachment{{Network: "front", Name: r.project + "_front", IPv4Address: subnet + ".77", Aliases: []string{"full"}, Priority: 10}, back},
		Links:    nil, ExtraHosts: []string{"box:10.1.2.3"}, DNS: []string{"9.9.9.9"}, DNSSearch: []string{"example.test"}, DNSOpts: []string{"ndots:2"},
		Restart: container.Restart{Name: "on-failure", MaxRetries: 3},
		Resources: container.Resources{
			Memory: 64 << 20, MemorySwap: 128 << 20, MemoryReservation: 32 << 20, NanoCPUs: 5e8, CPUShares: 512, CPUSet: "0", PidsLimit: 100,
		},
		CapAdd: []string{"NET_ADMIN"}, CapDrop: []string{"MKNOD"}, SecurityOpt: []string{"no-new-privileges:true"},
		Devices: []container.Device{{Source: "/dev/null", Target: "/dev/nothing", Permissions: "rw"}},
		Ulimits: []container.Ulimit{{Name: "nofile", Soft: 1024, Hard: 2048}}, Sysctls: map[string]string{"net.ipv4.ip_unprivileged_port_start": "0"},
		ShmSize: 8 << 20, Init: ptr(true), IPC: "shareable", GroupAdd: []string{"10"}, OOMScoreAdj: 100,
		Logging: container.Logging{Driver: "json-file", Options: map[string]string{"max-size": "1m"}},
	}
}

// specComesBack: what is read back of a container is what it was made of, before it runs and while.
func specComesBack(r *room) {
	if r.podman() {
		r.Skip("Podman fills in much by itself")
	}
	want := r.fullSpec()
	id := r.make(engine.NewContainer{Name: "full", Spec: want})
	defaults, err := r.e.InspectImage(r.Context(), r.image)
	r.must(err)
	same := func(when string) {
		l := r.inspect(id)
		if l.Found == nil {
			r.Fatal("Found is nil")
		}
		d := container.Diff(want, "", l, defaults.Defaults)
		for _, c := range slices.Concat(d.Recreate, d.Update) {
			r.Errorf("%s: %s: found %q, want %q", when, c.Path, c.Old, c.New)
		}
		for _, e := range l.Networks {
			if !e.AliasesKnown || !slices.Contains(e.Aliases, "full") {
				r.Errorf("%s: endpoint %+v", when, e)
			}
		}
	}
	same("created")
	r.start(id)
	same("running")
	l := r.observed(id)
	if l.Found != nil || !l.On(r.project+"_front") || !l.On(r.project+"_back") || len(l.Ports) < 2 || l.State != container.Running {
		r.Errorf("observed %+v", l)
	}
	i := slices.IndexFunc(l.Networks, func(e network.Endpoint) bool { return e.Name == r.project+"_front" })
	if e := l.Networks[i]; e.StaticIPv4 != want.Networks[0].IPv4Address || e.IPv4Address != want.Networks[0].IPv4Address {
		r.Errorf("endpoint %+v, want %s", e, want.Networks[0].IPv4Address)
	}
}

func createRefuses(r *room) {
	r.does("web")
	_, err := r.tryMake(engine.NewContainer{Name: "web"})
	r.refused(err, engine.ErrConflict)
	_, err = r.e.CreateContainer(r.Context(), engine.NewContainer{Name: r.name("no"), Spec: container.Spec{Image: r.project + "-no-such-image"}})
	r.refused(err, engine.ErrNotFound)
	if !r.podman() { // knows no links
		_, err = r.tryMake(engine.NewContainer{Name: "linked", Spec: container.Spec{NetworkMode: "bridge"}, Links: []string{r.name("nobody") + ":db"}})
		r.refused(err, engine.ErrNotFound)
	}
	_, err = r.tryMake(engine.NewContainer{Name: "peer", Spec: container.Spec{NetworkMode: "service:nobody"}})
	r.refused(err, engine.ErrInvalid)
	s, err := r.e.Observe(r.Context(), engine.Query{Project: r.project})
	r.must(err)
	if len(s.Containers) != 1 {
		r.Errorf("%d containers", len(s.Containers))
	}
}

func lifecycle(r *room) {
	id := r.does("web")
	if l := r.inspect(id); l.State != container.Created || l.Up() || l.Name != r.name("web") || l.ID != id {
		r.Errorf("created: %+v", l)
	}
	r.start(id)
	r.start(id) // again is fine
	if l := r.observed(id); l.State != container.Running || !l.Up() || l.Health != container.NoHealth {
		r.Errorf("running: %+v", l)
	}
	r.refused(r.e.RemoveContainer(r.Context(), id, false, false), engine.ErrConflict)
	r.must(r.e.StopContainer(r.Context(), id, ptr(5*time.Second)))
	r.must(r.e.StopContainer(r.Context(), id, nil)) // again is fine
	if l := r.observed(id); l.State != container.Exited || l.ExitCode != 143 {
		r.Errorf("stopped: %+v", l)
	}
	r.refused(r.e.KillContainer(r.Context(), id, "SIGKILL"), engine.ErrConflict)
	r.start(id)
	r.must(r.e.KillContainer(r.Context(), id, "SIGKILL"))
	r.must(r.e.RemoveContainer(r.Context(), id, true, false))
	r.must(r.e.RemoveContainer(r.Context(), id, true, false)) // again is fine
	r.refused(r.e.StartContainer(r.Context(), id), engine.ErrNotFound)
	r.refused(r.e.StopContainer(r.Context(), id, ptr(time.Second)), engine.ErrNotFound)
	_, err := r.e.Inspect(r.Context(), id)
	r.refused(err, engine.ErrNotFound)
}

func removesItself(r *room) {
	r.watch()
	id := r.make(engine.NewContainer{Name: "brief", Spec: container.Spec{NetworkMode: "none", AutoRemove: true}})
	r.start(id)
	r.must(r.e.KillContainer(r.Context(), id, "SIGKILL"))
	r.await(engine.EventDestroy, id)
	_, err := r.e.Inspect(r.Context(), id)
	r.refused(err, engine.ErrNotFound)
}

func rename(r *room) {
	a, _ := r.does("a"), r.does("b")
	r.refused(r.e.RenameContainer(r.Context(), a, r.name("b")), engine.ErrConflict)
	r.must(r.e.RenameContainer(r.Context(), a, r.name("c")))
	if l := r.observed(a); l.Name != r.name("c") {
		r.Errorf("name %s", l.Name)
	}
	r.does("a") // its name is free again
}

func pause(r *room) {
	id := r.does("web")
	r.refused(r.e.PauseContainer(r.Context(), id), engine.ErrConflict)
	r.start(id)
	r.refused(r.e.UnpauseContainer(r.Context(), id), engine.ErrConflict)
	r.must(r.e.PauseContainer(r.Context(), id))
	if l := r.observed(id); l.State != container.Paused || !l.Up() {
		r.Errorf("paused: %+v", l)
	}
	r.refused(r.e.PauseContainer(r.Context(), id), engine.ErrConflict)
	r.must(r.e.UnpauseContainer(r.Context(), id))
	if l := r.observed(id); l.State != container.Running {
		r.Errorf("unpaused: %+v", l)
	}
	r.must(r.e.PauseContainer(r.Context(), id))
	r.must(r.e.KillContainer(r.Context(), id, "SIGKILL")) // a frozen one too
	r.refused(r.e.PauseContainer(r.Context(), "tutti-no-such"), engine.ErrNotFound)
	r.refused(r.e.UnpauseContainer(r.Context(), "tutti-no-such"), engine.ErrNotFound)
}

// deaf is a container that only SIGKILL ends, by now: it has said so.
func (r *room) deaf() string {
	r.Helper()
	id, said := r.run("deaf", "deaf", "say=up"), errors.New("said")
	if err := r.e.Logs(r.Context(), id, engine.LogOptions{Follow: true}, func(engine.LogLine) error { return said }); !errors.Is(err, said) {
		r.Fatalf("got %v", err)
	}
	return id
}

func stopKillsTheDeaf(r *room) {
	id := r.deaf()
	began := time.Now()
	r.must(r.e.StopContainer(r.Context(), id, ptr(time.Second)))
	if took := time.Since(began); took < time.Second || took > 9*time.Second {
		r.Errorf("stop took %s, want a second", took)
	}
	if l := r.inspect(id); l.ExitCode != 137 {
		r.Errorf("exit code %d", l.ExitCode)
	}
}

func stoppedOrFinished(r *room) {
	r.watch()
	by, self := r.run("stopped"), r.run("finished", "exit=4")
	killed := r.run("killed")
	r.await(engine.EventDie, self)
	r.must(r.e.StopContainer(r.Context(), by, ptr(5*time.Second)))
	r.must(r.e.KillContainer(r.Context(), killed, "SIGKILL"))
	r.await(engine.EventDie, killed)
	expect := func(id string, stopped, finished bool, code int) {
		r.Helper()
		if l := r.observed(id); l.Stopped != stopped || l.Finished != finished || l.ExitCode != code {
			r.Errorf("%s: stopped %t, finished %t, exit code %d", l.Name, l.Stopped, l.Finished, l.ExitCode)
		}
	}
	expect(by, true, false, 143)
	expect(self, false, true, 4)
	if !r.podman() { // has no kill events
		expect(killed, true, false, 137)
	}
	r.start(by)
	expect(by, false, false, 0)
}

func updateShows(r *room) {
	if !r.e.Info().Caps.Update {
		r.Skip("cannot update")
	}
	spec := container.Spec{NetworkMode: "none", Resources: container.Resources{Memory: 64 << 20}}
	a := r.make(engine.NewContainer{Name: "a", Spec: spec})
	b := r.make(engine.NewContainer{Name: "b", Spec: spec})
	r.start(a)
	spec.Resources = container.Resources{Memory: 256 << 20, CPUShares: 256}
	spec.Restart = container.Restart{Name: "unless-stopped"}
	r.must(r.e.UpdateContainer(r.Context(), a, spec))
	l := r.observed(a)
	if l.Found == nil || l.Found.Resources.Memory != 256<<20 || l.Found.Resources.CPUShares != 256 || l.Found.Restart.Name != "unless-stopped" {
		r.Errorf("after the update: %+v", l.Found)
	}
	if l := r.observed(b); l.Found != nil {
		r.Error("one that was not updated was looked into")
	}
	spec.Restart = container.Restart{}
	r.must(r.e.UpdateContainer(r.Context(), a, spec))
	if l := r.inspect(a); l.Found.Restart.String() != "" {
		r.Errorf("restart policy is still there: %+v", l.Found.Restart)
	}
}

func sharedNetwork(r *room) {
	peer := r.run("peer")
	mode := engine.NewContainer{Name: "guest", Spec: container.Spec{NetworkMode: "service:peer"}, Peers: map[string]string{"service:peer": peer}}
	guest := r.make(mode)
	r.start(guest)
	if l := r.inspect(guest); l.Mode != "container:"+peer {
		r.Errorf("mode %s", l.Mode)
	}
	r.must(r.e.StopContainer(r.Context(), guest, ptr(5*time.Second)))
	r.must(r.e.StopContainer(r.Context(), peer, ptr(5*time.Second)))
	if !r.podman() {
		r.refused(r.e.StartContainer(r.Context(), guest), engine.ErrConflict)
	}
	if !r.podman() { // keeps a container that others need
		r.must(r.e.RemoveContainer(r.Context(), peer, true, false))
		r.refused(r.e.StartContainer(r.Context(), guest), engine.ErrNotFound)
	}
}

func portTaken(r *room) {
	port := container.Port{HostIP: "127.0.0.1", Published: fmt.Sprint(31000 + rand.IntN(1000)), Target: 80, Protocol: "tcp"}
	on := []network.Attachment{r.network("default")}
	first := r.make(engine.NewContainer{Name: "first", Spec: container.Spec{Ports: []container.Port{port}, Networks: on}})
	second := r.make(engine.NewContainer{Name: "second", Spec: container.Spec{Ports: []container.Port{port}, Networks: on}})
	r.start(first)
	r.refused(r.e.StartContainer(r.Context(), second), engine.ErrConflict)
	if l := r.observed(second); l.Up() {
		r.Errorf("second: %+v", l)
	}
	r.must(r.e.StopContainer(r.Context(), first, ptr(5*time.Second)))
	r.start(second)
	l := r.observed(second)
	if i := slices.IndexFunc(l.Ports, func(p container.Published) bool { return p.Target == 80 }); i < 0 || fmt.Sprint(l.Ports[i].Published) != port.Published {
		r.Errorf("ports %+v", l.Ports)
	}
}

func projectsListed(r *room) {
	r.run("web")
	r.does("job")
	all, err := r.e.Projects(r.Context())
	r.must(err)
	i := slices.IndexFunc(all, func(p engine.Project) bool { return p.Name == r.project })
	if i < 0 || all[i].States[container.Running] != 1 || all[i].States[container.Created] != 1 {
		r.Errorf("projects %+v", all)
	}
	if !slices.IsSortedFunc(all, func(a, b engine.Project) int { return strings.Compare(a.Name, b.Name) }) {
		r.Error("not in order")
	}
}

func diagnose(r *room) {
	r.watch()
	id := r.run("job", "exit=3")
	r.await(engine.EventDie, id)
	d, err := r.e.Diagnose(r.Context(), id)
	r.must(err)
	if d.State != container.Exited || d.ExitCode != 3 || d.OOMKilled || d.HasHealth || d.Health != container.NoHealth {
		r.Errorf("%+v", d)
	}
	_, err = r.e.Diagnose(r.Context(), r.name("nobody"))
	r.refused(err, engine.ErrNotFound)
}

func givenUp(r *room) {
	ctx, cancel := context.WithCancel(r.Context())
	cancel()
	_, err := r.e.Observe(ctx, engine.Query{Project: r.project})
	if !errors.Is(err, context.Canceled) || errors.Is(err, engine.ErrUnavailable) {
		r.Errorf("got %v", err)
	}
	if r.podman() {
		return // ends what has not yet said that it is deaf
	}
	id := r.deaf()
	ctx, cancel = context.WithTimeout(r.Context(), 200*time.Millisecond)
	defer cancel()
	if err := r.e.StopContainer(ctx, id, ptr(time.Minute)); !errors.Is(err, context.DeadlineExceeded) {
		r.Errorf("got %v", err)
	}
	r.must(r.e.KillContainer(r.Context(), id, "SIGKILL"))
}
