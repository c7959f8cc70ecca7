// Package buildkit builds images with the BuildKit that an engine has within itself or with one of docker buildx's builders, and is the only importer of BuildKit's client.
package buildkit

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/moby/buildkit/client"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/image"
)

// Host is an engine that lends its connection to BuildKit.
type Host interface {
	engine.Engine
	// Upgrade opens a connection at a path of the API on which another protocol is spoken.
	Upgrade(ctx context.Context, path, protocol string, header map[string][]string) (net.Conn, error)
	// Credentials for a registry, by its host: empty if there are none.
	Credentials(ctx context.Context, registry string) (user, secret string, err error)
	// Proxied is a build with arguments for the user's proxies.
	Proxied(b image.Build) (image.Build, error)
	// LoadImage takes images in, from an archive as "docker save" makes it.
	LoadImage(ctx context.Context, archive io.Reader) error
}

// With gives an engine that builds with its BuildKit or with a builder that the user has, and does all else as before. One that has no
// BuildKit is given back as it is.
func With(h Host, b Builders) engine.Engine {
	if !h.Info().Caps.BuildKit {
		return h
	}
	return &builder{Host: h, builders: b, clients: map[string]*client.Client{}, pushed: map[string]bool{}}
}

// builder is the engine with another way to build. Nothing is dialled before the first build; all builds at a place share one connection.
type builder struct {
	Host
	builders Builders
	mu       sync.Mutex
	clients  map[string]*client.Client // by address
	pushed   map[string]bool           // references that a builder has pushed
}

// Close lets go of all connections.
func (b *builder) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.clients {
		c.Close()
	}
	return b.Host.Close()
}

// BuildImage with BuildKit: the engine's own, or that of the builder which the build or the user names. What only the classic builder does, it
// does: a step's isolation, a container's network, and on old engines some more. Progress is as BuildKit's plain output; an error holds the last lines that
// the failing step wrote.
func (b *builder) BuildImage(ctx context.Context, ref string, of image.Build, progress func(engine.Progress)) (string, error) {
	p, err := b.builders.find(of.Builder)
	if err != nil {
		return "", fmt.Errorf("build %s: %w", ref, err)
	}
	var id string
	old := !modern(b.Info().Caps.APIVersion)
	switch {
	case p.address != "":
		id, err = b.remote(ctx, p, ref, of, progress)
	case len(of.BuildKitOnly) == 0 && classic(of, old):
		return b.Host.BuildImage(ctx, ref, of, progress)
	default:
		id, err = b.within(ctx, ref, of, old, progress)
	}
	if err != nil {
		return "", fmt.Errorf("build %s: %w", ref, err)
	}
	return id, nil
}

// classic tells whether a build asks for what only the classic builder does.
func classic(of image.Build, old bool) bool {
	switch {
	case of.Isolation != "", !network(of.Network):
		return true
	case old:
		return of.ShmSize != 0 || len(of.Ulimits) > 0 || subdirectory(of.Context) || hostAlias(of.ExtraHosts) >= 0
	}
	return false
}

// within the engine: by its own BuildKit, which keeps the image there.
func (b *builder) within(ctx context.Context, ref string, of image.Build, old bool, progress func(engine.Progress)) (string, error) {
	if err := refused(of, old); err != nil {
		return "", err
	}
	s, err := b.solveOf(ref, of)
	if err != nil {
		return "", err
	}
	c, err := b.at(place{})
	if err != nil {
		return "", err
	}
	if err := b.storable(ctx, of); err != nil {
		return "", err
	}
	if err := hostGateway(ctx, c, &s); err != nil {
		return "", err
	}
	if _, err := solve(ctx, c, s, dockerfileName(of), progress); err != nil {
		return "", err
	}
	img, err := b.InspectImage(ctx, ref)
	return img.ID, err
}

// solveOf a build, with the user's proxies, and credentials for registries.
func (b *builder) solveOf(ref string, of image.Build) (client.SolveOpt, error) {
	of, err := b.Proxied(of)
	if err != nil {
		return client.SolveOpt{}, err
	}
	s, err := solveOf(ref, of)
	s.Session = append(s.Session, credentials{host: b.Host})
	return s, err
}

// storable is nil if the engine can keep the image: its classic store has no place for several platforms, nor for attestations.
func (b *builder) storable(ctx context.Context, of image.Build) error {
	var what string
	switch {
	case len(of.Platforms) > 1:
		what = "images for several platforms"
	case len(of.Attestations()) > 0:
		what = "attestations"
	default:
		return nil
	}
	c, err := b.at(place{})
	if err != nil {
		return err
	}
	workers, err := c.ListWorkers(ctx)
	if err != nil {
		return err
	}
	for _, w := range workers {
		if _, ok := w.Labels["org.mobyproject.buildkit.worker.snapshotter"]; ok {
			return nil
		}
	}
	return refusef("%s need the engine's containerd image store, or a builder of their own (--builder) that pushes them (--push): see https://docs.docker.com/engine/storage/containerd/", what)
}

// modern engines (API 1.42, Engine 23.0) have a BuildKit that knows further contexts and limits of a build's steps.
func modern(api string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(api, "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 1 || minor >= 42
}

// subdirectory tells whether a context is a directory within a git repository: "URL#REF:DIRECTORY".
func subdirectory(context string) bool {
	_, fragment, _ := strings.Cut(context, "#")
	_, dir, _ := strings.Cut(fragment, ":")
	return dir != "" && image.Remote(context)
}

// refused is what the engine's BuildKit would leave out without a word.
func refused(of image.Build, old bool) error {
	switch {
	case old && len(of.Contexts) > 0:
		return refusef("additional_contexts need Docker Engine 23.0 or newer")
	case old && subdirectory(of.Context):
		return refusef("a directory of a git repository as the context, together with %s, needs Docker Engine 23.0 or newer", of.BuildKitOnly[0])
	case old && hostAlias(of.ExtraHosts) >= 0:
		return refusef("host-gateway together with %s needs Docker Engine 23.0 or newer", of.BuildKitOnly[0])
	case old && of.ShmSize != 0:
		return refusef("shm_size together with %s needs Docker Engine 23.0 or newer", of.BuildKitOnly[0])
	case old && len(of.Ulimits) > 0:
		return refusef("ulimits together with %s need Docker Engine 23.0 or newer", of.BuildKitOnly[0])
	}
	return nil
}
