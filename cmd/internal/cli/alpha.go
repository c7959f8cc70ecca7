package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/compose/load"
)

// alpha has what Docker Compose had there first, under the names that it had then.
func (c *cli) alpha() *cobra.Command {
	cmd := c.family("alpha [COMMAND]", "Commands by the names that they had at first", c.dryRun(), c.publish(), c.scale_(), c.dot(), c.generate(), c.watch_())
	cmd.Hidden = true
	return cmd
}

// family is a verb that only holds others.
func (c *cli) family(use, short string, verbs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: cobra.ArbitraryArgs, ValidArgsFunction: cobra.NoFileCompletions}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		return unknownVerb(cmd, args[0])
	}
	cmd.AddCommand(verbs...)
	return cmd
}

// dryRun is the old form of --dry-run.
func (c *cli) dryRun() *cobra.Command {
	cmd := &cobra.Command{
		Use: "dry-run -- [COMMAND...]", Short: "Print the plan of a command and change nothing: old form of --dry-run", ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			root.SetArgs(append([]string{"--dry-run"}, args...)) // beside the flags that it was given before
			return root.ExecuteContext(cmd.Context())
		},
	}
	cmd.Flags().SetInterspersed(false)
	return cmd
}

// dotOptions of alpha viz.
type dotOptions struct {
	*cli
	load.DOTOptions
	size   int
	spaces bool
}

func (c *cli) dot() *cobra.Command {
	o := &dotOptions{cli: c}
	cmd := &cobra.Command{
		Use: "viz [OPTIONS]", Short: "Draw the services and what they depend on, for Graphviz", ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	fs.IntVar(&o.size, "indentation-size", 1, "indent with as many tabs or spaces")
	fs.BoolVar(&o.spaces, "spaces", false, "indent with spaces instead of tabs")
	fs.BoolVar(&o.Images, "image", false, "tell the services' images")
	fs.BoolVar(&o.Networks, "networks", false, "tell the networks that they are on")
	fs.BoolVar(&o.Ports, "ports", false, "tell their ports")
	return cmd
}

func (o *dotOptions) run(ctx context.Context) error {
	if o.size < 0 {
		return usagef("invalid indentation size: %d", o.size)
	}
	o.Indent = strings.Repeat("\t", o.size)
	if o.spaces {
		o.Indent = strings.Repeat(" ", o.size)
	}
	l := o.loadOptions()
	l.Lenient = true
	res, err := o.loadWith(ctx, l)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(o.Stdout, "%s\n", res.Model.DOT(o.DOTOptions))
	return err
}
