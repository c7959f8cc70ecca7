package preflight_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/compose/preflight"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/network"
)

var pools = []engine.AddressPool{{Base: "172.17.0.0/16", Size: 16}, {Base: "172.18.0.0/15", Size: 16}}

// makes a network of shop, on the subnets given.
func makes(key string, subnets ...string) []plan.Node {
	n := network.Spec{Key: key, Name: "shop_" + key}
	for _, s := range subnets {
		n.IPAM.Pools = append(n.IPAM.Pools, network.Pool{Subnet: s})
	}
	return of(n)
}

func of(n network.Spec) []plan.Node {
	return []plan.Node{{ID: plan.ID("create network " + n.Name), Resource: plan.Resource{Kind: plan.Network, Name: n.Name}, Step: plan.CreateNetwork{Network: n}, Reasons: []plan.Reason{plan.Absent{}}}}
}

func drops(name string) []plan.Node {
	return []plan.Node{{ID: plan.ID("remove network " + name), Step: plan.RemoveNetwork{ID: name, Name: name}}}
}

// used by networks, by name; the id is the name.
func used(all ...string) engine.Surroundings {
	s := engine.Surroundings{Pools: pools}
	for i := 0; i < len(all); i += 2 {
		s.Networks = append(s.Networks, engine.NeighbourNetwork{ID: all[i], Name: all[i], Subnets: []string{all[i+1]}})
	}
	return s
}

func routes(all ...string) preflight.Host {
	var h preflight.Host
	for _, r := range all {
		h.Routes = append(h.Routes, netip.MustParsePrefix(r))
	}
	return h
}

func TestFixedSubnets(t *testing.T) {
	blog := used("blog_default", "172.18.0.0/16")
	blog.Networks[0].Project = "blog"
	project := shop("networks.a.ipam", "networks.b.ipam")
	const free = "; use another one: 172.17.0.0/16 is free"
	run(t, []test{
		{"free", preflight.Input{Project: project, Plan: nodes(makes("a", "172.30.0.0/16")), Surroundings: blog, Host: routes("192.0.2.0/24")}, ""},
		{"of another project", preflight.Input{Project: project, Plan: nodes(makes("a", "172.18.7.0/24")), Surroundings: blog},
			"error compose.yaml:1 subnet 172.18.7.0/24 of network shop_a overlaps network blog_default (172.18.0.0/16, project blog)" + free},
		{"around another's", preflight.Input{Project: project, Plan: nodes(makes("a", "172.16.0.0/12")), Surroundings: used("bridge", "172.17.0.0/16")},
			"error compose.yaml:1 subnet 172.16.0.0/12 of network shop_a overlaps network bridge (172.17.0.0/16); use another one: 10.201.0.0/24 is free"},
		{"of one that the plan removes", preflight.Input{Project: project, Plan: nodes(makes("a", "172.18.7.0/24"), drops("blog_default")), Surroundings: blog}, ""},
		{"of the same file", preflight.Input{Project: project, Plan: nodes(makes("a", "10.1.0.0/16"), makes("b", "10.1.2.0/24"))},
			"error compose.yaml:1 subnet 10.1.0.0/16 of network shop_a overlaps network shop_b of the same file; use another one: 10.201.0.0/24 is free\n" +
				"error compose.yaml:2 subnet 10.1.2.0/24 of network shop_b overlaps network shop_a of the same file; use another one: 10.201.0.0/24 is free"},
		{"IPv6", preflight.Input{Project: project, Plan: nodes(makes("a", "fd00:1::/64")), Surroundings: used("six", "fd00:1::/48")},
			"error compose.yaml:1 subnet fd00:1::/64 of network shop_a overlaps network six (fd00:1::/48); use another one: fd62:dffd:b2cd::/64 is free"},
		{"a route", preflight.Input{Project: project, Plan: nodes(makes("a", "192.0.2.0/24")), Surroundings: used(), Host: routes("192.0.0.0/16", "192.0.2.0/24")},
			"error compose.yaml:1 subnet 192.0.2.0/24 of network shop_a overlaps what this machine reaches at 192.0.2.0/24" + free},
		{"a wide route", preflight.Input{Project: project, Plan: nodes(makes("a", "192.0.2.0/24")), Surroundings: used(), Host: routes("192.0.0.0/16", "128.0.0.0/1")},
			"warning compose.yaml:1 subnet 192.0.2.0/24 of network shop_a overlaps what this machine reaches at 192.0.0.0/16" + free},
		{"the route of a bridge that goes", preflight.Input{Project: project, Plan: nodes(makes("a", "172.18.0.0/16"), drops("blog_default")), Surroundings: blog, Host: routes("172.18.0.0/16")}, ""},
		{"on a network of the machine", preflight.Input{Project: project, Surroundings: used(), Host: routes("192.0.2.0/24"),
			Plan: nodes(of(network.Spec{Key: "a", Name: "shop_a", Driver: "macvlan", IPAM: network.IPAM{Pools: []network.Pool{{Subnet: "192.0.2.0/24"}}}}))}, ""},
	})
}

