package docker

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	apicontainer "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/volume"
)

// containers changes containers.
type containers struct{ c *conn }

// StartContainer starts it; one that runs already is fine.
func (cs containers) StartContainer(ctx context.Context, id string) error {
	_, err := cs.c.api.ContainerStart(ctx, id, client.ContainerStartOptions{})
	return failed(err, "start container")
}

// StopContainer stops it; one that does not run is fine.
func (cs containers) StopContainer(ctx context.Context, id string, timeout *time.Duration) error {
	what := "stop container"
	if timeout == nil && cs.c.podman() {
		// Podman 4 kills at once when told no time, whatever the container says.
		own, err := cs.ownTimeout(ctx, id)
		if err != nil {
			return failed(err, what)
		}
		timeout = &own
	}
	_, err := cs.c.api.ContainerStop(ctx, id, client.ContainerStopOptions{Timeout: seconds(timeout)})
	return failed(err, what)
}

func (cs containers) ownTimeout(ctx context.Context, id string) (time.Duration, error) {
	in, err := cs.c.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return 0, err
	}
	if c := in.Container.Config; c != nil && c.StopTimeout != nil {
		return time.Duration(*c.StopTimeout) * time.Second, nil
	}
	return 10 * time.Second, nil
}

// KillContainer sends a signal; to one that does not run it is engine.ErrConflict.
func (cs containers) KillContainer(ctx context.Context, id, signal string) error {
	_, err := cs.c.api.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: signal})
	return failed(err, "kill container")
}

// PauseContainer freezes it.
func (cs containers) PauseContainer(ctx context.Context, id string) error {
	_, err := cs.c.api.ContainerPause(ctx, id, client.ContainerPauseOptions{})
	return failed(err, "pause container")
}

// UnpauseContainer lets it go on.
func (cs containers) UnpauseContainer(ctx context.Context, id string) error {
	_, err := cs.c.api.ContainerUnpause(ctx, id, client.ContainerUnpauseOptions{})
	return failed(err, "unpause container")
}

// RemoveContainer returns when it is gone; one that is gone already is fine.
func (cs containers) RemoveContainer(ctx context.Context, id string, force, anonymous bool) error {
	var inherited []string
	if anonymous {
		inherited = cs.inherited(ctx, id)
	}
	_, err := cs.c.api.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: force, RemoveVolumes: anonymous})
	if err != nil && strings.Contains(err.Error(), "already in progress") {
		err = cs.gone(ctx, id)
	}
	if err != nil && kindOf(err) != engine.ErrNotFound {
		return failed(err, "remove container")
	}
	for _, name := range inherited {
		if err := volumes(cs).RemoveVolume(ctx, name); err != nil && !errors.Is(err, engine.ErrConflict) {
			return err
		}
	}
	return nil
}

// inherited are anonymous volumes that were taken over from a predecessor. The engine counts them as named then, and would leave them.
func (cs containers) inherited(ctx context.Context, id string) []string {
	in, err := cs.c.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil || in.Container.HostConfig == nil {
		return nil // the removal will tell what is wrong
	}
	var out []string
	for _, m := range in.Container.HostConfig.Mounts {
		if (volume.Mounted{Type: volume.Type(m.Type), Name: m.Source}).Anonymous() {
			out = append(out, m.Source)
		}
	}
	return out
}

// gone waits for the end of a removal that somebody else began.
func (cs containers) gone(ctx context.Context, id string) error {
	w := cs.c.api.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: apicontainer.WaitConditionRemoved})
	select {
	case <-w.Result:
		return nil
	case err := <-w.Error:
		return err
	}
}

// RenameContainer gives it another name.
func (cs containers) RenameContainer(ctx context.Context, id, name string) error {
	_, err := cs.c.api.ContainerRename(ctx, id, client.ContainerRenameOptions{NewName: name})
	return failed(err, "rename container to", name)
}

// UpdateContainer brings limits and restart policy to what s says. It cannot take a limit away.
func (cs containers) UpdateContainer(ctx context.Context, id string, s container.Spec) error {
	limits, restart := resourcesOf(s.Resources), restartOf(s.Restart)
	restart.Name = cmp.Or(restart.Name, apicontainer.RestartPolicyDisabled) // empty would leave it as it is
	if limits.Memory > 0 && limits.MemorySwap == 0 {
		limits.MemorySwap = 2 * limits.Memory // what create chooses; else the engine refuses more memory than the old swap
	}
	limits.MemorySwappiness, limits.OomKillDisable = nil, nil // not updatable
	_, err := cs.c.api.ContainerUpdate(ctx, id, client.ContainerUpdateOptions{Resources: &limits, RestartPolicy: &restart})
	return failed(err, "update container")
}
