// Package endpoint says where the ports of a project's services are reached, and calls that by variables. It is pure.
package endpoint

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strconv"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/engine/container"
)

// Endpoint is where a port of a service is reached.
type Endpoint struct {
	Service  string
	Host     string // address, or name of the engine's machine
	Port     int    // there
	Target   int    // of the container
	Protocol string // tcp, udp, sctp
}

// Outside are the published ports as they are reached from where the engine is called, its address being engineHost ("unix:///…", "tcp://ci:2375").
// They are those of the containers that run, of several replicas the first one's; of a service without any they are what the file says: one that the
// engine is to choose is told of. They are in order of service, those of one in the order of the file.
func Outside(p desired.Project, all []container.Live, engineHost string) ([]Endpoint, diag.List) {
	running := first(all)
	names := map[string]bool{}
	for _, s := range p.Services {
		names[s.Name] = true
	}
	for name := range running {
		names[name] = true
	}
	var out []Endpoint
	var unknown diag.List
	for _, name := range slices.Sorted(maps.Keys(names)) {
		svc, _ := p.Service(name)
		l, up := running[name]
		if !up {
			l.Ports = planned(svc.Container.Ports)
			unknown = append(unknown, unpublished(name, svc.Container.Ports)...)
		}
		out = append(out, endpoints(name, l.Ports, svc.Container.Ports, machine(engineHost))...)
	}
	return out, unknown
}

// first container of each service that runs.
func first(all []container.Live) map[string]container.Live {
	out := map[string]container.Live{}
	for _, l := range all {
		had, ok := out[l.Service()]
		if l.Up() && !l.OneOff() && !l.Hook() && (!ok || l.Number() < had.Number()) {
			out[l.Service()] = l
		}
	}
	return out
}

// planned are the ports that a file fixes.
func planned(ports []container.Port) []container.Published {
	var out []container.Published
	for _, p := range ports {
		if n, err := strconv.Atoi(p.Published); err == nil && n > 0 {
			out = append(out, container.Published{HostIP: p.HostIP, Published: n, Target: p.Target, Protocol: p.Protocol})
		}
	}
	return out
}

func unpublished(service string, ports []container.Port) diag.List {
	var out diag.List
	for _, p := range ports {
		if n, err := strconv.Atoi(p.Published); err != nil || n == 0 {
			out = append(out, diag.Diagnostic{Severity: diag.Warning, Path: "services." + service + ".ports",
				Text: fmt.Sprintf("service %q does not run: where its port %d/%s will be is not known yet", service, p.Target, p.Protocol)})
		}
	}
	return out
}

// endpoints of a service, one for each of its ports: of several the one with an IPv4 address, and the lowest.
func endpoints(service string, ports []container.Published, written []container.Port, machine string) []Endpoint {
	ports = slices.DeleteFunc(slices.Clone(ports), func(p container.Published) bool { return p.Published == 0 })
	slices.SortStableFunc(ports, func(a, b container.Published) int {
		return cmp.Or(cmp.Compare(place(a, written), place(b, written)), cmp.Compare(a.Target, b.Target), cmp.Compare(a.Protocol, b.Protocol),
			cmp.Compare(family(a.HostIP), family(b.HostIP)), cmp.Compare(a.Published, b.Published))
	})
	ports = slices.CompactFunc(ports, func(a, b container.Published) bool { return a.Target == b.Target && a.Protocol == b.Protocol })
	var out []Endpoint
	for _, p := range ports {
		out = append(out, Endpoint{service, reached(p.HostIP, machine), p.Published, p.Target, p.Protocol})
	}
	return out
}

// place of a port in the file; those that it does not have come last.
func place(p container.Published, written []container.Port) int {
	i := slices.IndexFunc(written, func(w container.Port) bool { return w.Target == p.Target && w.Protocol == p.Protocol })
	if i < 0 {
		return len(written)
	}
	return i
}

func family(ip string) int {
	if a, err := netip.ParseAddr(ip); err == nil && a.Is6() {
		return 6
	}
	return 4
}

// reached is the address that leads to what is bound on another, which may be all of the machine.
func reached(bound, machine string) string {
	a, err := netip.ParseAddr(bound)
	switch {
	case err == nil && !a.IsUnspecified():
		return bound
	case machine != "":
		return machine
	case err == nil && a.Is6():
		return "::1"
	}
	return "127.0.0.1"
}

// machine that an engine's address names; "": this one.
func machine(engineHost string) string {
	u, err := url.Parse(engineHost)
	if err != nil || u.Scheme == "unix" || u.Scheme == "npipe" || u.Scheme == "fd" {
		return ""
	}
	return u.Hostname()
}

// Inside are endpoints as they are reached from containers on the same networks: under the services' names, at the containers' own ports.
func Inside(outside []Endpoint) []Endpoint {
	out := slices.Clone(outside)
	for i, e := range out {
		out[i].Host, out[i].Port = e.Service, e.Target
	}
	return out
}
