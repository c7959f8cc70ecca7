package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/plan"
)

func (c *cli) kill() *cobra.Command {
	o := &lifecycle{cli: c, run: run{title: "kill"}}
	var k plan.KillOptions
	cmd := &cobra.Command{
		Use: "kill [OPTIONS] [SERVICE...]", Short: "Send a signal to what runs",
		ValidArgsFunction: c.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Services, k.Services = args, args
			if !cmd.Flags().Changed("remove-orphans") {
				k.Orphans = c.yes("COMPOSE_REMOVE_ORPHANS")
			}
			o.nothing = func() error { fmt.Fprintln(c.Stderr, "no container to kill"); return nil }
			return o.carry(cmd.Context(), func(t compose.Tool, ctx context.Context, p compose.Project, _ compose.LifecycleOptions) (plan.Plan, error) {
				return t.PlanKill(ctx, p, k)
			})
		},
	}
	cmd.Flags().StringVarP(&k.Signal, "signal", "s", "SIGKILL", "`signal` to send")
	cmd.Flags().BoolVar(&k.Orphans, "remove-orphans", false, "also to containers of services that the file does not have")
	c.noWaitFlag(cmd.Flags())
	return cmd
}

func (c *cli) pause() *cobra.Command {
	return c.frozen("pause [SERVICE...]", "Freeze what runs", compose.Tool.PlanPause)
}

func (c *cli) unpause() *cobra.Command {
	return c.frozen("unpause [SERVICE...]", "Let what is frozen go on", compose.Tool.PlanUnpause)
}

func (c *cli) frozen(use, short string, make planner) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, ValidArgsFunction: c.completeServices}
	o := &lifecycle{cli: c, run: run{title: cmd.Name()}}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.Services = args
		return o.carry(cmd.Context(), make)
	}
	c.noWaitFlag(cmd.Flags())
	return cmd
}
