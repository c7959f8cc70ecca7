package cli

import (
	"context"

	"github.com/tutti-run/tutti/compose"
)

// sight of a project.
type sight = func(context.Context, compose.Tool, compose.Project) error

// looking is what verbs that change nothing have in common: the project and the engine, until they are interrupted.
func (c *cli) looking(ctx context.Context, services []string, do sight) error {
	return c.lookingAt(ctx, c.found, services, do)
}

// lookingAt the project that one of the ways to it gives.
func (c *cli) lookingAt(ctx context.Context, way func(context.Context, []string) (compose.Project, error), services []string, do sight) error {
	ctx, cancel := c.gentle(ctx)
	defer cancel()
	project, err := way(ctx, services)
	if err != nil {
		return err
	}
	t, err := c.tool(ctx)
	if err != nil {
		return err
	}
	return do(ctx, t, project)
}

// found is the project of a verb that goes by the containers there are. Docker Compose takes no more than its name from the file, so that
// a service which that does not have is merely one without containers.
func (c *cli) found(ctx context.Context, services []string) (compose.Project, error) {
	if !c.AsCompose {
		return c.project(ctx, services)
	}
	p, err := c.project(ctx, nil)
	return compose.Project{Name: p.Name}, err
}
