package enginetest

import (
	"cmp"
	"context"
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

// box is a container.
type box struct {
	id, name string
	spec     container.Spec // as made, with what the image gives
	labels   map[string]string
	image    *Image
	b        Behaviour
	created  time.Time
	state    container.State
	code     int
	oom      bool
	err      string
	health   container.Health
	probe    string
	began    time.Time // its last start
	fails    int       // probes in a row, after the start period
	nets     []network.Attachment
	mounts   []volume.Mounted
	ports    []container.Published
	links    []string
	timers   []*time.Timer
	exited   chan struct{} // closed when it ends
	lines    []engine.LogLine
	wrote    chan struct{} // closed and made anew at each line, and at the end
	byHand   bool          // stopped on request: no restart
	frozen   []func()      // what it would have done while paused
	restarts int
	files    map[string][]byte // configs and secrets, by path

	stopped, killed, finished bool // since its last start
	left, changed             bool // by hand: a network, limits or aliases
}

func (b *box) up() bool {
	return b.state == container.Running || b.state == container.Paused || b.state == container.Restarting
}

func (b *box) stopTimers() {
	for _, t := range b.timers {
		t.Stop()
	}
	b.timers, b.frozen = nil, nil
}

func (b *box) write(line string) {
	b.lines = append(b.lines, written(line))
	b.tell()
}

// written now; to stderr if it begins with "!".
func written(line string) engine.LogLine {
	text, err := strings.CutPrefix(line, "!")
	return engine.LogLine{Time: time.Now(), Stderr: err, Text: text}
}

func (b *box) tell() {
	close(b.wrote)
	b.wrote = make(chan struct{})
}

// find by id, its beginning, or name.
func (w *world) find(id string) *box {
	if b := w.containers[id]; b != nil {
		return b
	}
	if b := w.names[id]; b != nil {
		return b
	}
	if len(id) < 12 || strings.Trim(id, "0123456789abcdef") != "" {
		return nil
	}
	for _, b := range w.containers {
		if strings.HasPrefix(b.id, id) {
			return b
		}
	}
	return nil
}

func (w *world) must(id string) (*box, error) {
	if b := w.find(id); b != nil {
		return b, nil
	}
	return nil, refuse(engine.ErrNotFound, "No such container: %s", id)
}

// containers changes containers.
type containers struct{ w *world }

// CreateContainer refuses a name that is taken, an image or a further network that is not there, and a peer that has no container.
// A missing first network is noticed at start, as in the engine.
func (c containers) CreateContainer(ctx context.Context, n engine.NewContainer) (id string, err error) {
	err = c.w.call(ctx, "CreateContainer", n.Name, func() error { id, err = c.w.create(n); return err })
	return id, err
}

func (w *world) create(n engine.NewContainer) (string, error) {
	img := w.image(n.Spec.Image)
	if img == nil {
		return "", refuse(engine.ErrNotFound, "create container %s: No such image: %s", n.Name, n.Spec.Image)
	}
	if w.find(n.Name) != nil {
		return "", refuse(engine.ErrConflict, "create container %s: the container name is already in use", n.Name)
	}
	if err := cmp.Or(resolve(&n), w.linked(n)); err != nil {
		return "", err
	}
	nets := byPriority(n.Spec)
	for i, a := range nets {
		if i > 0 && w.network(a.Name) == nil {
			return "", refuse(engine.ErrNotFound, "create container %s: network %s not found", n.Name, a.Name)
		}
	}
	b := &box{
		id: w.newID("container"), name: n.Name, labels: maps.Clone(n.Labels), image: img, created: time.Now(), state: container.Created,
		nets: nets, links: n.Links, wrote: make(chan struct{}), b: img.Behaviour,
	}
	if img.Script != nil {
		b.b = img.Script(n.Spec)
	}
	b.spec = inherit(n.Spec, img.Defaults)
	before := maps.Clone(w.volumes)
	w.mount(b, n)
	b.files = map[string][]byte{}
	if err := w.put(b, n.Spec.Files); err != nil {
		w.volumes = before // nothing half-made stays
		return "", err
	}
	w.containers[b.id], w.names[b.name] = b, b
	w.emit(b, engine.EventCreate)
	return b.id, nil
}

// resolve replaces peers by their containers, as the adapter does.
func resolve(n *engine.NewContainer) error {
	for _, mode := range []*string{&n.Spec.NetworkMode, &n.Spec.IPC, &n.Spec.PID} {
		if !strings.HasPrefix(*mode, "service:") {
			continue
		}
		id, ok := n.Peers[*mode]
		if !ok {
			return refuse(engine.ErrInvalid, "create container %s: %s has no container", n.Name, *mode)
		}
		*mode = "container:" + id
	}
	n.Spec.VolumesFrom = slices.Clone(n.Spec.VolumesFrom)
	for i, v := range n.Spec.VolumesFrom {
		parts := strings.SplitN(v, ":", 3)
		if len(parts) < 2 || parts[0] != "service" {
			continue
		}
		id, ok := n.Peers["service:"+parts[1]]
		if !ok {
			return refuse(engine.ErrInvalid, "create container %s: volumes_from %s has no container", n.Name, v)
		}
		n.Spec.VolumesFrom[i] = strings.Join(append([]string{id}, parts[2:]...), ":")
	}
	return nil
}

// linked refuses links on the engine's own network to containers that are not there; elsewhere they are to names.
func (w *world) linked(n engine.NewContainer) error {
	if n.Spec.NetworkMode == "" {
		return nil
	}
	for _, l := range n.Links {
		name, _, _ := strings.Cut(l, ":")
		if w.find(cmp.Or(n.Peers["container:"+name], name)) == nil {
			return refuse(engine.ErrNotFound, "create container %s: could not get container for %s: No such container: %s", n.Name, name, name)
		}
	}
	return nil
}

// byPriority gives the networks in the engine's order: the first is had at create.
func byPriority(s container.Spec) []network.Attachment {
	if s.NetworkMode != "" {
		return nil
	}
	out := slices.Clone(s.Networks)
	slices.SortStableFunc(out, func(a, b network.Attachment) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// inherit adds what the image gives.
func inherit(s container.Spec, d image.Defaults) container.Spec {
	env := map[string]*string{}
	for _, e := range d.Env {
		k, v, _ := strings.Cut(e, "=")
		env[k] = &v
	}
	maps.Copy(env, s.Environment)
	s.Environment = env
	if s.Command == nil && s.Entrypoint == nil {
		s.Command = d.Cmd
	}
	if s.Entrypoint == nil {
		s.Entrypoint = d.Entrypoint
	}
	labels := maps.Clone(d.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	maps.Copy(labels, s.Labels)
	s.Labels = labels
	s.User, s.WorkingDir, s.StopSignal = cmp.Or(s.User, d.User), cmp.Or(s.WorkingDir, d.WorkingDir), cmp.Or(s.StopSignal, d.StopSignal)
	return s
}

// mount makes the volumes that are not there.
func (w *world) mount(b *box, n engine.NewContainer) {
	taken := map[string]bool{}
	add := func(m volume.Mounted, anonymous bool) {
		if taken[m.Target] {
			return
		}
		taken[m.Target] = true
		b.mounts = append(b.mounts, m)
		if m.Type == volume.Volume && w.volumes[m.Name] == nil {
			w.addVolume(&vol{Live: volume.Live{Name: m.Name, Driver: "local"}, anonymous: anonymous})
		}
	}
	for _, m := range n.Inherit {
		add(m, true)
	}
	for _, m := range n.Spec.Mounts {
		v := volume.Mounted{Type: m.Type, Target: m.Target, ReadOnly: m.ReadOnly, Source: m.Source}
		anonymous := m.Type == volume.Volume && m.Source == ""
		if m.Type == volume.Volume {
			v.Name, v.Source, v.Driver = m.Source, "", "local"
		}
		if anonymous && !taken[m.Target] {
			v.Name = w.newID("volume")
		}
		add(v, anonymous)
	}
	for _, target := range b.image.Defaults.Volumes {
		if !taken[target] {
			add(volume.Mounted{Type: volume.Volume, Name: w.newID("volume"), Target: target, Driver: "local"}, true)
		}
	}
	slices.SortFunc(b.mounts, func(a, b volume.Mounted) int { return strings.Compare(a.Target, b.Target) })
}

// StartContainer refuses when a network, a peer or a port is not to be had.
func (c containers) StartContainer(ctx context.Context, id string) error {
	return c.w.call(ctx, "StartContainer", id, func() error {
		b, err := c.w.must(id)
		if err != nil || b.state == container.Running {
			return err
		}
		if err := c.w.startable(b); err != nil {
			b.err, b.code = err.Error(), 128
			return err
		}
		b.byHand, b.restarts = false, 0
		c.w.start(b)
		return nil
	})
}

func (w *world) startable(b *box) error {
	if b.b.StartError != "" {
		return refuse(engine.ErrInvalid, "start container %s: %s", b.name, b.b.StartError)
	}
	for _, a := range b.nets {
		if w.network(a.Name) == nil {
			return refuse(engine.ErrNotFound, "start container %s: network %s not found", b.name, a.Name)
		}
	}
	for _, mode := range []string{b.spec.NetworkMode, b.spec.IPC, b.spec.PID} {
		peer, ok := strings.CutPrefix(mode, "container:")
		if !ok {
			continue
		}
		p := w.find(peer)
		if p == nil {
			return refuse(engine.ErrNotFound, "start container %s: No such container: %s", b.name, peer)
		}
		if !p.up() {
			return refuse(engine.ErrConflict, "start container %s: container %s is not running", b.name, p.name)
		}
	}
	return w.publish(b)
}

// publish takes host ports, of a range the first that is free; two containers cannot have one.
func (w *world) publish(b *box) error {
	var ports []container.Published
	for _, p := range b.spec.Ports {
		v := container.Published{HostIP: cmp.Or(p.HostIP, "0.0.0.0"), Target: p.Target, Protocol: cmp.Or(p.Protocol, "tcp")}
		from, to, ranged := strings.Cut(p.Published, "-")
		v.Published, _ = strconv.Atoi(from)
		last := v.Published
		if ranged {
			last, _ = strconv.Atoi(to)
		}
		if v.Published == 0 {
			w.ids++
			v.Published = 49152 + w.ids%16000
		}
		for v.Published < last && w.allocated(v, b) {
			v.Published++
		}
		if w.allocated(v, b) {
			return refuse(engine.ErrConflict, "start container %s: Bind for %s:%d failed: port is already allocated", b.name, v.HostIP, v.Published)
		}
		ports = append(ports, v)
	}
	b.ports = ports
	return nil
}

// allocated to another container, or to a neighbour.
func (w *world) allocated(p container.Published, b *box) bool {
	holds := func(ports []container.Published) bool {
		return slices.ContainsFunc(ports, func(o container.Published) bool { return clash(o, p) })
	}
	for _, other := range w.containers {
		if other != b && other.up() && holds(other.ports) {
			return true
		}
	}
	return slices.ContainsFunc(w.knobs.Beside.Containers, func(n engine.Neighbour) bool { return n.State == container.Running && holds(n.Ports) })
}

func clash(a, b container.Published) bool {
	any := func(ip string) bool { return ip == "0.0.0.0" || ip == "::" || ip == "" }
	return a.Published == b.Published && a.Protocol == b.Protocol && (a.HostIP == b.HostIP || any(a.HostIP) || any(b.HostIP))
}

func (w *world) start(b *box) {
	b.state, b.code, b.err, b.oom = container.Running, 0, "", false
	b.stopped, b.killed, b.finished, b.left = false, false, false, false
	b.exited = make(chan struct{})
	w.emit(b, engine.EventStart)
	for _, l := range b.b.Logs {
		b.write(l)
	}
	if b.hasHealth() {
		b.health, b.began, b.fails = container.Starting, time.Now(), 0
		h := container.Healthy
		if b.b.Unhealthy {
			h = container.Unhealthy
		}
		if b.b.Ready > 0 {
			w.probe(b)
		} else {
			w.later(b, b.b.HealthyAfter, func() { w.health(b, h) })
		}
	}
	if b.b.ExitCode != nil {
		w.later(b, b.b.After, func() { b.oom = b.b.OOM; w.die(b, *b.b.ExitCode) })
	}
}

func (b *box) hasHealth() bool {
	if b.spec.Healthcheck != nil && len(b.spec.Healthcheck.Test) > 0 {
		return !b.spec.Healthcheck.Disabled()
	}
	return b.image.Defaults.HasHealthcheck
}

// later does something to a container that still runs then.
func (w *world) later(b *box, d time.Duration, do func()) {
	b.timers = append(b.timers, time.AfterFunc(d, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		switch {
		case !b.up() || w.containers[b.id] != b:
		case b.state == container.Paused:
			b.frozen = append(b.frozen, do)
		default:
			do()
		}
	}))
}

func (w *world) health(b *box, h container.Health) {
	if b.health != h {
		b.health, b.probe = h, b.b.Probe
		w.emit(b, engine.EventHealth)
	}
}

// die ends the process, and starts it again if its policy says so.
func (w *world) die(b *box, code int) {
	b.stopTimers()
	b.state, b.code, b.health = container.Exited, code, container.NoHealth
	b.finished = !b.killed && !b.stopped
	close(b.exited)
	b.tell()
	if b.oom {
		w.emit(b, engine.EventOOM)
	}
	w.emit(b, engine.EventDie)
	if !b.byHand && b.restartsAfter(code) {
		b.state, b.exited = container.Restarting, make(chan struct{})
		b.restarts++
		w.later(b, 100*time.Millisecond, func() { w.start(b) })
	} else if b.spec.AutoRemove {
		time.AfterFunc(100*time.Millisecond, func() { w.removeItself(b) })
	}
}

func (w *world) removeItself(b *box) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.containers[b.id] == b && !b.up() {
		w.drop(b, true)
	}
}

func (b *box) restartsAfter(code int) bool {
	switch p := b.spec.Restart; p.Name {
	case "always", "unless-stopped":
		return true
	case "on-failure":
		return code != 0 && (p.MaxRetries == 0 || b.restarts < p.MaxRetries)
	}
	return false
}

// StopContainer waits for the end. When the caller gives up the stop goes on, as in the engine.
func (c containers) StopContainer(ctx context.Context, id string, timeout *time.Duration) error {
	var b *box
	var exited, cut chan struct{}
	err := c.w.call(ctx, "StopContainer", id, func() (err error) {
		if b, err = c.w.must(id); err != nil || !b.up() {
			b = nil
			return err
		}
		exited, cut = b.exited, c.w.cut
		c.w.stop(b, timeout)
		return nil
	})
	if b == nil || exited == nil {
		return err
	}
	select {
	case <-exited:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-cut:
		return errCut
	}
}

func (w *world) stop(b *box, timeout *time.Duration) {
	b.byHand = true
	if b.state == container.Restarting {
		b.stopTimers()
		b.state, b.stopped = container.Exited, true
		close(b.exited)
		return
	}
	grace := 10 * time.Second
	if b.spec.StopTimeout != nil {
		grace = *b.spec.StopTimeout
	}
	if timeout != nil {
		grace = *timeout
	}
	b.killed = true
	w.emit(b, engine.EventKill)
	takes, code := b.b.StopsAfter, cmp.Or(b.b.StopCode, 143)
	if b.b.IgnoresTerm || takes > grace {
		takes, code = grace, 137
	}
	if takes <= 0 {
		w.stopNow(b, code)
		return
	}
	w.later(b, takes, func() { w.stopNow(b, code) })
}

func (w *world) stopNow(b *box, code int) {
	w.die(b, code)
	b.stopped, b.finished = true, false
	w.emit(b, engine.EventStop)
}

// KillContainer sends a signal; only SIGKILL ends one that ignores SIGTERM, and some end nobody.
func (c containers) KillContainer(ctx context.Context, id, signal string) error {
	return c.w.call(ctx, "KillContainer", id, func() error {
		b, err := c.w.must(id)
		if err != nil {
			return err
		}
		if !b.up() {
			return refuse(engine.ErrConflict, "kill container %s: it is not running", b.name)
		}
		w := c.w
		s := strings.TrimPrefix(cmp.Or(signal, "KILL"), "SIG")
		w.emit(b, engine.EventKill)
		switch {
		case s == "KILL" || s == "9":
			b.killed, b.byHand = true, true
			w.die(b, 137)
		case s == "TERM" || s == "15" || s == "INT" || s == "2" || s == "QUIT":
			b.killed = true
			if !b.b.IgnoresTerm {
				b.byHand = true
				w.die(b, cmp.Or(b.b.StopCode, 143))
			}
		}
		return nil
	})
}

// PauseContainer refuses one that does not run, or is paused already.
func (c containers) PauseContainer(ctx context.Context, id string) error {
	return c.w.call(ctx, "PauseContainer", id, func() error {
		b, err := c.w.must(id)
		switch {
		case err != nil:
			return err
		case b.state != container.Running:
			return refuse(engine.ErrConflict, "pause container %s: it is %s", b.name, b.state)
		}
		b.state = container.Paused
		c.w.emit(b, engine.EventPause)
		return nil
	})
}

// UnpauseContainer refuses one that is not paused.
func (c containers) UnpauseContainer(ctx context.Context, id string) error {
	return c.w.call(ctx, "UnpauseContainer", id, func() error {
		b, err := c.w.must(id)
		switch {
		case err != nil:
			return err
		case b.state != container.Paused:
			return refuse(engine.ErrConflict, "unpause container %s: it is %s", b.name, b.state)
		}
		b.state = container.Running
		c.w.emit(b, engine.EventUnpause)
		for _, do := range b.frozen {
			do()
		}
		b.frozen = nil
		return nil
	})
}

// RemoveContainer refuses a running one without force.
func (c containers) RemoveContainer(ctx context.Context, id string, force, anonymous bool) error {
	return c.w.call(ctx, "RemoveContainer", id, func() error {
		b := c.w.find(id)
		if b == nil {
			return nil
		}
		if b.up() && !force {
			return refuse(engine.ErrConflict, "remove container %s: it is running", b.name)
		}
		if b.up() {
			b.byHand, b.killed = true, true
			c.w.emit(b, engine.EventKill)
			c.w.die(b, 137)
		}
		c.w.drop(b, anonymous)
		return nil
	})
}

func (w *world) drop(b *box, anonymous bool) {
	b.stopTimers()
	delete(w.containers, b.id)
	delete(w.names, b.name)
	b.tell()
	if anonymous {
		w.dropAnonymous(b)
	}
	w.emit(b, engine.EventDestroy)
}

func (w *world) dropAnonymous(b *box) {
	for _, m := range b.mounts {
		if v := w.volumes[m.Name]; v != nil && v.anonymous && w.userOf(m.Name) == nil {
			w.dropVolume(m.Name)
		}
	}
}

// RenameContainer refuses a name that is taken.
func (c containers) RenameContainer(ctx context.Context, id, name string) error {
	return c.w.call(ctx, "RenameContainer", id, func() error {
		b, err := c.w.must(id)
		if err != nil {
			return err
		}
		if c.w.find(name) != nil {
			return refuse(engine.ErrConflict, "rename container %s to %s: the name is already in use", b.name, name)
		}
		delete(c.w.names, b.name)
		b.name = name
		c.w.names[name] = b
		c.w.emit(b, engine.EventRename)
		return nil
	})
}

// UpdateContainer changes limits and restart policy.
func (c containers) UpdateContainer(ctx context.Context, id string, s container.Spec) error {
	return c.w.call(ctx, "UpdateContainer", id, func() error {
		b, err := c.w.must(id)
		if err != nil {
			return err
		}
		if !c.w.knobs.Caps.Update {
			return refuse(engine.ErrNotFound, "update container %s: Not Found", b.name)
		}
		b.spec.Restart = s.Restart
		update(&b.spec.Resources, s.Resources)
		b.changed = true
		return nil
	})
}

// update leaves alone what is zero: a limit cannot be taken away.
func update(r *container.Resources, to container.Resources) {
	set := func(old *int64, v int64) { *old = cmp.Or(v, *old) }
	set(&r.Memory, to.Memory)
	set(&r.MemoryReservation, to.MemoryReservation)
	set(&r.MemorySwap, to.MemorySwap)
	set(&r.NanoCPUs, to.NanoCPUs)
	set(&r.CPUShares, to.CPUShares)
	set(&r.CPUPeriod, to.CPUPeriod)
	set(&r.CPUQuota, to.CPUQuota)
	set(&r.CPURTPeriod, to.CPURTPeriod)
	set(&r.CPURTRuntime, to.CPURTRuntime)
	set(&r.PidsLimit, to.PidsLimit)
	r.CPUSet = cmp.Or(to.CPUSet, r.CPUSet)
	r.BlkioWeight = cmp.Or(to.BlkioWeight, r.BlkioWeight)
}
