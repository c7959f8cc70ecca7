//go:build !unix

package cli

import (
	"os"
	"syscall"
)

// resizeSignals: none; the terminal keeps the size that it had.
var resizeSignals []os.Signal

// forwardedSignals are passed on to a container that we are connected with.
var forwardedSignals = []os.Signal{syscall.SIGINT, syscall.SIGTERM}

// signalName as engines know it: "SIGINT".
func signalName(s syscall.Signal) string {
	if s == syscall.SIGINT {
		return "SIGINT"
	}
	return "SIGTERM"
}
