package preflight_test

import (
	"slices"
	"testing"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/compose/preflight"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/network"
)

func TestDrivers(t *testing.T) {
	in := func(n network.Spec, role engine.SwarmRole, local bool) preflight.Input {
		n.Key, n.Name = "a", "shop_a"
		return preflight.Input{Project: shop("networks.a.driver"), Plan: nodes(of(n)),
			Surroundings: engine.Surroundings{Swarm: role, Local: local, Drivers: []string{"bridge", "host", "overlay"}}}
	}
	file := in(network.Spec{Driver: "old"}, "", true)
	file.Host.Exists = func(path string) bool { return path == "/run/docker/plugins/old.sock" }
	run(t, []test{
		{"bridge", in(network.Spec{Driver: "bridge"}, "", true), ""},
		{"of the engine's choice", in(network.Spec{}, "", true), ""},
		{"overlay without a Swarm", in(network.Spec{Driver: "overlay", Attachable: true}, "", true),
			"error compose.yaml:1 network shop_a needs a Swarm for its driver overlay, and the engine is in none; make one: docker swarm init; or take driver: bridge"},
		{"overlay on a worker", in(network.Spec{Driver: "overlay", Attachable: true}, engine.Worker, true),
			"error compose.yaml:1 network shop_a has driver overlay, which only managers of a Swarm can make; the engine is a worker; " +
				"make it on a manager: docker network create --driver overlay --attachable shop_a; and say external: true here"},
		{"overlay for services only", in(network.Spec{Driver: "overlay"}, engine.Manager, true),
			"error compose.yaml:1 network shop_a has driver overlay, and is for services of a Swarm only: no container can be put on it; say attachable: true"},
		{"overlay", in(network.Spec{Driver: "overlay", Attachable: true}, engine.Manager, true), ""},
		{"a plugin that is not there", in(network.Spec{Driver: "acme"}, "", true),
			"error compose.yaml:1 network shop_a wants driver acme, which the engine does not have; install it: docker plugin install acme; the engine has bridge, overlay"},
		{"a plugin that cannot be seen", in(network.Spec{Driver: "acme"}, "", false),
			"warning compose.yaml:1 network shop_a wants driver acme, which the engine does not have; install it: docker plugin install acme; the engine has bridge, overlay"},
		{"a plugin that was never used", file, ""},
	})
}

func TestStrangers(t *testing.T) {
	with := func(project string, state container.State) preflight.Input {
		return preflight.Input{Project: desired.Project{Name: "shop", Networks: []network.Spec{{Key: "a", Name: "shop_a"}}, Place: shop("networks.a").Place}, Plan: nodes(drops("shop_a")),
			Surroundings: engine.Surroundings{Containers: []engine.Neighbour{{Name: "guest", Project: project, State: state, Networks: []string{"shop_a"}}}}}
	}
	run(t, []test{
		{"runs", with("blog", container.Running),
			"error compose.yaml:1 network shop_a has to be removed, and container guest (project blog) is on it; take it off: docker network disconnect shop_a guest"},
		{"does not run", with("blog", container.Exited), ""},
		{"is ours", with("shop", container.Running), ""},
	})
}

func TestFixedAddresses(t *testing.T) {
	in := func(pools []network.Pool, v4, v6 string) preflight.Input {
		made := of(network.Spec{Key: "a", Name: "shop_a", IPAM: network.IPAM{Pools: pools}})
		spec := container.Spec{Networks: []network.Attachment{{Network: "a", Name: "shop_a", IPv4Address: v4, IPv6Address: v6}}}
		made = append(made, plan.Node{ID: "create web-1", Resource: plan.Resource{Kind: plan.Container, Service: "web"}, Step: plan.CreateContainer{Container: plan.Ref{Key: "web-1"}, Name: "shop-web-1", Spec: spec}})
		return preflight.Input{Project: shop("services.web.networks.a.ipv4_address", "services.web.networks.a.ipv6_address"), Plan: nodes(made)}
	}
	two := []network.Pool{{Subnet: "10.1.0.0/24"}, {Subnet: "fd01::/64"}}
	run(t, []test{
		{"none", in(two, "", ""), ""},
		{"within", in(two, "10.1.0.7", "fd01::7"), ""},
		{"beside", in(two, "10.2.0.7", "fd02::7"),
			"error compose.yaml:1 address 10.2.0.7 is not of network shop_a; its subnets: 10.1.0.0/24, fd01::/64\n" +
				"error compose.yaml:2 address fd02::7 is not of network shop_a; its subnets: 10.1.0.0/24, fd01::/64"},
		{"without a subnet", in(nil, "10.2.0.7", ""),
			"error compose.yaml:1 address 10.2.0.7 is not of network shop_a, which has no subnet of its own choice; give the network one: ipam.config.subnet"},
	})
}

// TestIPv6WhereTheEngineHasNone: a subnet of our own choice, always the same, that overlaps nothing.
func TestIPv6WhereTheEngineHasNone(t *testing.T) {
	yes := true
	six := func(caps engine.Capabilities, used ...engine.NeighbourNetwork) []network.Pool {
		n := network.Spec{Key: "a", Name: "shop_a", EnableIPv6: &yes, IPAM: network.IPAM{Pools: []network.Pool{{Subnet: "10.1.0.0/24"}}}}
		p := preflight.Settle(preflight.Input{Plan: nodes(of(n)), Snapshot: engine.Snapshot{Caps: caps}, Surroundings: engine.Surroundings{Pools: pools, Networks: used}})
		return p.Nodes[0].Step.(plan.CreateNetwork).Network.IPAM.Pools
	}
	first := six(engine.Capabilities{})
	if len(first) != 2 || first[0].Subnet != "10.1.0.0/24" || first[1].Subnet != "fd62:dffd:b2cd::/64" {
		t.Errorf("pools %v", first)
	}
	if again := six(engine.Capabilities{}, engine.NeighbourNetwork{ID: "x", Name: "x", Subnets: []string{"fd62:dffd:b2cd::/48"}}); len(again) != 2 || again[1].Subnet == first[1].Subnet {
		t.Errorf("pools %v", again)
	}
	if own := six(engine.Capabilities{IPv6Pools: true}); len(own) != 1 || slices.ContainsFunc(own, func(p network.Pool) bool { return p.Subnet != "10.1.0.0/24" }) {
		t.Errorf("pools %v", own)
	}
}
