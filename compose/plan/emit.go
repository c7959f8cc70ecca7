package plan

import (
	"maps"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/volume"
)

// ref names the container that stands for the replica once the plan has made or kept it.
func (r *replica) ref() Ref {
	switch {
	case r.continued:
		return Ref{Key: r.Key, ID: r.successor.ID}
	case r.live == nil || r.replaced() && len(r.unless) == 0:
		return Ref{Key: r.Key}
	}
	return Ref{Key: r.Key, ID: r.live.ID}
}

// renamed names the new container of a replacement, which has a temporary name as yet.
func (r *replica) renamed() Ref {
	if r.continued || len(r.unless) > 0 { // the old one is started if none is made
		return r.ref()
	}
	return Ref{Key: r.Key}
}

// oldRef names the container that makes way.
func (r *replica) oldRef() Ref { return Ref{Key: r.Key + " (old)", ID: r.live.ID} }

func (r *replica) resource() Resource {
	return Resource{Kind: Container, Service: r.Service, Name: r.Spec.Name}
}

func (r *replica) node(verb string, s Step, why []Reason, after ...ID) Node {
	return Node{ID: r.id(verb), Step: s, Resource: r.resource(), Reasons: why, After: after}
}

func (r *replica) id(verb string) ID { return ID(verb + " " + r.Key) }

// emit adds the steps that were decided for a service. Those of its dependencies are there by then.
func (b *builder) emit(service string) {
	svc, _ := b.want.Service(service)
	if svc.Provider != nil {
		b.emitProvider(svc)
		return
	}
	b.emitPreStart(svc)
	rolling := b.newRolling(svc)
	for _, r := range downFirst(b.replicas[service]) {
		b.emitLeftovers(r)
		switch {
		case r.live == nil:
			created := b.emitCreate(svc, r, r.Spec.Name, false)
			b.emitStart(svc, r, r.ref(), r.create, created)
		case r.moved:
			b.emitMoved(svc, r)
		case r.replaced():
			rolling.replace(r)
		default:
			b.emitKept(svc, r)
		}
		b.emitWait(r)
		b.emitWatch(r)
	}
	rolling.end()
}

// emitWatch makes an atomic plan hang on all that it starts: a new container that falls at once is a failure too.
func (b *builder) emitWatch(r *replica) {
	start, watched := b.planned(ID("start "+r.Key)), b.planned(ID("wait "+r.Key+" well"))
	if !b.o.Atomic || start == "" || watched != "" {
		return
	}
	n := r.node("wait", WaitContainer{Container: r.ref(), Until: UntilWell, Required: true, Unprobed: unprobed}, []Reason{DependsOn{r.Service, string(UntilWell)}}, start)
	n.ID += " well"
	b.add(n)
}

// downFirst puts the replicas that serve nobody in front: the fewest serve while they are replaced.
func downFirst(all []*replica) []*replica {
	down := func(r *replica) bool { return r.live == nil || !r.live.Up() }
	return slices.SortedStableFunc(slices.Values(all), func(x, y *replica) int {
		switch {
		case down(x) == down(y):
			return 0
		case down(x):
			return -1
		}
		return 1
	})
}

// emitLeftovers removes what an interrupted run left, never with its volumes: the container that stays may share them.
func (b *builder) emitLeftovers(r *replica) {
	for _, l := range r.leftovers {
		b.add(Node{ID: ID("remove " + l.Name), Step: RemoveContainer{Container: Ref{Key: l.ID, ID: l.ID}, Force: true, Contents: b.contentsOf(l)},
			Resource: containerResource(l), Reasons: []Reason{leftover(l, r.Spec.Name)}, After: b.checks})
	}
}

// leftover of an interrupted run, or of one whose new container was not well.
func leftover(l container.Live, of string) Reason {
	if l.Name == asideName(of) {
		return PutAside{of}
	}
	return Leftover{of}
}

