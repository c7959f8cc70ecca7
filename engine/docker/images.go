package docker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	apiimage "github.com/moby/moby/api/types/image"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/image"
)

// images brings images and takes them away.
type images struct{ c *conn }

// PullImage brings an image with the user's credentials for its registry, if the docker CLI has any.
func (i images) PullImage(ctx context.Context, ref, platform string, progress func(engine.Progress)) (string, error) {
	what := "pull " + ref
	auth, err := i.c.auth.forImage(ctx, ref)
	if err != nil {
		return "", failed(err, what)
	}
	o := client.ImagePullOptions{RegistryAuth: auth}
	if p := platformOf(platform); p != nil {
		o.Platforms = []ocispec.Platform{*p}
	}
	stream, err := i.c.api.ImagePull(ctx, ref, o)
	if err != nil {
		return "", failed(ofRegistry(err), what)
	}
	for m, err := range stream.JSONMessages(ctx) {
		if err == nil && m.Error != nil {
			err = ofRegistry(m.Error)
		}
		if err != nil {
			return "", failed(err, what)
		}
		progress(progressOf(m))
	}
	return i.id(ctx, ref)
}

// ListImages by one call.
func (i images) ListImages(ctx context.Context, label string) ([]image.Listed, error) {
	all, err := i.c.listImages(ctx, client.Filters{}.Add("label", label))
	var out []image.Listed
	for _, s := range all {
		for n, tag := range s.RepoTags {
			if i.c.podman() {
				s.RepoTags[n] = familiar(tag)
			}
		}
		out = append(out, image.Listed{ID: imageID(s.ID), Tags: s.RepoTags, Labels: s.Labels, Created: time.Unix(s.Created, 0), Size: s.Size})
	}
	slices.SortStableFunc(out, func(a, b image.Listed) int { return b.Created.Compare(a.Created) })
	return out, err
}

// listImages. Podman answers with an error when an image, whoever's, goes away meanwhile: then it is asked again.
func (c *conn) listImages(ctx context.Context, f client.Filters) ([]apiimage.Summary, error) {
	for more := 10; ; more-- {
		res, err := c.api.ImageList(ctx, client.ImageListOptions{Filters: f})
		if err == nil || more == 0 || !c.podman() || !strings.Contains(err.Error(), "image not known") {
			return res.Items, failed(err, "list images")
		}
	}
}

// LoadImage takes images in, from an archive as "docker save" makes it.
func (e *Engine) LoadImage(ctx context.Context, archive io.Reader) error {
	res, err := e.c.api.ImageLoad(ctx, archive, client.ImageLoadWithQuiet(true))
	if err != nil {
		return failed(err, "load image")
	}
	defer res.Close()
	for dec := json.NewDecoder(res); ; {
		var m jsonstream.Message
		err := dec.Decode(&m)
		if err == io.EOF {
			return nil
		}
		if err == nil && m.Error != nil {
			err = m.Error
		}
		if err != nil {
			return failed(err, "load image")
		}
	}
}

// nobody is {} as credentials: without any the engine takes no push.
const nobody = "e30="

// PushImage with the user's credentials for its registry.
func (i images) PushImage(ctx context.Context, ref string, progress func(engine.Progress)) error {
	what := "push " + ref
	auth, err := i.c.auth.forImage(ctx, ref)
	if err != nil {
		return failed(err, what)
	}
	stream, err := i.c.api.ImagePush(ctx, ref, client.ImagePushOptions{RegistryAuth: cmp.Or(auth, nobody)})
	if err != nil {
		return failed(ofRegistry(err), what)
	}
	for m, err := range stream.JSONMessages(ctx) {
		if err == nil && m.Error != nil {
			err = ofRegistry(m.Error)
		}
		if err != nil {
			return failed(err, what)
		}
		progress(progressOf(m))
	}
	return nil
}

func progressOf(m jsonstream.Message) engine.Progress {
	p := engine.Progress{Layer: m.ID, Text: m.Status}
	if m.Progress != nil {
		p.Current, p.Total = m.Progress.Current, m.Progress.Total
	}
	return p
}

// ofRegistry gives the words of registries for "there is no such image" and for "not now" their kind: they come as text, mostly within a stream
// that went well.
func ofRegistry(err error) error {
	switch {
	case err == nil:
		return nil
	case says(err, "manifest unknown", "not found", "pull access denied", "repository does not exist", "no matching manifest", "does not exist locally"):
		return refusal{message(err), engine.ErrNotFound}
	case !lost(err) && says(err, busyWords...):
		return refusal{message(err), engine.ErrBusy}
	}
	return err
}

// busyWords are those of the engines for answers 429 and 5xx of a registry, and for connections to it that broke or never came about.
var busyWords = []string{
	"toomanyrequests", "too many requests", "429 Too Many Requests", "status: 429", "status code 429", "received unexpected HTTP status: 5", "500 Internal Server Error", "502 Bad Gateway", "503 Service Unavailable",
	"504 Gateway Timeout", "TLS handshake timeout", "i/o timeout", "connection reset by peer", "unexpected EOF", ": EOF", "Client.Timeout exceeded", "context deadline exceeded",
}

// id of a reference that was just made.
func (i images) id(ctx context.Context, ref string) (string, error) {
	in, err := i.c.api.ImageInspect(ctx, ref)
	if i.c.podman() && err != nil && errors.Is(failed(err), engine.ErrNotFound) {
		in, err = i.c.api.ImageInspect(ctx, "localhost/"+ref)
	}
	return imageID(in.ID), failed(err, "inspect image", ref)
}

// TagImage moves the reference; what it stood for before stays, maybe without any.
func (i images) TagImage(ctx context.Context, id, ref string) error {
	_, err := i.c.api.ImageTag(ctx, client.ImageTagOptions{Source: id, Target: ref})
	return failed(err, "tag image", short(id), "as", ref)
}

// RemoveImage takes the reference away, and the image with the last one.
func (i images) RemoveImage(ctx context.Context, ref string) error {
	_, err := i.c.api.ImageRemove(ctx, ref, client.ImageRemoveOptions{PruneChildren: true})
	return failed(err, "remove image", ref)
}

// RemoveUntagged looks first: of an image with one reference the engine would take that away, too.
func (i images) RemoveUntagged(ctx context.Context, id string) error {
	in, err := i.c.api.ImageInspect(ctx, id)
	if err == nil && len(in.RepoTags) == 0 {
		err = i.RemoveImage(ctx, id)
	} else {
		err = failed(err, "inspect image", id)
	}
	if errors.Is(err, engine.ErrNotFound) || errors.Is(err, engine.ErrConflict) {
		return nil
	}
	return err
}

// ResolveImage asks by the engine, which knows mirrors and its own way out. Podman has no such call.
func (i images) ResolveImage(ctx context.Context, ref string) (string, error) {
	if i.c.podman() {
		return "", nil
	}
	what := "resolve " + ref
	auth, err := i.c.auth.forImage(ctx, ref)
	if err != nil {
		return "", failed(err, what)
	}
	res, err := i.c.api.DistributionInspect(ctx, ref, client.DistributionInspectOptions{EncodedRegistryAuth: auth})
	if err != nil && strings.Contains(err.Error(), "unsupported manifest format") {
		return "", nil // too old to be described, not to be pulled
	}
	return res.Descriptor.Digest.String(), failed(ofRegistry(err), what)
}
