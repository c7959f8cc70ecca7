package cli

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/engine/container"
)

func (c *cli) wait_() *cobra.Command {
	down := false
	cmd := &cobra.Command{
		Use: "wait SERVICE [SERVICE...] [OPTIONS]", Short: "Wait until containers end, and give the exit code of the last", Args: needs(1),
		ValidArgsFunction: c.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			var code int
			err := c.looking(cmd.Context(), args, func(ctx context.Context, t compose.Tool, p compose.Project) (err error) {
				code, err = t.Wait(ctx, p, compose.WaitOptions{Services: args,
					Found: func(all []container.Live) { slog.Debug("waiting", "containers", len(all)) },
					Ended: func(l container.Live, code int) bool {
						fmt.Fprintf(c.Stdout, "container %q exited with status code %d\n", l.ID, code)
						return down
					},
				})
				return err
			})
			if err == nil && down {
				err = (&downOptions{cli: c, DownOptions: compose.DownOptions{RemoveOrphans: true}}).run(cmd.Context())
			}
			if err == nil && code != 0 {
				return exitCode(code)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&down, "down-project", false, "take the project down when the first container ends")
	return cmd
}
