package docker

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	apicontainer "github.com/moby/moby/api/types/container"
	apiimage "github.com/moby/moby/api/types/image"
	apinetwork "github.com/moby/moby/api/types/network"

	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// liveOf is a container as a list shows it (Engine API, ContainerSummary).
func liveOf(s apicontainer.Summary) container.Live {
	l := container.Live{
		ID: s.ID, Name: ownName(s.Names), Image: s.Image, ImageID: imageID(s.ImageID), Command: s.Command, Created: time.Unix(s.Created, 0),
		State: stateOf(string(s.State)), Status: s.Status, Health: healthOf(s.Status), ExitCode: exitCode(s.Status), Labels: s.Labels,
		Mounts: mountsOf(s.Mounts), Ports: portsOf(s.Ports), Mode: s.HostConfig.NetworkMode,
	}
	if s.Health != nil && s.Health.Status != apicontainer.NoHealthcheck {
		l.Health = container.Health(s.Health.Status)
	}
	if s.NetworkSettings != nil {
		l.Networks = endpointsOf(s.NetworkSettings.Networks)
	}
	if !l.Up() {
		l.Ports = nil // Podman lists what it would publish
	}
	return l
}

// stateOf reads a state; Podman has some of its own.
func stateOf(text string) container.State {
	switch text {
	case "stopped":
		return container.Exited
	case "stopping":
		return container.Running
	case "initialized", "configured":
		return container.Created
	}
	return container.State(text)
}

// ownName leaves out the names that links give: "/web/redis".
func ownName(names []string) string {
	for _, n := range names {
		if n = strings.TrimPrefix(n, "/"); !strings.Contains(n, "/") {
			return n
		}
	}
	return ""
}

// imageID has its algorithm in front; Podman leaves it out in places.
func imageID(id string) string {
	if len(id) == 64 && !strings.Contains(id, ":") {
		return "sha256:" + id
	}
	return id
}

// healthOf reads "Up 3 minutes (healthy)".
func healthOf(status string) container.Health {
	switch {
	case strings.HasSuffix(status, "(healthy)"):
		return container.Healthy
	case strings.HasSuffix(status, "(unhealthy)"):
		return container.Unhealthy
	case strings.HasSuffix(status, "(health: starting)"), strings.HasSuffix(status, "(starting)"):
		return container.Starting
	}
	return container.NoHealth
}

// exitCode reads "Exited (137) 2 minutes ago" and "Restarting (1) 5 seconds ago".
func exitCode(status string) int {
	_, rest, ok := strings.Cut(status, " (")
	if !ok || strings.HasPrefix(status, "Up ") {
		return 0
	}
	text, _, _ := strings.Cut(rest, ")")
	n, _ := strconv.Atoi(text)
	return n
}

func mountsOf(in []apicontainer.MountPoint) []volume.Mounted {
	var out []volume.Mounted
	for _, m := range in {
		v := volume.Mounted{Type: volume.Type(m.Type), Name: m.Name, Target: m.Destination, ReadOnly: !m.RW, Driver: m.Driver}
		if v.Type != volume.Volume {
			v.Source = m.Source
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b volume.Mounted) int { return strings.Compare(a.Target, b.Target) })
	return out
}

func portsOf(in []apicontainer.PortSummary) []container.Published {
	var out []container.Published
	for _, p := range in {
		out = append(out, container.Published{HostIP: hostIP(p.IP, p.PublicPort > 0), Published: int(p.PublicPort), Target: int(p.PrivatePort), Protocol: p.Type})
	}
	return sortedPorts(out)
}

// hostIP at which a port is published: Podman leaves out that it is every one.
func hostIP(a netip.Addr, published bool) string {
	if published && !a.IsValid() {
		return "0.0.0.0"
	}
	return addrText(a)
}

// sortedPorts as docker has them in its tables: those of IPv4 first, which engines may publish under another number than those of IPv6.
func sortedPorts(out []container.Published) []container.Published {
	slices.SortFunc(out, func(a, b container.Published) int {
		return cmp.Or(a.Target-b.Target, strings.Compare(a.HostIP, b.HostIP), a.Published-b.Published, strings.Compare(a.Protocol, b.Protocol))
	})
	return out
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

// endpointsOf are the networks of a container, in order of name.
func endpointsOf(in map[string]*apinetwork.EndpointSettings) []network.Endpoint {
	var out []network.Endpoint
	for _, name := range slices.Sorted(maps.Keys(in)) {
		s := in[name]
		if s == nil {
			continue
		}
		e := network.Endpoint{NetworkID: s.NetworkID, Name: name, IPv4Address: addrText(s.IPAddress), MacAddress: s.MacAddress.String()}
		if s.IPAMConfig != nil {
			e.StaticIPv4, e.StaticIPv6 = addrText(s.IPAMConfig.IPv4Address), addrText(s.IPAMConfig.IPv6Address)
		}
		out = append(out, e)
	}
	return out
}

func networkOf(n apinetwork.Network) network.Live {
	l := network.Live{
		ID: n.ID, Name: n.Name, Driver: n.Driver, Options: n.Options, Internal: n.Internal, Attachable: n.Attachable,
		EnableIPv6: n.EnableIPv6, Labels: n.Labels, IPAM: network.IPAM{Driver: n.IPAM.Driver, Options: n.IPAM.Options},
	}
	for _, c := range n.IPAM.Config {
		p := network.Pool{Subnet: prefixText(c.Subnet), IPRange: prefixText(c.IPRange), Gateway: addrText(c.Gateway)}
		for k, a := range c.AuxAddress {
			if p.Aux == nil {
				p.Aux = map[string]string{}
			}
			p.Aux[k] = addrText(a)
		}
		l.IPAM.Pools = append(l.IPAM.Pools, p)
	}
	return l
}

func prefixText(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

// imageOf is an image that was inspected.
func imageOf(in apiimage.InspectResponse) image.Live {
	l := image.Live{ID: imageID(in.ID), Digests: in.RepoDigests, Tagged: in.Metadata.LastTagTime, Size: in.Size,
		Platform: strings.Trim(in.Os+"/"+in.Architecture+"/"+in.Variant, "/"), Defaults: &image.Defaults{}}
	l.Created, _ = time.Parse(time.RFC3339Nano, in.Created) // old images have none
	if in.Config == nil {
		return l
	}
	c := in.Config
	*l.Defaults = image.Defaults{
		Env: c.Env, Cmd: c.Cmd, Entrypoint: c.Entrypoint, Labels: c.Labels, User: c.User, WorkingDir: c.WorkingDir, StopSignal: c.StopSignal,
		Volumes: slices.Sorted(maps.Keys(c.Volumes)), Exposed: slices.Sorted(maps.Keys(c.ExposedPorts)),
		HasHealthcheck: c.Healthcheck != nil && len(c.Healthcheck.Test) > 0 && c.Healthcheck.Test[0] != "NONE",
	}
	if h := healthcheckOf(c.Healthcheck); h != nil {
		check := image.Healthcheck(*h)
		l.Defaults.Healthcheck = &check
	}
	return l
}
