// Package isolate makes of a merged project a copy that can run beside others of the same files: with a name, host ports and other names of its
// own. It is pure.
package isolate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/merged"
)

// Name of the copy in a directory: NAME-1a2b3c4d, of which the digits stand for the directory. A name that ends in them already stays.
func Name(name, dir string) string {
	sum := sha256.Sum256([]byte(dir))
	suffix := "-" + hex.EncodeToString(sum[:4])
	return strings.TrimSuffix(name, suffix) + suffix
}

// Named tells whether a name may be one of a copy.
func Named(name string) bool { return named.MatchString(name) }

var named = regexp.MustCompile(`.-[0-9a-f]{8}$`)

// Apply changes a project, whose name is that of the copy already. It warns of what is otherwise than the files say, but for ports, and of what
// copies cannot both have; the diagnostics have the path in the model. What is external stays, and so does a name that holds the project's.
func Apply(p *types.Project, inUse HostPorts) diag.List {
	c := &duplicate{Project: p}
	c.containers()
	c.images()
	c.networks()
	c.volumes()
	c.ports(inUse)
	return c.found
}

// Rule of the warnings.
const Rule = "isolated"

// duplicate is the project on its way to be a copy.
type duplicate struct {
	*types.Project
	found diag.List
}

func (d *duplicate) warn(path, hint, format string, args ...any) {
	d.found = append(d.found, diag.Diagnostic{Severity: diag.Warning, Rule: Rule, Path: path, Text: fmt.Sprintf(format, args...), Hint: hint})
}

// own tells whether a name is the copy's alone.
func (d *duplicate) own(name string) bool { return strings.Contains(name, d.Name) }

const keepName = "with ${COMPOSE_PROJECT_NAME} in it, it is each copy's own and stays"

// services changes each, in order of name; of those that are not enabled nothing is told.
func (d *duplicate) services(change func(path string, c *types.ServiceConfig)) {
	each := func(all types.Services) {
		for _, name := range slices.Sorted(maps.Keys(all)) {
			c := all[name]
			change("services."+name, &c)
			all[name] = c
		}
	}
	each(d.Services)
	told := len(d.found)
	each(d.DisabledServices)
	d.found = d.found[:told]
}

// containers lose their fixed names. Others of the project find them under these still.
func (d *duplicate) containers() {
	dropped := map[string]string{}
	d.services(func(path string, c *types.ServiceConfig) {
		name := c.ContainerName
		if name == "" || d.own(name) {
			return
		}
		dropped[name] = c.Name
		c.ContainerName = ""
		c.Networks = maps.Clone(c.Networks)
		for k, n := range c.Networks {
			if !bool(d.Networks[k].External) {
				c.Networks[k] = answering(n, name)
			}
		}
		d.warn(path+".container_name", keepName, "service %q: container_name %q is left out, as copies cannot share it", c.Name, name)
	})
	d.services(func(path string, c *types.ServiceConfig) { d.strangers(path, *c, dropped) })
}

// answering to one more name.
func answering(n *types.ServiceNetworkConfig, name string) *types.ServiceNetworkConfig {
	out := types.ServiceNetworkConfig{}
	if n != nil {
		out = *n
	}
	if !slices.Contains(out.Aliases, name) {
		out.Aliases = append(slices.Clone(out.Aliases), name)
	}
	return &out
}

// strangers are containers that a service names by a name which the project's own have no more: whoever has it now is not of the copy.
func (d *duplicate) strangers(path string, c types.ServiceConfig, dropped map[string]string) {
	tell := func(key, name, instead string) {
		if service, ok := dropped[name]; ok {
			d.warn(path+"."+key, fmt.Sprintf(instead, service), "service %q: container %q is no container of this copy", c.Name, name)
		}
	}
	for _, ns := range []struct{ key, value string }{{"network_mode", c.NetworkMode}, {"ipc", c.Ipc}, {"pid", c.Pid}} {
		if name, ok := strings.CutPrefix(ns.value, types.ContainerPrefix); ok {
			tell(ns.key, name, "name the service: service:%s")
		}
	}
	for _, v := range c.VolumesFrom {
		if rest, ok := strings.CutPrefix(v, types.ContainerPrefix); ok {
			name, _, _ := strings.Cut(rest, ":")
			tell("volumes_from", name, "name the service: %s")
		}
	}
	for _, l := range c.ExternalLinks {
		name, _, _ := strings.Cut(l, ":")
		tell("external_links", name, "it is reached as %s")
	}
}

