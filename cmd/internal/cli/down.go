package cli

import (
	"context"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/plan"
)

// downOptions of down, and of plan --down.
type downOptions struct {
	*cli
	compose.DownOptions
}

func (c *cli) down() *cobra.Command {
	o := &downOptions{cli: c}
	cmd := &cobra.Command{
		Use: "down [OPTIONS] [SERVICE...]", Short: "Stop and remove containers and networks",
		ValidArgsFunction: c.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Services = args
			if err := o.check(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	o.flags(fs)
	fs.BoolVar(&o.RemoveOrphans, "remove-orphans", false, "remove containers of services that the file does not have, too")
	timeoutVar(fs, &o.Timeout)
	c.noWaitFlag(fs)
	return cmd
}

// flags that plan --down has too.
func (o *downOptions) flags(fs *pflag.FlagSet) {
	fs.BoolVarP(&o.Volumes, "volumes", "v", false, "remove the volumes of the file and anonymous ones, with what is in them")
	fs.StringVar(&o.Images, "rmi", "", "remove images of the services: local (those without a name of their own) or all")
}

func (o *downOptions) check(cmd *cobra.Command) error {
	if o.Images != "" && o.Images != "all" && o.Images != "local" {
		return usagef("invalid value for --rmi: %q", o.Images)
	}
	if !cmd.Flags().Changed("remove-orphans") {
		o.RemoveOrphans = o.yes("COMPOSE_REMOVE_ORPHANS")
	}
	o.IgnoreOrphans = o.yes("COMPOSE_IGNORE_ORPHANS")
	return nil
}

func (o *downOptions) run(ctx context.Context) error {
	t, project, err := o.target(ctx)
	if err != nil {
		return err
	}
	again := func(ctx context.Context) (plan.Plan, error) {
		p, err := t.PlanDown(ctx, project, o.DownOptions)
		if o.AsCompose && p.Empty() && len(project.Networks) > 0 { // Docker Compose warns of having nothing to do only if the file has no network either
			p.Warnings = nil
		}
		return p, err
	}
	p, err := o.decide(ctx, again)
	if err != nil {
		return err
	}
	return o.exclusively(ctx, t, p, job{project: project, command: "down", again: again, do: func(t compose.Tool, p plan.Plan) error {
		return o.carryOut(ctx, t, p, run{title: "down"})
	}})
}

// target is the project, and the engine that it is on.
func (o *downOptions) target(ctx context.Context) (compose.Tool, compose.Project, error) {
	project, err := o.project(ctx, o.Services)
	if err != nil {
		return compose.Tool{}, project, err
	}
	if err := compose.CheckServices(project, o.Services); err != nil {
		return compose.Tool{}, project, err
	}
	t, err := o.tool(ctx)
	return t, project, err
}

func (o *downOptions) decideDown(ctx context.Context) (plan.Plan, error) {
	t, project, err := o.target(ctx)
	if err != nil {
		return plan.Plan{}, err
	}
	return o.decide(ctx, func(ctx context.Context) (plan.Plan, error) { return t.PlanDown(ctx, project, o.DownOptions) })
}
