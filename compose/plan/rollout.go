package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/network"
)

// unprobed is how long a container without a healthcheck is looked at before its predecessor is given up, if the file does not say.
const unprobed = time.Second

// lookedUp is how long after it looked the service up a client may connect to what it found.
const lookedUp = time.Second

// The words of update_config and rollback_config (Compose Deploy Specification).
const (
	startFirst = "start-first"
	stopFirst  = "stop-first"
	goOn       = "continue"
	goBack     = "rollback"
)

// hooksOf a service.
func hooksOf(svc desired.Service) Hooks { return Hooks{svc.PostStart, svc.PreStop} }

// rolling replaces the replicas of one service, a batch after the other.
type rolling struct {
	*builder
	svc   desired.Service
	how   desired.Rollout
	total int  // replicas that are replaced
	batch int  // of them in the batch that is being filled
	units []ID // the last steps of all hand-overs so far
	gate  []ID // what the current batch comes after
}

func (b *builder) newRolling(svc desired.Service) *rolling {
	o := &rolling{builder: b, svc: svc, how: desired.Rollout{FailureAction: goBack}}
	if svc.Update != nil {
		o.how = *svc.Update
	}
	if b.stopsFirst(svc) { // with all its replicas
		o.how.Parallelism = 0
	}
	for _, r := range b.replicas[svc.Name] {
		if r.replaced() && !r.moved {
			o.total++
		}
	}
	if svc.Rollback != nil {
		b.rollbacks[svc.Name] = *svc.Rollback
	}
	return o
}

// replace one more replica, once those of the batch before are well.
func (o *rolling) replace(r *replica) {
	if o.batch > 0 && o.batch == o.how.Parallelism {
		o.verify()
		o.batch = 0
	}
	o.batch++
	o.units = append(o.units, o.handOver(r))
}

// end of the last batch. The old containers of a service that goes back as a whole are kept until then.
func (o *rolling) end() {
	if o.total < 2 {
		return
	}
	last := o.verify()
	if o.how.FailureAction == goBack {
		o.verdicts[o.svc.Name] = last
	}
}

// verify what was replaced so far. Where failures do not matter, all that is wanted is the order.
func (o *rolling) verify() ID {
	allowed := int(o.how.MaxFailureRatio * float64(o.want.Replicas(o.svc.Name)))
	if o.how.FailureAction == goOn {
		allowed = o.total
	}
	id := ID("verify " + desired.Key(o.svc.Name, len(o.units)))
	resource := Resource{Kind: Service, Service: o.svc.Name, Name: o.svc.Name}
	step := Verify{Service: o.svc.Name, Units: slices.Clone(o.units), Of: o.total, Allowed: allowed, Rollback: o.how.FailureAction == goBack}
	o.gate = []ID{o.add(Node{ID: id, Step: step, Resource: resource, After: o.gate, AfterAny: slices.Clone(o.units)})}
	if o.how.Delay > 0 && len(o.units) < o.total {
		o.gate = []ID{o.add(Node{ID: ID("pause " + desired.Key(o.svc.Name, len(o.units))), Step: Pause{o.how.Delay}, Resource: resource, After: o.gate})}
	}
	return id
}

// handOver is the replacement of one replica. Until all of it is done the old container is there, to go back to.
type handOver struct {
	*rolling
	r      *replica
	unit   string
	beside bool   // start-first
	why    string // it is not, although the file asks for it
	back   []ID   // steps that bring the old container back on networks that were made anew
	last   []ID   // the last steps so far
}

// handOver from the old container to a new one, and give its last step.
func (o *rolling) handOver(r *replica) ID {
	h := &handOver{rolling: o, r: r, unit: o.unitOf(o.svc, r)}
	h.beside, h.why = o.startsFirst(o.svc, r)
	h.stayOnNetworks()
	if !r.continued {
		h.last = []ID{o.emitCreate(o.svc, r, container.TemporaryName(r.live.ID, r.Spec.Name), h.beside)}
		h.joinUnit(h.last[0])
	}
	h.last = slices.Concat(o.checks, o.restartedDependents(o.svc), h.back, h.last)
	if h.beside {
		h.startBeside()
	} else {
		h.stopFirst()
	}
	end := h.last[len(h.last)-1]
	o.commits = append(o.commits, commit{r, o.svc.Name, h.unit})
	o.ends[h.unit] = append(o.ends[h.unit], end)
	return end
}

