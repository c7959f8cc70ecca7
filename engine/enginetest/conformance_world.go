package enginetest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/field"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

func eventsInOrder(r *room) {
	r.watch()
	id := r.run("job", "exit=3")
	ev := r.await(engine.EventDie, id)
	if ev.ExitCode != 3 || ev.Name != r.name("job") || ev.Labels[container.LabelProject] != r.project || ev.Time.IsZero() {
		r.Errorf("%+v", ev)
	}
	if got, want := r.kinds(id), []engine.EventKind{engine.EventCreate, engine.EventStart, engine.EventDie}; !slices.Equal(got, want) {
		r.Errorf("got %v, want %v", got, want)
	}
	web := r.run("web")
	r.must(r.e.StopContainer(r.Context(), web, ptr(5*time.Second)))
	if !r.podman() {
		r.await(engine.EventKill, web)
	}
	r.awaitAll(web, engine.EventDie) // stop before or after it
	if !r.podman() {
		r.awaitAll(web, engine.EventStop)
	}
	i := slices.IndexFunc(r.seen, func(ev engine.Event) bool { return ev.Kind == engine.EventDie && ev.Container == web })
	if ev := r.seen[i]; ev.ExitCode != 143 {
		r.Errorf("%+v", ev)
	}
	r.must(r.e.RenameContainer(r.Context(), web, r.name("renamed")))
	r.await(engine.EventRename, web)
	r.must(r.e.RemoveContainer(r.Context(), web, false, true))
	r.await(engine.EventDestroy, web)
}

func eventsOfTheProjectOnly(r *room) {
	r.watch()
	other, err := r.e.CreateContainer(r.Context(), engine.NewContainer{Name: r.name("other"), Spec: container.Spec{Image: r.image, NetworkMode: "none"}})
	r.must(err)
	byHand, err := r.e.CreateContainer(r.Context(), engine.NewContainer{Name: r.name("hand"), Spec: container.Spec{Image: r.image, NetworkMode: "none"},
		Labels: map[string]string{container.LabelProject: r.project}}) // as an image may give it
	r.must(err)
	mine := r.does("mine")
	r.await(engine.EventCreate, mine)
	if got := append(r.kinds(other), r.kinds(byHand)...); len(got) > 0 {
		r.Errorf("events of others: %v", got)
	}
	all, err := r.e.ListContainers(r.Context(), r.project)
	r.must(err)
	if len(all) != 1 || all[0].ID != mine {
		r.Errorf("listed: %v, want only %s", all, mine)
	}
	r.must(r.e.RemoveContainer(r.Context(), other, true, true))
	r.must(r.e.RemoveContainer(r.Context(), byHand, true, true))
}

func subscriptionEnds(r *room) {
	ctx, cancel := context.WithCancel(r.Context())
	events, errs, err := r.e.Subscribe(ctx, r.project)
	r.must(err)
	cancel()
	for range events {
	}
	if err := <-errs; err != nil {
		r.Errorf("got %v, want nil", err)
	}
}

func checked(words ...string) container.Spec {
	return container.Spec{Command: words, NetworkMode: "none", Healthcheck: &container.Healthcheck{
		Test: probe, Interval: 200 * time.Millisecond, Timeout: 5 * time.Second, Retries: 2,
	}}
}

func health(r *room) {
	r.watch()
	id := r.make(engine.NewContainer{Name: "web", Spec: checked("healthy=300ms")})
	r.start(id)
	listed := !r.podman() // shows it in no list
	if l := r.observed(id); listed && l.Health != container.Starting && l.Health != container.Healthy {
		r.Errorf("health %q, status %q", l.Health, l.Status)
	}
	if ev := r.await(engine.EventHealth, id); ev.Health != container.Healthy && ev.Health != container.Unhealthy {
		r.Errorf("%+v", ev)
	}
	if l := r.observed(id); listed && l.Health != container.Healthy {
		r.Errorf("health %q, status %q", l.Health, l.Status)
	}
	r.must(r.e.StopContainer(r.Context(), id, ptr(5*time.Second)))
	if l := r.inspect(id); l.Health != container.NoHealth {
		r.Errorf("stopped, but %q", l.Health)
	}
}

func sick(r *room) {
	r.watch()
	id := r.make(engine.NewContainer{Name: "web", Spec: checked()})
	r.start(id)
	if ev := r.await(engine.EventHealth, id); ev.Health != container.Unhealthy {
		r.Errorf("%+v", ev)
	}
	if l := r.observed(id); !r.podman() && l.Health != container.Unhealthy || l.State != container.Running {
		r.Errorf("health %q, status %q", l.Health, l.Status)
	}
	d, err := r.e.Diagnose(r.Context(), id)
	r.must(err)
	if !d.HasHealth || d.Health != container.Unhealthy || d.Probe != "not ready" {
		r.Errorf("%+v", d)
	}
}

