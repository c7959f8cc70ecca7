package compose

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/compose/transfer"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/volume"
)

// What Docker Compose has for transformations (docker/compose, pkg/bridge).
const (
	DefaultTransformation = "docker/compose-bridge-kubernetes"
	transformationLabel   = "com.docker.compose.bridge=transformation"
	transformationFile    = "FROM docker/compose-bridge-transformer\nLABEL com.docker.compose.bridge=transformation\nCOPY templates /templates\n"
)

// Exposed are the ports that the images of the services expose, by reference. Of an image that is not here and can be built it is told instead.
func (t Tool) Exposed(ctx context.Context, p Project) (map[string][]string, diag.List, error) {
	out := map[string][]string{}
	var missing diag.List
	for _, s := range p.Services {
		if s.Image.Ref == "" {
			continue
		}
		l, err := t.Engine.InspectImage(ctx, s.Image.Ref)
		switch {
		case errors.Is(err, engine.ErrNotFound) && s.Image.Build != nil:
			missing = append(missing, diag.Diagnostic{Severity: diag.Warning, Text: fmt.Sprintf("service %q: its image is not here: ports that it exposes are left out", s.Name),
				Hint: "run build first"})
		case err != nil:
			return nil, nil, err
		case l.Defaults != nil:
			out[s.Image.Ref] = l.Defaults.Exposed
		}
	}
	return out, missing, nil
}

// Transformation is an image that makes something else of a project, and the directories that it is given: all of them absolute.
type Transformation struct {
	Image             string
	In, Out, Template string // Template: "" is what the image has
	User              string // by number, so that what it writes is theirs; "" is the image's
}

// Project that holds nothing but the transformation: its one service. It is beside that which is transformed.
func (tr Transformation) Project(of Project) Project {
	s := desired.Service{Name: "transformation", Replicas: 1, Image: image.Spec{Ref: tr.Image, Policy: image.Missing}}
	yes := "true"
	s.Container = container.Spec{Image: tr.Image, User: tr.User, Environment: map[string]*string{"LICENSE_AGREEMENT": &yes}}
	for _, m := range []struct{ dir, at string }{{tr.In, "/in"}, {tr.Out, "/out"}, {tr.Template, "/templates"}} {
		if m.dir != "" {
			s.Container.Mounts = append(s.Container.Mounts, volume.Mount{Type: volume.Bind, Source: m.dir, Target: m.at})
		}
	}
	return Project{Name: of.Name + "-bridge", WorkingDir: of.WorkingDir, Services: []desired.Service{s}}
}

// PlanTransformation says what to do so that its container is there, not started: see PlanRun.
func (t Tool) PlanTransformation(ctx context.Context, p Project) (out plan.Plan, name string, err error) {
	return t.PlanRun(ctx, p, RunOnce{Service: p.Services[0].Name, IgnoreOrphans: true})
}

// NewTransformation fills a directory, which must not be there yet, with the templates of a container and what an image is built from.
func (t Tool) NewTransformation(ctx context.Context, name, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create transformation: %w", err)
	}
	err := transfer.Out(ctx, t.Engine, name, "/templates", filepath.Join(dir, "templates"), nil, transfer.Options{})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(transformationFile), 0o644)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("create transformation: %w", err), os.RemoveAll(dir))
	}
	return nil
}

// Transformations that the engine has.
func (t Tool) Transformations(ctx context.Context) ([]image.Listed, error) {
	return t.Engine.ListImages(ctx, transformationLabel)
}
