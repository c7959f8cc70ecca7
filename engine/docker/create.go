package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	apicontainer "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// CreateContainer makes the container, connects it to the networks that could not be had at create, and puts its files in.
// If one of the latter fails the container is removed again: nothing half-made stays.
func (cs containers) CreateContainer(ctx context.Context, n engine.NewContainer) (string, error) {
	what := "create container " + n.Name
	if err := cs.c.addSocket(ctx, &n.Spec); err != nil {
		return "", failed(err, what)
	}
	cs.c.addProxies(&n)
	r, err := cs.c.recipeOf(n)
	if err != nil {
		return "", failed(err, what)
	}
	files, err := loadsOf(n.Spec)
	if err != nil {
		return "", failed(err, what)
	}
	id, warnings, err := cs.create(ctx, r)
	if err != nil {
		return "", failed(err, what)
	}
	for _, w := range warnings {
		if n.Warn != nil {
			n.Warn(w)
		}
	}
	if err := cs.complete(ctx, id, r, n, files); err != nil {
		cs.undo(ctx, id)
		return "", failed(err, what)
	}
	return id, nil
}

func (cs containers) create(ctx context.Context, r recipe) (id string, warnings []string, err error) {
	if r.mac != "" && !cs.c.at("1.44") {
		return cs.createOld(ctx, r)
	}
	res, err := cs.c.api.ContainerCreate(ctx, r.options)
	return res.ID, res.Warnings, err
}

// createOld gives the MAC address where engines below API 1.44 look for it. The client has no field for it any more.
func (cs containers) createOld(ctx context.Context, r recipe) (id string, warnings []string, err error) {
	query := url.Values{"name": {r.options.Name}}
	if p := r.options.Platform; p != nil {
		query.Set("platform", strings.TrimRight(p.OS+"/"+p.Architecture+"/"+p.Variant, "/"))
	}
	body := struct {
		apicontainer.CreateRequest
		MacAddress string
	}{apicontainer.CreateRequest{
		Config: r.options.Config, HostConfig: r.options.HostConfig, NetworkingConfig: r.options.NetworkingConfig,
	}, r.mac}
	var out apicontainer.CreateResponse
	err = cs.c.post(ctx, "/containers/create", query, body, &out)
	return out.ID, out.Warnings, err
}

func (cs containers) complete(ctx context.Context, id string, r recipe, n engine.NewContainer, files []load) error {
	for _, a := range r.connect {
		a.Links = n.Links
		if err := cs.c.connect(ctx, a, id); err != nil {
			return err
		}
	}
	for _, l := range files {
		_, err := cs.c.api.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: l.into, Content: bytes.NewReader(l.archive)})
		if err != nil {
			return fmt.Errorf("copy configs and secrets: %w", err)
		}
	}
	return nil
}

// undo removes a half-made container even when the caller has given up.
func (cs containers) undo(ctx context.Context, id string) {
	ctx, cancel := undoing(ctx)
	defer cancel()
	_ = cs.RemoveContainer(ctx, id, true, true) // the first error is the one to tell
}

// undoing goes on for a while when the caller has given up.
func undoing(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
}

// load is an archive of files, and where it is unpacked.
type load struct {
	into    string
	archive []byte
}

// loadsOf a container's files: one, or one for each of the volumes that they are in where all else is read-only.
func loadsOf(s container.Spec) ([]load, error) {
	groups := map[string][]container.File{}
	for _, f := range s.Files {
		into := "/"
		if s.ReadOnly {
			into = path.Dir(f.Target)
			f.Target = path.Base(f.Target)
		}
		if !f.Mounted() {
			groups[into] = append(groups[into], f)
		}
	}
	var out []load
	for _, into := range slices.Sorted(maps.Keys(groups)) {
		body, err := archive(groups[into])
		if err != nil {
			return nil, err
		}
		out = append(out, load{into, body})
	}
	return out, nil
}

// archive of the files that have content, nil if none has. The engine makes missing parents.
func archive(files []container.File) ([]byte, error) {
	files = slices.DeleteFunc(slices.Clone(files), func(f container.File) bool { return f.Mounted() })
	if len(files) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		uid, err := number(f.UID)
		gid, errG := number(f.GID)
		if err := firstError(err, errG); err != nil {
			return nil, fmt.Errorf("%s %s: %w", f.Kind, f.Source, err)
		}
		mode := int64(0o444) // the Compose specification's default
		if f.Mode != nil {
			mode = int64(*f.Mode)
		}
		h := tar.Header{Name: strings.TrimPrefix(f.Target, "/"), Size: int64(len(f.Content)), Mode: mode, Uid: uid, Gid: gid}
		if err := w.WriteHeader(&h); err != nil {
			return nil, fmt.Errorf("%s %s: %w", f.Kind, f.Source, err)
		}
		if _, err := w.Write(f.Content); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), w.Close()
}
