package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/cmd/internal/render"
	"github.com/tutti-run/tutti/compose"
)

func (c *cli) explain() *cobra.Command {
	cmd := &cobra.Command{
		Use: "explain [OPTIONS] SERVICE", Short: "Show why a service is as it is: its changes, waits and variables",
		ValidArgsFunction: c.completeService,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("explain takes one service")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.explainService(cmd.Context(), args[0]) },
	}
	cmd.Flags().BoolVar(&c.json, "json", false, "print JSON; on errors a list of diagnostics")
	return cmd
}

func (c *cli) explainService(ctx context.Context, service string) error {
	ctx, cancel := c.gentle(ctx)
	defer cancel()
	res, err := c.load(ctx, []string{service})
	if err != nil {
		return err
	}
	if err := compose.CheckServices(res.Project, []string{service}); err != nil {
		return err
	}
	t, err := c.tool(ctx)
	if err != nil {
		return err
	}
	e, err := t.Explain(ctx, res.Project, service)
	if err != nil {
		return err
	}
	c.warn(e.Warnings())
	if c.json {
		return render.ExplainJSON(c.Stdout, e)
	}
	return render.Explain(c.Stdout, e, c.style(c.Stdout))
}
