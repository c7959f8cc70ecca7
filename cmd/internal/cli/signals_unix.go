//go:build unix

package cli

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// resizeSignals come when the terminal has another size.
var resizeSignals = []os.Signal{syscall.SIGWINCH}

// forwardedSignals are passed on to a container that we are connected with.
var forwardedSignals = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM}

// signalName as engines know it: "SIGUSR1".
func signalName(s syscall.Signal) string { return unix.SignalName(s) }