// emitCreate makes the container; aside: so that nobody finds it by the service's names as yet.
func (b *builder) emitCreate(svc desired.Service, r *replica, name string, aside bool) ID {
	after := b.beforeCreate(r.Spec)
	given, known := b.given(svc)
	after = append(after, known.done...)
	peers := b.peers(svc)
	for _, name := range slices.Sorted(maps.Keys(peers)) {
		if id := b.planned(ID("create " + peers[name].Key)); !slices.Contains(after, id) {
			after = appendIf(after, id)
		}
	}
	step := CreateContainer{Container: Ref{Key: r.Key}, Name: name, Spec: r.Spec, Labels: r.Labels, Peers: peers, Links: b.want.Links(svc),
		Inherit: b.inherited(r), Given: given, HashWith: svc.HashWith, Reserve: asksStartFirst(svc) && onlyOnce(svc, r.Spec) == ""}
	if len(b.brings[r.Spec.Image]) == 0 {
		step.ImageID = b.have.Images[r.Spec.Image].ID
	}
	if aside {
		step.Spec.Networks = bareAll(step.Spec.Networks)
	}
	for _, l := range r.leftovers { // one may hold the temporary name
		after = append(after, ID("remove "+l.Name))
	}
	n := r.node("create", step, r.create, after...)
	n.Unless, n.AfterAny = r.unless, known.ended
	return b.add(n)
}

// beforeCreate is what brings all that a container is made with.
func (b *builder) beforeCreate(s container.Spec) []ID {
	after := slices.Concat(b.checks, b.brings[s.Image])
	for _, a := range s.Networks {
		after = appendIf(after, b.made[a.Name])
	}
	for _, m := range s.Mounts {
		after = appendIf(after, b.made[m.Source])
	}
	return after
}

func appendIf(ids []ID, id ID) []ID {
	if id == "" {
		return ids
	}
	return append(ids, id)
}

// peers are the containers whose namespaces or volumes a service shares, the first replica of each service named, and those that it is linked to.
func (b *builder) peers(svc desired.Service) map[string]Ref {
	out := map[string]Ref{}
	for _, d := range svc.Depends {
		if d.Namespace == "" {
			continue
		}
		if rs := b.replicas[d.Service]; len(rs) > 0 {
			out["service:"+d.Service] = rs[0].ref()
			if len(svc.Container.Links) > 0 {
				for _, r := range rs {
					out["container:"+r.Spec.Name] = r.ref()
				}
			}
		} else if ls := b.live[d.Service]; len(ls) > 0 {
			out["service:"+d.Service] = Ref{Key: ls[0].ID, ID: ls[0].ID}
		}
	}
	return out
}

// inherited are the anonymous volumes of the predecessor that the new container takes over, unless the file mounts something else there.
func (b *builder) inherited(r *replica) []volume.Mounted {
	if b.o.RenewAnonVolumes {
		return nil
	}
	had := b.heirs[r.Key]
	if r.live != nil {
		had = r.live.Mounts
	}
	var out []volume.Mounted
	for _, m := range had {
		if m.Anonymous() && !mountedElse(r.Spec, m.Target) && !holdsContents(r.Spec, m.Target) {
			out = append(out, m)
		}
	}
	return out
}

// holdsContents tells whether the volume at a path is for configs and secrets only: each container has its own.
func holdsContents(s container.Spec, target string) bool {
	return slices.ContainsFunc(s.Mounts, func(m volume.Mount) bool { return m.Contents && m.Target == target })
}

// contentsOf a container that goes, if it is of the service.
func contentsOf(l container.Live, svc desired.Service) []string {
	var out []string
	for _, m := range l.Mounts {
		if m.Anonymous() && holdsContents(svc.Container, m.Target) {
			out = append(out, m.Name)
		}
	}
	return out
}

func mountedElse(s container.Spec, target string) bool {
	for _, m := range s.Mounts {
		if m.Target == target && (m.Source != "" || m.Type != volume.Volume) {
			return true
		}
	}
	return slices.ContainsFunc(s.Tmpfs, func(t string) bool { return t == target || strings.HasPrefix(t, target+":") })
}

