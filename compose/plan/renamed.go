package plan

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/network"
)

// strays are the project's networks that have another name than any that the file wants.
func (b *builder) strays() []network.Live {
	var out []network.Live
	for _, l := range b.have.Networks {
		wanted := slices.ContainsFunc(b.want.Project.Networks, func(n network.Spec) bool { return n.Name == l.Name })
		if !wanted && l.Labels[container.LabelProject] == b.want.Project.Name {
			out = append(out, l)
		}
	}
	return out
}

// makeNetwork that is not there. If the one that it was under another name cannot be at the same time, that one goes first and its containers move
// over: then nothing but the name was changed, and most of all not the addresses.
func (b *builder) makeNetwork(n network.Spec) {
	why := []Reason{Absent{}}
	for _, l := range b.strays() {
		if l.Labels[container.LabelNetwork] == n.Key && excludes(n, l) {
			b.moved[l.Name] = n.Name
			gone := b.clear(n, l, []Reason{NetworkRenamed{n.Name}})
			b.made[n.Name] = b.createNetwork(n, why, []ID{gone})
			b.nodes[b.at[b.made[n.Name]]].Unit = b.networkUnit(l)
			return
		}
	}
	b.made[n.Name] = b.createNetwork(n, why, b.checks)
}

// excludes tells whether a network cannot be made while another is there: its addresses are taken, or the interface that both are put on.
func excludes(n network.Spec, l network.Live) bool {
	if (n.Driver == "macvlan" || n.Driver == "ipvlan") && n.Driver == l.Driver && n.DriverOpts["parent"] == l.Options["parent"] {
		return true
	}
	return slices.ContainsFunc(n.IPAM.Pools, func(p network.Pool) bool {
		want, err := netip.ParsePrefix(p.Subnet)
		return err == nil && slices.ContainsFunc(l.IPAM.Pools, func(p network.Pool) bool {
			have, err := netip.ParsePrefix(p.Subnet)
			return err == nil && have.Overlaps(want)
		})
	})
}

// leaveNetworks removes those that have another name by now, or that the file does not have any more if orphans are to go, once nobody is on them.
func (b *builder) leaveNetworks() {
	for _, l := range b.strays() {
		why := b.strayReason(l)
		after, left := b.leaving(l.Name)
		switch {
		case b.moved[l.Name] != "" || why == nil || !left:
		case len(l.Others) > 0:
			b.warn("", "network %s is not used any more, and stays: %s is on it", l.Name, strings.Join(l.Others, ", "))
		default:
			b.add(Node{ID: ID("remove network " + l.Name), Step: RemoveNetwork{ID: l.ID, Name: l.Name}, Resource: Resource{Kind: Network, Name: l.Name},
				Reasons: []Reason{why}, After: append(slices.Clone(b.checks), after...), Late: true})
		}
	}
}

// strayReason is why a stray network should go; nil: it should not.
func (b *builder) strayReason(l network.Live) Reason {
	key := l.Labels[container.LabelNetwork]
	for _, n := range b.want.Project.Networks {
		if n.Key == key {
			return NetworkRenamed{n.Name}
		}
	}
	if b.o.RemoveOrphans && key != "" {
		return OrphanNetwork{key}
	}
	return nil
}

// leaving are the steps after which none of the project's containers is on a network; false if some stay there.
func (b *builder) leaving(name string) (after []ID, all bool) {
	for _, l := range b.have.Containers {
		if !l.On(name) {
			continue
		}
		id := b.removal(l)
		if id == "" {
			return nil, false
		}
		after = append(after, id)
	}
	return after, true
}

// removal is the step that removes a container for certain; "" if it stays.
func (b *builder) removal(l container.Live) ID {
	for _, r := range b.replicas[l.Service()] {
		if r.live != nil && r.live.ID == l.ID && r.replaced() && len(r.unless) == 0 {
			return b.planned(ID("remove " + r.Key))
		}
	}
	return b.planned(ID("remove " + l.Name))
}
