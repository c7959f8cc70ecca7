package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/cmd/internal/table"
	"github.com/tutti-run/tutti/compose"
)

// lsOptions of ls.
type lsOptions struct {
	*cli
	compose.ListOptions
	filters []string
	format  string
	quiet   bool
}

func (c *cli) ls() *cobra.Command {
	o := &lsOptions{cli: c}
	cmd := &cobra.Command{
		Use: "ls [OPTIONS]", Short: "List projects", Args: noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	fs.BoolVarP(&o.All, "all", "a", false, "those of which nothing runs, too")
	fs.StringArrayVar(&o.filters, "filter", nil, "only those that match: `name=EXPRESSION`, repeatable")
	fs.StringVar(&o.format, "format", "table", "print as `kind`: table, json")
	fs.BoolVarP(&o.quiet, "quiet", "q", false, "names only")
	return cmd
}

func (o *lsOptions) run(ctx context.Context) error {
	for _, f := range o.filters {
		key, value, ok := strings.Cut(f, "=")
		switch {
		case !ok:
			return usagef("invalid argument %q for \"--filter\" flag: bad format of filter (expected name=value)", f)
		case key != "name":
			return usagef("invalid filter '%s'", key)
		}
		o.Names = append(o.Names, value)
	}
	ctx, cancel := o.gentle(ctx)
	defer cancel()
	t, err := o.tool(ctx)
	if err != nil {
		return err
	}
	all, err := t.List(ctx, o.ListOptions)
	if err != nil {
		return err
	}
	return table.Projects(o.Stdout, all, o.format, o.quiet)
}
