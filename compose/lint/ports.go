package lint

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/tutti-run/tutti/compose/diag"
)

var portRules = []Rule{
	{ID: "port-exposed-database", Severity: diag.Warning, Title: "a database's port is published on every address of the host", check: each(exposedDatabase),
		Why: "Whoever reaches the machine reaches the database; published ports go past the host's firewall rules. Services of the project reach it without.",
		Fix: "Leave the port out, or publish it on 127.0.0.1 only."},
	{ID: "port-ignored", Severity: diag.Warning, Title: "ports are published where the service has no network of its own", check: each(portIgnored),
		Why: "With `network_mode: host` or `none` the engine ignores ports; with that of another service or container it refuses them.",
		Fix: "Remove the ports, or publish them on the service whose network it is."},
	{ID: "static-address", Severity: diag.Info, Off: true, Title: "a container has a fixed address", check: each(staticAddress),
		Why: "It ties the file to one subnet, allows one replica, and keeps the old container from serving until the new one is well.",
		Fix: "Use the service's name, which is its address."},
}

func exposedDatabase(s Service) []Finding {
	kind, st, known := storeOf(s.Image.Value)
	var out []Finding
	for _, p := range s.Ports {
		if !everywhere(p.HostIP) || p.Published == "" && p.HostIP == "" && !known {
			continue
		}
		k := kind
		if !known {
			if k = storeAt(p.Target); k == "" {
				continue
			}
		} else if len(st.ports) > 0 && !slices.Contains(st.ports, p.Target) && !s.onlyPort(p) {
			continue
		}
		text := fmt.Sprintf("port %d of %s is open to everyone who reaches this machine", p.Target, k)
		out = append(out, s.about(p.At, text, "leave the port out, or publish it on 127.0.0.1 only", p.Local...))
	}
	return out
}

// onlyPort tells whether a service publishes this port alone: then it is its own, whatever number it has.
func (s Service) onlyPort(p Port) bool { return len(s.Ports) == 1 && s.Ports[0].Target == p.Target }

// everywhere tells whether a host address stands for all.
func everywhere(ip string) bool {
	a, err := netip.ParseAddr(ip)
	return ip == "" || err == nil && a.IsUnspecified()
}

// storeAt is the kind of database that a port is known for. Ports that others use as well do not count.
func storeAt(port int) string {
	for _, kind := range []string{"postgres", "mysql", "mongo", "redis", "memcached", "mssql", "cassandra"} {
		if stores[kind].ports[0] == port {
			return kind
		}
	}
	return ""
}

func portIgnored(s Service) []Finding {
	mode := s.NetworkMode.Value
	if len(s.Ports) == 0 || mode == "" || mode == "bridge" || mode == "default" {
		return nil
	}
	at := s.Ports[0].At
	if mode == "host" || mode == "none" {
		return one(s.about(at, "ports are ignored with network_mode: "+mode, "remove them"))
	}
	f := s.about(at, "ports cannot be published with network_mode: "+mode, "publish them there")
	f.Severity = diag.Error
	return one(f)
}

func staticAddress(s Service) []Finding {
	var out []Finding
	for _, a := range s.Addresses {
		out = append(out, s.about(a.At, "fixed address "+a.Value, "use the service's name"))
	}
	return out
}