func networksObey(r *room) {
	n := r.network("default")
	_, err := r.e.CreateNetwork(r.Context(), network.Spec{Name: n.Name}, r.labels())
	r.refused(err, engine.ErrConflict)
	id := r.make(engine.NewContainer{Name: "web", Spec: container.Spec{Networks: []network.Attachment{n}}})
	r.start(id)
	s, err := r.e.Observe(r.Context(), engine.Query{Project: r.project})
	r.must(err)
	if len(s.Networks) != 1 || s.Networks[0].Name != n.Name || s.Networks[0].Labels[container.LabelProject] != r.project || s.Networks[0].Driver != "bridge" {
		r.Fatalf("networks %+v", s.Networks)
	}
	if l := s.Containers[0]; !l.On(n.Name) || l.Networks[0].NetworkID != s.Networks[0].ID || l.Networks[0].IPv4Address == "" || l.Networks[0].AliasesKnown {
		r.Errorf("endpoints %+v", l.Networks)
	}
	if r.podman() {
		return // removes it all the same
	}
	r.refused(r.e.RemoveNetwork(r.Context(), s.Networks[0].ID), engine.ErrConflict)
	r.must(r.e.RemoveContainer(r.Context(), id, true, true))
	r.must(r.e.RemoveNetwork(r.Context(), s.Networks[0].ID))
	r.must(r.e.RemoveNetwork(r.Context(), s.Networks[0].ID)) // again is fine
}

// networkMissing: the first network is missed at start, a further one already at create, which leaves nothing.
func networkMissing(r *room) {
	here, gone := r.network("here"), network.Attachment{Network: "gone", Name: r.project + "_gone"}
	if !r.podman() {
		id, err := r.tryMake(engine.NewContainer{Name: "first", Spec: container.Spec{Networks: []network.Attachment{gone}}})
		if err == nil {
			err = r.e.StartContainer(r.Context(), id)
			r.must(r.e.RemoveContainer(r.Context(), id, true, true))
		}
		r.refused(err, engine.ErrNotFound)
	}
	gone.Priority = -1
	id, err := r.tryMake(engine.NewContainer{Name: "second", Spec: container.Spec{Networks: []network.Attachment{here, gone}}})
	if err == nil {
		err = r.e.StartContainer(r.Context(), id)
		r.must(r.e.RemoveContainer(r.Context(), id, true, true))
	}
	r.refused(err, engine.ErrNotFound)
	s, err := r.e.Observe(r.Context(), engine.Query{Project: r.project})
	r.must(err)
	if len(s.Containers) != 0 {
		r.Errorf("left behind: %+v", s.Containers)
	}
}

func connect(r *room) {
	a, b := r.network("a"), r.network("b")
	a.Aliases = []string{"one"}
	id := r.make(engine.NewContainer{Name: "web", Spec: container.Spec{Networks: []network.Attachment{a}}})
	r.start(id)
	b.Aliases = []string{"two"}
	r.must(r.e.ConnectNetwork(r.Context(), b.Name, id, b))
	if !r.podman() {
		r.refused(r.e.ConnectNetwork(r.Context(), b.Name, id, b), engine.ErrConflict)
	}
	l := r.inspect(id)
	if i := slices.IndexFunc(l.Networks, func(e network.Endpoint) bool { return e.Name == b.Name }); i < 0 || !slices.Contains(l.Networks[i].Aliases, "two") {
		r.Errorf("endpoints %+v", l.Networks)
	}
	r.must(r.e.DisconnectNetwork(r.Context(), b.Name, id))
	if l := r.observed(id); l.On(b.Name) || !l.On(a.Name) {
		r.Errorf("endpoints %+v", l.Networks)
	}
	r.refused(r.e.ConnectNetwork(r.Context(), r.project+"_nowhere", id, b), engine.ErrNotFound)
	r.refused(r.e.ConnectNetwork(r.Context(), b.Name, r.name("nobody"), b), engine.ErrNotFound)
}

