package cli

import (
	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/compose"
)

func (c *cli) stop() *cobra.Command {
	o := &lifecycle{cli: c, run: run{title: "stop"}}
	cmd := &cobra.Command{
		Use: "stop [OPTIONS] [SERVICE...]", Short: "Stop containers, and keep them",
		ValidArgsFunction: c.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Services = args
			return o.carry(cmd.Context(), compose.Tool.PlanStop)
		},
	}
	timeoutVar(cmd.Flags(), &o.Timeout)
	c.noWaitFlag(cmd.Flags())
	return cmd
}