// stayOnNetworks brings an old container that serves back on networks that were made anew, in case it has to go on.
func (h *handOver) stayOnNetworks() {
	for _, name := range h.anew() {
		if h.served() && h.r.live.On(name) {
			for _, n := range h.comeBack(*h.r.live, name) {
				h.back = append(h.back, h.add(n))
			}
		}
	}
}

// joinUnit makes a node that is there part of the hand-over.
func (h *handOver) joinUnit(id ID) { h.nodes[h.at[id]].Unit = h.unit }

// then adds a step of the hand-over after those before it.
func (h *handOver) then(id string, s Step, why []Reason) *Node {
	n := Node{ID: ID(id), Step: s, Resource: h.r.resource(), Reasons: why, After: h.last, Unit: h.unit, Unless: h.r.unless}
	h.last = []ID{h.add(n)}
	return &h.nodes[len(h.nodes)-1]
}

func (h *handOver) stopFirst() {
	var ready readiness
	if !h.o.NoStart && !h.stopsFirst(h.svc) {
		ready = h.beforeStart(h.svc, h.r)
	}
	h.last = slices.Concat(h.last, h.gate, ready.done)
	if h.served() {
		h.stopOld().AfterAny = ready.ended
	}
	h.start()
	if h.r.continued {
		h.giveAliases()
	}
}

// served tells whether the old container served somebody, and would again: it is up, or somebody has stopped it, maybe a run that was cut off.
func (h *handOver) served() bool { return h.r.live.Up() || h.r.live.Stopped || h.r.continued }

func (h *handOver) startBeside() {
	h.last = slices.Concat(h.last, h.gate)
	h.start()
	h.giveAliases()
	h.takeAliases()
	h.stopOld()
}

func (h *handOver) stopOld() *Node {
	why := h.r.create
	if h.why != "" {
		why = append(slices.Clone(why), StopsFirst{h.why})
	}
	step := StopContainer{Container: h.r.oldRef(), Timeout: h.o.Timeout, Hooks: hooksOf(h.svc)}
	if !h.r.live.Up() {
		step.Hooks.PreStop = nil
	}
	return h.then("stop "+h.r.Key, step, why)
}

// start the new container, and watch it if the old one served.
func (h *handOver) start() {
	if h.o.NoStart {
		return
	}
	id := h.emitStart(h.svc, h.r, h.r.renamed(), h.r.create, h.last...)
	h.joinUnit(id)
	h.last = []ID{id}
	if h.served() {
		monitor := cmp.Or(h.how.Monitor, h.svc.RestartWindow)
		h.then("wait "+h.r.Key+" well", WaitContainer{Container: h.r.renamed(), Until: UntilWell, Required: true, Monitor: monitor, Unprobed: cmp.Or(monitor, unprobed)},
			[]Reason{DependsOn{h.svc.Name, string(UntilWell)}})
	}
}

// giveAliases puts the new container, which is well, where it is found by the service's names.
func (h *handOver) giveAliases() {
	for _, a := range endpoints(h.r.Spec) {
		anew := h.r.continued && h.replaced[a.Name] // it was taken off
		if h.r.continued && !h.lacksAliases(a) && !anew {
			continue
		}
		if !h.r.continued || h.r.successor.On(a.Name) && !anew {
			h.then("disconnect "+h.r.Key+" from "+a.Name, DisconnectNetwork{Container: h.r.renamed(), Network: a.Name, Was: bare(a), Keep: true}, h.r.create)
		}
		n := h.then("connect "+h.r.Key+" to "+a.Name, ConnectNetwork{Container: h.r.renamed(), Attachment: a, Keep: true}, h.r.create)
		if h.r.continued {
			n.After = appendIf(n.After, h.made[a.Name])
		}
	}
}

