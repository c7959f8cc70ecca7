package check

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/form"
	"github.com/tutti-run/tutti/compose/load/merged"
	"github.com/tutti-run/tutti/compose/load/source"
)

// claim of a service on ports of the host.
type claim struct {
	service, text string
	ip            string // "" is every address
	first, last   int
	target        uint32 // port of the container
}

// checkHostPorts finds services, and ports of one, that want the same port of the host. A range that is wider than what the container has
// behind it leaves the engine a choice, and is not held against anyone.
func (in *Input) checkHostPorts() {
	byPort := map[string][]claim{}
	for _, name := range slices.Sorted(maps.Keys(in.Project.Services)) {
		c := in.Project.Services[name]
		told := false
		for _, p := range c.Ports {
			cl, ok := fixed(name, p)
			if !ok {
				continue
			}
			if n := merged.Replicas(c); n > 1 && !told {
				told = true
				d := in.Warn(in.portSpot(c, p), "service %q: %d replicas want host port %s, only one can have it", name, n, cl.text)
				d.Rule, d.Hint = "replicas-with-host-port", "leave the host port out, or give a range"
			}
			key := cmp.Or(p.Protocol, "tcp") + "/" + strconv.Itoa(cl.first)
			in.checkClaim(c, p, cl, byPort[key])
			byPort[key] = append(byPort[key], cl)
		}
	}
}

// atStart is how bad a mistake is that only shows when containers are made.
func (in *Input) atStart() diag.Severity {
	if in.Lenient {
		return diag.Warning
	}
	return diag.Error
}

func fixed(service string, p types.ServicePortConfig) (claim, bool) {
	first, last, err := form.PortRange(p.Published)
	if err != nil || first != last || first == 0 || p.Mode == "host" && p.Published == "" {
		return claim{}, false
	}
	return claim{service: service, text: p.Published, ip: p.HostIP, first: first, last: last, target: p.Target}, true
}

func (in *Input) checkClaim(c types.ServiceConfig, p types.ServicePortConfig, cl claim, before []claim) {
	for _, b := range before {
		if b.service == cl.service && b.target == cl.target || !sameAddress(b.ip, cl.ip) {
			continue
		}
		text := fmt.Sprintf("services %q and %q both publish host port %s", b.service, c.Name, cl.text)
		if b.service == c.Name {
			text = fmt.Sprintf("service %q publishes host port %s for two of its own", c.Name, cl.text)
		}
		if p.Protocol != "tcp" && p.Protocol != "" {
			text += "/" + p.Protocol
		}
		d := in.Tell(in.atStart(), in.portSpot(c, p), "%s", text)
		d.Path = "services." + c.Name + ".ports"
		return
	}
}

// sameAddress tells whether two host addresses cannot both be bound: they are equal, or one of them is every address of
// that kind.
func sameAddress(a, b string) bool {
	if a == b {
		return true
	}
	x, xAny := parseAddress(a)
	y, yAny := parseAddress(b)
	if a == "" || b == "" {
		return true
	}
	return x.Is4() == y.Is4() && (x == y || xAny || yAny)
}

func parseAddress(text string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(text)
	return a.Unmap(), err == nil && a.IsUnspecified()
}

// portSpot is where a port of a service is written.
func (in *Input) portSpot(c types.ServiceConfig, p types.ServicePortConfig) source.Spot {
	k, list := in.At("services", c.Name, "ports")
	if !list.Found() {
		return k
	}
	for _, e := range list.Node.Content {
		e = source.Resolve(e)
		if v := source.Child(e, "published"); v != nil && list.File.Interpolate(v.Value) == p.Published {
			return list.File.Spot(v)
		}
		made, err := types.ParsePortConfig(list.File.Interpolate(e.Value))
		if err == nil && slices.ContainsFunc(made, func(q types.ServicePortConfig) bool {
			return q.Published == p.Published && q.Target == p.Target && q.HostIP == p.HostIP && q.Protocol == p.Protocol
		}) {
			return list.File.Spot(e)
		}
	}
	return k
}
