package docker

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	apiimage "github.com/moby/moby/api/types/image"
	"github.com/moby/moby/client"
	"golang.org/x/sync/errgroup"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/image"
)

// wanted is an image reference as the engine would list it.
type wanted struct {
	tag, digest string // familiar: "redis:7", "redis@sha256:…"; one of them, both empty for an ID
}

// parse a reference. A tag beside a digest does not count, as everywhere with Docker.
func parse(ref string) wanted {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil || strings.HasPrefix(ref, "sha256:") {
		return wanted{} // an ID, like 64 hexadecimal digits
	}
	if d, ok := named.(reference.Digested); ok {
		return wanted{digest: reference.FamiliarName(named) + "@" + d.Digest().String()}
	}
	return wanted{tag: reference.FamiliarString(reference.TagNameOnly(named))}
}

// isID tells whether a reference could be an image's ID or the start of one.
func isID(ref string) bool {
	hex := strings.TrimPrefix(ref, "sha256:")
	return len(hex) >= 6 && len(hex) <= 64 && strings.Trim(hex, "0123456789abcdef") == ""
}

// listImages finds all references with one call; those that are IDs are left to imagesByID.
func (o observer) listImages(ctx context.Context, refs []string) (map[string]image.Live, error) {
	out := map[string]image.Live{}
	filters := client.Filters{}
	for _, ref := range refs {
		for _, f := range parse(ref).names(o.c.podman()) {
			filters.Add("reference", f)
		}
	}
	if len(filters) == 0 {
		return out, nil
	}
	all, err := o.c.listImages(ctx, filters)
	if err != nil {
		return nil, err
	}
	for _, ref := range refs {
		w := parse(ref)
		for _, name := range w.names(o.c.podman()) {
			if i := slices.IndexFunc(all, func(s apiimage.Summary) bool { return has(s, name) }); i >= 0 {
				s := all[i]
				out[ref] = image.Live{ID: imageID(s.ID), Digests: s.RepoDigests, Created: time.Unix(s.Created, 0)}
				break
			}
		}
	}
	return out, nil
}

// names under which the engine may list it, best first. Podman puts what it has no registry for under localhost/.
func (w wanted) names(podman bool) []string {
	switch {
	case w.digest != "":
		return []string{w.digest}
	case w.tag == "":
		return nil
	case podman:
		return []string{w.tag, "localhost/" + w.tag}
	}
	return []string{w.tag}
}

// familiar name of an image, as a user would write it: Podman shows where it was found, or would be.
func familiar(shown string) string {
	named, err := reference.ParseNormalizedNamed(strings.TrimPrefix(shown, "localhost/"))
	if err != nil {
		return shown
	}
	return reference.FamiliarString(named)
}

// has compares exactly: the engine's filter takes patterns.
func has(s apiimage.Summary, name string) bool {
	same := func(listed string) bool {
		w := parse(listed)
		return listed == name || w.tag == name || w.digest == name
	}
	return slices.ContainsFunc(s.RepoTags, same) || slices.ContainsFunc(s.RepoDigests, same)
}

// imagesByID inspects what was not found by name and may be an ID: such are rare.
func (o observer) imagesByID(ctx context.Context, found map[string]image.Live, refs []string) error {
	var ids []string
	for _, ref := range refs {
		if _, ok := found[ref]; !ok && isID(ref) && !slices.Contains(ids, ref) {
			ids = append(ids, ref)
		}
	}
	lives := make([]image.Live, len(ids))
	g, ctx := errgroup.WithContext(ctx)
	for i, id := range ids {
		g.Go(func() (err error) {
			lives[i], err = o.InspectImage(ctx, id)
			if errors.Is(err, engine.ErrNotFound) {
				return nil
			}
			return err
		})
	}
	err := g.Wait()
	for i, l := range lives {
		if l.ID != "" {
			found[ids[i]] = l
		}
	}
	return err
}
