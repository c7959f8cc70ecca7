// Package network holds what a Compose network should be (Spec), what the engine has (Live), how the two differ, and which
// addresses it keeps for containers that ask for one.
package network

import (
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/engine/field"
)

// Spec is a network as the Compose file asks for it (Compose specification, 06-networks).
type Spec struct {
	Key        string // in the Compose file: "default"
	Name       string // in the engine: "shop_default"
	External   bool   // must exist; is never made or removed
	Driver     string // "" is the engine's default
	DriverOpts map[string]string
	IPAM       IPAM
	Internal   bool
	Attachable bool
	EnableIPv4 *bool
	EnableIPv6 *bool
	Labels     map[string]string // the user's own
	ConfigHash string            // as Docker Compose labels it
}

// IPAM is the address management of a network.
type IPAM struct {
	Driver  string
	Options map[string]string
	Pools   []Pool
}

// Pool is one range of addresses, in CIDR form.
type Pool struct {
	Subnet, IPRange, Gateway string
	Aux                      map[string]string // name → address
}

// Within tells whether one of the pools has an address. Engines grant only such a wish.
func Within(address string, pools []Pool) bool {
	a, err := netip.ParseAddr(address)
	return err == nil && slices.ContainsFunc(pools, func(p Pool) bool {
		subnet, err := netip.ParsePrefix(p.Subnet)
		return err == nil && subnet.Contains(a)
	})
}

// Live is a network found in the engine.
type Live struct {
	ID, Name   string
	Driver     string
	Options    map[string]string
	IPAM       IPAM
	Internal   bool
	Attachable bool
	EnableIPv6 bool
	Labels     map[string]string
	Others     []string // containers of other projects, or of none, that are on it: known of a project's networks that nobody asked for
}

// Attachment is how one container is on one network (Compose specification, 05-services, networks).
type Attachment struct {
	Network       string // key in the Compose file
	Name          string // in the engine
	Aliases       []string
	Unnamed       bool // the service's name is not one of the aliases
	IPv4Address   string
	IPv6Address   string
	LinkLocalIPs  []string
	MacAddress    string
	DriverOpts    map[string]string
	Priority      int
	GwPriority    int
	InterfaceName string
	Links         []string // "container:alias": what else its service calls others there; decided by links and external_links
}

// Endpoint is an attachment as found. Lists do not show aliases: AliasesKnown is then false.
type Endpoint struct {
	NetworkID    string
	Name         string // of the network
	Aliases      []string
	AliasesKnown bool
	IPv4Address  string // in use now
	StaticIPv4   string // asked for
	StaticIPv6   string
	MacAddress   string
}

// Fields of a network that a change of means making it anew.
func (s Spec) Fields() field.Set {
	f := field.Set{}
	f.Put("driver", s.Driver)
	f.Put("driver_opts", s.DriverOpts)
	f.Put("ipam.driver", s.IPAM.Driver)
	f.Put("ipam.options", s.IPAM.Options)
	f.Put("ipam.config", poolTexts(s.IPAM.Pools))
	f.Put("internal", s.Internal)
	f.Put("attachable", s.Attachable)
	f.Put("enable_ipv4", s.EnableIPv4)
	f.Put("enable_ipv6", s.EnableIPv6)
	f.Put("labels", s.Labels)
	return f
}

func poolTexts(pools []Pool) []string {
	var out []string
	for _, p := range pools {
		var parts []string
		for _, e := range [][2]string{{"subnet", p.Subnet}, {"ip_range", p.IPRange}, {"gateway", p.Gateway}} {
			if e[1] != "" {
				parts = append(parts, e[0]+"="+e[1])
			}
		}
		for _, k := range slices.Sorted(maps.Keys(p.Aux)) {
			parts = append(parts, "aux."+k+"="+p.Aux[k])
		}
		out = append(out, strings.Join(parts, " "))
	}
	return out
}

// Diff tells which fields of the network found are not what is wanted. External networks never differ.
func Diff(want Spec, have Live) []field.Change {
	if want.External {
		return nil
	}
	found := have.fields(want)
	wanted := want.Fields()
	paths := wanted.Digests().Differing(found.Digests())
	if label, ok := have.Labels[field.Label]; ok {
		if made, err := field.Parse(label); err == nil {
			paths = wanted.Digests().Differing(made)
		}
	}
	var out []field.Change
	for _, p := range paths {
		out = append(out, field.Change{Path: p, Old: found[p], New: wanted[p], OldKnown: true})
	}
	return out
}

// fields of what was found, as far as the Compose file speaks of them: what the engine chose by itself is left out.
func (l Live) fields(want Spec) field.Set {
	s := Spec{Driver: l.Driver, DriverOpts: l.Options, IPAM: l.IPAM, Internal: l.Internal, Attachable: l.Attachable, Labels: field.OwnLabels(l.Labels)}
	if want.Driver == "" {
		s.Driver = ""
	}
	if want.IPAM.Driver == "" {
		s.IPAM.Driver = ""
	}
	if len(want.IPAM.Pools) == 0 {
		s.IPAM.Pools = nil
	}
	for i := range s.IPAM.Pools {
		if i < len(want.IPAM.Pools) && want.IPAM.Pools[i].Gateway == "" {
			s.IPAM.Pools = slices.Clone(s.IPAM.Pools)
			s.IPAM.Pools[i].Gateway = ""
		}
	}
	if want.EnableIPv6 != nil {
		s.EnableIPv6 = &l.EnableIPv6
	}
	s.EnableIPv4 = want.EnableIPv4
	return s.Fields()
}
