package docker

import (
	"context"

	"github.com/moby/moby/client"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/volume"
)

// volumes changes volumes.
type volumes struct{ c *conn }

// CreateVolume makes it. One of that name with the same driver is taken as it is; with another it is engine.ErrConflict.
func (v volumes) CreateVolume(ctx context.Context, s volume.Spec, labels map[string]string) error {
	_, err := v.c.api.VolumeCreate(ctx, client.VolumeCreateOptions{Name: s.Name, Driver: s.Driver, DriverOpts: s.DriverOpts, Labels: labels})
	return failed(err, "create volume", s.Name)
}

// RemoveVolume removes it; one that is gone already is fine, one in use is engine.ErrConflict.
func (v volumes) RemoveVolume(ctx context.Context, name string) error {
	_, err := v.c.api.VolumeRemove(ctx, name, client.VolumeRemoveOptions{})
	if err != nil && kindOf(err) == engine.ErrNotFound {
		return nil
	}
	return failed(err, "remove volume", short(name))
}
