package isolate

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// Host ports of copies, from First to Last: above those of services that are known by their port, below those that systems give to clients
// (Linux: ip_local_port_range, from 32768).
const (
	First = 20000
	Last  = 32767
)

// HostPorts are those in use on the engine's machine.
type HostPorts struct {
	Published []Published
	Listening []int // whoever listens there
}

// Published port of a container that runs.
type Published struct {
	Project, Service string // "" of none
	HostIP           string // 0.0.0.0, :: and "" are all addresses
	Port             int    // of the host
	Target           int
	Protocol         string
}

// need of host ports: what a service publishes as one port or range, which may be several of its own ports, protocols and addresses.
type need struct {
	service, published string
	count              int // 1, or the length of a range
	ports              []types.ServicePortConfig
}

// ports of the host are replaced, each by a free one, and ranges by free ranges. Which one follows from the names of project and service and from
// the port in the file. What a container of the project has stays.
func (d *duplicate) ports(inUse HostPorts) {
	needs := d.needs()
	given, taken := map[*need]int{}, map[int]bool{}
	give := func(n *need, first int) {
		given[n] = first
		for i := range n.count {
			taken[first+i] = true
		}
	}
	for _, wanted := range []bool{true, false} { // first those that have what they would choose
		for _, n := range needs {
			for _, first := range n.held(d.Name, inUse.Published) {
				if given[n] == 0 && n.fits(first, taken) && (!wanted || first == d.wish(n)) {
					give(n, first)
				}
			}
		}
	}
	inUse.mark(taken)
	for _, n := range needs {
		if given[n] != 0 {
			continue
		}
		if first, ok := n.free(d.wish(n), taken); ok {
			give(n, first)
		} else {
			d.warn("services."+n.service+".ports", "", "service %q: port %s stays, as there are not %d free ones in a row from %d to %d", n.service, n.published, n.count, First, Last)
		}
	}
	d.replace(given)
}

// needs of the enabled services, in order.
func (d *duplicate) needs() []*need {
	var out []*need
	for _, name := range slices.Sorted(maps.Keys(d.Services)) {
		c := d.Services[name]
		if c.NetworkMode == "host" {
			d.warn("services."+name+".network_mode", "", "service %q is on the host's network: copies share its ports", name)
		}
		for _, p := range c.Ports {
			count := span(p.Published)
			if count == 0 {
				continue
			}
			i := slices.IndexFunc(out, func(n *need) bool { return n.service == name && n.published == p.Published })
			if i < 0 {
				i = len(out)
				out = append(out, &need{service: name, published: p.Published, count: count})
			}
			out[i].ports = append(out[i].ports, p)
		}
	}
	return out
}

// span is how many ports "8080" or "8000-8010" are; 0: the engine chooses.
func span(published string) int {
	first, last, isRange := strings.Cut(published, "-")
	from, err := strconv.Atoi(first)
	if !isRange {
		last = first
	}
	to, errTo := strconv.Atoi(last)
	if err != nil || errTo != nil || from <= 0 || to < from {
		return 0
	}
	return to - from + 1
}

// starts is how many places there are for a need: they do not overlap, so that one port of a range tells which range it is of.
func (n *need) starts() int { return (Last - First + 1) / n.count }

// wish is the first port that a need would choose.
func (d *duplicate) wish(n *need) int {
	if n.starts() == 0 {
		return 0
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{d.Name, n.service, n.published}, "\x00")))
	return First + int(binary.BigEndian.Uint64(sum[:])%uint64(n.starts()))*n.count
}

// held are the first ports of what the service's containers have for a need, in order.
func (n *need) held(project string, all []Published) []int {
	var out []int
	for _, p := range all {
		place := (p.Port - First) / n.count
		if p.Project == project && p.Service == n.service && p.Port >= First && place < n.starts() && slices.ContainsFunc(n.ports, p.is) {
			out = append(out, First+place*n.count)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// is tells whether it is published for a port of the file.
func (p Published) is(of types.ServicePortConfig) bool {
	return p.Target == int(of.Target) && p.Protocol == cmp.Or(of.Protocol, "tcp") && address(p.HostIP) == address(of.HostIP)
}

// address that is bound; the zero value is all of them.
func address(ip string) netip.Addr {
	a, err := netip.ParseAddr(strings.Trim(ip, "[]"))
	if err != nil || a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

// free is the first port of a place where nothing is taken, from the wish on.
func (n *need) free(wish int, taken map[int]bool) (first int, ok bool) {
	for i := range n.starts() {
		first := First + ((wish-First)/n.count+i)%n.starts()*n.count
		if n.fits(first, taken) {
			return first, true
		}
	}
	return 0, false
}

func (n *need) fits(first int, taken map[int]bool) bool {
	for i := range n.count {
		if taken[first+i] {
			return false
		}
	}
	return true
}

func (h HostPorts) mark(taken map[int]bool) {
	for _, p := range h.Published {
		taken[p.Port] = true
	}
	for _, p := range h.Listening {
		taken[p] = true
	}
}

// replace the ports of the services.
func (d *duplicate) replace(given map[*need]int) {
	now := map[string]map[string]string{} // by service and published port
	for n, first := range given {
		text := strconv.Itoa(first)
		if n.count > 1 {
			text = fmt.Sprintf("%d-%d", first, first+n.count-1)
		}
		if now[n.service] == nil {
			now[n.service] = map[string]string{}
		}
		now[n.service][n.published] = text
	}
	for service, ports := range now {
		c := d.Services[service]
		c.Ports = slices.Clone(c.Ports)
		for i, p := range c.Ports {
			c.Ports[i].Published = cmp.Or(ports[p.Published], p.Published)
		}
		d.Services[service] = c
	}
}
