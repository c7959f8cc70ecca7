package enginetest

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/network"
)

// surveyor looks around.
type surveyor struct{ w *world }

// Survey tells what is in here and what the knobs put beside it.
func (p surveyor) Survey(ctx context.Context) (s engine.Surroundings, err error) {
	err = p.w.call(ctx, "Survey", "", func() error {
		s = p.w.surroundings()
		return nil
	})
	return s, err
}

// Neighbours are a part of Survey.
func (p surveyor) Neighbours(ctx context.Context) (all []engine.Neighbour, err error) {
	err = p.w.call(ctx, "Neighbours", "", func() error {
		all = p.w.surroundings().Containers
		return nil
	})
	return all, err
}

func (w *world) surroundings() engine.Surroundings {
	s := w.knobs.Beside
	s.Containers, s.Networks, s.Pools = slices.Clone(s.Containers), slices.Clone(s.Networks), slices.Clone(s.Pools)
	for _, b := range w.containers {
		s.Containers = append(s.Containers, engine.NeighbourOf(w.live(b, false)))
	}
	for _, n := range w.networks {
		s.Networks = append(s.Networks, engine.NeighbourNetwork{ID: n.ID, Name: n.Name, Project: n.Labels[container.LabelProject], Subnets: w.subnetsOf(n),
			Driver: cmp.Or(n.Driver, "bridge"), Attachable: n.Attachable})
	}
	slices.SortFunc(s.Containers, func(a, b engine.Neighbour) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(s.Networks, func(a, b engine.NeighbourNetwork) int { return strings.Compare(a.Name, b.Name) })
	return s
}

func (w *world) subnetsOf(n *network.Live) []string {
	var out []string
	if s := w.subnets[n.ID]; s != "" {
		out = append(out, s)
	}
	for _, p := range n.IPAM.Pools {
		if p.Subnet != "" {
			out = append(out, p.Subnet)
		}
	}
	return out
}

// defaultPools are those of an engine that was told none.
func defaultPools() []engine.AddressPool {
	return []engine.AddressPool{
		{Base: "172.17.0.0/16", Size: 16}, {Base: "172.18.0.0/16", Size: 16}, {Base: "172.19.0.0/16", Size: 16}, {Base: "172.20.0.0/14", Size: 16},
		{Base: "172.24.0.0/14", Size: 16}, {Base: "172.28.0.0/14", Size: 16}, {Base: "192.168.0.0/16", Size: 20},
	}
}

// subnetFor a network that asks for none; it refuses a subnet that is taken.
func (w *world) subnetFor(s network.Spec) (string, error) {
	asked := false
	for _, p := range s.IPAM.Pools {
		want, err := netip.ParsePrefix(p.Subnet)
		if err != nil {
			continue
		}
		if asked = true; w.taken(want) {
			return "", refuse(engine.ErrConflict, "create network %s: Pool overlaps with other one on this address space", s.Name)
		}
	}
	if asked || s.Driver != "" && s.Driver != "bridge" {
		return "", nil
	}
	free := w.freeSubnet()
	if free == "" {
		return "", refuse(engine.ErrInvalid, "create network %s: could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network", s.Name)
	}
	return free, nil
}

// freeSubnet is the first in the pools that nobody has; "" if there is none.
func (w *world) freeSubnet() string {
	for _, pool := range w.knobs.Beside.Pools {
		base, err := netip.ParsePrefix(pool.Base)
		if err != nil {
			continue
		}
		for p := netip.PrefixFrom(base.Addr(), pool.Size); base.Contains(p.Addr()); p = next(p) {
			if !w.taken(p) {
				return p.String()
			}
		}
	}
	return ""
}

// next subnet of the same size.
func next(p netip.Prefix) netip.Prefix {
	b := p.Addr().As4()
	n := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	n += 1 << (32 - p.Bits())
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}), p.Bits())
}

// taken tells whether a network, of ours or beside us, has addresses of it.
func (w *world) taken(p netip.Prefix) bool {
	has := func(subnet string) bool {
		s, err := netip.ParsePrefix(subnet)
		return err == nil && s.Overlaps(p)
	}
	for _, n := range w.networks {
		if slices.ContainsFunc(w.subnetsOf(n), has) {
			return true
		}
	}
	return slices.ContainsFunc(w.knobs.Beside.Networks, func(n engine.NeighbourNetwork) bool { return slices.ContainsFunc(n.Subnets, has) })
}