// TestStartFirstAsksForSubnets: where names pass from one container to the next both keep their addresses, which needs a subnet that was asked for.
func TestStartFirstAsksForSubnets(t *testing.T) {
	web := desired.Service{Name: "web", Update: &desired.Rollout{Order: "start-first"}}
	web.Container.Networks = []network.Attachment{{Network: "a", Name: "shop_a"}}
	in := preflight.Input{Plan: nodes(makes("a"), makes("b")), Surroundings: used("bridge", "172.17.0.0/16"), Project: desired.Project{Services: []desired.Service{web}}}
	var got [][]string
	for _, n := range preflight.Settle(in).Nodes {
		got = append(got, n.Step.(plan.CreateNetwork).Subnets)
	}
	first := []string{"172.18.0.0/16", "10.201.0.0/24", "10.201.1.0/24"}
	if len(got) != 2 || len(got[0]) != 16 || !slices.Equal(got[0][:3], first) || got[1] != nil {
		t.Errorf("%v", got)
	}
}

func TestAutomaticSubnets(t *testing.T) {
	full := []string{"bridge", "172.17.0.0/16", "x", "172.18.0.0/16", "y", "172.19.0.0/16"}
	none := false
	for _, c := range []struct {
		name string
		in   preflight.Input
		want []string // of the plan's networks, "" is the engine's choice
	}{
		{"the engine has some left", preflight.Input{Plan: nodes(makes("a"), makes("b")), Surroundings: used("bridge", "172.17.0.0/16")}, []string{"", ""}},
		{"for one only", preflight.Input{Plan: nodes(makes("a"), makes("b")), Surroundings: used(full[:4]...)}, []string{"", "10.201.0.0/24"}},
		{"a fixed one takes it", preflight.Input{Plan: nodes(makes("a"), makes("b", "172.19.3.0/24")), Surroundings: used(full[:4]...)}, []string{"10.201.0.0/24", "172.19.3.0/24"}},
		{"used up", preflight.Input{Plan: nodes(makes("a"), makes("b")), Surroundings: used(full...)}, []string{"10.201.0.0/24", "10.201.1.0/24"}},
		{"used up by routes", preflight.Input{Plan: nodes(makes("a")), Surroundings: used(), Host: routes("172.16.0.0/12", "10.201.0.0/23")}, []string{"10.201.2.0/24"}},
		{"all addresses are routed", preflight.Input{Plan: nodes(makes("a")), Surroundings: used(), Host: routes("0.0.0.0/1", "128.0.0.0/1")}, []string{"10.201.0.0/24"}},
		{"one makes way for itself", preflight.Input{Plan: nodes(makes("a"), drops("shop_a")), Surroundings: used("bridge", "172.17.0.0/16", "x", "172.18.0.0/16", "shop_a", "172.19.0.0/16")},
			[]string{""}},
		{"one makes way, sooner or later", preflight.Input{Plan: nodes(makes("a"), drops("y")), Surroundings: used(full...)}, []string{"10.201.0.0/24"}},
		{"pools not known", preflight.Input{Plan: nodes(makes("a")), Surroundings: engine.Surroundings{Networks: used(full...).Networks}}, []string{""}},
		{"of other drivers", preflight.Input{Surroundings: used(full...), Plan: nodes(of(network.Spec{Name: "o", Driver: "macvlan"}),
			of(network.Spec{Name: "i", IPAM: network.IPAM{Driver: "dhcp"}}), of(network.Spec{Name: "v", EnableIPv4: &none}))}, []string{"", "", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := fmt.Sprintf("%+v", c.in.Plan)
			p := preflight.Settle(c.in)
			if got := subnetsIn(p); !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
			if l := preflight.Check(c.in); len(l) > 0 {
				t.Errorf("%v", l)
			}
			if now := fmt.Sprintf("%+v", c.in.Plan); now != before {
				t.Errorf("the plan given was changed:\n%s\n%s", before, now)
			}
		})
	}
}

