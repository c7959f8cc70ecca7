package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/field"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// networks makes those that the services are on, and makes anew those that the file wants otherwise.
func (b *builder) networks() {
	for _, n := range b.want.Project.Networks {
		if !b.want.Project.Unused && !b.usesNetwork(n.Key) {
			continue
		}
		i := b.networkInUse(n)
		switch {
		case i < 0 && n.External:
			b.absentNetwork(n)
		case i < 0:
			b.makeNetwork(n)
		default:
			b.compareNetwork(n, b.have.Networks[i])
		}
	}
}

// absentNetwork is external. A node of a Swarm does not list overlay networks that none of its containers is on as yet.
func (b *builder) absentNetwork(n network.Spec) {
	if predefined(n.Name) || b.have.Swarm {
		return
	}
	b.fail("networks."+n.Key, "network %s declared as external, but could not be found", n.Name)
	b.errors[len(b.errors)-1].Hint = "make it: docker network create " + n.Name + "; or take external away, and it is made with the project"
}

// networkInUse is the index of the network found for n, -1 if there is none. Of two of one name, which a create that was cut off may leave,
// it is the one that containers are on; the others go.
func (b *builder) networkInUse(n network.Spec) int {
	var found []int
	for i, l := range b.have.Networks {
		if l.Name == n.Name || n.External && l.ID == n.Name {
			found = append(found, i)
		}
	}
	slices.SortStableFunc(found, func(x, y int) int { return b.usersOf(b.have.Networks[y].ID) - b.usersOf(b.have.Networks[x].ID) })
	if len(found) == 0 {
		return -1
	}
	for _, i := range found[1:] {
		l := b.have.Networks[i]
		if !n.External && l.Labels[container.LabelProject] == b.want.Project.Name && b.usersOf(l.ID) == 0 {
			b.made[n.Name] = b.add(Node{ID: ID("remove network " + l.ID), Step: RemoveNetwork{ID: l.ID, Name: l.Name}, Resource: Resource{Kind: Network, Name: l.Name},
				Reasons: []Reason{SecondNetwork{}}, After: b.checks})
		}
	}
	return found[0]
}

func (b *builder) usersOf(networkID string) (n int) {
	for _, l := range b.have.Containers {
		if slices.ContainsFunc(l.Networks, func(e network.Endpoint) bool { return e.NetworkID == networkID }) {
			n++
		}
	}
	return n
}

// predefined networks need not be listed.
func predefined(name string) bool { return name == "bridge" || name == "host" || name == "none" }

func (b *builder) usesNetwork(key string) bool {
	return slices.ContainsFunc(b.order, func(name string) bool {
		s, _ := b.want.Service(name)
		return slices.ContainsFunc(specs(s), func(c container.Spec) bool {
			return slices.ContainsFunc(c.Networks, func(a network.Attachment) bool { return a.Network == key })
		})
	})
}

func (b *builder) createNetwork(n network.Spec, why []Reason, after []ID) ID {
	return b.add(Node{ID: ID("create network " + n.Name), Step: CreateNetwork{Network: n, Labels: b.want.NetworkLabels(n)},
		Resource: Resource{Kind: Network, Name: n.Name}, Reasons: why, After: after})
}

func (b *builder) compareNetwork(n network.Spec, live network.Live) {
	if n.External {
		return
	}
	switch p, labelled := live.Labels[container.LabelProject]; {
	case !labelled:
		b.warn("networks."+n.Key, "a network with name %s exists but was not created by compose. Set `external: true` to use an existing network", n.Name)
		return
	case p != b.want.Project.Name:
		b.warn("networks."+n.Key, "a network with name %s exists but was not created for project %q. Set `external: true` to use an existing network",
			n.Name, b.want.Project.Name)
		return
	}
	changes := network.Diff(n, live)
	if len(changes) == 0 {
		return
	}
	b.replaceNetwork(n, live, fieldReasons(changes))
}

