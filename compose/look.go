package compose

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/volume"
)

// PortOptions of Port.
type PortOptions struct {
	Service  string
	Target   int
	Protocol string // tcp, udp, sctp
	Index    int    // of the replica; 0: the first
}

// Port tells where a container's port is published on the host.
func (t Tool) Port(ctx context.Context, p Project, o PortOptions) (container.Published, error) {
	l, err := t.Replica(ctx, p, o.Service, o.Index)
	if err != nil {
		return container.Published{}, err
	}
	var there []string
	for _, port := range l.Ports {
		if port.Target == o.Target && port.Protocol == o.Protocol && port.Published > 0 {
			return port, nil
		}
		there = append(there, fmt.Sprintf("%d/%s", port.Target, port.Protocol))
	}
	return container.Published{}, fmt.Errorf("no port %d/%s for container %s: %s", o.Target, o.Protocol, l.Name, strings.Join(slices.Compact(there), ", "))
}

// each container at once, a few at a time; the errors together.
func each(all []container.Live, do func(i int, l container.Live) error) error {
	errs := make([]error, len(all))
	slots := make(chan struct{}, 8)
	var group sync.WaitGroup
	for i, l := range all {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			errs[i] = do(i, l)
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// containersOf these services, or of all; up: only those that run.
func (t Tool) containersOf(ctx context.Context, p Project, services []string, up bool) ([]container.Live, error) {
	if err := CheckServices(p, services); err != nil {
		return nil, err
	}
	all, err := t.shown(ctx, p.Name)
	all = slices.DeleteFunc(all, func(l container.Live) bool {
		return up && !l.Up() || len(services) > 0 && !slices.Contains(services, l.Service())
	})
	slices.SortFunc(all, func(a, b container.Live) int { return strings.Compare(a.Name, b.Name) })
	return all, err
}

// Processes of one container, as ps lists them.
type Processes struct {
	Container container.Live
	Titles    []string
	Rows      [][]string
}

// Top lists the processes of containers that run: one list call, and one for each. One that ends meanwhile is left out.
func (t Tool) Top(ctx context.Context, p Project, services []string) ([]Processes, error) {
	all, err := t.containersOf(ctx, p, services, true)
	if err != nil {
		return nil, err
	}
	out := make([]Processes, len(all))
	err = each(all, func(i int, l container.Live) (err error) {
		out[i].Container = l
		out[i].Titles, out[i].Rows, err = t.Engine.Processes(ctx, l.ID)
		if errors.Is(err, engine.ErrConflict) || errors.Is(err, engine.ErrNotFound) {
			return nil
		}
		return err
	})
	return slices.DeleteFunc(out, func(p Processes) bool { return len(p.Rows) == 0 }), err
}

// UsedImage is an image that a container was made from.
type UsedImage struct {
	Container container.Live
	Image     image.Live
}

// Images of the containers that there are: one list call, and one for each image. An image that is gone has its ID alone.
func (t Tool) Images(ctx context.Context, p Project, services []string) ([]UsedImage, error) {
	all, err := t.containersOf(ctx, p, services, false)
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	seen := map[string]func() (image.Live, error){}
	once := func(id string) func() (image.Live, error) {
		mu.Lock()
		defer mu.Unlock()
		if seen[id] == nil {
			seen[id] = sync.OnceValues(func() (image.Live, error) { return t.Engine.InspectImage(ctx, id) })
		}
		return seen[id]
	}
	out := make([]UsedImage, len(all))
	err = each(all, func(i int, l container.Live) error {
		img, err := once(l.ImageID)()
		if errors.Is(err, engine.ErrNotFound) {
			img, err = image.Live{ID: l.ImageID}, nil
		}
		out[i] = UsedImage{l, img}
		return err
	})
	return out, err
}

// Volumes of the project, or those that the services mount.
func (t Tool) Volumes(ctx context.Context, p Project, services []string) ([]volume.Live, error) {
	if err := CheckServices(p, services); err != nil {
		return nil, err
	}
	have, err := t.Engine.Observe(ctx, engine.Query{Project: p.Name})
	if err != nil || len(services) == 0 {
		return have.Volumes, err
	}
	used := map[string]bool{}
	for _, l := range have.Containers {
		for _, m := range l.Mounts {
			used[m.Name] = used[m.Name] || slices.Contains(services, l.Service())
		}
	}
	return slices.DeleteFunc(have.Volumes, func(v volume.Live) bool { return !used[v.Name] }), nil
}

// WaitOptions of Wait.
type WaitOptions struct {
	Services []string
	Found    func([]container.Live)                         // is told for which, before any ends
	Ended    func(l container.Live, code int) (enough bool) // is told of each that ends, and may say that it is enough
}

// Wait until all containers of the services that run have ended, those that `run` made too. It gives the code of the last.
func (t Tool) Wait(ctx context.Context, p Project, o WaitOptions) (code int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := CheckServices(p, o.Services); err != nil {
		return 0, err
	}
	events, broken, err := t.Engine.Subscribe(ctx, p.Name)
	if err != nil {
		return 0, err
	}
	all, err := t.containersOf(ctx, p, o.Services, true)
	if err != nil {
		return 0, err
	}
	if all, err = t.stillUp(ctx, slices.DeleteFunc(all, container.Live.Hook)); err != nil {
		return 0, err
	}
	if len(all) == 0 {
		return 0, fmt.Errorf("no containers for project %q", p.Name)
	}
	o.Found(all)
	for len(all) > 0 {
		e, open := <-events
		if !open {
			return code, errors.Join(ctx.Err(), <-broken)
		}
		i := slices.IndexFunc(all, func(l container.Live) bool { return l.ID == e.Container })
		if e.Kind != engine.EventDie || i < 0 {
			continue
		}
		code = e.ExitCode
		if o.Ended(all[i], code) {
			return code, nil
		}
		all = slices.Delete(all, i, i+1)
	}
	return code, nil
}

// stillUp are those of a list that run: one call each, as a list has as running for a moment what was told to have died (Engine 20.10).
func (t Tool) stillUp(ctx context.Context, all []container.Live) ([]container.Live, error) {
	up := map[string]bool{}
	var mu sync.Mutex
	err := each(all, func(_ int, l container.Live) error {
		now, err := t.Engine.Inspect(ctx, l.ID)
		if errors.Is(err, engine.ErrNotFound) {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		up[l.ID] = now.Up()
		return err
	})
	return slices.DeleteFunc(all, func(l container.Live) bool { return !up[l.ID] }), err
}

// Happenings are what happens to the containers of the services, but those that `run` and hooks made.
func (t Tool) Happenings(ctx context.Context, p Project, services []string, since, until string, tell func(engine.Happening)) error {
	if err := CheckServices(p, services); err != nil {
		return err
	}
	return t.Engine.Happenings(ctx, p.Name, since, until, func(h engine.Happening) {
		service := h.Attributes[container.LabelService]
		if strings.EqualFold(h.Attributes[container.LabelOneOff], "true") {
			return
		}
		if service != "" && (len(services) == 0 || slices.Contains(services, service)) {
			tell(h)
		}
	})
}