func subnetsIn(p plan.Plan) []string {
	var out []string
	for _, n := range p.Nodes {
		made, ok := n.Step.(plan.CreateNetwork)
		if !ok {
			continue
		}
		subnet := ""
		if len(made.Subnets) > 0 {
			subnet = made.Subnets[0]
		}
		for _, pool := range made.Network.IPAM.Pools {
			subnet = pool.Subnet
		}
		out = append(out, subnet)
	}
	return out
}

func TestASettledNetworkSaysWhy(t *testing.T) {
	in := preflight.Input{Plan: nodes(makes("a")), Surroundings: used("bridge", "172.17.0.0/16", "x", "172.18.0.0/15")}
	n := preflight.Settle(in).Nodes[0]
	if got := n.Reasons[len(n.Reasons)-1].Text(); got != "the engine's own address ranges are used up: subnet 10.201.0.0/24" {
		t.Error(got)
	}
}

func TestNoSubnetIsLeft(t *testing.T) {
	in := preflight.Input{Project: shop("networks.a"), Plan: nodes(makes("a")), Surroundings: used(), Host: routes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")}
	run(t, []test{{"all private ones are routed", in, "error compose.yaml:1 no subnet is left for network shop_a: all ranges of the engine are in use; " +
		"remove networks that nothing is on: docker network prune; or give it one: ipam.config.subnet"}})
	if got := subnetsIn(preflight.Settle(in)); got[0] != "" {
		t.Error(got)
	}
}

// prefix is one of those in which private networks lie, and a little around.
func prefix() *rapid.Generator[netip.Prefix] {
	return rapid.Custom(func(t *rapid.T) netip.Prefix {
		base := rapid.SampledFrom([]string{"10.0.0.0", "10.201.0.0", "172.16.0.0", "192.168.0.0", "8.0.0.0", "0.0.0.0", "255.0.0.0"}).Draw(t, "base")
		a := netip.MustParseAddr(base).As4()
		n := binary.BigEndian.Uint32(a[:]) + rapid.Uint32Range(0, 1<<21).Draw(t, "offset")
		binary.BigEndian.PutUint32(a[:], n)
		return netip.PrefixFrom(netip.AddrFrom4(a), rapid.IntRange(1, 32).Draw(t, "bits")).Masked()
	})
}

// TestFreeSubnetIsFree and the first of its pool that is.
func TestFreeSubnetIsFree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		taken := rapid.SliceOfN(prefix(), 0, 20).Draw(t, "used")
		base := prefix().Draw(t, "pool")
		size := rapid.IntRange(0, 33).Draw(t, "size")
		free, ok := preflight.FreeSubnet([]engine.AddressPool{{Base: base.String(), Size: size}, {Base: "not a prefix", Size: 24}, {Base: "fd00::/8", Size: 64}}, taken)
		if !ok {
			return
		}
		if slices.ContainsFunc(taken, free.Overlaps) || free != free.Masked() {
			t.Fatalf("%s overlaps one of %v", free, taken)
		}
		if inPool := free.Bits() == size && base.Overlaps(free); !inPool && free.Bits() != 24 {
			t.Fatalf("%s is neither of the pool nor a /24", free)
		}
		if p := netip.PrefixFrom(base.Addr(), size); size >= base.Bits() && size <= 32 && !slices.ContainsFunc(taken, p.Overlaps) && free != p {
			t.Fatalf("%s, although %s is free and comes first", free, p)
		}
	})
}

func TestFreeSubnetIsFoundIfThereIsOne(t *testing.T) {
	all := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/17"),
		netip.MustParsePrefix("192.168.128.0/24"), netip.MustParsePrefix("192.168.130.0/23")}
	if p, ok := preflight.FreeSubnet(pools, all); !ok || p.String() != "192.168.129.0/24" {
		t.Error(p, ok)
	}
	if p, ok := preflight.FreeSubnet(pools, append(all, netip.MustParsePrefix("192.168.0.0/16"))); ok {
		t.Error(p)
	}
}
