package host

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Listening are the TCP sockets that listen and the UDP sockets that take datagrams from anyone, in this process's network namespace.
func Listening() ([]Socket, error) {
	var out []Socket
	for _, table := range []string{"tcp", "tcp6", "udp", "udp6"} {
		b, err := os.ReadFile("/proc/net/" + table)
		if errors.Is(err, fs.ErrNotExist) { // no IPv6
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, sockets(strings.TrimSuffix(table, "6"), string(b))...)
	}
	return out, nil
}

// States of sockets that wait for others (Linux, include/net/tcp_states.h): TCP_LISTEN, and TCP_CLOSE of a UDP socket without a peer.
var waiting = map[string]string{"tcp": "0A", "udp": "07"}

// sockets of a table of /proc/net: a heading, then "sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode …".
func sockets(protocol, table string) []Socket {
	var out []Socket
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 10 || f[3] != waiting[protocol] {
			continue
		}
		address, ok := addressPort(f[1])
		inode, err := strconv.ParseUint(f[9], 10, 64)
		if ok && err == nil {
			out = append(out, Socket{protocol, address, inode})
		}
	}
	return out
}

// addressPort reads "0100007F:1F90".
func addressPort(text string) (netip.AddrPort, bool) {
	ip, port, _ := strings.Cut(text, ":")
	n, err := strconv.ParseUint(port, 16, 16)
	a, ok := address(ip)
	return netip.AddrPortFrom(a, uint16(n)), ok && err == nil
}

// address of the kernel's network tables: words of 32 bits, each as this machine keeps a word that holds network order.
func address(text string) (netip.Addr, bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b)%4 != 0 {
		return netip.Addr{}, false
	}
	for w := b; len(w) > 0; w = w[4:] {
		binary.NativeEndian.PutUint32(w, binary.BigEndian.Uint32(w))
	}
	a, ok := netip.AddrFromSlice(b)
	return a.Unmap(), ok
}

// OnlyIPv6 tells whether a socket on :: leaves the IPv4 addresses of its port to others, which the tables do not show: somebody else can have them.
// It is a guess on the safe side (false) where this process may not bind the port.
func OnlyIPv6(s Socket) bool {
	if s.Address.Addr() != netip.IPv6Unspecified() {
		return s.Address.Addr().Is6()
	}
	at := netip.AddrPortFrom(netip.IPv4Unspecified(), s.Address.Port())
	if s.Protocol == "udp" {
		c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(at))
		return closed(c, err)
	}
	l, err := net.ListenTCP("tcp4", net.TCPAddrFromAddrPort(at))
	return closed(l, err)
}

func closed(c interface{ Close() error }, err error) bool {
	if err != nil {
		return false
	}
	c.Close()
	return true
}
