package preflight

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/field"
	"github.com/tutti-run/tutti/host"
)

// start of a container, and the ports that it will publish.
type start struct {
	name, service string
	ports         []container.Port
}

// want is a port of the host that a container will bind.
type want struct {
	start
	protocol    string
	addresses   []netip.Addr
	first, last int
	port        container.Port
}

// holder of a port.
type holder struct{ text, hint string }

// claim of a container of the plan.
type claim struct {
	want
	number int
}

// ports finds those that somebody else has. Those that leave no choice come first: a range makes do with what is left.
func (c *check) ports() {
	var fixed, ranges []want
	for _, s := range c.starts() {
		for _, p := range s.ports {
			w, ok := wanted(s, p)
			switch {
			case !ok:
			case w.first == w.last:
				fixed = append(fixed, w)
			default:
				ranges = append(ranges, w)
			}
		}
	}
	o := occupied{check: c, foreign: c.foreign()}
	for _, w := range append(fixed, ranges...) {
		o.claim(w)
	}
}

// starts are what the plan starts: what it makes, and what there is.
func (c *check) starts() []start {
	var out []start
	for _, n := range c.Plan.Nodes {
		if s, ok := n.Step.(plan.StartContainer); ok {
			out = append(out, start{n.Resource.Name, n.Resource.Service, c.published(n, s.Container)})
		}
	}
	return out
}

// published ports of a container that is started. Lists do not show those of a stopped one: then it is what it was made from, if that is known to
// be what the file says.
func (c *check) published(n plan.Node, ref plan.Ref) []container.Port {
	if made, ok := c.made[ref.Key]; ok {
		return ports(made.Spec)
	}
	for _, l := range c.Snapshot.Containers {
		if l.ID != ref.ID {
			continue
		}
		if l.Found != nil {
			return ports(*l.Found)
		}
		svc, _ := c.Project.Service(n.Resource.Service)
		made, err := field.Parse(l.Labels[field.Label])
		if err == nil && made["ports"] == svc.Container.Fields().Digests()["ports"] {
			return ports(svc.Container)
		}
	}
	return nil
}

// ports of a container that has a network of its own; of others the engine publishes nothing.
func ports(s container.Spec) []container.Port {
	mode, _, _ := strings.Cut(s.NetworkMode, ":")
	switch mode {
	case "host", "none", "container", "service":
		return nil
	}
	return s.Ports
}

// wanted is false for a port that the engine chooses.
func wanted(s start, p container.Port) (want, bool) {
	first, last, isRange := strings.Cut(p.Published, "-")
	if !isRange {
		last = first
	}
	from, err := strconv.Atoi(first)
	to, lastErr := strconv.Atoi(last)
	w := want{start: s, protocol: p.Protocol, addresses: addresses(p.HostIP), first: from, last: to, port: p}
	return w, err == nil && lastErr == nil && from > 0 && from <= to
}

// addresses that a port is bound on: without one, all of both kinds.
func addresses(hostIP string) []netip.Addr {
	if a, err := netip.ParseAddr(hostIP); err == nil {
		return []netip.Addr{a.Unmap()}
	}
	return []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
}

// meet tells whether two addresses cannot both have one port.
func meet(a, b netip.Addr) bool {
	return a == b || a.Is4() == b.Is4() && (a.IsUnspecified() || b.IsUnspecified())
}

func meetAny(as, bs []netip.Addr) bool {
	for _, a := range as {
		for _, b := range bs {
			if meet(a, b) {
				return true
			}
		}
	}
	return false
}

// foreign are the sockets that are not of a container's published port: the engine's proxies listen for those.
func (c *check) foreign() []host.Socket {
	var out []host.Socket
	for _, s := range c.Host.Sockets {
		if !c.proxied(s) {
			out = append(out, s)
		}
	}
	return out
}

func (c *check) proxied(s host.Socket) bool {
	at := s.Address.Addr()
	for _, n := range c.Surroundings.Containers {
		for _, p := range n.Ports {
			if !up(n) || p.Protocol != s.Protocol || p.Published != int(s.Address.Port()) {
				continue
			}
			for _, a := range addresses(p.HostIP) {
				if a == at || a.IsUnspecified() && at.IsUnspecified() {
					return true
				}
			}
		}
	}
	return false
}

// occupied is who has which port once the plan is carried out.
type occupied struct {
	*check
	foreign []host.Socket
	claims  []claim
}