// replaceNetwork takes every container off, makes the network anew, and leaves it to the replicas to come back on.
func (b *builder) replaceNetwork(n network.Spec, live network.Live, why []Reason) {
	b.replaced[n.Name] = true
	if b.o.Atomic {
		b.warn("networks."+n.Key, "network %s is made anew; if a step fails it is made once more as it was, under another id", n.Name)
	}
	gone := b.clear(n, live, why)
	b.made[n.Name] = b.createNetwork(n, why, []ID{gone})
	b.nodes[b.at[b.made[n.Name]]].Unit = b.networkUnit(live)
}

// clear takes every container off a network and removes it, to make way for n.
func (b *builder) clear(n network.Spec, live network.Live, why []Reason) ID {
	unit, empty := b.networkUnit(live), slices.Clone(b.checks)
	for _, l := range b.have.Containers {
		switch {
		case !l.On(live.Name):
		case b.doomed[l.ID] && !b.o.Atomic:
			empty = append(empty, ID("remove "+l.Name))
		default:
			empty = append(empty, b.add(Node{ID: ID("disconnect " + l.Name + " from " + live.Name), Step: DisconnectNetwork{Container: Ref{Key: l.ID, ID: l.ID}, Network: live.Name, Was: b.wasOn(l, live.Name)},
				Resource: containerResource(l), Reasons: []Reason{NetworkReplaced{live.Name}}, After: b.checks, Unit: unit}))
		}
	}
	return b.add(Node{ID: ID("remove network " + live.Name), Step: RemoveNetwork{live.ID, live.Name, remade(n, live)},
		Resource: Resource{Kind: Network, Name: live.Name}, Reasons: why, After: empty, Unit: unit})
}

// networkUnit is all that makes a network anew. If that does not get done, the network is there as it was, and containers are on it as they were. An
// atomic plan is taken back as a whole.
func (b *builder) networkUnit(live network.Live) string {
	if b.o.Atomic {
		return ""
	}
	return "network " + live.Name
}

// wasOn is how a container is on a network, as far as known: else as its service, or as Docker Compose has it.
func (b *builder) wasOn(l container.Live, name string) network.Attachment {
	a := network.Attachment{Name: name, Aliases: []string{l.Name, l.Service()}}
	if svc, ok := b.want.Service(l.Service()); ok && l.Number() > 0 {
		for _, wanted := range endpoints(b.want.Replica(svc.Name, l.Number()).Spec) {
			if wanted.Name == name {
				a = wanted
			}
		}
	}
	return foundAt(l, a)
}

// endpoints of a container, when it is put on its networks again: its own MAC address is that of the first.
func endpoints(s container.Spec) []network.Attachment {
	out := slices.Clone(s.Networks)
	if len(out) > 0 {
		out[0].MacAddress = cmp.Or(out[0].MacAddress, s.MacAddress)
	}
	return out
}

// remade is the network as it was, should it be wanted back.
func remade(n network.Spec, live network.Live) *CreateNetwork {
	n.Name = live.Name
	n.Driver, n.DriverOpts, n.IPAM, n.Internal, n.Attachable = live.Driver, live.Options, live.IPAM, live.Internal, live.Attachable
	n.EnableIPv6 = &live.EnableIPv6
	return &CreateNetwork{Network: n, Labels: live.Labels}
}

// reconnectOthers brings containers that this plan does not otherwise touch back on networks that were made anew.
func (b *builder) reconnectOthers() {
	for _, name := range b.anew() {
		for _, l := range b.have.Containers {
			if l.On(name) && !b.doomed[l.ID] && (l.OneOff() || !b.selected[l.Service()]) {
				b.addAll(b.comeBack(l, name))
			}
		}
	}
}

// anew are the networks, by the names that they had, that are made anew.
func (b *builder) anew() []string { return slices.Concat(sortedKeys(b.replaced), sortedKeys(b.moved)) }