// reconnectShows: an alias lost by hand is seen without asking.
func reconnectShows(r *room) {
	if r.podman() {
		r.Skip("Podman tells of no disconnects")
	}
	n := r.network("default")
	n.Aliases = []string{"db"}
	spec := container.Spec{Networks: []network.Attachment{n}}
	id, other := r.make(engine.NewContainer{Name: "a", Spec: spec}), r.make(engine.NewContainer{Name: "b", Spec: spec})
	r.start(id)
	r.start(other)
	r.must(r.e.StopContainer(r.Context(), other, ptr(5*time.Second))) // leaves the network too, as it should
	r.start(other)
	r.must(r.e.DisconnectNetwork(r.Context(), n.Name, id))
	r.must(r.e.ConnectNetwork(r.Context(), n.Name, id, network.Attachment{}))
	l := r.observed(id)
	if l.Found == nil || len(l.Networks) != 1 || !l.Networks[0].AliasesKnown || slices.Contains(l.Networks[0].Aliases, "db") {
		r.Errorf("found %+v, endpoints %+v", l.Found, l.Networks)
	}
	if l := r.observed(other); l.Found != nil {
		r.Error("one that was only stopped and started was looked into")
	}
}

func volumesObey(r *room) {
	v := volume.Spec{Name: r.project + "_data"}
	r.must(r.e.CreateVolume(r.Context(), v, r.labels()))
	r.must(r.e.CreateVolume(r.Context(), v, r.labels())) // again is fine
	id := r.make(engine.NewContainer{Name: "web", Spec: container.Spec{
		NetworkMode: "none", Mounts: []volume.Mount{{Type: volume.Volume, Source: v.Name, Target: "/data"}},
	}})
	s, err := r.e.Observe(r.Context(), engine.Query{Project: r.project})
	r.must(err)
	if len(s.Volumes) != 1 || s.Volumes[0].Name != v.Name || s.Volumes[0].Driver != "local" || s.Volumes[0].Labels[container.LabelProject] != r.project {
		r.Errorf("volumes %+v", s.Volumes)
	}
	i := slices.IndexFunc(s.Containers[0].Mounts, func(m volume.Mounted) bool { return m.Target == "/data" })
	if i < 0 || s.Containers[0].Mounts[i].Name != v.Name || s.Containers[0].Mounts[i].Anonymous() {
		r.Errorf("mounts %+v", s.Containers[0].Mounts)
	}
	r.refused(r.e.RemoveVolume(r.Context(), v.Name), engine.ErrConflict)
	r.must(r.e.RemoveContainer(r.Context(), id, true, true))
	r.must(r.e.RemoveVolume(r.Context(), v.Name)) // a named volume stays when its container goes
	r.must(r.e.RemoveVolume(r.Context(), v.Name)) // again is fine
}

// anonymousVolumes go from a container to its successor, and in the end with it.
func anonymousVolumes(r *room) {
	spec := container.Spec{NetworkMode: "none", Command: []string{"exit=0"}, Mounts: []volume.Mount{{Type: volume.Volume, Target: "/data"}}}
	old := r.make(engine.NewContainer{Name: "old", Spec: spec})
	had := r.inspect(old).Mounts
	if len(had) != 2 || !had[0].Anonymous() || !had[1].Anonymous() { // /data, and /declared of the image
		r.Fatalf("mounts %+v", had)
	}
	next := r.make(engine.NewContainer{Name: "new", Spec: spec, Inherit: had})
	r.must(r.e.RemoveContainer(r.Context(), old, false, false))
	l := r.inspect(next)
	for i, m := range l.Mounts {
		if m.Name != had[i].Name || m.Target != had[i].Target {
			r.Errorf("mount %+v, had %+v", m, had[i])
		}
	}
	if d := container.Diff(spec, "", container.Live{Found: l.Found}, ptr(helperDefaults)); !r.podman() && slices.ContainsFunc(d.Recreate, isMount) {
		r.Errorf("inherited volumes show as a difference: %+v", d.Recreate)
	}
	names := []string{had[0].Name, had[1].Name}
	if got := r.volumesNamed(names); len(got) != 2 {
		r.Errorf("volumes %v", got)
	}
	r.must(r.e.RemoveContainer(r.Context(), next, true, true))
	if got := r.volumesNamed(names); len(got) != 0 {
		r.Errorf("left behind: %v", got)
	}
}

func isMount(c field.Change) bool { return len(c.Path) > 8 && c.Path[:8] == "volumes." }

func (r *room) volumesNamed(names []string) []volume.Live {
	r.Helper()
	s, err := r.e.Observe(r.Context(), engine.Query{Project: r.project, Volumes: names})
	r.must(err)
	return s.Volumes
}

