package network

import (
	"encoding/binary"
	"net/netip"
)

// Reserved are addresses of a network that the engine gives to nobody by itself: a container that asks for one of them can leave the network and
// come back to it, and finds it free whenever it starts.
type Reserved struct {
	Range string   // CIDR
	Used  []string // of them and of others
}

// Halves of an IPv4 subnet: the engine's choice, and what is reserved. ok is false if it is too small or none.
func Halves(subnet string) (dynamic, reserved string, ok bool) {
	p, err := netip.ParsePrefix(subnet)
	if err != nil || !p.Addr().Is4() || p.Bits() > 28 {
		return "", "", false
	}
	bits := p.Bits() + 1
	low := p.Masked().Addr()
	b := low.As4()
	binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])|1<<(32-bits))
	return netip.PrefixFrom(low, bits).String(), netip.PrefixFrom(netip.AddrFrom4(b), bits).String(), true
}

// Take the first address that is free; "" if there is none.
func (r *Reserved) Take() string {
	p, err := netip.ParsePrefix(r.Range)
	if err != nil {
		return ""
	}
	used := map[string]bool{}
	for _, a := range r.Used {
		used[a] = true
	}
	for a := p.Addr(); p.Contains(a.Next()); a = a.Next() { // the last one is for broadcasts
		if !used[a.String()] {
			r.Used = append(r.Used, a.String())
			return a.String()
		}
	}
	return ""
}
