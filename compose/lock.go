package compose

import (
	"context"

	"github.com/tutti-run/tutti/compose/lock"
)

// Lock makes this process the only one that changes a project, until it releases the lock. The command is what others are told that it does: "up".
func (t Tool) Lock(ctx context.Context, project, command string, o lock.Options) (*lock.Lock, error) {
	return lock.Take(ctx, t.Engine, project, lock.Me(command), o)
}
