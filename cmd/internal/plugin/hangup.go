package plugin

import (
	"net"
)

// SocketVariable names the socket on which docker (25 and up), which does not pass signals on to a plugin, tells it to end: by closing it.
const SocketVariable = "DOCKER_CLI_PLUGIN_SOCKET"

// HungUp calls back once docker closes the socket at address. Without an address, or with one that nobody listens at, it never does.
func HungUp(address string, end func()) {
	if address == "" {
		return
	}
	conn, err := net.Dial("unix", address) // "@…" is an abstract one
	if err != nil {
		return
	}
	go func() {
		defer conn.Close()
		for b := make([]byte, 1); err == nil; {
			_, err = conn.Read(b)
		}
		end()
	}()
}