// claim the first free port of a want, or tell who has it.
func (o *occupied) claim(w want) {
	var first holder
	for n := w.first; n <= w.last; n++ {
		h, taken := o.holder(w, n)
		if !taken {
			o.claims = append(o.claims, claim{w, n})
			return
		}
		if n == w.first {
			first = h
		}
	}
	d := diag.Diagnostic{Severity: diag.Error, Path: "services." + w.service + ".ports", Place: o.place(o.spot(w)),
		Text: fmt.Sprintf("port %s is taken by %s", w.text(w.port.Published), first.text), Hint: "publish another port, " + first.hint}
	if w.first != w.last {
		d.Text = fmt.Sprintf("ports %s are all taken, %d by %s", w.text(w.port.Published), w.first, first.text)
	}
	o.tell(d)
}

// spot of a port in the files, as exactly as can be told: what the list holds may be written with variables, in several files, and as ranges.
func (c *check) spot(w want) string {
	list := "services." + w.service + ".ports"
	if len(w.ports) == 1 {
		return c.written(list+"."+w.port.Published, list+".0")
	}
	return list + "." + w.port.Published
}

// text of a port as the file has it: "127.0.0.1:53/udp".
func (w want) text(published string) string {
	if w.protocol != "" && w.protocol != "tcp" {
		published += "/" + w.protocol
	}
	switch {
	case w.port.HostIP == "":
		return published
	case strings.Contains(w.port.HostIP, ":"):
		return "[" + w.port.HostIP + "]:" + published
	}
	return w.port.HostIP + ":" + published
}

// holder of port n at one of the addresses wanted.
func (o *occupied) holder(w want, n int) (holder, bool) {
	if h, taken := o.claimed(w, n); taken {
		return h, true
	}
	if h, taken := o.neighbour(w, n); taken {
		return h, true
	}
	return o.process(w, n)
}

func (o *occupied) claimed(w want, n int) (holder, bool) {
	for _, c := range o.claims {
		if c.number == n && c.protocol == w.protocol && c.name != w.name && meetAny(c.addresses, w.addresses) {
			return holder{c.name + ", which is to be started too", "or none, or a range"}, true
		}
	}
	return holder{}, false
}

func (o *occupied) neighbour(w want, n int) (holder, bool) {
	for _, c := range o.Surroundings.Containers {
		if !up(c) || o.away[c.ID] || o.ours(c) && c.Name == w.name {
			continue
		}
		for _, p := range c.Ports {
			if p.Published == n && p.Protocol == w.protocol && meetAny(addresses(p.HostIP), w.addresses) {
				return o.container(c, w), true
			}
		}
	}
	return holder{}, false
}

func (o *occupied) container(n engine.Neighbour, w want) holder {
	h := holder{called(n), "or stop it: docker stop " + n.Name}
	switch {
	case o.ours(n) && n.Service == w.service:
		h.hint = "or none, or a range"
	case o.ours(n) && o.orphaned(n.Service):
		h.hint = "or remove what the file does not have any more: --remove-orphans"
	case n.Project != "" && !o.ours(n):
		h.hint += ", or its project: tutti -p " + n.Project + " down"
	}
	return h
}

// process of the host that has the port.
func (o *occupied) process(w want, n int) (holder, bool) {
	for _, s := range o.foreign {
		if int(s.Address.Port()) != n || s.Protocol != w.protocol || !o.inTheWay(s, w) {
			continue
		}
		p := host.Process{}
		if o.Host.Owner != nil {
			p = o.Host.Owner(s)
		}
		if h, taken := o.owner(p, w); taken {
			return h, true
		}
	}
	return holder{}, false
}

// inTheWay: a socket on :: has mostly the IPv4 addresses too.
func (o *occupied) inTheWay(s host.Socket, w want) bool {
	at := s.Address.Addr()
	if meetAny([]netip.Addr{at}, w.addresses) {
		return true
	}
	return at == netip.IPv6Unspecified() && (o.Host.OnlyIPv6 == nil || !o.Host.OnlyIPv6(s))
}

// owner of a socket is either a process, or a container on the host's network, which may go away. One that cannot be seen may be of such a container.
func (o *occupied) owner(p host.Process, w want) (holder, bool) {
	for _, n := range o.Surroundings.Containers {
		if p.Container != "" && n.ID == p.Container {
			return o.container(n, w), !o.away[n.ID]
		}
	}
	if p.PID == 0 {
		for _, l := range o.Snapshot.Containers {
			if l.Mode == "host" && o.away[l.ID] {
				return holder{}, false
			}
		}
	}
	return holder{p.String(), "or stop that process"}, true
}
