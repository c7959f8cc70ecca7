package plan

import (
	"cmp"
	"maps"
	"slices"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/field"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// replica is one container that should be, beside what there is, and what was decided about it.
type replica struct {
	desired.Replica
	live      *container.Live  // what stands for it now; nil: nothing
	successor *container.Live  // an interrupted run's new container that is already as it should be
	continued bool             // the successor takes over, none is made
	moved     bool             // it goes before a volume that it mounts does, and is made anew behind that
	leftovers []container.Live // an interrupted run's containers that are of no use

	create  []Reason     // a new container is needed
	unless  []SameImage  // the new container is not needed if these hold; only when nothing else asks for it
	update  []Reason     // limits in place
	reload  []reload     // contents in place
	connect []connection // networks to come back on
	start   []Reason     // it is not up and should be
	restart []Reason     // it is up, and has to go down and up again
	spared  []SameImage  // it need not go down if these hold; only when nothing else asks for that
	done    bool         // a one-shot that has ended well: it is not started again
}

// connection to a network that a container should be on.
type connection struct {
	attachment network.Attachment
	off        bool // it is on it, but not as it should be: take it off first
	why        Reason
}

// replaced tells whether a container that exists makes way for a new one.
func (r *replica) replaced() bool { return r.live != nil && len(r.create) > 0 }

// decide what to do about every container of a service.
func (b *builder) decide(service string) {
	svc, _ := b.want.Service(service)
	found := b.live[service]
	numbers, _ := assign(found, b.want.Replicas(service))
	for _, n := range numbers {
		r := &replica{Replica: b.want.Replica(service, n)}
		b.match(r, found)
		b.judge(svc, r)
		b.replicas[service] = append(b.replicas[service], r)
	}
}

// liveByService are the containers, but those of `run`, in order of number and name.
func liveByService(all []container.Live) map[string][]container.Live {
	out := map[string][]container.Live{}
	for _, l := range all {
		if !l.OneOff() {
			out[l.Service()] = append(out[l.Service()], l)
		}
	}
	for _, ls := range out {
		slices.SortStableFunc(ls, func(x, y container.Live) int {
			return cmp.Or(cmp.Compare(x.Number(), y.Number()), cmp.Compare(x.Name, y.Name))
		})
	}
	return out
}

// assign gives want replicas their numbers: the lowest that exist stay, gaps are filled from below. What is left over is extra.
func assign(found []container.Live, want int) (numbers []int, extra []container.Live) {
	exist := map[int]bool{}
	for _, l := range found {
		exist[l.Number()] = true
	}
	delete(exist, 0)
	for _, n := range slices.Sorted(maps.Keys(exist)) {
		if len(numbers) < want {
			numbers = append(numbers, n)
		}
	}
	for n := 1; len(numbers) < want; n++ {
		if !exist[n] {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	for _, l := range found {
		if !slices.Contains(numbers, l.Number()) {
			extra = append(extra, l)
		}
	}
	return numbers, extra
}

// match finds which containers stand for the replica: the one under its name, and what an interrupted replacement left.
func (b *builder) match(r *replica, found []container.Live) {
	var here []*container.Live
	for i := range found {
		switch l := &found[i]; {
		case l.Number() != r.Number:
		case l.Name == asideName(r.Spec.Name):
			r.leftovers = append(r.leftovers, *l)
		default:
			here = append(here, l)
		}
	}
	r.live = b.serving(r, here)
	for _, l := range here {
		switch {
		case l == r.live:
		case r.successor == nil && b.takesOver(r, *l):
			r.successor = l
		default:
			r.leftovers = append(r.leftovers, *l)
		}
	}
}

// serving is the container that makes way or stays: the one under the replica's name, unless that is down and one of another file is up.
func (b *builder) serving(r *replica, here []*container.Live) *container.Live {
	rank := func(l *container.Live) (n int) {
		if l.Up() && (l.Name == r.Spec.Name || !b.takesOver(r, *l)) {
			n += 2
		}
		if !temporary(l.Name, r.Spec.Name) {
			n++
		}
		return n
	}
	if len(here) == 0 {
		return nil
	}
	return slices.MaxFunc(here, func(x, y *container.Live) int { return rank(x) - rank(y) })
}

// takesOver tells of another container of a replica that it is as it should be: an interrupted run's new one, or the old one if that is wanted
// again. One that never ran does not: the run may have been cut off before it was on all its networks and had its files.
func (b *builder) takesOver(r *replica, l container.Live) bool {
	svc, _ := b.want.Service(r.Service)
	return l.State != container.Created && l.State != container.Dead && b.imageOf(l, r.Spec.Image) &&
		container.Diff(r.Spec, configHash(svc, b.live), l, b.have.Images[l.ImageID].Defaults).Empty()
}

// imageOf tells whether the container was made from what ref stands for now, as far as known.
func (b *builder) imageOf(l container.Live, ref string) bool {
	img, here := b.have.Images[ref]
	return !here || l.ImageID == "" || img.ID == l.ImageID
}

// temporary names are those of a new container whose predecessor still holds the name.
func temporary(name, final string) bool { return name != final && container.OwnName(name) == final }

// AsideSuffix ends the name of a new container whose predecessor had to come back.
const AsideSuffix = "-failed"

func asideName(final string) string { return final + AsideSuffix }

// judge decides about one replica. Its dependencies have been judged before.
func (b *builder) judge(svc desired.Service, r *replica) {
	switch {
	case r.live == nil:
		r.create = []Reason{Absent{}}
		return
	case r.successor != nil && !b.movesUnder(*r.live) && !b.movesUnder(*r.successor) && b.forced(svc.Name) == nil && !b.renewed[r.Spec.Image] && !b.takesOver(r, *r.live):
		r.create, r.continued = []Reason{Leftover{r.Spec.Name}}, true
		return
	case r.successor != nil:
		r.leftovers, r.successor = append(r.leftovers, *r.successor), nil
	}
	if r.live.State == container.Created && !b.o.NoStart && slices.ContainsFunc(r.Spec.Files, func(f container.File) bool { return !f.Mounted() }) {
		r.create = append(r.create, Unfinished{})
	}
	b.judgeFields(svc, r)
	b.judgeReality(r)
	b.judgeDependencies(svc, r)
	if why := b.forced(svc.Name); why != nil {
		r.create = append(r.create, why)
	}
	if b.o.NoRecreate {
		r.create, r.unless = nil, nil
	}
	if b.movesUnder(*r.live) {
		r.create, r.unless, r.moved = append(r.create, b.movedReasons(*r.live)...), nil, true
	}
	if b.renewed[r.Spec.Image] && !b.o.NoRecreate {
		b.judgeRenewal(r, SameImage{r.Spec.Image, r.live.ImageID}, ImageRenewed{r.Spec.Image})
	}
	if !b.o.NoRecreate {
		b.judgeGiven(svc, r)
	}
	b.judgeState(svc, r)
}

// forced is why the containers of a service are made anew in any case: those that the user named, or what those depend on. nil: they are not.
func (b *builder) forced(service string) Reason {
	named := len(b.o.Services) == 0 || slices.Contains(b.o.Services, service)
	switch {
	case named && b.o.ForceRecreate:
		return Asked{"--force-recreate"}
	case !named && b.o.AlwaysRecreateDeps:
		return Asked{"--always-recreate-deps"}
	}
	return nil
}

// judgeFields compares what the file says with what the container was made from.
func (b *builder) judgeFields(svc desired.Service, r *replica) {
	d := container.Diff(r.Spec, configHash(svc, b.live), *r.live, b.have.Images[r.live.ImageID].Defaults)
	d.Recreate = r.judgeContents(d.Recreate)
	for _, c := range d.Recreate {
		r.create = append(r.create, fieldReason(c, r.Spec))
	}
	for _, c := range d.Update {
		r.update = append(r.update, fieldReason(c, r.Spec))
	}
	if len(d.Update) > 0 && (!b.have.Caps.Update || b.o.Atomic && slices.ContainsFunc(d.Update, oneWay)) {
		r.create, r.update = append(r.create, r.update...), nil
	}
	if len(r.create) > 0 && !b.o.NoRecreate { // it is made anew: that brings these, too
		r.create, r.update = append(r.create, r.update...), nil
	}
	if img, here := b.have.Images[r.Spec.Image]; here && !b.imageOf(*r.live, r.Spec.Image) {
		r.create = append(r.create, ImageChanged{r.Spec.Image, r.live.ImageID, img.ID})
	}
}

// oneWay tells of a change in place that cannot be undone in place: the engine does not take a limit away.
func oneWay(c field.Change) bool { return c.Path != "restart" && c.Old == "" }

// configHash is what a container of the service is labelled with if it is as the file says.
func configHash(svc desired.Service, live map[string][]container.Live) string {
	if svc.HashWith == nil {
		return svc.ConfigHash
	}
	return svc.HashWith(func(service string) string {
		if ls := live[service]; len(ls) > 0 {
			return ls[0].ID
		}
		return ""
	})
}

// fieldReason words contents as contents, not as digests.
func fieldReason(c field.Change, s container.Spec) Reason {
	for i, path := range s.FilePaths() {
		if c.Path == path+".content" && c.New != "" {
			return ContentChanged{s.Files[i].Kind, s.Files[i].Source, s.Origin[s.Files[i].Kind+"s."+s.Files[i].Source+".content"]}
		}
	}
	if c.Path == "pre_start" { // digests tell nobody anything
		c.Old, c.New = "…", "…"
	}
	if c.Drift {
		return Drifted{c}
	}
	return FieldChanged{c}
}

// judgeReality compares what the container was made from with what it is: networks, aliases, labels, mounts.
func (b *builder) judgeReality(r *replica) {
	if len(r.create) > 0 {
		return
	}
	for _, a := range endpoints(r.Spec) {
		c, ok := b.judgeAttachment(r, a)
		switch {
		case ok && a.MacAddress != "" && b.have.Caps.EndpointMAC: // engines that take it for each network take it at create only
			r.create = append(r.create, c.why)
		case ok:
			r.connect = append(r.connect, c)
		}
	}
	for _, k := range sortedKeys(r.Spec.Labels) {
		if v, ok := r.live.Labels[k]; !ok || v != r.Spec.Labels[k] {
			r.create = append(r.create, LabelLost{k})
		}
	}
	for _, m := range r.Spec.Mounts {
		if m.Type == volume.Volume && m.Source != "" && !mounts(*r.live, m) {
			r.create = append(r.create, VolumeLost{m.Target})
		}
	}
}

func mounts(l container.Live, m volume.Mount) bool {
	return slices.ContainsFunc(l.Mounts, func(f volume.Mounted) bool { return f.Target == m.Target && f.Name == m.Source })
}

func (b *builder) judgeAttachment(r *replica, a network.Attachment) (connection, bool) {
	i := slices.IndexFunc(r.live.Networks, func(e network.Endpoint) bool { return e.Name == a.Name })
	switch {
	case b.replaced[a.Name]:
		return connection{a, false, NetworkReplaced{a.Name}}, true
	case i < 0:
		return connection{a, false, NetworkLost{a.Name}}, true
	case b.stale(r.live.Networks[i]):
		return connection{a, true, NetworkLost{a.Name}}, true
	}
	if lost := lostAliases(a, r.live.Networks[i]); len(lost) > 0 {
		return connection{a, true, AliasLost{a.Name, lost}}, true
	}
	return connection{}, false
}

// stale endpoints are on a network of that name that is not there any more.
func (b *builder) stale(e network.Endpoint) bool {
	named := slices.ContainsFunc(b.have.Networks, func(n network.Live) bool { return n.Name == e.Name })
	return named && e.NetworkID != "" && !slices.ContainsFunc(b.have.Networks, func(n network.Live) bool { return n.ID == e.NetworkID })
}

func lostAliases(a network.Attachment, e network.Endpoint) []string {
	if !e.AliasesKnown {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(a.Aliases), func(n string) bool { return slices.Contains(e.Aliases, n) })
}

// judgeDependencies: a container that shares a namespace with another is made anew with it; one that asks for it is restarted with it.
func (b *builder) judgeDependencies(svc desired.Service, r *replica) {
	for _, d := range svc.Depends {
		for _, dep := range b.replicas[d.Service] {
			switch {
			case dep.replaced() && d.Namespace != "":
				b.follow(r, dep, DependencyReplaced{d.Service, holds(d)})
			case d.Restart && !b.o.NoStart && r.live.Up() && (dep.replaced() || len(dep.restart) > 0):
				r.goDown(DependencyReplaced{d.Service, "restart: true"}, slices.Concat(dep.unless, dep.spared))
			}
		}
	}
}

// goDown and up again with a container that is replaced, or only maybe: unless these hold.
func (r *replica) goDown(why Reason, unless []SameImage) {
	switch {
	case len(r.restart) == 0:
		r.restart, r.spared = []Reason{why}, unless
	case len(unless) == 0:
		r.restart, r.spared = []Reason{why}, nil
	case len(r.spared) > 0:
		r.spared = append(r.spared, unless...)
	}
}

// holds says what ties a service to the containers of another.
func holds(d desired.Dependency) string {
	if d.Namespace == "links" {
		return "is linked to it"
	}
	return "shares its " + d.Namespace
}

// follow replaces r together with a container that it depends on, if that one is.
func (b *builder) follow(r, dep *replica, why Reason) {
	if len(dep.unless) == 0 {
		r.create = append(r.create, why)
		return
	}
	for _, same := range dep.unless {
		b.judgeRenewal(r, same, why)
	}
}

// judgeRenewal makes r anew if an image turns out to be another one.
func (b *builder) judgeRenewal(r *replica, same SameImage, why Reason) {
	if len(r.create) > 0 && len(r.unless) == 0 {
		return
	}
	r.create = append(r.create, why)
	r.unless = append(r.unless, same)
}

// judgeState decides whether a container that stays has to be started.
func (b *builder) judgeState(svc desired.Service, r *replica) {
	l := r.live
	switch {
	case l.State == container.Dead || l.State == container.Removing:
		r.create, r.unless = append(r.create, NotRunning{State: l.State}), nil
	case l.State == container.Paused:
		r.start = []Reason{NotRunning{State: l.State}}
	case l.Up():
	case slices.Contains(b.o.Rerun, svc.Name):
		r.start = []Reason{Asked{"up"}}
	case l.State == container.Exited && l.ExitCode == 0 && !l.Stopped && (l.Finished || b.awaited[svc.Name]):
		r.done = true
	default:
		r.start = []Reason{NotRunning{l.State, l.ExitCode, l.Stopped}}
	}
	if len(r.unless) > 0 && len(r.spared) > 0 { // both are known only later: then anew, if either comes
		r.create, r.unless = append(r.create, r.restart...), append(r.unless, r.spared...)
		r.restart, r.spared = nil, nil
	}
	if len(r.connect)+len(r.update)+len(r.reload)+len(r.restart) > 0 {
		r.unless = nil // it is touched in any case: then anew, if it may have to be
	}
	if len(r.create) > 0 && len(r.unless) == 0 {
		for _, c := range r.reload {
			r.create = append(r.create, c.why)
		}
		r.update, r.reload, r.connect, r.restart = nil, nil, nil, nil
	}
}
