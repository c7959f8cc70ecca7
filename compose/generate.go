package compose

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/volume"
)

// Generate a Compose file of these containers, by name or ID.
func (t Tool) Generate(ctx context.Context, containers []string, o load.GenerateOptions) (load.Generated, error) {
	f, err := t.inspected(ctx, containers)
	if err != nil {
		return load.Generated{}, err
	}
	return load.Generate(f, o), nil
}

// GenerateOf all containers of a project but those that `run` and hooks made.
func (t Tool) GenerateOf(ctx context.Context, project string, o load.GenerateOptions) (load.Generated, error) {
	all, err := t.containersOf(ctx, Project{Name: project}, nil, false)
	if err != nil {
		return load.Generated{}, err
	}
	var ids []string
	for _, l := range all {
		if !l.OneOff() && !l.Hook() {
			ids = append(ids, l.ID)
		}
	}
	if len(ids) == 0 {
		return load.Generated{}, errors.New("no containers of project " + project)
	}
	return t.Generate(ctx, ids, o)
}

// inspected containers, with all that is needed to tell what of them was asked for.
func (t Tool) inspected(ctx context.Context, names []string) (load.Found, error) {
	f := load.Found{Defaults: map[string]*image.Defaults{}, Images: map[string]string{}, Names: map[string]string{}}
	all := make([]container.Live, len(names))
	err := each(all, func(i int, _ container.Live) (err error) {
		all[i], err = t.Engine.Inspect(ctx, names[i])
		return err
	})
	if err != nil {
		return f, err
	}
	slices.SortFunc(all, func(a, b container.Live) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) })
	f.Containers = slices.CompactFunc(all, func(a, b container.Live) bool { return a.ID == b.ID })
	q := engine.Query{}
	for _, l := range f.Containers {
		img, err := t.Engine.InspectImage(ctx, l.ImageID)
		if err != nil && !errors.Is(err, engine.ErrNotFound) {
			return f, err
		}
		f.Defaults[l.ImageID] = img.Defaults
		if err := t.peers(ctx, l, f.Names); err != nil {
			return f, err
		}
		q.Images = append(q.Images, l.Found.Image)
		for _, e := range l.Networks {
			q.Networks = append(q.Networks, e.Name)
		}
		for _, m := range l.Mounts {
			if m.Type == volume.Volume {
				q.Volumes = append(q.Volumes, m.Name)
			}
		}
	}
	s, err := t.Engine.Observe(ctx, q)
	f.Networks, f.Volumes = s.Networks, s.Volumes
	for ref, img := range s.Images {
		f.Images[ref] = img.ID
	}
	return f, err
}

// peers whose namespaces or volumes a container shares: their names, as far as they are there.
func (t Tool) peers(ctx context.Context, l container.Live, names map[string]string) error {
	for _, mode := range append([]string{l.Found.NetworkMode, l.Found.IPC, l.Found.PID}, l.Found.VolumesFrom...) {
		id, _, _ := strings.Cut(strings.TrimPrefix(mode, "container:"), ":")
		if len(id) != 64 || names[id] != "" {
			continue
		}
		peer, err := t.Engine.Inspect(ctx, id)
		if err != nil && !errors.Is(err, engine.ErrNotFound) {
			return err
		}
		names[id] = peer.Name
	}
	return nil
}
