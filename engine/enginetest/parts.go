package enginetest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// networks changes networks.
type networks struct{ w *world }

// network by id or name.
func (w *world) network(id string) *network.Live {
	if n := w.networks[id]; n != nil {
		return n
	}
	for _, n := range w.networks {
		if n.Name == id {
			return n
		}
	}
	return nil
}

// CreateNetwork refuses a name, and a subnet, that is taken.
func (p networks) CreateNetwork(ctx context.Context, s network.Spec, labels map[string]string) (id string, err error) {
	err = p.w.call(ctx, "CreateNetwork", s.Name, func() error {
		if p.w.network(s.Name) != nil {
			return refuse(engine.ErrConflict, "create network %s: network with name %s already exists", s.Name, s.Name)
		}
		subnet, err := p.w.subnetFor(s)
		if err != nil {
			return err
		}
		id = p.w.newID("network")
		p.w.subnets[id] = subnet
		p.w.networks[id] = &network.Live{
			ID: id, Name: s.Name, Driver: cmp.Or(s.Driver, "bridge"), Options: s.DriverOpts, IPAM: s.IPAM, Internal: s.Internal,
			Attachable: s.Attachable, EnableIPv6: s.EnableIPv6 != nil && *s.EnableIPv6, Labels: maps.Clone(labels),
		}
		return nil
	})
	return id, err
}

// RemoveNetwork refuses one that a running container is on.
func (p networks) RemoveNetwork(ctx context.Context, id string) error {
	return p.w.call(ctx, "RemoveNetwork", id, func() error {
		n := p.w.network(id)
		if n == nil {
			return nil
		}
		for _, b := range p.w.containers {
			if b.up() && b.on(n.Name) >= 0 {
				return refuse(engine.ErrConflict, "remove network %s: it has active endpoints", n.Name)
			}
		}
		delete(p.w.networks, n.ID)
		delete(p.w.subnets, n.ID)
		return nil
	})
}

func (b *box) on(name string) int {
	return slices.IndexFunc(b.nets, func(a network.Attachment) bool { return a.Name == name })
}

// ConnectNetwork refuses a running container that is on it already.
func (p networks) ConnectNetwork(ctx context.Context, networkName, containerID string, a network.Attachment) error {
	return p.w.call(ctx, "ConnectNetwork", networkName+" "+p.w.nameOf(containerID), func() error {
		n := p.w.network(networkName)
		if n == nil {
			return refuse(engine.ErrNotFound, "connect network %s: network %s not found", networkName, networkName)
		}
		b, err := p.w.must(containerID)
		if err != nil {
			return err
		}
		a.Name = n.Name
		i := b.on(n.Name)
		switch {
		case i < 0:
			b.nets = append(b.nets, a)
			b.changed = b.changed || b.left && b.up()
		case b.up():
			return refuse(engine.ErrConflict, "connect network %s: endpoint with name %s already exists", n.Name, b.name)
		default:
			b.nets[i] = a
		}
		return nil
	})
}

// DisconnectNetwork refuses a container that is not on it.
func (p networks) DisconnectNetwork(ctx context.Context, networkName, containerID string) error {
	return p.w.call(ctx, "DisconnectNetwork", networkName+" "+p.w.nameOf(containerID), func() error {
		n := p.w.network(networkName)
		if n == nil {
			return refuse(engine.ErrNotFound, "disconnect network %s: network %s not found", networkName, networkName)
		}
		b, err := p.w.must(containerID)
		if err != nil {
			return err
		}
		i := b.on(n.Name)
		if i < 0 {
			return refuse(engine.ErrConflict, "disconnect network %s: container %s is not connected to it", n.Name, b.name)
		}
		b.nets = slices.Delete(slices.Clone(b.nets), i, i+1)
		b.left = b.up() // lists show that; what they do not is how it comes back
		return nil
	})
}

func (w *world) nameOf(id string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if b := w.find(id); b != nil {
		return b.name
	}
	return id
}