// lacksAliases tells of an interrupted run's container whether it was given them.
func (h *handOver) lacksAliases(a network.Attachment) bool {
	i := slices.IndexFunc(h.r.successor.Networks, func(e network.Endpoint) bool { return e.Name == a.Name })
	return i < 0 || !h.r.successor.Networks[i].AliasesKnown || len(lostAliases(a, h.r.successor.Networks[i])) > 0
}

// takeAliases from the old container before it stops: whoever looks the service up does not find it any more, and what is under way goes on.
// That needs an address that it can come back to; without one its connections would break, so it keeps its names until it has stopped.
func (h *handOver) takeAliases() {
	if h.r.live.State != container.Running {
		return
	}
	taken := false
	for _, a := range h.r.Spec.Networks {
		if !keepsAddress(*h.r.live, a.Name) {
			continue
		}
		old := h.r.Key + " (old)"
		h.then("disconnect "+old+" from "+a.Name, DisconnectNetwork{Container: h.r.oldRef(), Network: a.Name, Was: h.foundAt(a), Keep: true}, h.r.create)
		h.then("connect "+old+" to "+a.Name, ConnectNetwork{Container: h.r.oldRef(), Attachment: bare(a), Keep: true}, h.r.create)
		taken = true
	}
	if taken {
		h.then("pause before stop "+h.r.Key, Pause{lookedUp}, h.r.create)
	}
}

// foundAt is how the old container is on a network; its address is kept without being asked for here.
func (h *handOver) foundAt(a network.Attachment) network.Attachment {
	was := foundAt(*h.r.live, a)
	was.IPv4Address = ""
	return was
}

// keepsAddress tells whether a container has asked for its address on a network, so that it finds it free when it comes back.
func keepsAddress(l container.Live, name string) bool {
	return slices.ContainsFunc(l.Networks, func(e network.Endpoint) bool { return e.Name == name && e.StaticIPv4 != "" })
}

// reserved are the addresses of the networks whose subnets tutti chose.
func (b *builder) reserved() map[string]network.Reserved {
	out := map[string]network.Reserved{}
	for _, l := range b.have.Networks {
		if _, free, ok := network.Halves(l.Labels[container.LabelSubnet]); ok {
			out[l.Name] = network.Reserved{Range: free, Used: b.addressesOn(l.Name)}
		}
	}
	return out
}

func (b *builder) addressesOn(name string) []string {
	var out []string
	for _, l := range b.have.Containers {
		for _, e := range l.Networks {
			if e.Name == name {
				out = append(out, e.IPv4Address, e.StaticIPv4)
			}
		}
	}
	return out
}

// bare attachment: nobody finds the container by a name of the service.
func bare(a network.Attachment) network.Attachment {
	a.Aliases = nil
	return a
}

func bareAll(in []network.Attachment) []network.Attachment {
	var out []network.Attachment
	for _, a := range in {
		out = append(out, bare(a))
	}
	return out
}

// foundAt is how a container is on a network, as far as known: else as a should be.
func foundAt(l container.Live, a network.Attachment) network.Attachment {
	if l.Found != nil {
		if i := slices.IndexFunc(l.Found.Networks, func(f network.Attachment) bool { return f.Name == a.Name }); i >= 0 {
			return l.Found.Networks[i]
		}
	}
	for _, e := range l.Networks {
		if e.Name == a.Name && e.AliasesKnown {
			a.Aliases, a.IPv4Address, a.IPv6Address = e.Aliases, e.StaticIPv4, e.StaticIPv6
		}
	}
	return a
}

func asksStartFirst(svc desired.Service) bool {
	return svc.Update != nil && svc.Update.Order == startFirst
}

