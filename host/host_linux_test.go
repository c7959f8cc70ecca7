package host

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// find the socket that listens at an address of this machine.
func find(t *testing.T, protocol, address string) (Socket, bool) {
	t.Helper()
	all, err := Listening()
	if err != nil {
		t.Fatal(err)
	}
	want := netip.MustParseAddrPort(address)
	i := slices.IndexFunc(all, func(s Socket) bool { return s.Protocol == protocol && s.Address == want })
	if i < 0 {
		return Socket{}, false
	}
	return all[i], true
}

func TestAListenerIsFoundAndNamed(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, ok := find(t, "tcp", l.Addr().String())
	if !ok {
		t.Fatalf("nobody listens at %s", l.Addr())
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(self)
	if got := Owner(s); got.PID != os.Getpid() || got.Name != name[:min(len(name), 15)] {
		t.Errorf("owner %v, want this test %s (pid %d)", got, name, os.Getpid())
	}
	l.Close()
	if _, ok := find(t, "tcp", l.Addr().String()); ok {
		t.Error("it still listens")
	}
	if got := Owner(s); got != (Process{}) || got.String() != "a process of this machine" {
		t.Errorf("owner of a closed socket: %v", got)
	}
}

func TestDatagramsAndIPv6(t *testing.T) {
	u, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	if _, ok := find(t, "udp", u.LocalAddr().String()); !ok {
		t.Errorf("nobody takes datagrams at %s", u.LocalAddr())
	}
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skip("no IPv6: ", err)
	}
	defer l.Close()
	if _, ok := find(t, "tcp", l.Addr().String()); !ok {
		t.Errorf("nobody listens at %s", l.Addr())
	}
}

func TestWhetherASocketLeavesIPv4ToOthers(t *testing.T) {
	for network, want := range map[string]bool{"tcp": false, "tcp6": true} {
		l, err := net.Listen(network, "[::]:0")
		if err != nil {
			t.Skip("no IPv6: ", err)
		}
		s, ok := find(t, "tcp", l.Addr().String())
		if got := OnlyIPv6(s); !ok || got != want {
			t.Errorf("%s: found %t, only IPv6 %t", network, ok, got)
		}
		l.Close()
	}
}

func TestTables(t *testing.T) {
	const heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	got := sockets("tcp", heading+
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1598 1 0 100 0 0 10 0\n"+
		"   1: 0100007F:1F91 0100007F:0050 01 00000000:00000000 00:00000000 00000000     0        0 1599 1 0 100 0 0 10 0\n"+
		"   2: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 7 1\n")
	want := []Socket{{"tcp", netip.MustParseAddrPort("127.0.0.1:8080"), 1598}, {"tcp", netip.MustParseAddrPort("[::1]:80"), 7}}
	if !slices.Equal(got, want) {
		t.Errorf("sockets: %v", got)
	}
	four := routes4("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n" +
		"eth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0\n" +
		"docker0 000011AC 00000000 0001 0 0 0 0000FFFF 0 0 0\n" +
		"* 000012AC 00000000 0200 0 0 0 0000FFFF 0 0 0\n")
	if !slices.Equal(four, []netip.Prefix{netip.MustParsePrefix("172.17.0.0/16")}) {
		t.Errorf("routes: %v", four)
	}
	const none = "00000000000000000000000000000000"
	six := routes6("fd000000000000000000000000000000 40 " + none + " 00 " + none + " 00000100 00000001 00000000 00000001     eth0\n" +
		"fe800000000000000000000000000000 40 " + none + " 00 " + none + " 00000100 00000002 00000000 00000001     eth0\n" +
		none + " 00 " + none + " 00 fd000000000000000000000000000001 00000400 00000002 00000000 00000003     eth0\n")
	if !slices.Equal(six, []netip.Prefix{netip.MustParsePrefix("fd00::/64")}) {
		t.Errorf("routes: %v", six)
	}
	if _, err := Routes(); err != nil {
		t.Error(err)
	}
}

func TestTheContainerOfAProcess(t *testing.T) {
	const id = "15d34266e76d4dae97e258fee742d50f41ad3808a5fe66659e262a1a992934ea"
	for groups, want := range map[string]string{
		"9:name=systemd:/docker/" + id + "\n8:pids:/docker/" + id: id,
		"0::/system.slice/docker-" + id + ".scope\n":              id,
		"0::/init.scope\n": "",
		"":                 "",
	} {
		if got := containerOf(groups); got != want {
			t.Errorf("%q: %q", groups, got)
		}
	}
}
