package apply

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/volume"
)

// tryVolume makes one, mounts it, and takes it away again, with what a run that was cut off may have left.
func (r *run) tryVolume(ctx context.Context, s plan.TryVolume) error {
	if err := gone(r.engine.RemoveVolume(ctx, s.Volume.Name)); err != nil {
		return err
	}
	err := r.engine.CreateVolume(ctx, s.Volume, s.Labels)
	if err == nil {
		_, err = r.engine.VolumeEmpty(ctx, s.Volume.Name)
	}
	return errors.Join(err, r.discard(ctx, s.Volume.Name))
}

// snapshot that is not whole does not stay. One that is there is somebody's.
func (r *run) snapshot(ctx context.Context, n plan.Node, s plan.SnapshotVolume) error {
	have, err := r.engine.Observe(ctx, engine.Query{Project: r.plan.Project, Volumes: []string{s.Snapshot}})
	if err != nil {
		return err
	}
	for _, v := range have.Volumes {
		if v.Name == s.Snapshot {
			return fmt.Errorf("snapshot volume %s: there is a volume %s already", s.Name, s.Snapshot)
		}
	}
	if err := r.engine.CreateVolume(ctx, volume.Spec{Name: s.Snapshot}, maps.Clone(s.Labels)); err != nil {
		return err
	}
	if err := r.engine.CopyVolume(ctx, s.Name, s.Snapshot, r.progress(n)); err != nil {
		return errors.Join(err, r.discard(ctx, s.Snapshot))
	}
	return nil
}

// discard what was made in vain, also if the caller has given up.
func (r *run) discard(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return gone(r.engine.RemoveVolume(ctx, name))
}

func (r *run) fill(ctx context.Context, n plan.Node, s plan.FillVolume) error {
	if !s.Over {
		empty, err := r.engine.VolumeEmpty(ctx, s.Name)
		if err != nil || !empty {
			return err
		}
	}
	return r.engine.CopyVolume(ctx, s.From, s.Name, r.progress(n))
}
