package table

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/engine/container"
)

func publishers(pp []container.Published) []publisher {
	out := make([]publisher, 0, len(pp))
	for _, p := range slices.SortedStableFunc(slices.Values(pp), func(a, b container.Published) int { return cmp.Compare(a.Target, b.Target) }) {
		out = append(out, publisher{p.HostIP, p.Target, p.Published, p.Protocol})
	}
	return out
}

// portRange is a row of ports that are the same inside and outside.
type portRange struct {
	ip, protocol string
	first, last  int
}

func (r portRange) String() string {
	group := strconv.Itoa(r.first)
	if r.last != r.first {
		group += "-" + strconv.Itoa(r.last)
	}
	if r.ip != "" {
		group = net.JoinHostPort(r.ip, group) + "->" + group
	}
	return group + "/" + r.protocol
}

// ports as `docker ps` shows them: neighbours that are the same inside and outside merged, then those that are not.
func ports(pp []container.Published) string {
	var closed, open, mapped []string
	last := map[portRange]*portRange{} // by ip and protocol
	var order []*portRange
	for _, p := range slices.SortedFunc(slices.Values(pp), comparePorts) {
		if p.HostIP != "" && p.Published != p.Target {
			mapped = append(mapped, fmt.Sprintf("%s->%d/%s", net.JoinHostPort(p.HostIP, strconv.Itoa(p.Published)), p.Target, p.Protocol))
			continue
		}
		key := portRange{ip: p.HostIP, protocol: p.Protocol}
		switch r := last[key]; {
		case r == nil:
			last[key] = &portRange{p.HostIP, p.Protocol, p.Target, p.Target}
			order = append(order, last[key])
		case p.Target == r.last+1:
			r.last = p.Target
		default:
			closed = append(closed, r.String())
			r.first, r.last = p.Target, p.Target
		}
	}
	for _, r := range order {
		open = append(open, r.String())
	}
	return strings.Join(slices.Concat(closed, open, mapped), ", ")
}

func comparePorts(a, b container.Published) int {
	return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.HostIP, b.HostIP), cmp.Compare(a.Published, b.Published),
		cmp.Compare(a.Protocol, b.Protocol))
}
