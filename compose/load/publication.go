package load

import (
	"context"
	"errors"
	"time"

	"github.com/tutti-run/tutti/compose/load/publish"
	"github.com/tutti-run/tutti/compose/load/remote"
)

// PublishQuestion about what would be published.
type PublishQuestion = publish.Question

// Publication is what is published of a project.
type Publication struct {
	Questions []PublishQuestion // to be asked before
	found     publish.Found
	options   remote.Options
}

// Publication of the project, of all its services: it has to be loaded with all profiles. env: env files are published, too. The error is a
// diag.List of what cannot be.
func (r Result) Publication(env bool) (Publication, error) {
	s := r.session
	if s == nil || s.project == nil {
		return Publication{}, errors.New("publish project: it is not loaded")
	}
	found, err := publish.Of(publish.Input{Files: s.Files, Project: s.project, Env: env})
	if err != nil {
		return Publication{}, err
	}
	var asked []PublishQuestion
	for _, q := range found.Questions {
		if !env || !q.Variables {
			asked = append(asked, q)
		}
	}
	return Publication{asked, found, remote.Options{DockerConfig: s.dockerConfig(), Insecure: s.o.Insecure}}, nil
}

// Files by the names that they are published under.
func (p Publication) Files() []string {
	var out []string
	for _, l := range p.found.Layers {
		out = append(out, l.Name)
	}
	return out
}

// PublishTo says where a project is published, and how.
type PublishTo struct {
	Ref        string   // repository[:tag]
	OCIVersion string   // "1.0", "1.1", "": what the registry takes
	Version    string   // of the tool
	Pins       []byte   // a Compose file with the images' digests; nil: none
	Images     []string // copied along
	Plain      bool     // the registry may be without TLS
}

// Check whether a project can be published there.
func (to PublishTo) Check() error { return remote.CheckTarget(to.Ref, to.OCIVersion) }

// Push the files, and give the digest of what was published.
func (p Publication) Push(ctx context.Context, to PublishTo) (digest string, err error) {
	layers := p.found.Layers[:len(p.found.Layers):len(p.found.Layers)]
	if to.Pins != nil {
		layers = append(layers, remote.Layer{Name: "image-digests.yaml", Text: to.Pins})
	}
	o := p.options
	if to.Plain {
		o.Insecure = append(o.Insecure[:len(o.Insecure):len(o.Insecure)], remote.Registry(to.Ref))
	}
	return remote.Push(ctx, o, remote.Publication{Ref: to.Ref, Layers: layers, OCIVersion: to.OCIVersion, Version: to.Version, Images: to.Images, Created: time.Now()})
}
