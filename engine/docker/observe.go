package docker

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/moby/api/types/swarm"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// observer reads the engine.
type observer struct{ c *conn }

// Observe makes six calls at once: a list each of containers, networks, volumes and images (when asked for any), and two for the engine's
// recent events. Only then, and only if need be: one list each for networks and volumes that the project's label did not show,
// an inspect of each image asked for by ID, and of each container that the events show to have been changed by hand, and a list of the containers on
// networks of the project that were not asked for.
func (o observer) Observe(ctx context.Context, q engine.Query) (engine.Snapshot, error) {
	s := engine.Snapshot{Project: q.Project, Caps: o.c.caps}
	var past []happening
	err := together(ctx,
		func(ctx context.Context) (err error) { s.Containers, err = o.ListContainers(ctx, q.Project); return },
		func(ctx context.Context) (err error) {
			s.Networks, err = o.listNetworks(ctx, byProject(q.Project))
			return
		},
		func(ctx context.Context) (err error) {
			s.Volumes, err = o.listVolumes(ctx, byProject(q.Project))
			return
		},
		func(ctx context.Context) (err error) { s.Images, err = o.listImages(ctx, q.Images); return },
		func(ctx context.Context) (err error) { past, err = o.recent(ctx, q.Project); return },
	)
	if err != nil {
		return engine.Snapshot{}, err
	}
	changed := history(past).judge(s.Containers)
	err = together(ctx,
		func(ctx context.Context) (err error) {
			s.Networks, s.Swarm, err = o.moreNetworks(ctx, s.Networks, q)
			return
		},
		func(ctx context.Context) (err error) {
			s.Volumes, err = o.moreVolumes(ctx, s.Volumes, q.Volumes)
			return
		},
		func(ctx context.Context) error { return o.imagesByID(ctx, s.Images, q.Images) },
		func(ctx context.Context) error { return o.lookInside(ctx, s.Containers, changed) },
	)
	if err != nil {
		return engine.Snapshot{}, err
	}
	if o.c.podman() {
		identify(s.Containers, s.Networks)
	}
	return s, nil
}

// identify the networks that containers are on: Podman shows a name for the ID there.
func identify(all []container.Live, networks []network.Live) {
	ids := map[string]string{}
	for _, n := range networks {
		ids[n.Name] = n.ID
	}
	for _, l := range all {
		for i, e := range l.Networks {
			l.Networks[i].NetworkID = cmp.Or(ids[e.Name], e.NetworkID)
		}
	}
}

// together runs calls at the same time and gives the first error.
func together(ctx context.Context, calls ...func(context.Context) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, call := range calls {
		g.Go(func() error { return call(ctx) })
	}
	return g.Wait()
}

func byProject(name string) client.Filters {
	return make(client.Filters).Add("label", container.LabelProject+"="+name)
}

// eventsOf the containers of a project, as the engine's API takes it.
func eventsOf(project string) string {
	return `"type":{"container":true},"label":{` + strconv.Quote(container.LabelProject+"="+project) + `:true}`
}