// comeBack on a network that was made anew, as the container was on it. An address that is not of the new subnets cannot be kept. A container that
// was made with a network of another name as its first cannot be put on any until it is made anew (Engine 28).
func (b *builder) comeBack(l container.Live, name string) []Node {
	if b.moved[name] != "" && l.Mode == name {
		return nil
	}
	a := b.wasOn(l, name)
	a.Name = cmp.Or(b.moved[name], name)
	i := slices.IndexFunc(b.want.Project.Networks, func(n network.Spec) bool { return n.Name == a.Name })
	pools := b.want.Project.Networks[i].IPAM.Pools
	if !network.Within(a.IPv4Address, pools) {
		a.IPv4Address = ""
	}
	if !network.Within(a.IPv6Address, pools) {
		a.IPv6Address = ""
	}
	return []Node{b.connectNode(l, a, NetworkReplaced{name})}
}

func (b *builder) connectNode(l container.Live, a network.Attachment, why Reason) Node {
	n := Node{ID: ID("connect " + l.Name + " to " + a.Name), Step: ConnectNetwork{Container: Ref{Key: l.ID, ID: l.ID}, Attachment: a},
		Resource: containerResource(l), Reasons: []Reason{why}, After: b.checks}
	if id, ok := b.made[a.Name]; ok {
		n.After = append(slices.Clone(n.After), id)
	}
	return n
}

// containerResource is the resource of a container found.
func containerResource(l container.Live) Resource {
	return Resource{Kind: Container, Service: l.Service(), Name: l.Name}
}

// volumes makes those that the services mount, or all. One that differs is kept as it is: its data is worth more than its definition.
func (b *builder) volumes() {
	for _, v := range b.want.Project.Volumes {
		if !b.want.Project.Unused && !b.usesVolume(v.Name) {
			continue
		}
		i := slices.IndexFunc(b.have.Volumes, func(l volume.Live) bool { return l.Name == v.Name })
		switch {
		case !v.External && b.resumeVolume(v, i):
		case i < 0 && v.External:
			b.fail("volumes."+v.Key, "external volume %q not found", v.Name)
		case i < 0:
			b.made[v.Name] = b.add(Node{ID: ID("create volume " + v.Name), Step: CreateVolume{Volume: v, Labels: b.want.VolumeLabels(v)},
				Resource: Resource{Kind: Volume, Name: v.Name}, Reasons: []Reason{Absent{}}, After: b.checks})
		default:
			b.compareVolume(v, b.have.Volumes[i])
		}
	}
}

func (b *builder) usesVolume(name string) bool {
	return slices.ContainsFunc(b.order, func(service string) bool {
		s, _ := b.want.Service(service)
		return mountedBy([]desired.Service{s}, name)
	})
}

// mountedBy tells whether one of these services mounts a volume, or what runs before it starts does.
func mountedBy(services []desired.Service, name string) bool {
	return slices.ContainsFunc(services, func(s desired.Service) bool {
		return slices.ContainsFunc(specs(s), func(c container.Spec) bool {
			return slices.ContainsFunc(c.Mounts, func(m volume.Mount) bool { return m.Type == volume.Volume && m.Source == name })
		})
	})
}

func (b *builder) compareVolume(v volume.Spec, live volume.Live) {
	if v.External {
		return
	}
	switch p, ours := live.Labels[container.LabelProject]; {
	case !ours:
		b.warn("volumes."+v.Key, "volume %q already exists but was not created by Docker Compose. Use `external: true` to use an existing volume", v.Name)
		return
	case p != b.want.Project.Name:
		b.warn("volumes."+v.Key, "volume %q already exists but was created for project %q (expected %q). Use `external: true` to use an existing volume",
			v.Name, p, b.want.Project.Name)
		return
	}
	switch why := fieldReasons(volume.Diff(v, live)); {
	case len(why) == 0:
	case b.o.RecreateVolumes:
		b.moveVolume(v, live, why)
	default:
		var texts []string
		for _, r := range why {
			texts = append(texts, r.Text())
		}
		b.warn("volumes."+v.Key, "volume %s is kept as it is, for its data: %s; --recreate-volumes makes it anew, with its data, and keeps a copy of that",
			v.Name, strings.Join(texts, ", "))
	}
}

func fieldReasons(changes []field.Change) []Reason {
	var out []Reason
	for _, c := range changes {
		out = append(out, FieldChanged{c})
	}
	return out
}
