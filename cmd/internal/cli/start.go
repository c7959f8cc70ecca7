package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/compose"
)

func (c *cli) start() *cobra.Command {
	o := &lifecycle{cli: c, run: run{title: "start", timed: &timed{command: "start"}}, needs: true}
	var timeout int
	cmd := &cobra.Command{
		Use: "start [OPTIONS] [SERVICE...]", Short: "Start containers that exist",
		ValidArgsFunction: c.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Services = args
			o.run.options.WaitTimeout = time.Duration(timeout) * time.Second
			return o.carry(cmd.Context(), compose.Tool.PlanStart)
		},
	}
	cmd.Flags().BoolVar(&o.Wait, "wait", false, "wait until services are running or healthy")
	cmd.Flags().IntVar(&timeout, "wait-timeout", 0, "most `seconds` to wait")
	c.noWaitFlag(cmd.Flags())
	return cmd
}