// images that are built get the name that they have without one in the file: else each copy would run what another has built. One that a
// pull_policy takes from a registry stays.
func (d *duplicate) images() {
	renamed := map[string]string{}
	d.services(func(path string, c *types.ServiceConfig) {
		old := c.Image
		if c.Build == nil || old == "" || d.own(old) || c.PullPolicy != "" && c.PullPolicy != types.PullPolicyBuild {
			return
		}
		if renamed[old] == "" {
			c.Image = ""
			renamed[old] = merged.Image(d.Project, *c)
			d.warn(path+".image", keepName, "service %q: image %q is built as %q, as copies cannot share it", c.Name, old, renamed[old])
		}
	})
	d.services(func(_ string, c *types.ServiceConfig) {
		if now := renamed[c.Image]; now != "" {
			c.Image = now
		}
		c.PreStart = slices.Clone(c.PreStart)
		for i, h := range c.PreStart {
			if now := renamed[h.Image]; now != "" {
				c.PreStart[i].Image = now
			}
		}
	})
}

// networks lose fixed names, and what cannot be twice on one engine.
func (d *duplicate) networks() {
	static := d.static()
	for _, key := range slices.Sorted(maps.Keys(d.Networks)) {
		n := d.Networks[key]
		if bool(n.External) {
			continue
		}
		path := "networks." + key
		d.rename(path, "network", key, &n.Name)
		if b := n.DriverOpts[bridge]; b != "" && !d.own(b) {
			n.DriverOpts = maps.Clone(n.DriverOpts)
			delete(n.DriverOpts, bridge)
			d.warn(path+".driver_opts", "", "network %q: bridge %q is left out, as copies cannot share it", key, b)
		}
		switch {
		case len(n.Ipam.Config) == 0:
		case movable(n) && !static[key]:
			n.Ipam.Config = nil
			d.warn(path+".ipam", "", "network %q: its subnet is left to the engine, as copies cannot share it", key)
		default:
			d.warn(path+".ipam", "leave subnets and addresses to the engine", "network %q: its subnet is the same for each copy: only one of them can be up", key)
		}
		d.Networks[key] = n
	}
}

// bridge is the driver option that names the interface on the host.
const bridge = "com.docker.network.bridge.name"

// movable tells whether a network may have any subnet: it is the engine's own, and IPv4, for which each engine finds one.
func movable(n types.NetworkConfig) bool {
	return (n.Driver == "" || n.Driver == "bridge") &&
		!slices.ContainsFunc(n.Ipam.Config, func(p *types.IPAMPool) bool { return strings.Contains(p.Subnet+p.Gateway+p.IPRange, ":") })
}

// static are the networks on which some container has a fixed address.
func (d *duplicate) static() map[string]bool {
	out := map[string]bool{}
	look := func(on map[string]*types.ServiceNetworkConfig) {
		for k, n := range on {
			out[k] = out[k] || n != nil && (n.Ipv4Address != "" || n.Ipv6Address != "")
		}
	}
	for _, c := range d.Services {
		look(c.Networks)
		for _, h := range c.PreStart {
			look(h.Networks)
		}
	}
	return out
}

// volumes lose fixed names.
func (d *duplicate) volumes() {
	for _, key := range slices.Sorted(maps.Keys(d.Volumes)) {
		v := d.Volumes[key]
		if bool(v.External) {
			continue
		}
		d.rename("volumes."+key, "volume", key, &v.Name)
		d.Volumes[key] = v
	}
}

// rename a network or volume to what it is called without a name in the file.
func (d *duplicate) rename(path, kind, key string, name *string) {
	if old := *name; old != "" && !d.own(old) {
		*name = d.Name + "_" + key
		d.warn(path+".name", keepName, "%s %q: its name is %q and not %q, as copies cannot share it", kind, key, *name, old)
	}
}
