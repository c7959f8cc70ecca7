package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/engine"
)

func (c *cli) export() *cobra.Command {
	var output string
	var index int
	cmd := &cobra.Command{
		Use: "export [OPTIONS] SERVICE", Short: "Write a container's file system as a tar archive", Args: one,
		ValidArgsFunction: c.completeService,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.looking(cmd.Context(), args[:1], func(ctx context.Context, t compose.Tool, p compose.Project) error {
				write := func(w io.Writer) error { return t.Export(ctx, p, args[0], index, w) }
				if output != "" {
					return c.create(output, write)
				}
				if _, _, tty := size(c.Stdout); tty {
					return usageError{text: "output option is required when exporting to terminal", hint: "-o FILE, or send it to a file or a pipe"}
				}
				return write(c.Stdout)
			})
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "write to a `file`")
	cmd.Flags().IntVar(&index, "index", 0, "`number` of the container, if the service has several")
	return cmd
}

func (c *cli) commit() *cobra.Command {
	var o engine.Commit
	var index int
	cmd := &cobra.Command{
		Use: "commit [OPTIONS] SERVICE [REPOSITORY[:TAG]]", Short: "Make an image of what a container has become", Args: between(1, 2),
		ValidArgsFunction: c.completeService,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				o.Ref = args[1]
			}
			return c.looking(cmd.Context(), args[:1], func(ctx context.Context, t compose.Tool, p compose.Project) error {
				name, id, err := t.Commit(ctx, p, args[0], index, o)
				if err == nil {
					c.tell(fmt.Sprintf(" %s Commit %s Committed as %s", name, name, id))
				}
				return err
			})
		},
	}
	fs := cmd.Flags()
	fs.StringVarP(&o.Author, "author", "a", "", "who made it: `NAME`")
	fs.StringVarP(&o.Message, "message", "m", "", "what was changed")
	fs.StringArrayVarP(&o.Changes, "change", "c", nil, "apply an `instruction` of a Dockerfile, repeatable")
	fs.BoolVarP(&o.Pause, "pause", "p", true, "freeze the container meanwhile")
	fs.IntVar(&index, "index", 0, "`number` of the container, if the service has several")
	return cmd
}
