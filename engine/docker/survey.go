package docker

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/swarm"
	apisystem "github.com/moby/moby/api/types/system"
	"github.com/moby/moby/client"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/network"
)

// surveyor looks around.
type surveyor struct{ c *conn }

// Survey makes four calls at once.
func (s surveyor) Survey(ctx context.Context) (engine.Surroundings, error) {
	var out engine.Surroundings
	var plugins []string
	var seen bool
	err := together(ctx,
		func(ctx context.Context) (err error) { out.Containers, err = s.Neighbours(ctx); return },
		func(ctx context.Context) (err error) { out.Networks, err = s.networks(ctx); return },
		func(ctx context.Context) error { return s.machine(ctx, &out) },
		func(ctx context.Context) error { plugins, seen = s.plugins(ctx); return nil },
	)
	if err != nil {
		return engine.Surroundings{}, err
	}
	if s.c.podman() {
		identifyNeighbours(out.Containers, out.Networks)
	}
	if !seen {
		out.Drivers = nil
	} else if len(out.Drivers) > 0 {
		out.Drivers = slices.Compact(slices.Sorted(slices.Values(append(out.Drivers, plugins...))))
	}
	return out, nil
}

// identifyNeighbours finds the IDs of the networks that they are on: Podman shows names.
func identifyNeighbours(all []engine.Neighbour, networks []engine.NeighbourNetwork) {
	for _, n := range networks {
		for _, c := range all {
			if i := slices.Index(c.Networks, n.Name); i >= 0 {
				c.Networks[i] = n.ID
			}
		}
	}
}

// Neighbours is one call.
func (s surveyor) Neighbours(ctx context.Context) ([]engine.Neighbour, error) {
	res, err := s.c.api.ContainerList(ctx, client.ContainerListOptions{All: true})
	if err != nil {
		return nil, failed(err, "list containers")
	}
	out := make([]engine.Neighbour, 0, len(res.Items))
	for _, item := range res.Items {
		out = append(out, engine.NeighbourOf(liveOf(item)))
	}
	slices.SortFunc(out, func(a, b engine.Neighbour) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (s surveyor) networks(ctx context.Context) ([]engine.NeighbourNetwork, error) {
	all, err := observer(s).listNetworks(ctx, nil)
	out := make([]engine.NeighbourNetwork, 0, len(all))
	for _, n := range all {
		out = append(out, engine.NeighbourNetwork{ID: n.ID, Name: n.Name, Project: n.Labels[container.LabelProject], Subnets: subnetsOf(n), Driver: n.Driver, Attachable: n.Attachable})
	}
	return out, err
}

func subnetsOf(n network.Live) []string {
	var out []string
	for _, p := range n.IPAM.Pools {
		if p.Subnet != "" {
			out = append(out, p.Subnet)
		}
	}
	return out
}

func (s surveyor) machine(ctx context.Context, out *engine.Surroundings) error {
	res, err := s.c.api.Info(ctx, client.InfoOptions{})
	if err != nil {
		return failed(err, "read the engine's information")
	}
	out.Memory, out.CPUs, out.Pools = res.Info.MemTotal, res.Info.NCPU, s.pools(res.Info)
	out.Runtimes = slices.Sorted(maps.Keys(res.Info.Runtimes))
	out.Swarm, out.Local = roleIn(res.Info.Swarm), s.c.shares(ctx, res.Info)
	if !s.c.podman() {
		out.Drivers = res.Info.Plugins.Network
	}
	return nil
}

func roleIn(s swarm.Info) engine.SwarmRole {
	switch {
	case s.LocalNodeState != swarm.LocalNodeStateActive:
		return ""
	case s.ControlAvailable:
		return engine.Manager
	}
	return engine.Worker
}

// plugins that are enabled, by name; false if the engine, or what is in front of it, does not list them. Its information names only those of the old
// kind, and of them those in use.
func (s surveyor) plugins(ctx context.Context) (names []string, seen bool) {
	if s.c.podman() {
		return nil, false
	}
	res, err := s.c.api.PluginList(ctx, client.PluginListOptions{})
	if err != nil {
		return nil, false
	}
	for _, p := range res.Items {
		if p.Enabled {
			names = append(names, p.Name, strings.TrimSuffix(p.Name, ":latest"))
		}
	}
	return names, true
}

// pools that the engine was told, or has by itself: it tells only the former.
func (s surveyor) pools(info apisystem.Info) []engine.AddressPool {
	var out []engine.AddressPool
	for _, p := range info.DefaultAddressPools {
		out = append(out, engine.AddressPool{Base: prefixText(p.Base), Size: p.Size})
	}
	switch {
	case len(out) > 0:
		return out
	case s.c.podman():
		return slices.Clone(podmanPools)
	}
	return slices.Clone(dockerPools)
}

// dockerPools are libnetwork's (ipamutils), podmanPools those of containers.conf.
var (
	dockerPools = []engine.AddressPool{
		{Base: "172.17.0.0/16", Size: 16}, {Base: "172.18.0.0/16", Size: 16}, {Base: "172.19.0.0/16", Size: 16}, {Base: "172.20.0.0/14", Size: 16},
		{Base: "172.24.0.0/14", Size: 16}, {Base: "172.28.0.0/14", Size: 16}, {Base: "192.168.0.0/16", Size: 20},
	}
	podmanPools = []engine.AddressPool{
		{Base: "10.89.0.0/16", Size: 24}, {Base: "10.90.0.0/15", Size: 24}, {Base: "10.92.0.0/14", Size: 24}, {Base: "10.96.0.0/11", Size: 24},
		{Base: "10.128.0.0/9", Size: 24},
	}
)