// foundByName: networks and volumes of nobody are found by their whole name.
func foundByName(r *room) {
	name := r.project + "-shared"
	id, err := r.e.CreateNetwork(r.Context(), network.Spec{Name: name}, nil)
	r.must(err)
	r.Cleanup(func() { _ = r.e.RemoveNetwork(context.Background(), id) })
	long, err := r.e.CreateNetwork(r.Context(), network.Spec{Name: name + "-longer"}, nil)
	r.must(err)
	r.Cleanup(func() { _ = r.e.RemoveNetwork(context.Background(), long) })
	for _, v := range []string{name, name + "-longer"} {
		r.must(r.e.CreateVolume(r.Context(), volume.Spec{Name: v}, nil))
		r.Cleanup(func() { _ = r.e.RemoveVolume(context.Background(), v) })
	}
	s, err := r.e.Observe(r.Context(), engine.Query{Project: r.project, Networks: []string{name, "nobody"}, Volumes: []string{name, "nobody"}})
	r.must(err)
	if len(s.Networks) != 1 || s.Networks[0].ID != id || len(s.Volumes) != 1 || s.Volumes[0].Name != name {
		r.Errorf("networks %+v, volumes %+v", s.Networks, s.Volumes)
	}
}

func logsInOrder(r *room) {
	r.watch()
	id := r.run("job", "say=one", "say=!two", "say=", "say=four", "exit=0", "after=50ms")
	r.await(engine.EventDie, id)
	read := func(o engine.LogOptions) (out []engine.LogLine) {
		r.must(r.e.Logs(r.Context(), id, o, func(l engine.LogLine) error { out = append(out, l); return nil }))
		return out
	}
	all := read(engine.LogOptions{})
	if len(all) != 4 {
		r.Fatalf("lines %+v", all)
	}
	var out, errs []string // each in order; the engine reads the two apart
	for _, l := range all {
		if l.Time.IsZero() {
			r.Errorf("no time: %+v", l)
		}
		if l.Stderr {
			errs = append(errs, l.Text)
		} else {
			out = append(out, l.Text)
		}
	}
	if !slices.Equal(out, []string{"one", "", "four"}) || !slices.Equal(errs, []string{"two"}) {
		r.Errorf("stdout %q, stderr %q", out, errs)
	}
	if last := read(engine.LogOptions{Tail: "1"}); len(last) != 1 || last[0].Text != all[3].Text {
		r.Errorf("tail 1: %+v", last)
	}
	enough := errors.New("enough")
	if err := r.e.Logs(r.Context(), id, engine.LogOptions{}, func(engine.LogLine) error { return enough }); !errors.Is(err, enough) {
		r.Errorf("got %v", err)
	}
	r.refused(r.e.Logs(r.Context(), r.name("nobody"), engine.LogOptions{}, nil), engine.ErrNotFound)
}

func logsFollow(r *room) {
	id := r.run("job", "say=first", "exit=0", "after=300ms")
	var got []string
	r.must(r.e.Logs(r.Context(), id, engine.LogOptions{Follow: true}, func(l engine.LogLine) error { got = append(got, l.Text); return nil }))
	if !slices.Equal(got, []string{"first"}) {
		r.Errorf("got %q", got)
	}
	forever := r.run("web", "say=up")
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	err := r.e.Logs(ctx, forever, engine.LogOptions{Follow: true}, func(engine.LogLine) error { cancel(); return nil })
	if !errors.Is(err, context.Canceled) {
		r.Errorf("got %v", err)
	}
}

func imagesObey(r *room) {
	r.does("web")
	in, err := r.e.InspectImage(r.Context(), r.image)
	r.must(err)
	if d := in.Defaults; d == nil || !slices.Equal(d.Entrypoint, helperDefaults.Entrypoint) || !slices.Contains(d.Env, "FROM_IMAGE=yes") ||
		d.Labels["from.image"] != "yes" || !slices.Equal(d.Volumes, helperDefaults.Volumes) || !slices.Equal(d.Exposed, helperDefaults.Exposed) || d.HasHealthcheck {
		r.Errorf("defaults %+v", d)
	}
	none := r.project + "-none"
	s, err := r.e.Observe(r.Context(), engine.Query{Project: r.project, Images: []string{r.image, in.ID, none, "busybox@sha256:" + in.ID[7:]}})
	r.must(err)
	if s.Images[r.image].ID != in.ID || s.Images[in.ID].ID != in.ID || len(s.Images) != 2 {
		r.Errorf("images %+v", s.Images)
	}
	if l := s.Containers[0]; l.ImageID != in.ID {
		r.Errorf("container's image %s, want %s", l.ImageID, in.ID)
	}
	_, err = r.e.InspectImage(r.Context(), none)
	r.refused(err, engine.ErrNotFound)
	r.refused(r.e.RemoveImage(r.Context(), none), engine.ErrNotFound)
	r.refused(r.e.RemoveImage(r.Context(), r.image), engine.ErrConflict)
}
