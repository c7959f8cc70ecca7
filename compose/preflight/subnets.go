package preflight

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/network"
)

// taken is a range of addresses and who has it.
type taken struct {
	prefix netip.Prefix
	by     string
}

// subnets finds networks that cannot have theirs.
func (c *check) subnets() {
	s := c.addresses()
	for _, n := range s.fixed {
		for _, p := range n.subnets {
			c.subnet(n.spec, p, s)
		}
	}
	for _, n := range s.automatic {
		if _, ok := s.choose(n.spec); !ok {
			c.tell(diag.Diagnostic{Severity: diag.Error, Path: "networks." + n.spec.Key,
				Text: fmt.Sprintf("no subnet is left for network %s: all ranges of the engine are in use", n.spec.Name),
				Hint: "remove networks that nothing is on: docker network prune; or give it one: ipam.config.subnet"})
		}
	}
}

func (c *check) subnet(n network.Spec, p netip.Prefix, s *subnets) {
	d := diag.Diagnostic{Severity: diag.Error, Path: "networks." + n.Key + ".ipam"}
	used := slices.DeleteFunc(s.used(n.Name), everywhere)
	if free, ok := FreeSubnet(c.Surroundings.Pools, used); ok && p.Addr().Is4() {
		d.Hint = fmt.Sprintf("use another one: %s is free", free)
	}
	if p.Addr().Is6() {
		d.Hint = fmt.Sprintf("use another one: %s is free", freeIPv6(n.Name, used))
	}
	for _, t := range s.taken {
		if t.by != ownName(n.Name) && t.prefix.Overlaps(p) {
			d.Text = fmt.Sprintf("subnet %s of network %s overlaps %s", p, n.Name, t.by)
			c.tell(d)
			return
		}
	}
	if route, ok := s.route(n, p); ok {
		d.Text = fmt.Sprintf("subnet %s of network %s overlaps what this machine reaches at %s", p, n.Name, route)
		if route.Bits() < p.Bits() { // the engine takes it, and what is in it cannot be reached any more
			d.Severity = diag.Warning
		}
		c.tell(d)
	}
}

// wish for a network.
type wish struct {
	node    plan.ID
	spec    network.Spec
	subnets []netip.Prefix
}

// subnets are the addresses in use, and those wished for.
type subnets struct {
	pools            []engine.AddressPool
	taken            []taken
	leaving          map[string][]netip.Prefix // of networks that the plan removes, by name
	routes           []netip.Prefix
	keeps            map[string]bool // networks, by key, where containers come back to their addresses: only where the subnet was asked for
	fixed, automatic []wish
	bare6            []wish // that want IPv6 and name no subnet for it, where the engine has none to give
}

// addresses gathers them.
func (c *check) addresses() *subnets {
	s := &subnets{pools: c.Surroundings.Pools, leaving: map[string][]netip.Prefix{}, keeps: c.startFirst()}
	var bridges []netip.Prefix
	for _, n := range c.Surroundings.Networks {
		ps := prefixes(n.Subnets)
		bridges = append(bridges, ps...)
		if c.networks[n.ID] {
			s.leaving[n.Name] = append(s.leaving[n.Name], ps...)
			continue
		}
		for _, p := range ps {
			s.taken = append(s.taken, taken{p, holderOf(n, p)})
		}
	}
	for _, r := range c.Host.Routes {
		if !slices.ContainsFunc(bridges, func(b netip.Prefix) bool { return b.Bits() <= r.Bits() && b.Contains(r.Addr()) }) {
			s.routes = append(s.routes, r)
		}
	}
	for _, n := range c.Plan.Nodes {
		if made, ok := n.Step.(plan.CreateNetwork); ok {
			s.wish(n.ID, made.Network)
			if c.lacksIPv6(made.Network) {
				s.bare6 = append(s.bare6, wish{node: n.ID, spec: made.Network})
			}
		}
	}
	return s
}

// startFirst are the networks of services whose names pass from one container to the next while both run.
func (c *check) startFirst() map[string]bool {
	out := map[string]bool{}
	for _, svc := range c.Project.Services {
		if svc.Update == nil || svc.Update.Order != "start-first" {
			continue
		}
		for _, a := range svc.Container.Networks {
			out[a.Network] = true
		}
	}
	return out
}

func holderOf(n engine.NeighbourNetwork, p netip.Prefix) string {
	if n.Project == "" {
		return fmt.Sprintf("network %s (%s)", n.Name, p)
	}
	return fmt.Sprintf("network %s (%s, project %s)", n.Name, p, n.Project)
}

