package docker

import (
	"cmp"
	"context"
	"strings"

	apievents "github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"

	"github.com/tutti-run/tutti/engine"
)

// marks are volumes that say something by their labels.
type marks struct{ c *conn }

// Mark is one call: the engine makes a volume, or answers with the one that it has.
func (m marks) Mark(ctx context.Context, name string, labels map[string]string) (map[string]string, error) {
	res, err := m.c.api.VolumeCreate(ctx, client.VolumeCreateOptions{Name: name, Driver: "local", Labels: labels})
	return res.Volume.Labels, failed(err, "make mark", name)
}

// Unmark removes the volume.
func (m marks) Unmark(ctx context.Context, name string) error {
	return volumes(m).RemoveVolume(ctx, name)
}

// WatchMarks hears of all volumes: the engine's filters take whole names only.
func (m marks) WatchMarks(ctx context.Context, prefix string) (<-chan engine.MarkEvent, <-chan error, error) {
	const made = `{"type":{"volume":true},"event":{"create":true,"destroy":true,"remove":true}}`
	return listen(ctx, m.c, made, func(msg apievents.Message) (engine.MarkEvent, bool) {
		ev, ok := markOf(msg)
		return ev, ok && strings.HasPrefix(ev.Name, prefix)
	})
}

// markOf reads a message. Podman says remove instead of destroy, and has the name beside the ID.
func markOf(m apievents.Message) (engine.MarkEvent, bool) {
	ev := engine.MarkEvent{Name: cmp.Or(m.Actor.ID, m.Actor.Attributes["name"])}
	switch m.Action {
	case apievents.ActionDestroy, apievents.ActionRemove:
		ev.Removed = true
	case apievents.ActionCreate:
	default:
		return ev, false
	}
	return ev, m.Type == apievents.VolumeEventType
}