// volumes changes volumes.
type volumes struct{ w *world }

// userOf gives a container that mounts a volume.
func (w *world) userOf(name string) *box {
	for _, b := range w.containers {
		if slices.ContainsFunc(b.mounts, func(m volume.Mounted) bool { return m.Type == volume.Volume && m.Name == name }) {
			return b
		}
	}
	return nil
}

// CreateVolume takes one that is there as it is, if its driver is the same.
func (p volumes) CreateVolume(ctx context.Context, s volume.Spec, labels map[string]string) error {
	return p.w.call(ctx, "CreateVolume", s.Name, func() error { return p.w.makeVolume(s, labels) })
}

func (w *world) makeVolume(s volume.Spec, labels map[string]string) error {
	driver := cmp.Or(s.Driver, "local")
	switch v := w.volumes[s.Name]; {
	case v == nil:
		w.addVolume(&vol{Live: volume.Live{Name: s.Name, Driver: driver, Options: s.DriverOpts, Labels: maps.Clone(labels)}})
	case v.Driver != driver:
		return refuse(engine.ErrConflict, "create volume %s: a volume of that name exists with driver %s", s.Name, v.Driver)
	}
	return nil
}

func (w *world) addVolume(v *vol) {
	w.volumes[v.Name] = v
	w.tellMark(engine.MarkEvent{Name: v.Name})
}

// RemoveVolume refuses one that any container mounts, running or not.
func (p volumes) RemoveVolume(ctx context.Context, name string) error {
	return p.w.call(ctx, "RemoveVolume", name, func() error { return p.w.removeVolume(name) })
}

func (w *world) removeVolume(name string) error {
	if w.volumes[name] == nil {
		return nil
	}
	if b := w.userOf(name); b != nil {
		return refuse(engine.ErrConflict, "remove volume %s: volume is in use by %s", name, b.name)
	}
	w.dropVolume(name)
	return nil
}

func (w *world) dropVolume(name string) {
	delete(w.volumes, name)
	w.tellMark(engine.MarkEvent{Name: name, Removed: true})
}

// images brings images.
type images struct{ w *world }

// tagged adds the default tag, and takes away what stands for Docker Hub.
func tagged(ref string) string {
	ref = strings.TrimPrefix(strings.TrimPrefix(ref, "docker.io/"), "library/")
	if strings.Contains(ref, "@") {
		return ref
	}
	if i := strings.LastIndexByte(ref, ':'); i < 0 || strings.Contains(ref[i:], "/") {
		return ref + ":latest"
	}
	return ref
}

// wellFormed tells whether a reference could be a tag's: names are lower case.
func wellFormed(ref string) bool {
	ref = tagged(ref)
	name, tag := ref[:strings.LastIndexByte(ref, ':')], ref[strings.LastIndexByte(ref, ':')+1:]
	const lower, more = "abcdefghijklmnopqrstuvwxyz0123456789._-", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	return name != "" && tag != "" && strings.Trim(name, lower+"/:") == "" && strings.Trim(tag, lower+more) == ""
}

// image that is here, by reference or ID.
func (w *world) image(ref string) *Image {
	if i := w.images[tagged(ref)]; i != nil && !i.Remote {
		return i
	}
	id := strings.TrimPrefix(ref, "sha256:")
	for _, i := range w.images {
		if !i.Remote && len(id) >= 6 && strings.HasPrefix(strings.TrimPrefix(i.ID, "sha256:"), id) {
			return i
		}
	}
	return nil
}

// tag makes ref stand for an image. The one that it stood for stays, by its ID.
func (w *world) tag(ref string, i *Image) {
	key := tagged(ref)
	old := w.images[key]
	delete(w.images, i.ID)
	w.images[key] = i
	if old != nil && !old.Remote && old.ID != i.ID && len(w.refs(old.ID)) == 0 {
		w.images[old.ID] = old
	}
}

