package network_test

import (
	"testing"

	"github.com/tutti-run/tutti/engine/field"
	"github.com/tutti-run/tutti/network"
)

func ptr[T any](v T) *T { return &v }

func TestDiff(t *testing.T) {
	// As the engine shows a network that was made without any wish.
	bare := network.Live{Driver: "bridge", IPAM: network.IPAM{Driver: "default", Pools: []network.Pool{{Subnet: "172.18.0.0/16", Gateway: "172.18.0.1"}}},
		Labels: map[string]string{"com.docker.compose.project": "shop", "dev.tutti.other": "x"}}
	pool := bare
	pool.IPAM.Pools = []network.Pool{{Subnet: "10.1.0.0/24", Gateway: "10.1.0.1"}}
	labelled := bare
	labelled.Labels = map[string]string{field.Label: network.Spec{Internal: true}.Fields().Digests().String()}
	for _, test := range []struct {
		name string
		want network.Spec
		have network.Live
		path string // that differs; "" is none
	}{
		{"nothing asked", network.Spec{}, bare, ""},
		{"the driver it has", network.Spec{Driver: "bridge"}, bare, ""},
		{"another driver", network.Spec{Driver: "macvlan"}, bare, "driver"},
		{"the pool it has", network.Spec{IPAM: network.IPAM{Pools: []network.Pool{{Subnet: "10.1.0.0/24"}}}}, pool, ""},
		{"another pool", network.Spec{IPAM: network.IPAM{Pools: []network.Pool{{Subnet: "10.2.0.0/24"}}}}, pool, "ipam.config"},
		{"internal", network.Spec{Internal: true}, bare, "internal"},
		{"IPv6", network.Spec{EnableIPv6: ptr(true)}, bare, "enable_ipv6"},
		{"no IPv6", network.Spec{EnableIPv6: ptr(false)}, bare, ""},
		{"a label", network.Spec{Labels: map[string]string{"tier": "back"}}, bare, "labels.tier"},
		{"an option taken away", network.Spec{}, network.Live{Driver: "bridge", Options: map[string]string{"mtu": "1400"}}, "driver_opts.mtu"},
		{"ours tells what it was made with", network.Spec{Internal: true}, labelled, ""},
		{"ours tells what it was made with, and the file has changed", network.Spec{}, labelled, "internal"},
		{"external", network.Spec{External: true, Driver: "macvlan"}, bare, ""},
	} {
		got := network.Diff(test.want, test.have)
		if test.path == "" && len(got) > 0 || test.path != "" && (len(got) != 1 || got[0].Path != test.path) {
			t.Errorf("%s: %+v, want %q", test.name, got, test.path)
		}
	}
}
