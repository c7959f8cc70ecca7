package enginetest

import (
	"context"
	"maps"
	"strings"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/volume"
)

// marks are volumes that say something by their labels.
type marks struct{ w *world }

// Mark gives the labels of the one that is there, whoever made it.
func (p marks) Mark(ctx context.Context, name string, labels map[string]string) (found map[string]string, err error) {
	err = p.w.call(ctx, "Mark", name, func() error {
		if err := p.w.makeVolume(volume.Spec{Name: name}, labels); err != nil {
			return err
		}
		found = maps.Clone(p.w.volumes[name].Labels)
		return nil
	})
	return found, err
}

// Unmark refuses one that a container mounts.
func (p marks) Unmark(ctx context.Context, name string) error {
	return p.w.call(ctx, "Unmark", name, func() error { return p.w.removeVolume(name) })
}

// WatchMarks ends as Subscribe does.
func (p marks) WatchMarks(ctx context.Context, prefix string) (<-chan engine.MarkEvent, <-chan error, error) {
	s := newSub(func(ev engine.MarkEvent) bool { return strings.HasPrefix(ev.Name, prefix) })
	err := p.w.call(ctx, "WatchMarks", prefix, func() error {
		p.w.markSubs = append(p.w.markSubs, s)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return s.until(ctx, p.w)
}

func (w *world) tellMark(ev engine.MarkEvent) {
	for _, s := range w.markSubs {
		s.tell(ev)
	}
	if w.knobs.Marked != nil {
		w.knobs.Marked(ev)
	}
}