// refs are the keys of an image.
func (w *world) refs(id string) []string {
	var out []string
	for key, i := range w.images {
		if i.ID == id {
			out = append(out, key)
		}
	}
	return out
}

// ResolveImage knows those that are here and those that can be pulled.
func (p images) ResolveImage(ctx context.Context, ref string) (digest string, err error) {
	err = p.w.call(ctx, "ResolveImage", ref, func() error {
		i := p.w.images[tagged(ref)]
		if i == nil {
			i = p.w.images[tagged(strings.TrimPrefix(strings.TrimPrefix(ref, "docker.io/"), "library/"))]
		}
		if i == nil {
			return refuse(engine.ErrNotFound, "resolve %s: manifest unknown", ref)
		}
		digest = i.ID // as in containerd's store
		return nil
	})
	return digest, err
}

// PullImage brings an image that was added, Remote or not.
func (p images) PullImage(ctx context.Context, ref, _ string, progress func(engine.Progress)) (id string, err error) {
	err = p.w.call(ctx, "PullImage", ref, func() error {
		i := p.w.images[tagged(ref)]
		if i == nil {
			return refuse(engine.ErrNotFound, "pull %s: manifest unknown", ref)
		}
		i.Remote, id = false, i.ID
		return nil
	})
	if err == nil {
		progress(engine.Progress{Layer: "layer", Text: "Pull complete", Current: 1, Total: 1})
	}
	return id, err
}

// ListImages that are here and have the label, each once.
func (p images) ListImages(ctx context.Context, label string) (out []image.Listed, err error) {
	key, value, _ := strings.Cut(label, "=")
	err = p.w.call(ctx, "ListImages", label, func() error {
		for _, i := range p.w.images {
			v, has := i.Defaults.Labels[key]
			if i.Remote || !has || v != value || slices.ContainsFunc(out, func(l image.Listed) bool { return l.ID == i.ID }) {
				continue
			}
			refs := slices.DeleteFunc(p.w.refs(i.ID), func(ref string) bool { return ref == i.ID })
			slices.Sort(refs)
			out = append(out, image.Listed{ID: i.ID, Tags: refs, Labels: i.Defaults.Labels, Created: i.made})
		}
		slices.SortFunc(out, func(a, b image.Listed) int {
			return cmp.Or(b.Created.Compare(a.Created), strings.Compare(a.ID, b.ID))
		})
		return nil
	})
	return out, err
}

// PushImage sends it nowhere.
func (p images) PushImage(ctx context.Context, ref string, progress func(engine.Progress)) error {
	err := p.w.call(ctx, "PushImage", ref, func() error {
		if p.w.image(ref) == nil {
			return refuse(engine.ErrNotFound, "push %s: An image does not exist locally with the tag: %s", ref, ref)
		}
		return nil
	})
	if err == nil {
		progress(engine.Progress{Layer: "layer", Text: "Pushed", Current: 1, Total: 1})
	}
	return err
}

// BuildImage makes the reference known, with the behaviour of an image that was added under it. Each build has an ID of its own.
func (p images) BuildImage(ctx context.Context, ref string, b image.Build, progress func(engine.Progress)) (id string, err error) {
	err = p.w.call(ctx, "BuildImage", ref, func() error {
		i := Image{Ref: ref}
		if old := p.w.images[tagged(ref)]; old != nil {
			i = *old
		}
		id = "sha256:" + p.w.newID("build "+ref)
		i.ID, i.Remote, i.made = id, false, time.Now()
		for _, tag := range append([]string{ref}, b.Tags...) {
			p.w.tag(tag, &i)
		}
		return nil
	})
	if err == nil {
		progress(engine.Progress{Text: "Step 1/1 : FROM scratch"})
	}
	return id, err
}

