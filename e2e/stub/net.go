package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
)

// interfaces prints a line for each: its name, MAC address, MTU and addresses.
func interfaces() error {
	all, err := net.Interfaces()
	for _, i := range all {
		addrs, _ := i.Addrs()
		fmt.Printf("%s mac=%s mtu=%d", i.Name, i.HardwareAddr, i.MTU)
		for _, a := range addrs {
			fmt.Printf(" %s", a)
		}
		fmt.Println()
	}
	return err
}

// gateway prints where the IPv4 default route leads: the address and the interface.
func gateway() error {
	b, err := os.ReadFile("/proc/net/route")
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		raw, err := hex.DecodeString(f[2])
		if f[1] != "00000000" || err != nil || len(raw) != 4 {
			continue
		}
		var a [4]byte
		binary.LittleEndian.PutUint32(a[:], binary.BigEndian.Uint32(raw))
		fmt.Println(netip.AddrFrom4(a), f[0])
	}
	return err
}
