//go:build !unix

package docker

import (
	"context"
	"errors"
	"net"
)

func dialCalm(context.Context, string) (net.Conn, error) { return nil, errors.ErrUnsupported }
