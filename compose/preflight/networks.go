package preflight

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/network"
)

// drivers finds networks that the engine has no driver for, or that its driver cannot make here.
func (c *check) drivers() {
	for _, n := range c.Plan.Nodes {
		if made, ok := n.Step.(plan.CreateNetwork); ok {
			c.driver(made.Network)
		}
	}
}

func (c *check) driver(n network.Spec) {
	d := diag.Diagnostic{Severity: diag.Error, Path: c.written("networks."+n.Key+".driver", "networks."+n.Key)}
	switch driver := n.Driver; {
	case driver == "overlay" && c.Surroundings.Swarm == "":
		d.Text = fmt.Sprintf("network %s needs a Swarm for its driver overlay, and the engine is in none", n.Name)
		d.Hint = "make one: docker swarm init; or take driver: bridge"
	case driver == "overlay" && c.Surroundings.Swarm == engine.Worker:
		d.Text = fmt.Sprintf("network %s has driver overlay, which only managers of a Swarm can make; the engine is a worker", n.Name)
		d.Hint = "make it on a manager: docker network create --driver overlay --attachable " + n.Name + "; and say external: true here"
	case driver == "overlay" && !n.Attachable:
		d.Text = fmt.Sprintf("network %s has driver overlay, and is for services of a Swarm only: no container can be put on it", n.Name)
		d.Hint = "say attachable: true"
	case c.unknownDriver(driver):
		d.Text = fmt.Sprintf("network %s wants driver %s, which the engine does not have", n.Name, driver)
		d.Hint = "install it: docker plugin install " + driver + "; the engine has " + strings.Join(slices.DeleteFunc(slices.Clone(c.Surroundings.Drivers),
			func(name string) bool { return name == "null" || name == "host" }), ", ")
		if !c.Surroundings.Local { // of plugins of the old kind only those in use can be seen
			d.Severity = diag.Warning
		}
	default:
		return
	}
	c.tell(d)
}

// unknownDriver: plugins of the old kind are found by their files, before they are in use.
func (c *check) unknownDriver(name string) bool {
	if name == "" || len(c.Surroundings.Drivers) == 0 || slices.Contains(c.Surroundings.Drivers, name) {
		return false
	}
	for _, path := range []string{"/run/docker/plugins/%s.sock", "/run/docker/plugins/%[1]s/%[1]s.sock", "/etc/docker/plugins/%s.spec", "/etc/docker/plugins/%s.json",
		"/usr/lib/docker/plugins/%s.spec", "/usr/lib/docker/plugins/%s.json"} {
		if c.Host.Exists != nil && c.Host.Exists(fmt.Sprintf(path, name)) {
			return false
		}
	}
	return true
}

// strangers finds containers of others on networks that are made anew: the engine does not let go of those.
func (c *check) strangers() {
	for _, n := range c.Plan.Nodes {
		gone, ok := n.Step.(plan.RemoveNetwork)
		if !ok {
			continue
		}
		for _, o := range c.Surroundings.Containers {
			if !c.ours(o) && up(o) && slices.Contains(o.Networks, gone.ID) {
				c.tell(diag.Diagnostic{Severity: diag.Error, Path: c.networkPath(gone.Name),
					Text: fmt.Sprintf("network %s has to be removed, and %s is on it", gone.Name, called(o)),
					Hint: fmt.Sprintf("take it off: docker network disconnect %s %s", gone.Name, o.Name)})
			}
		}
	}
}

func (c *check) networkPath(name string) string {
	for _, n := range c.Project.Networks {
		if n.Name == name {
			return "networks." + n.Key
		}
	}
	return ""
}

// fixedAddresses finds addresses that are of none of their network's subnets.
func (c *check) fixedAddresses() {
	for _, n := range c.Plan.Nodes {
		made, ok := n.Step.(plan.CreateContainer)
		if !ok {
			continue
		}
		for _, a := range made.Spec.Networks {
			at := "services." + n.Resource.Service + ".networks." + a.Network
			c.fixedAddress(at+".ipv4_address", a, a.IPv4Address)
			c.fixedAddress(at+".ipv6_address", a, a.IPv6Address)
		}
	}
}

func (c *check) fixedAddress(path string, a network.Attachment, address string) {
	subnets, known := c.subnetsOf(a.Name)
	ip, err := netip.ParseAddr(address)
	if err != nil || !known || slices.ContainsFunc(subnets, func(p netip.Prefix) bool { return p.Contains(ip) }) {
		return
	}
	d := diag.Diagnostic{Severity: diag.Error, Path: path, Text: fmt.Sprintf("address %s is not of network %s", ip, a.Name)}
	if len(subnets) == 0 {
		d.Text += ", which has no subnet of its own choice"
		d.Hint = "give the network one: ipam.config.subnet"
	} else {
		d.Hint = "its subnets: " + joined(subnets)
	}
	c.tell(d)
}

// subnetsOf a network that were asked for: of one that the plan makes, or of one that is there. Only in such does an engine grant addresses.
func (c *check) subnetsOf(name string) (subnets []netip.Prefix, known bool) {
	for _, n := range c.Plan.Nodes {
		if made, ok := n.Step.(plan.CreateNetwork); ok && made.Network.Name == name {
			var texts []string
			for _, p := range made.Network.IPAM.Pools {
				texts = append(texts, p.Subnet)
			}
			return prefixes(texts), made.Network.IPAM.Driver == "" || made.Network.IPAM.Driver == "default"
		}
	}
	for _, n := range c.Surroundings.Networks {
		if n.Name == name {
			return prefixes(n.Subnets), len(n.Subnets) > 0
		}
	}
	return nil, false
}

func joined(all []netip.Prefix) string {
	var out []string
	for _, p := range all {
		out = append(out, p.String())
	}
	return strings.Join(out, ", ")
}
