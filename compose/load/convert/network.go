package convert

import (
	"cmp"
	"maps"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/tutti-run/tutti/compose/load/canon"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/network"
)

func (in *Input) networking(spec *container.Spec, c types.ServiceConfig) {
	spec.NetworkMode = c.NetworkMode
	if c.NetworkMode == "" {
		for _, k := range c.NetworksByPriority() {
			spec.Networks = append(spec.Networks, attachment(k, in.Project.Networks[k].Name, c.Networks[k]))
		}
	}
	spec.Links = c.Links
	spec.ExternalLinks = c.ExternalLinks
	spec.ExtraHosts = hosts(c.ExtraHosts)
	spec.DNS, spec.DNSSearch, spec.DNSOpts = c.DNS, c.DNSSearch, c.DNSOpts
	spec.MacAddress = c.MacAddress
}

func attachment(key, name string, n *types.ServiceNetworkConfig) network.Attachment {
	if n == nil {
		return network.Attachment{Network: key, Name: name}
	}
	return network.Attachment{
		Network: key, Name: name, Aliases: n.Aliases, Unnamed: !n.ServiceNameAliasEnabled(), IPv4Address: n.Ipv4Address, IPv6Address: n.Ipv6Address,
		LinkLocalIPs: n.LinkLocalIPs, MacAddress: n.MacAddress, DriverOpts: n.DriverOpts, Priority: n.Priority,
		GwPriority: n.GatewayPriority, InterfaceName: n.InterfaceName,
	}
}

func hosts(h types.HostsList) []string {
	if len(h) == 0 {
		return nil
	}
	return slices.Sorted(slices.Values(h.AsList(":")))
}

// Ports published.
func Ports(in []types.ServicePortConfig) []container.Port {
	var out []container.Port
	for _, p := range in {
		out = append(out, container.Port{HostIP: p.HostIP, Published: p.Published, Target: int(p.Target), Protocol: cmp.Or(p.Protocol, "tcp"), Mode: p.Mode})
	}
	return out
}

// networks that an enabled service uses, or all, in order of key.
func (in *Input) networks() []network.Spec {
	used := map[string]bool{}
	for _, c := range in.Project.Services {
		for k := range c.Networks {
			used[k] = true
		}
		for _, h := range c.PreStart {
			for k := range h.Networks {
				used[k] = true
			}
		}
	}
	if in.Unused {
		for k := range in.Project.Networks {
			used[k] = true
		}
	}
	var out []network.Spec
	for _, k := range slices.Sorted(maps.Keys(used)) {
		n := in.Project.Networks[k]
		out = append(out, network.Spec{
			Key: k, Name: n.Name, External: bool(n.External), Driver: n.Driver, DriverOpts: n.DriverOpts, IPAM: ipam(n.Ipam),
			Internal: n.Internal, Attachable: n.Attachable, EnableIPv4: n.EnableIPv4, EnableIPv6: n.EnableIPv6,
			Labels: n.Labels, ConfigHash: canon.NetworkHash(n),
		})
	}
	return out
}

func ipam(c types.IPAMConfig) network.IPAM {
	out := network.IPAM{Driver: c.Driver, Options: c.Options}
	for _, p := range c.Config {
		out.Pools = append(out.Pools, network.Pool{Subnet: p.Subnet, IPRange: p.IPRange, Gateway: p.Gateway, Aux: p.AuxiliaryAddresses})
	}
	return out
}
