package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/cmd/internal/render"
	"github.com/tutti-run/tutti/cmd/internal/table"
	"github.com/tutti-run/tutti/compose"
)

func (c *cli) stats() *cobra.Command {
	var o compose.StatsOptions
	var format string
	noTrunc := false
	cmd := &cobra.Command{
		Use: "stats [OPTIONS] [SERVICE...]", Short: "Show what containers use of the machine",
		ValidArgsFunction: c.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Services = args
			err := c.looking(cmd.Context(), args, func(ctx context.Context, t compose.Tool, p compose.Project) error {
				return t.Stats(ctx, p, o, func(all []compose.Sample) error {
					return c.showStats(all, cmp.Or(format, c.dockerConfig().StatsFormat), noTrunc, o.Once)
				})
			})
			if !o.Once && errors.Is(err, context.Canceled) {
				return nil // that is how one ends it
			}
			return err
		},
	}
	cmd.Flags().BoolVarP(&o.All, "all", "a", false, "those that do not run, too")
	cmd.Flags().BoolVar(&o.Once, "no-stream", false, "show it once")
	cmd.Flags().StringVar(&format, "format", "", "print as `kind`: table, json, or a Go template, \"table TEMPLATE\" with a head")
	cmd.Flags().BoolVar(&noTrunc, "no-trunc", false, "shorten nothing")
	return cmd
}

// showStats over what was shown before, on a terminal.
func (c *cli) showStats(all []compose.Sample, format string, noTrunc, once bool) error {
	var b bytes.Buffer
	if _, _, tty := size(c.Stdout); tty && !once {
		b.WriteString(render.Over)
	}
	if err := table.Stats(&b, all, format, noTrunc); err != nil {
		return err
	}
	_, err := c.Stdout.Write(b.Bytes())
	return err
}
