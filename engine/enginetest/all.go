package enginetest

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// AllContainers of any project whose labels are wanted, as a list shows them, in order of name.
func (f *Fake) AllContainers(ctx context.Context, wanted func(labels map[string]string) bool) (out []container.Live, err error) {
	err = f.w.call(ctx, "AllContainers", "", func() error {
		for _, b := range f.w.containers {
			if wanted(b.labels) {
				out = append(out, f.w.live(b, false))
			}
		}
		return nil
	})
	slices.SortFunc(out, func(a, b container.Live) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

// AllNetworks in order of name, each with the subnet that was chosen for it.
func (f *Fake) AllNetworks(ctx context.Context) (out []network.Live, err error) {
	err = f.w.call(ctx, "AllNetworks", "", func() error {
		for _, n := range f.w.networks {
			l := *n
			if subnet := f.w.subnets[n.ID]; subnet != "" {
				l.IPAM.Pools = append(slices.Clone(l.IPAM.Pools), network.Pool{Subnet: subnet})
			}
			out = append(out, l)
		}
		return nil
	})
	slices.SortFunc(out, func(a, b network.Live) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

// AllVolumes in order of name.
func (f *Fake) AllVolumes(ctx context.Context) (out []volume.Live, err error) {
	err = f.w.call(ctx, "AllVolumes", "", func() error {
		for _, v := range f.w.volumes {
			out = append(out, v.Live)
		}
		return nil
	})
	slices.SortFunc(out, func(a, b volume.Live) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

// AllImages that are here, by reference or, where none is left, by ID.
func (f *Fake) AllImages(ctx context.Context) (out map[string]image.Live, err error) {
	err = f.w.call(ctx, "AllImages", "", func() error {
		out = map[string]image.Live{}
		for key, i := range f.w.images {
			if !i.Remote {
				d := i.Defaults
				d.Labels = maps.Clone(d.Labels)
				out[key] = image.Live{ID: i.ID, Defaults: &d, Created: i.made}
			}
		}
		return nil
	})
	return out, err
}
