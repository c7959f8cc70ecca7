package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/docker/go-units"
	"github.com/moby/moby/api/types/build"
	apicontainer "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/image"
)

// BuildImage builds with the engine's classic builder, which every engine has. Progress is a line per step, and the layers of base
// images. An error holds the last lines that the failing step wrote.
func (i images) BuildImage(ctx context.Context, ref string, b image.Build, progress func(engine.Progress)) (string, error) {
	what := "build " + ref
	b, err := i.c.proxied(b)
	if err != nil {
		return "", failed(err, what)
	}
	o, err := i.buildOptions(ctx, ref, b)
	if err != nil {
		return "", failed(err, what)
	}
	body, sent, err := contextOf(b, &o)
	if err != nil {
		return "", failed(err, what)
	}
	id, err := i.build(ctx, body, o, progress)
	if body != nil {
		body.Close()
		// What went wrong with our files is the reason for what went wrong with the call.
		if e := <-sent; e != nil && err != nil && !errors.Is(e, io.ErrClosedPipe) && ctx.Err() == nil {
			err = e
		}
	}
	if err == nil && id == "" {
		return i.id(ctx, ref)
	}
	return id, failed(err, what)
}

func (i images) buildOptions(ctx context.Context, ref string, b image.Build) (client.ImageBuildOptions, error) {
	auth, err := i.c.auth.all(ctx)
	if err != nil {
		return client.ImageBuildOptions{}, err
	}
	o := client.ImageBuildOptions{
		Tags: append([]string{ref}, b.Tags...), NoCache: b.NoCache, PullParent: b.Pull, Remove: true, ForceRemove: true,
		Isolation: apicontainer.Isolation(b.Isolation), NetworkMode: b.Network, ShmSize: b.ShmSize, BuildArgs: b.Args, AuthConfigs: auth,
		Labels: b.Labels, CacheFrom: b.CacheFrom, ExtraHosts: b.ExtraHosts, Target: b.Target, Version: build.BuilderV1, Memory: b.Memory,
	}
	for _, name := range slices.Sorted(maps.Keys(b.Ulimits)) {
		o.Ulimits = append(o.Ulimits, &units.Ulimit{Name: name, Soft: b.Ulimits[name][0], Hard: b.Ulimits[name][1]})
	}
	if len(b.Platforms) == 1 {
		o.Platforms = []ocispec.Platform{*platformOf(b.Platforms[0])}
	}
	return o, nil
}

// build gives the image's ID, if the engine tells it.
func (i images) build(ctx context.Context, body io.Reader, o client.ImageBuildOptions, progress func(engine.Progress)) (string, error) {
	res, err := i.c.api.ImageBuild(ctx, body, o)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var r buildReport
	for dec := json.NewDecoder(res.Body); ; {
		var m jsonstream.Message
		err := dec.Decode(&m)
		if err == io.EOF {
			return r.id, nil
		}
		if err != nil {
			return "", firstError(ctx.Err(), err)
		}
		if err := r.take(m, progress); err != nil {
			return "", err
		}
	}
}

// buildReport follows a build's messages.
type buildReport struct {
	id   string
	tail []string // what the current step wrote last
}

const tailLines = 20

func (r *buildReport) take(m jsonstream.Message, progress func(engine.Progress)) error {
	switch {
	case m.Error != nil:
		return r.failure(m.Error)
	case m.Aux != nil:
		var got build.Result
		if json.Unmarshal(*m.Aux, &got) == nil && got.ID != "" {
			r.id = imageID(got.ID)
		}
	case m.Status != "":
		progress(progressOf(m))
	default:
		r.output(m.Stream, progress)
	}
	return nil
}

func (r *buildReport) output(text string, progress func(engine.Progress)) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		line = strings.TrimRight(line, "\r")
		switch {
		case isStep(line):
			r.tail = nil
			progress(engine.Progress{Text: line})
		case strings.TrimSpace(line) != "" && !strings.HasPrefix(line, " ---> ") && !strings.HasPrefix(line, "Removing intermediate container"):
			r.tail = append(r.tail, line)
			if len(r.tail) > tailLines {
				r.tail = r.tail[1:]
			}
		}
	}
}

// isStep knows "Step 2/5 : RUN make" and Podman's "STEP 2/5: RUN make".
func isStep(line string) bool {
	return strings.HasPrefix(line, "Step ") || strings.HasPrefix(line, "STEP ")
}

func (r *buildReport) failure(err error) error {
	err = ofRegistry(err)
	if len(r.tail) == 0 {
		return err
	}
	return fmt.Errorf("%w\n  %s", err, strings.Join(r.tail, "\n  "))
}
