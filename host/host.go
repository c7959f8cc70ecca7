// Package host tells what of this machine a container may run into: who listens on which port, and which addresses are routed where.
// It reads Linux's /proc; elsewhere it knows nothing.
package host

import (
	"fmt"
	"net/netip"
)

// Socket that takes connections or datagrams.
type Socket struct {
	Protocol string         // tcp, udp
	Address  netip.AddrPort // 0.0.0.0 and :: stand for every address of their kind
	Inode    uint64         // tells sockets apart while they are open
}

// Process of this machine.
type Process struct {
	Name      string // as the kernel shortens it: at most 15 bytes
	PID       int    // 0: not known, as of other users' processes without being root
	Container string // id of the container that it runs in, "" if in none
}

// String is "nginx (pid 812)".
func (p Process) String() string {
	if p.PID == 0 {
		return "a process of this machine"
	}
	return fmt.Sprintf("%s (pid %d)", p.Name, p.PID)
}