// ListContainers is one call.
func (o observer) ListContainers(ctx context.Context, project string) ([]container.Live, error) {
	res, err := o.c.api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: byProject(project)})
	if err != nil {
		return nil, failed(err, "list containers")
	}
	out := make([]container.Live, 0, len(res.Items))
	for _, s := range res.Items {
		l := liveOf(s)
		if !container.MadeFor(l.Labels, project) {
			continue
		}
		if o.c.podman() {
			l.Image = familiar(l.Image)
		}
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b container.Live) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (o observer) listNetworks(ctx context.Context, f client.Filters) ([]network.Live, error) {
	res, err := o.c.api.NetworkList(ctx, client.NetworkListOptions{Filters: f})
	if err != nil {
		return nil, failed(err, "list networks")
	}
	out := make([]network.Live, 0, len(res.Items))
	for _, s := range res.Items {
		out = append(out, networkOf(s.Network))
	}
	slices.SortFunc(out, func(a, b network.Live) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (o observer) listVolumes(ctx context.Context, f client.Filters) ([]volume.Live, error) {
	res, err := o.c.api.VolumeList(ctx, client.VolumeListOptions{Filters: f})
	if err != nil {
		return nil, failed(err, "list volumes")
	}
	out := make([]volume.Live, 0, len(res.Items))
	for _, v := range res.Items {
		out = append(out, volume.Live{Name: v.Name, Driver: v.Driver, Options: v.Options, Labels: v.Labels, Mountpoint: v.Mountpoint, Scope: v.Scope})
	}
	slices.SortFunc(out, func(a, b volume.Live) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// moreNetworks adds those asked for by name that are not of the project. If external ones are nowhere to be found it asks whether there is a Swarm.
func (o observer) moreNetworks(ctx context.Context, have []network.Live, q engine.Query) (all []network.Live, swarm bool, err error) {
	if err := o.others(ctx, have, q); err != nil {
		return nil, false, err
	}
	missing := missingOf(q.Networks, have)
	if len(missing) == 0 {
		return have, false, nil
	}
	found, err := o.listNetworks(ctx, make(client.Filters).Add("name", missing...))
	if err != nil {
		return nil, false, err
	}
	for _, n := range found { // the filter takes parts of names too
		if slices.Contains(missing, n.Name) {
			have = append(have, n)
		}
	}
	slices.SortStableFunc(have, func(a, b network.Live) int { return strings.Compare(a.Name, b.Name) })
	if len(missingOf(q.External, have)) > 0 {
		swarm, err = o.inSwarm(ctx)
	}
	return have, swarm, err
}

func (o observer) inSwarm(ctx context.Context) (bool, error) {
	res, err := o.c.api.Info(ctx, client.InfoOptions{})
	return err == nil && res.Info.Swarm.LocalNodeState == swarm.LocalNodeStateActive, failed(err, "read the engine's information")
}

func missingOf(names []string, have []network.Live) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.ContainsFunc(have, func(n network.Live) bool { return n.Name == name })
	})
}

// others fills in who else is on networks that nobody asked for: those that have another name by now.
func (o observer) others(ctx context.Context, have []network.Live, q engine.Query) error {
	f := make(client.Filters)
	for _, n := range have {
		if len(q.Networks) > 0 && !slices.Contains(q.Networks, n.Name) {
			f.Add("network", n.ID)
		}
	}
	if len(f) == 0 {
		return nil
	}
	res, err := o.c.api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: f})
	if err != nil {
		return failed(err, "list containers")
	}
	for _, item := range res.Items {
		l := liveOf(item)
		for i, n := range have {
			if !container.MadeFor(l.Labels, q.Project) && f["network"][n.ID] && l.On(n.Name) {
				have[i].Others = append(have[i].Others, l.Name)
			}
		}
	}
	return nil
}

// moreVolumes adds those asked for by name that are not of the project.
func (o observer) moreVolumes(ctx context.Context, have []volume.Live, names []string) ([]volume.Live, error) {
	missing := slices.Clone(names)
	for _, v := range have {
		missing = slices.DeleteFunc(missing, func(name string) bool { return name == v.Name })
	}
	if len(missing) == 0 {
		return have, nil
	}
	found, err := o.listVolumes(ctx, make(client.Filters).Add("name", missing...))
	for _, v := range found {
		if slices.Contains(missing, v.Name) {
			have = append(have, v)
		}
	}
	slices.SortStableFunc(have, func(a, b volume.Live) int { return strings.Compare(a.Name, b.Name) })
	return have, err
}

// lookInside inspects those that were changed by hand: the lists do not show aliases and limits. One that is gone by now stays as listed.
func (o observer) lookInside(ctx context.Context, all []container.Live, ids []string) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(16)
	for i := range all {
		if !slices.Contains(ids, all[i].ID) {
			continue
		}
		g.Go(func() error {
			in, err := o.Inspect(ctx, all[i].ID)
			if errors.Is(err, engine.ErrNotFound) {
				return nil
			}
			if err == nil {
				all[i].Networks, all[i].Found, all[i].Proxies = in.Networks, in.Found, in.Proxies
			}
			return err
		})
	}
	return g.Wait()
}

// Inspect gives one container with Found filled.
func (o observer) Inspect(ctx context.Context, id string) (container.Live, error) {
	res, err := o.c.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return container.Live{}, failed(err, "inspect container", short(id))
	}
	l := inspectedOf(res, o.c.caps)
	l.Proxies, _ = o.c.proxyVariables() // none, if nobody can tell
	for i := range l.Networks {
		if o.c.podman() {
			l.Networks[i].NetworkID = "" // it shows a name for it
		}
	}
	return l, nil
}

// InspectImage gives one image with Defaults filled.
func (o observer) InspectImage(ctx context.Context, ref string) (image.Live, error) {
	res, err := o.c.api.ImageInspect(ctx, ref)
	if err != nil {
		return image.Live{}, failed(err, "inspect image", ref)
	}
	return imageOf(res.InspectResponse), nil
}