func ownName(name string) string { return "network " + name + " of the same file" }

// wish of a network that is made: what it says itself, or one that the engine chooses from its pools.
func (s *subnets) wish(id plan.ID, n network.Spec) {
	var texts []string
	for _, p := range n.IPAM.Pools {
		texts = append(texts, p.Subnet)
	}
	w := wish{id, n, prefixes(texts)}
	switch {
	case len(n.IPAM.Pools) > 0:
		s.fixed = append(s.fixed, w)
		for _, p := range w.subnets {
			s.taken = append(s.taken, taken{p, ownName(n.Name)})
		}
	case pooled(n):
		s.automatic = append(s.automatic, w)
	}
}

// pooled tells whether the engine takes the network's subnet from its pools.
func pooled(n network.Spec) bool {
	own := n.IPAM.Driver == "" || n.IPAM.Driver == "default"
	return own && (n.Driver == "" || n.Driver == "bridge") && (n.EnableIPv4 == nil || *n.EnableIPv4)
}

func prefixes(texts []string) []netip.Prefix {
	var out []netip.Prefix
	for _, t := range texts {
		if p, err := netip.ParsePrefix(t); err == nil {
			out = append(out, p.Masked())
		}
	}
	return out
}

// route that a network's bridge would compete with: the narrowest. Networks that are put on a network of the machine have its addresses on purpose.
func (s *subnets) route(n network.Spec, p netip.Prefix) (netip.Prefix, bool) {
	if n.Driver != "" && n.Driver != "bridge" {
		return netip.Prefix{}, false
	}
	var all []netip.Prefix
	for _, r := range s.routes {
		if r.Overlaps(p) && !everywhere(r) {
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		return netip.Prefix{}, false
	}
	return slices.MaxFunc(all, func(a, b netip.Prefix) int { return cmp.Compare(a.Bits(), b.Bits()) }), true
}

// everywhere is a route that stands for the default one: some VPNs set two halves of the world.
func everywhere(r netip.Prefix) bool { return r.Bits() <= 1 }

// used are the addresses that a new network of that name cannot have: what its predecessor had is free by then, what others leave may not be yet.
func (s *subnets) used(name string) []netip.Prefix {
	out := slices.Clone(s.routes)
	for _, t := range s.taken {
		out = append(out, t.prefix)
	}
	for leaving, ps := range s.leaving {
		if leaving != name {
			out = append(out, ps...)
		}
	}
	return out
}

// lacksIPv6 tells whether the engine cannot find an IPv6 subnet for a network: before API 1.46 it has none, unless it was told of some.
func (c *check) lacksIPv6(n network.Spec) bool {
	caps := c.Snapshot.Caps
	own := n.IPAM.Driver == "" || n.IPAM.Driver == "default"
	named := slices.ContainsFunc(n.IPAM.Pools, func(p network.Pool) bool { return strings.Contains(p.Subnet, ":") })
	told := slices.ContainsFunc(c.Surroundings.Pools, func(p engine.AddressPool) bool { return strings.Contains(p.Base, ":") })
	return n.EnableIPv6 != nil && *n.EnableIPv6 && own && !named && !told && !caps.IPv6Pools
}

// freeIPv6 is a unique local subnet (RFC 4193) that overlaps nothing used. It follows from the network's name, so that it is the same each time.
func freeIPv6(name string, used []netip.Prefix) netip.Prefix {
	for n := 0; ; n++ {
		sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", name, n))
		b := [16]byte{0xfd}
		copy(b[1:6], sum[:])
		if p := netip.PrefixFrom(netip.AddrFrom16(b), 64); !slices.ContainsFunc(used, p.Overlaps) {
			return p
		}
	}
}

// choose a subnet for a network without one, and take it. It is zero if the engine may choose itself, false if there is none.
func (s *subnets) choose(n network.Spec) (netip.Prefix, bool) {
	used := s.used(n.Name)
	if p, ok := fromPools(s.pools, used); ok || len(s.pools) == 0 {
		s.take(n, p)
		if !s.keeps[n.Key] {
			p = netip.Prefix{}
		}
		return p, true
	}
	p, ok := fromPrivate(slices.DeleteFunc(used, everywhere))
	s.take(n, p)
	return p, ok
}

func (s *subnets) take(n network.Spec, p netip.Prefix) {
	if p.IsValid() {
		s.taken = append(s.taken, taken{p, ownName(n.Name)})
	}
}

// Settle gives the plan with subnets filled in for the networks that the engine could not find one for, because networks and routes have used
// its pools up, and for those where containers are to keep their addresses while names pass from one to the other.
func Settle(in Input) plan.Plan {
	s := newCheck(in).addresses()
	out := in.Plan
	out.Nodes = slices.Clone(out.Nodes)
	chosen := map[plan.ID][]string{}
	for _, w := range s.automatic {
		if p, _ := s.choose(w.spec); p.IsValid() {
			chosen[w.node] = []string{p.String()}
		}
	}
	for _, w := range s.automatic {
		for s.keeps[w.spec.Key] && len(chosen[w.node]) > 0 && len(chosen[w.node]) < candidates {
			p, ok := s.choose(w.spec)
			if !ok || !p.IsValid() {
				break
			}
			chosen[w.node] = append(chosen[w.node], p.String())
		}
	}
	six := map[plan.ID]netip.Prefix{}
	for _, w := range s.bare6 {
		six[w.node] = freeIPv6(w.spec.Name, slices.DeleteFunc(s.used(w.spec.Name), everywhere))
		s.take(w.spec, six[w.node])
	}
	for i, n := range out.Nodes {
		if p, ok := six[n.ID]; ok {
			n = withIPv6(n, p)
			out.Nodes[i] = n
		}
		if subnets, ok := chosen[n.ID]; ok {
			out.Nodes[i] = settled(n, subnets, s.keeps[n.Step.(plan.CreateNetwork).Network.Key])
		}
	}
	return out
}

func withIPv6(n plan.Node, p netip.Prefix) plan.Node {
	made := n.Step.(plan.CreateNetwork)
	made.Network.IPAM.Pools = append(slices.Clone(made.Network.IPAM.Pools), network.Pool{Subnet: p.String()})
	n.Step = made
	n.Reasons = append(slices.Clone(n.Reasons), plan.IPv6Chosen{Subnet: p.String()})
	return n
}

// candidates are the subnets that are tried: other projects may be after the same.
const candidates = 16

func settled(n plan.Node, subnets []string, keep bool) plan.Node {
	made := n.Step.(plan.CreateNetwork)
	made.Subnets = subnets
	n.Step = made
	n.Reasons = append(slices.Clone(n.Reasons), plan.SubnetChosen{Subnet: subnets[0], Keep: keep})
	return n
}

// FreeSubnet is an IPv4 subnet that overlaps nothing used: the first of the pools that is free, as the engine would choose, else a private /24.
func FreeSubnet(pools []engine.AddressPool, used []netip.Prefix) (netip.Prefix, bool) {
	if p, ok := fromPools(pools, used); ok {
		return p, true
	}
	return fromPrivate(used)
}

func fromPools(pools []engine.AddressPool, used []netip.Prefix) (netip.Prefix, bool) {
	for _, pool := range pools {
		base, err := netip.ParsePrefix(pool.Base)
		if err != nil || !base.Addr().Is4() {
			continue
		}
		if p, ok := firstFree(base, pool.Size, used); ok {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// private ranges (RFC 1918). The first is one that home networks, clouds and clusters seldom have: not all that an engine's machine reaches is known here.
var private = []netip.Prefix{netip.MustParsePrefix("10.201.0.0/16"), netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16")}

func fromPrivate(used []netip.Prefix) (netip.Prefix, bool) {
	for _, base := range private {
		if p, ok := firstFree(base, 24, used); ok {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// firstFree subnet of so many bits in a range. It leaps over what is used, so that it takes as many steps as there are obstacles.
func firstFree(base netip.Prefix, bits int, used []netip.Prefix) (netip.Prefix, bool) {
	if bits < base.Bits() || bits > 32 {
		return netip.Prefix{}, false
	}
	base = base.Masked()
	for at := number(base.Addr()); at <= last(base); {
		p := netip.PrefixFrom(fromNumber(at), bits)
		i := slices.IndexFunc(used, p.Overlaps)
		if i < 0 {
			return p, true
		}
		at = max(last(p), last(used[i])) + 1
	}
	return netip.Prefix{}, false
}

// number of an IPv4 address; 64 bits, so that there is one behind the last.
func number(a netip.Addr) uint64 {
	b := a.As4()
	return uint64(binary.BigEndian.Uint32(b[:]))
}

func fromNumber(n uint64) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(n))
	return netip.AddrFrom4(b)
}

// last address of an IPv4 prefix.
func last(p netip.Prefix) uint64 { return number(p.Masked().Addr()) + 1<<(32-p.Bits()) - 1 }
