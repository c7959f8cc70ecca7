//go:build !linux

package docker

import (
	"context"

	apisystem "github.com/moby/moby/api/types/system"
)

// shares is a no: elsewhere engines live in virtual machines.
func (c *conn) shares(context.Context, apisystem.Info) bool { return false }