// RemoveImage refuses the last reference of an image that a container was made from, and an ID that has several references.
func (p images) RemoveImage(ctx context.Context, ref string) error {
	return p.w.call(ctx, "RemoveImage", ref, func() error {
		i := p.w.image(ref)
		if i == nil {
			return refuse(engine.ErrNotFound, "remove image %s: No such image: %s", ref, tagged(ref))
		}
		key, refs := tagged(ref), p.w.refs(i.ID)
		if p.w.images[key] == nil {
			key = refs[0] // it was an ID
			if len(refs) > 1 {
				return refuse(engine.ErrConflict, "remove image %s: image is referenced in multiple repositories", ref)
			}
		}
		for _, b := range p.w.containers {
			if len(refs) == 1 && b.image.ID == i.ID {
				return refuse(engine.ErrConflict, "remove image %s: container %s is using it", ref, b.name)
			}
		}
		delete(p.w.images, key)
		return nil
	})
}

// RemoveUntagged removes what stands under its own ID.
func (p images) RemoveUntagged(ctx context.Context, id string) error {
	return p.w.call(ctx, "RemoveUntagged", id, func() error {
		used := slices.ContainsFunc(slices.Collect(maps.Values(p.w.containers)), func(b *box) bool { return b.image.ID == id })
		if p.w.images[id] != nil && !used {
			delete(p.w.images, id)
		}
		return nil
	})
}

// TagImage moves the reference.
func (p images) TagImage(ctx context.Context, id, ref string) error {
	return p.w.call(ctx, "TagImage", ref, func() error {
		i := p.w.image(id)
		switch {
		case !wellFormed(ref):
			return refuse(engine.ErrInvalid, "tag image %s: invalid reference format", ref)
		case i == nil:
			return refuse(engine.ErrNotFound, "tag image %s: No such image: %s", ref, id)
		}
		p.w.tag(ref, i)
		i.named = time.Now()
		return nil
	})
}

// events tells what happens.
type events struct{ w *world }

// sub is a subscription. Its channel holds more than any test makes happen; one that is full ends it.
type sub[T any] struct {
	wants  func(T) bool
	events chan T
	errs   chan error
	ended  bool
}

func newSub[T any](wants func(T) bool) *sub[T] {
	return &sub[T]{wants: wants, events: make(chan T, 1<<14), errs: make(chan error, 1)}
}

func (s *sub[T]) end(err error) {
	if s.ended {
		return
	}
	s.ended = true
	s.errs <- err
	close(s.events)
	close(s.errs)
}

func (s *sub[T]) tell(ev T) {
	if s.ended || !s.wants(ev) {
		return
	}
	select {
	case s.events <- ev:
	default:
		s.end(refuse(engine.ErrUnavailable, "watch events: nobody reads them"))
	}
}

// until ctx ends.
func (s *sub[T]) until(ctx context.Context, w *world) (<-chan T, <-chan error, error) {
	context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		s.end(nil)
	})
	return s.events, s.errs, nil
}

