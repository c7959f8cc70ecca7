package network_test

import (
	"testing"

	"github.com/tutti-run/tutti/network"
)

func TestHalves(t *testing.T) {
	for subnet, want := range map[string][2]string{
		"172.18.0.0/16": {"172.18.0.0/17", "172.18.128.0/17"}, "10.9.0.0/24": {"10.9.0.0/25", "10.9.0.128/25"}, "10.9.0.7/28": {"10.9.0.0/29", "10.9.0.8/29"},
		"10.9.0.0/29": {}, "fd00::/64": {}, "": {},
	} {
		dynamic, reserved, ok := network.Halves(subnet)
		if dynamic != want[0] || reserved != want[1] || ok != (want[0] != "") {
			t.Errorf("%s: %s %s %t", subnet, dynamic, reserved, ok)
		}
	}
}

func TestTakeIsFreeAndWithin(t *testing.T) {
	r := network.Reserved{Range: "10.9.0.8/29", Used: []string{"10.9.0.9", "10.9.0.2"}}
	var got []string
	for a := r.Take(); a != ""; a = r.Take() {
		got = append(got, a)
	}
	want := []string{"10.9.0.8", "10.9.0.10", "10.9.0.11", "10.9.0.12", "10.9.0.13", "10.9.0.14"}
	if len(got) != len(want) {
		t.Fatalf("%v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%v, want %v", got, want)
		}
	}
}
