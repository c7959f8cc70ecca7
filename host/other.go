//go:build !linux

package host

import "net/netip"

// Listening knows of none.
func Listening() ([]Socket, error) { return nil, nil }

// Owner of a socket is not known.
func Owner(Socket) Process { return Process{} }

// Routes knows of none.
func Routes() ([]netip.Prefix, error) { return nil, nil }

// OnlyIPv6 is not known.
func OnlyIPv6(Socket) bool { return false }
