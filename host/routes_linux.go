package host

import (
	"encoding/hex"
	"errors"
	"io/fs"
	"math/bits"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// Routes are the destinations that this machine has a route to, but for the default ones and those that every machine has.
func Routes() ([]netip.Prefix, error) {
	var out []netip.Prefix
	for path, read := range map[string]func(string) []netip.Prefix{"/proc/net/route": routes4, "/proc/net/ipv6_route": routes6} {
		b, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		out = append(out, read(string(b))...)
	}
	return out, nil
}

// Flags of routes (Linux, include/uapi/linux/route.h and ipv6_route.h).
const (
	routeUp     = 0x1
	routeReject = 0x200
)

// routes4 reads "Iface Destination Gateway Flags RefCnt Use Metric Mask …" below a heading.
func routes4(table string) []netip.Prefix {
	var out []netip.Prefix
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 8 || !inUse(f[3]) {
			continue
		}
		to, ok := address(f[1])
		mask, err := strconv.ParseUint(f[7], 16, 32)
		if ok && err == nil {
			out = appendRoute(out, netip.PrefixFrom(to, bits.OnesCount32(uint32(mask))))
		}
	}
	return out
}

// routes6 reads "destination length source length gateway metric refcnt use flags device".
func routes6(table string) []netip.Prefix {
	var out []netip.Prefix
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) < 10 || !inUse(f[8]) || f[9] == "lo" {
			continue
		}
		b, err := hex.DecodeString(f[0])
		length, lengthErr := strconv.ParseUint(f[1], 16, 8)
		to, ok := netip.AddrFromSlice(b)
		if ok && err == nil && lengthErr == nil {
			out = appendRoute(out, netip.PrefixFrom(to, int(length)))
		}
	}
	return out
}

func inUse(flags string) bool {
	n, err := strconv.ParseUint(flags, 16, 32)
	return err == nil && n&routeUp != 0 && n&routeReject == 0
}

func appendRoute(out []netip.Prefix, p netip.Prefix) []netip.Prefix {
	a := p.Addr()
	if !p.IsValid() || p.Bits() == 0 || a.IsLoopback() || a.IsMulticast() || a.IsLinkLocalUnicast() {
		return out
	}
	return append(out, p.Masked())
}
