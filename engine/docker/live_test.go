package docker

import (
	"net/netip"
	"testing"

	apicontainer "github.com/moby/moby/api/types/container"
)

// TestPortsOfIPv4First: Engine 20.10 gives the two families of a port numbers of their own, and who asks for the port means IPv4.
func TestPortsOfIPv4First(t *testing.T) {
	got := portsOf([]apicontainer.PortSummary{
		{IP: netip.IPv6Unspecified(), PrivatePort: 80, PublicPort: 32770, Type: "tcp"},
		{IP: netip.IPv4Unspecified(), PrivatePort: 80, PublicPort: 32771, Type: "tcp"},
		{PrivatePort: 22, Type: "tcp"},
	})
	for i, want := range []int{0, 32771, 32770} {
		if got[i].Published != want {
			t.Errorf("%d is published at %d, not %d", i, got[i].Published, want)
		}
	}
}
