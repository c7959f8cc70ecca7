// Package buildkit builds images with the BuildKit that an engine has within itself, and is the only importer of BuildKit's client.
package buildkit

import (
	"context"
	"fmt"
	"net"
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
}

// With gives an engine that builds with BuildKit, and does all else as before. One that has no BuildKit is given back as it is.
func With(h Host) engine.Engine {
	if !h.Info().Caps.BuildKit {
		return h
	}
	return &builder{Host: h}
}

// builder is the engine with another way to build. Nothing is dialled before the first build; all builds share one connection.
type builder struct {
	Host
	once   sync.Once
	client *client.Client
	err    error
}

// dial the engine's BuildKit. The connection itself is made when it is first needed.
func (b *builder) dial() (*client.Client, error) {
	b.once.Do(func() {
		b.client, b.err = client.New(context.Background(), "",
			client.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return b.Upgrade(ctx, "/grpc", "h2c", nil) }),
			client.WithSessionDialer(func(ctx context.Context, protocol string, header map[string][]string) (net.Conn, error) {
				return b.Upgrade(ctx, "/session", protocol, header)
			}))
	})
	return b.client, b.err
}

// Close lets go of both connections.
func (b *builder) Close() error {
	if b.client != nil {
		b.client.Close()
	}
	return b.Host.Close()
}

// BuildImage with BuildKit, or with the classic builder what only that one does: a step's isolation, and on old engines limits of its steps.
// Progress is as BuildKit's plain output; an error holds the last lines that the failing step wrote.
func (b *builder) BuildImage(ctx context.Context, ref string, of image.Build, progress func(engine.Progress)) (string, error) {
	old := !modern(b.Info().Caps.APIVersion)
	if len(of.BuildKitOnly) == 0 && (of.Isolation != "" || old && (of.ShmSize != 0 || len(of.Ulimits) > 0)) {
		return b.Host.BuildImage(ctx, ref, of, progress)
	}
	id, err := b.build(ctx, ref, of, old, progress)
	if err != nil {
		return "", fmt.Errorf("build %s: %w", ref, err)
	}
	return id, nil
}

func (b *builder) build(ctx context.Context, ref string, of image.Build, old bool, progress func(engine.Progress)) (string, error) {
	if err := refused(of, old); err != nil {
		return "", err
	}
	s, err := solveOf(ref, of)
	if err != nil {
		return "", err
	}
	s.Session = append(s.Session, credentials{host: b.Host})
	c, err := b.dial()
	if err != nil {
		return "", err
	}
	if err := b.attests(ctx, c, of); err != nil {
		return "", err
	}
	if err := solve(ctx, c, s, progress); err != nil {
		return "", err
	}
	img, err := b.InspectImage(ctx, ref)
	return img.ID, err
}

// attests is nil if the build wants no attestation, or they have a place: the engine's classic store of images has none.
func (b *builder) attests(ctx context.Context, c *client.Client, of image.Build) error {
	if len(of.Attestations()) == 0 {
		return nil
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
	return refusef("attestations need the engine's containerd image store, or a builder of their own (--builder), see https://docs.docker.com/go/attestations/")
}

// modern engines (API 1.42, Engine 23.0) have a BuildKit that knows further contexts and limits of a build's steps.
func modern(api string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(api, "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 1 || minor >= 42
}

// refused is what the engine's BuildKit would leave out without a word.
func refused(of image.Build, old bool) error {
	switch {
	case old && len(of.Contexts) > 0:
		return refusef("additional_contexts need Docker Engine 23.0 or newer")
	case old && of.ShmSize != 0:
		return refusef("shm_size together with %s needs Docker Engine 23.0 or newer", of.BuildKitOnly[0])
	case old && len(of.Ulimits) > 0:
		return refusef("ulimits together with %s need Docker Engine 23.0 or newer", of.BuildKitOnly[0])
	}
	return nil
}
