package cli

import (
	"context"

	"github.com/tutti-run/tutti/compose"
)

// looking is what verbs that change nothing have in common: the project and the engine, until they are interrupted.
func (c *cli) looking(ctx context.Context, services []string, look func(context.Context, compose.Tool, compose.Project) error) error {
	ctx, cancel := c.gentle(ctx)
	defer cancel()
	project, err := c.project(ctx, services)
	if err != nil {
		return err
	}
	t, err := c.tool(ctx)
	if err != nil {
		return err
	}
	return look(ctx, t, project)
}
