package compose

import (
	"context"
	"fmt"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
)

// PublishOptions of PlanPublish, in the words of the command line.
type PublishOptions struct {
	Ref        string // repository[:tag]
	OCIVersion string // "1.0", "1.1"; "": what the registry takes
	Digests    bool   // pin images to what their registries have, once those that are built are pushed
	App        bool   // copy the images along, with their digests
	Insecure   bool   // the registry may be without TLS
}

// PlanPublish says what to do to publish a project: to push the images that are built and have a name, and then its files.
func (t Tool) PlanPublish(ctx context.Context, p Project, files []string, o PublishOptions) (plan.Plan, error) {
	step := plan.PublishProject{Ref: o.Ref, Files: files, Pin: o.Digests || o.App}
	if o.App {
		for _, s := range p.Services {
			if s.Image.Ref != "" {
				step.Images = append(step.Images, s.Image.Ref)
			}
		}
	}
	return t.bring(ctx, p, plan.ImageOptions{}, func(want desired.State, have engine.Snapshot, _ plan.ImageOptions) (plan.Plan, error) {
		return plan.Publish(want, have, step)
	})
}

// Publisher of what was loaded, for the plan's last step; done is told the digest.
func (t Tool) Publisher(res load.Result, pub load.Publication, o PublishOptions, done func(digest string)) func(context.Context, plan.PublishProject) error {
	return func(ctx context.Context, s plan.PublishProject) error {
		to := load.PublishTo{Ref: s.Ref, OCIVersion: o.OCIVersion, Version: Version, Images: s.Images, Plain: o.Insecure}
		if s.Pin {
			var err error
			if to.Pins, err = t.pins(ctx, res.Model); err != nil {
				return err
			}
		}
		digest, err := pub.Push(ctx, to)
		if err == nil {
			done(digest)
		}
		return err
	}
}

// pins is a Compose file that holds the services' images with their digests, and nothing else. Nothing else is left of the model either.
func (t Tool) pins(ctx context.Context, m *load.Model) ([]byte, error) {
	images, err := m.Unpinned()
	if err != nil {
		return nil, err
	}
	digests, err := t.Digests(ctx, images)
	if err != nil {
		return nil, err
	}
	m.ImagesOnly()
	if err := m.Pin(digests); err != nil {
		return nil, fmt.Errorf("pin images: %w", err)
	}
	return m.YAML()
}