// startsFirst tells whether the new container runs beside the old one; if the file asks for it and it cannot be, why.
func (b *builder) startsFirst(svc desired.Service, r *replica) (ok bool, why string) {
	if !asksStartFirst(svc) || !r.live.Up() || b.o.NoStart {
		return false, ""
	}
	why = onlyOnce(svc, r.Spec)
	if why == "" && b.stopsFirst(svc) {
		why = "it goes down with what it depends on (restart: true)"
	}
	return why == "", why
}

// onlyOnce says what two containers of a replica cannot both have; "" if there is nothing.
func onlyOnce(svc desired.Service, s container.Spec) string {
	for _, p := range s.Ports {
		if p.Published != "" && p.Published != "0" && !strings.Contains(p.Published, "-") {
			return "two cannot have host port " + p.Published
		}
	}
	for _, a := range s.Networks {
		if a.IPv4Address != "" || a.IPv6Address != "" || a.MacAddress != "" {
			return "two cannot have a fixed address on network " + a.Network
		}
	}
	for _, d := range svc.Depends {
		if d.Namespace != "" && d.Namespace != "volumes_from" && d.Namespace != "links" {
			return "two cannot share what is one: " + d.Namespace + " of service " + d.Service
		}
	}
	switch {
	case svc.ContainerName != "":
		return "two cannot have container_name " + svc.ContainerName
	case s.NetworkMode == "host":
		return "two cannot share the ports of network_mode host"
	case s.MacAddress != "":
		return "two cannot have one mac_address"
	}
	return ""
}

// unitOf is the hand-over that a replica is part of: its own, or that of the container whose namespace it shares, for neither can go back
// without the other.
func (b *builder) unitOf(svc desired.Service, r *replica) string {
	if r.moved {
		return movingUnit
	}
	for _, d := range svc.Depends {
		if peers := b.replicas[d.Service]; d.Namespace != "" && len(peers) > 0 && peers[0].replaced() {
			peer, _ := b.want.Service(d.Service)
			return b.unitOf(peer, peers[0])
		}
	}
	return r.Key
}

// commit gives up the old container of a replica.
type commit struct {
	r             *replica
	service, unit string
}

// emitCommits, each when the whole unit is done, and the service verified if it goes back as a whole. Who shares the namespaces of another goes
// before that one: Podman removes none that somebody still holds on to.
func (b *builder) emitCommits() {
	sharers := map[string][]ID{} // removals, by the mode that names whose namespaces they share
	for _, c := range b.commits {
		b.ends[c.unit] = appendIf(b.ends[c.unit], b.verdicts[c.service])
		for _, mode := range b.sharedModes(c) {
			sharers[mode] = append(sharers[mode], c.r.id("remove"))
		}
	}
	for _, c := range b.commits {
		after := slices.Concat(b.ends[c.unit], sharers["container:"+c.r.live.ID])
		remove := c.r.node("remove", RemoveContainer{Container: c.r.oldRef(), Contents: b.contentsOf(*c.r.live)}, c.r.create, after...)
		remove.Unless, remove.Late = c.r.unless, true
		b.add(remove)
		if from := c.r.newName(); from != c.r.Spec.Name {
			rename := c.r.node("rename", RenameContainer{c.r.renamed(), c.r.Spec.Name, from}, c.r.create, remove.ID)
			rename.Unless, rename.Late = c.r.unless, true
			b.add(rename)
		}
	}
}

// newName of the container that takes over, until it gets its own.
func (r *replica) newName() string {
	if r.continued {
		return r.successor.Name
	}
	return container.TemporaryName(r.live.ID, r.Spec.Name)
}

// sharedModes are those of an old container's namespaces that may be another container's, "container:ID": as found, and as the file has them.
func (b *builder) sharedModes(c commit) []string {
	var out []string
	if f := c.r.live.Found; f != nil {
		out = []string{f.NetworkMode, f.IPC, f.PID}
	}
	svc, _ := b.want.Service(c.service)
	for _, d := range svc.Depends {
		for _, owner := range b.replicas[d.Service] {
			if owner.live != nil && d.Namespace != "" {
				out = append(out, "container:"+owner.live.ID)
			}
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(out)))
}