// stopsFirst tells whether the service has to go down before something that it depends on does.
func (b *builder) stopsFirst(svc desired.Service) bool {
	return slices.ContainsFunc(svc.Depends, func(d desired.Dependency) bool {
		return d.Restart && slices.ContainsFunc(b.replicas[d.Service], func(r *replica) bool { return r.replaced() || len(r.restart) > 0 })
	})
}

// restartedDependents are the steps that stop containers which are to be down while this service is replaced. As those are emitted
// after this one, their ids are made here.
func (b *builder) restartedDependents(svc desired.Service) []ID {
	var out []ID
	for _, name := range b.restarted[svc.Name] {
		for _, r := range b.replicas[name] {
			if r.live != nil && r.live.Up() && (len(r.restart) > 0 || r.replaced() && len(r.unless) == 0) {
				out = append(out, ID("stop "+r.Key))
			}
		}
	}
	return out
}

// emitKept brings a container that stays to what it should be.
func (b *builder) emitKept(svc desired.Service, r *replica) {
	var before []ID
	if temporary(r.live.Name, r.Spec.Name) {
		after := slices.Clone(b.checks)
		for _, l := range r.leftovers { // one may hold the name
			after = append(after, ID("remove "+l.Name))
		}
		before = append(before, b.add(r.node("rename", RenameContainer{r.ref(), r.Spec.Name, r.live.Name}, []Reason{Leftover{r.Spec.Name}}, after...)))
	}
	if len(r.update) > 0 {
		before = append(before, b.add(r.node("update", UpdateContainer{r.ref(), r.Spec, r.live.Found}, r.update, b.checks...)))
	}
	if len(r.reload) > 0 {
		before = append(before, b.add(b.reloadNode(r)))
	}
	before = append(before, b.emitConnections(r)...)
	switch {
	case len(r.restart) > 0:
		b.emitRestart(svc, r, before)
	case len(r.start) > 0:
		b.emitStart(svc, r, r.ref(), r.start, append(before, b.checks...)...)
	case len(before) == 0 && r.live.Up():
		b.kept = append(b.kept, r.resource())
	}
}

// emitRestart stops a container that stays before something that it depends on goes, and starts it behind that. It belongs to the hand-over of
// that: if that is undone, this one must be up again too.
func (b *builder) emitRestart(svc desired.Service, r *replica, before []ID) {
	after := slices.Concat(b.checks, b.restartedDependents(svc))
	for _, same := range r.spared {
		after = append(after, b.brings[same.Ref]...)
	}
	down := r.node("stop", StopContainer{r.ref(), b.o.Timeout, hooksOf(svc)}, r.restart, after...)
	down.Unless = r.spared
	stop := b.add(down)
	start := b.emitStart(svc, r, r.ref(), r.restart, append(before, stop)...)
	if unit := b.unitRestarting(svc); unit != "" {
		b.nodes[b.at[stop]].Unit, b.nodes[b.at[start]].Unit = unit, unit
		b.ends[unit] = append(b.ends[unit], start)
	}
}

// unitRestarting is the hand-over that makes a service restart; "" if what it depends on is only restarted as well.
func (b *builder) unitRestarting(svc desired.Service) string {
	for _, d := range svc.Depends {
		dep, _ := b.want.Service(d.Service)
		for _, r := range b.replicas[d.Service] {
			if d.Restart && r.replaced() {
				return b.unitOf(dep, r)
			}
		}
	}
	return ""
}

func (b *builder) emitConnections(r *replica) []ID {
	var out []ID
	for _, c := range r.connect {
		n := b.connectNode(*r.live, c.attachment, c.why)
		n.Resource, n.ID = r.resource(), ID("connect "+r.Key+" to "+c.attachment.Name)
		n.Step = ConnectNetwork{Container: r.ref(), Attachment: c.attachment}
		if c.off {
			n.After = append(slices.Clone(n.After), b.add(Node{ID: ID("disconnect " + r.Key + " from " + c.attachment.Name),
				Step: DisconnectNetwork{Container: r.ref(), Network: c.attachment.Name, Was: foundAt(*r.live, c.attachment)}, Resource: r.resource(), Reasons: []Reason{c.why}, After: b.checks}))
		}
		out = append(out, b.add(n))
	}
	return out
}