// Subscribe ends with ctx, with a cut, and with Close.
func (p events) Subscribe(ctx context.Context, project string) (<-chan engine.Event, <-chan error, error) {
	s := newSub(func(ev engine.Event) bool { return container.MadeFor(ev.Labels, project) })
	err := p.w.call(ctx, "Subscribe", project, func() error {
		p.w.subs = append(p.w.subs, s)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return s.until(ctx, p.w)
}

func (w *world) emit(b *box, kind engine.EventKind) {
	ev := engine.Event{Kind: kind, Container: b.id, Name: b.name, Labels: maps.Clone(b.labels), Time: time.Now()}
	switch kind {
	case engine.EventDie:
		ev.ExitCode = b.code
	case engine.EventHealth:
		ev.Health = b.health
	}
	for _, s := range w.subs {
		s.tell(ev)
	}
	if w.knobs.Happened != nil {
		w.knobs.Happened(ev)
	}
}

// logs reads what containers wrote.
type logs struct{ w *world }

// Logs follows a running container to its end. Since and Until take RFC 3339 only.
func (p logs) Logs(ctx context.Context, id string, o engine.LogOptions, line func(engine.LogLine) error) error {
	next, follow := 0, o.Follow
	err := p.w.call(ctx, "Logs", id, func() error {
		b, err := p.w.must(id)
		if err != nil {
			return err
		}
		if n, err := strconv.Atoi(o.Tail); err == nil {
			next = max(0, len(b.lines)-n)
		}
		return nil
	})
	for err == nil {
		lines, more, wrote, cut := p.w.linesFrom(id, next)
		next += len(lines)
		for _, l := range lines {
			if !within(l.Time, o) {
				continue
			}
			if err := line(l); err != nil {
				return err
			}
		}
		if !follow || !more {
			return nil
		}
		select {
		case <-wrote:
		case <-ctx.Done():
			return ctx.Err()
		case <-cut:
			return errCut
		}
	}
	return err
}

func within(t time.Time, o engine.LogOptions) bool {
	since, errS := time.Parse(time.RFC3339Nano, o.Since)
	until, errU := time.Parse(time.RFC3339Nano, o.Until)
	return (errS != nil || !t.Before(since)) && (errU != nil || !t.After(until))
}

func (w *world) linesFrom(id string, next int) (lines []engine.LogLine, more bool, wrote, cut chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := w.find(id)
	if b == nil {
		return nil, false, nil, w.cut
	}
	return slices.Clone(b.lines[min(next, len(b.lines)):]), b.up(), b.wrote, w.cut
}

// doctor looks at one container, and at all projects.
type doctor struct{ w *world }

// Diagnose tells a container's state.
func (p doctor) Diagnose(ctx context.Context, id string) (d engine.Diagnosis, err error) {
	err = p.w.call(ctx, "Diagnose", id, func() error {
		b, err := p.w.must(id)
		if err != nil {
			return err
		}
		d = engine.Diagnosis{
			State: b.state, ExitCode: b.code, OOMKilled: b.oom, Error: b.err, Health: b.health, Probe: b.probe, HasHealth: b.hasHealth(),
		}
		return nil
	})
	return d, err
}

// Projects lists what has containers.
func (p doctor) Projects(ctx context.Context) (out []engine.Project, err error) {
	err = p.w.call(ctx, "Projects", "", func() error {
		by := map[string]*engine.Project{}
		for _, b := range p.w.containers {
			name := b.labels[container.LabelProject]
			if name == "" || !container.MadeFor(b.labels, name) {
				continue
			}
			if by[name] == nil {
				by[name] = &engine.Project{Name: name, States: map[container.State]int{}, ConfigFiles: b.labels[container.LabelConfigFiles]}
			}
			by[name].States[b.state]++
		}
		for _, name := range slices.Sorted(maps.Keys(by)) {
			out = append(out, *by[name])
		}
		return nil
	})
	return out, err
}

// observer reads the world.
type observer struct{ w *world }

// Observe counts as one call.
func (p observer) Observe(ctx context.Context, q engine.Query) (s engine.Snapshot, err error) {
	err = p.w.call(ctx, "Observe", q.Project, func() error {
		s = p.w.snapshot(q)
		return nil
	})
	return s, err
}

// ListContainers is a part of Observe.
func (p observer) ListContainers(ctx context.Context, project string) (out []container.Live, err error) {
	err = p.w.call(ctx, "ListContainers", project, func() error {
		out = p.w.snapshot(engine.Query{Project: project}).Containers
		for i := range out {
			out[i].Stopped, out[i].Finished, out[i].Found = false, false, nil
		}
		return nil
	})
	return out, err
}

func (w *world) snapshot(q engine.Query) engine.Snapshot {
	s := engine.Snapshot{Project: q.Project, Caps: w.knobs.Caps, Images: map[string]image.Live{}}
	for _, b := range w.containers {
		if container.MadeFor(b.labels, q.Project) {
			s.Containers = append(s.Containers, w.live(b, b.changed))
		}
	}
	for _, n := range w.networks {
		if n.Labels[container.LabelProject] == q.Project || slices.Contains(q.Networks, n.Name) {
			s.Networks = append(s.Networks, *n)
		}
	}
	for _, v := range w.volumes {
		if v.Labels[container.LabelProject] == q.Project || slices.Contains(q.Volumes, v.Name) {
			s.Volumes = append(s.Volumes, v.Live)
		}
	}
	for _, ref := range q.Images {
		if i := w.image(ref); i != nil {
			s.Images[ref] = image.Live{ID: i.ID}
		}
	}
	slices.SortFunc(s.Containers, func(a, b container.Live) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(s.Networks, func(a, b network.Live) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(s.Volumes, func(a, b volume.Live) int { return strings.Compare(a.Name, b.Name) })
	return s
}

// Inspect gives one container with Found.
func (p observer) Inspect(ctx context.Context, id string) (l container.Live, err error) {
	err = p.w.call(ctx, "Inspect", id, func() error {
		b, err := p.w.must(id)
		if err == nil {
			l = p.w.live(b, true)
		}
		return err
	})
	return l, err
}

// InspectImage gives one image with Defaults.
func (p observer) InspectImage(ctx context.Context, ref string) (l image.Live, err error) {
	err = p.w.call(ctx, "InspectImage", ref, func() error {
		i := p.w.image(ref)
		if i == nil {
			return refuse(engine.ErrNotFound, "inspect image %s: No such image: %s", ref, ref)
		}
		d := i.Defaults
		l = image.Live{ID: i.ID, Created: i.made, Tagged: i.named, Defaults: &d}
		return nil
	})
	return l, err
}

// live is what a list shows; inside adds what only an inspect does.
func (w *world) live(b *box, inside bool) container.Live {
	l := container.Live{
		ID: b.id, Name: b.name, Image: b.spec.Image, ImageID: b.image.ID, Command: strings.Join(b.spec.Command, " "), Created: b.created,
		State: b.state, Status: b.status(), Health: b.health, ExitCode: b.code, Labels: maps.Clone(b.labels), Mounts: slices.Clone(b.mounts),
		Mode: b.mode(), Stopped: !b.up() && (b.stopped || b.killed), Finished: !b.up() && b.finished,
	}
	if b.up() {
		l.Ports = slices.Clone(b.ports)
	}
	for _, a := range b.nets {
		l.Networks = append(l.Networks, w.endpoint(b, a, inside))
	}
	slices.SortFunc(l.Networks, func(a, b network.Endpoint) int { return strings.Compare(a.Name, b.Name) })
	if inside {
		s := b.spec
		s.Name, s.Networks = b.name, b.nets
		l.Found = &s
	}
	return l
}

func (w *world) endpoint(b *box, a network.Attachment, inside bool) network.Endpoint {
	e := network.Endpoint{Name: a.Name, StaticIPv4: a.IPv4Address, StaticIPv6: a.IPv6Address}
	if n := w.network(a.Name); n != nil {
		e.NetworkID = n.ID
	}
	if b.up() {
		e.IPv4Address = cmp.Or(a.IPv4Address, "172.18.0.2")
	}
	if inside {
		e.Aliases, e.AliasesKnown = slices.Clone(a.Aliases), true
	}
	return e
}

func (b *box) mode() string {
	switch {
	case b.spec.NetworkMode != "":
		return b.spec.NetworkMode
	case len(b.nets) > 0:
		return b.nets[0].Name
	}
	return "default"
}

func (b *box) status() string {
	switch b.state {
	case container.Running:
		return map[container.Health]string{
			container.NoHealth: "Up", container.Starting: "Up (health: starting)", container.Healthy: "Up (healthy)", container.Unhealthy: "Up (unhealthy)",
		}[b.health]
	case container.Exited:
		return fmt.Sprintf("Exited (%d)", b.code)
	}
	return strings.ToUpper(string(b.state[:1])) + string(b.state[1:])
}
