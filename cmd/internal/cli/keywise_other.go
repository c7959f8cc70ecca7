//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package cli

import (
	"errors"
	"os"
)

// keywise is not to be had here.
func keywise(*os.File) (restore func(), err error) { return nil, errors.ErrUnsupported }
