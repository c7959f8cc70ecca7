package cli

import (
	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/compose"
)

func (c *cli) restart() *cobra.Command {
	o := &lifecycle{cli: c, run: run{title: "restart", timed: &timed{command: "restart"}}}
	cmd := &cobra.Command{
		Use: "restart [OPTIONS] [SERVICE...]", Short: "Stop and start containers",
		ValidArgsFunction: c.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Services = args
			return o.carry(cmd.Context(), compose.Tool.PlanRestart)
		},
	}
	cmd.Flags().BoolVar(&o.NoDeps, "no-deps", false, "leave alone what depends on the services")
	timeoutVar(cmd.Flags(), &o.Timeout)
	c.noWaitFlag(cmd.Flags())
	return cmd
}