// emitStart starts a container of the replica once all that it waits for has come about.
func (b *builder) emitStart(svc desired.Service, r *replica, ref Ref, why []Reason, after ...ID) ID {
	if b.o.NoStart {
		return ""
	}
	ready := b.beforeStart(svc, r)
	step := Step(StartContainer{ref, hooksOf(svc)})
	if r.live != nil && r.live.State == container.Paused && ref.ID == r.live.ID && len(r.create)+len(r.restart) == 0 {
		step = UnpauseContainer{ref}
	}
	n := r.node("start", step, why, slices.Concat(after, ready.done)...)
	n.AfterAny = ready.ended
	if len(r.start) == 0 {
		n.Unless = slices.Concat(r.unless, r.spared)
	}
	return b.add(n)
}

// readiness is what a start waits for: steps that must be done, and steps that only must have ended.
type readiness struct{ done, ended []ID }

// beforeStart are the steps after which a replica may start: its dependencies are as it wants them, its init containers have run.
func (b *builder) beforeStart(svc desired.Service, r *replica) readiness {
	out := b.dependencies(svc)
	out.done = append(out.done, b.initialised[r.Key]...)
	return out
}

// dependencies are the steps after which a service may start, by its dependencies' conditions. It makes the steps that wait.
func (b *builder) dependencies(svc desired.Service) readiness {
	out := readiness{done: b.settledVolumes(svc)}
	for _, d := range svc.Depends {
		for _, dep := range b.replicas[d.Service] {
			out.add(b.reached(svc, d, dep), d.Required)
		}
		out.add(b.planned(ID("up provider "+d.Service)), d.Required)
	}
	return out
}

func (r *readiness) add(id ID, required bool) {
	switch {
	case id == "":
	case required:
		r.done = append(r.done, id)
	default:
		r.ended = append(r.ended, id)
	}
}

// reached is the step after which a dependency has reached its condition; "" if it has already.
func (b *builder) reached(svc desired.Service, d desired.Dependency, dep *replica) ID {
	start := b.planned(ID("start " + dep.Key))
	switch {
	case d.Condition == desired.IsHealthy && (start != "" || dep.live.Health != container.Healthy):
		return b.wait(dep, UntilHealthy, svc.Name, d.Required, start)
	case d.Condition == desired.Completed && (start != "" || !dep.done):
		return b.wait(dep, UntilCompleted, svc.Name, d.Required, start)
	}
	return start
}

// wait adds a step that waits for a replica, once for all who do.
func (b *builder) wait(r *replica, until Until, for_ string, required bool, start ID) ID {
	id := ID("wait " + r.Key + " " + string(until))
	if i, ok := b.at[id]; ok {
		w := b.nodes[i].Step.(WaitContainer)
		w.Required = w.Required || required
		b.nodes[i].Step = w
		return id
	}
	n := Node{ID: id, Step: WaitContainer{Container: r.ref(), Until: until, For: for_, Required: required}, Resource: r.resource(), Reasons: []Reason{DependsOn{r.Service, string(until)}}}
	n.After = appendIf(nil, start)
	return b.add(n)
}

// emitWait waits for the replica itself when the user asked for it with --wait.
func (b *builder) emitWait(r *replica) {
	if !b.o.Wait || b.o.NoStart {
		return
	}
	start := b.planned(ID("start " + r.Key))
	if start == "" && (r.done || r.live.Health == container.Healthy || r.live.Health == container.NoHealth && r.live.State == container.Running) {
		return
	}
	id := b.wait(r, UntilUp, "", true, start)
	if start != "" {
		b.nodes[b.at[id]].Step = settling(b.nodes[b.at[id]].Step)
	}
}

// settling is how long what --wait has started is looked at if it has no healthcheck.
func settling(s Step) Step {
	w := s.(WaitContainer)
	w.Unprobed = unprobed
	return w
}
