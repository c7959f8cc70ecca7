package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/cmd/internal/table"
	"github.com/tutti-run/tutti/compose"
)

func (c *cli) top() *cobra.Command {
	return &cobra.Command{
		Use: "top [SERVICE...]", Short: "List the processes in containers",
		ValidArgsFunction: c.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.looking(cmd.Context(), args, func(ctx context.Context, t compose.Tool, p compose.Project) error {
				all, err := t.Top(ctx, p, args)
				if err != nil {
					return err
				}
				return table.Processes(c.Stdout, all)
			})
		},
	}
}

func (c *cli) images() *cobra.Command {
	var format string
	var quiet bool
	cmd := &cobra.Command{
		Use: "images [OPTIONS] [SERVICE...]", Short: "List the images that containers were made from",
		ValidArgsFunction: c.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.looking(cmd.Context(), args, func(ctx context.Context, t compose.Tool, p compose.Project) error {
				all, err := t.Images(ctx, p, args)
				if err != nil {
					return err
				}
				return table.Images(c.Stdout, all, table.ImagesOptions{Format: format, Quiet: quiet})
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", "table", "print as `kind`: table, json")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "ids only")
	return cmd
}

func (c *cli) volumes() *cobra.Command {
	var format string
	var quiet bool
	cmd := &cobra.Command{
		Use: "volumes [OPTIONS] [SERVICE...]", Short: "List the project's volumes",
		ValidArgsFunction: c.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.lookingAt(cmd.Context(), c.project, args, func(ctx context.Context, t compose.Tool, p compose.Project) error {
				all, err := t.Volumes(ctx, p, args)
				if err != nil {
					return err
				}
				return table.Volumes(c.Stdout, all, format, quiet)
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", "table", "print as `kind`: table, json, or a Go template, \"table TEMPLATE\" with a head")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "names only")
	return cmd
}
