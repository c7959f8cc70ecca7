//go:build unix

package cli

import (
	"os"
	"syscall"
)

// resizeSignals come when the terminal has another size.
var resizeSignals = []os.Signal{syscall.SIGWINCH}
