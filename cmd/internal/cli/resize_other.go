//go:build !unix

package cli

import "os"

// resizeSignals: none; the terminal keeps the size that it had.
var resizeSignals []os.Signal
