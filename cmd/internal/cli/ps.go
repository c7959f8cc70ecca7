package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/cmd/internal/table"
	"github.com/tutti-run/tutti/compose"
)

// psOptions of ps.
type psOptions struct {
	*cli
	compose.PsOptions
	table  table.PsOptions
	filter string
}

func (c *cli) ps() *cobra.Command {
	o := &psOptions{cli: c}
	cmd := &cobra.Command{
		Use: "ps [OPTIONS] [SERVICE...]", Short: "List the project's containers",
		ValidArgsFunction: c.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.PsOptions.Services = args
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.BoolVarP(&o.All, "all", "a", false, "stopped ones, too")
	fs.BoolVar(&o.Orphans, "orphans", true, "those of services that the file does not have, too")
	fs.StringVar(&o.filter, "filter", "", "only those that match: `status=STATUS`")
	fs.StringArrayVar(&o.Status, "status", nil, "only in this `status`: "+strings.Join(statuses, ", ")+"; repeatable")
	fs.StringVar(&o.table.Format, "format", "", "print as `kind`: table, json, or a Go template, \"table TEMPLATE\" with a head")
	fs.BoolVar(&o.table.NoTrunc, "no-trunc", false, "shorten nothing")
	fs.BoolVarP(&o.table.Quiet, "quiet", "q", false, "ids only")
	fs.BoolVar(&o.table.Services, "services", false, "names of services only")
	return cmd
}

var statuses = []string{"created", "running", "paused", "restarting", "removing", "exited", "dead"}

func (o *psOptions) run(ctx context.Context) error {
	if o.filter != "" {
		key, value, ok := strings.Cut(o.filter, "=")
		switch {
		case !ok:
			return usagef("arguments to --filter should be in form KEY=VAL")
		case key != "status":
			return usagef("unknown filter %s", key)
		}
		o.Status = append(o.Status, value)
	}
	ctx, cancel := o.gentle(ctx)
	defer cancel()
	project, err := o.project(ctx, o.PsOptions.Services)
	if err != nil {
		return err
	}
	t, err := o.tool(ctx)
	if err != nil {
		return err
	}
	all, err := t.Ps(ctx, project, o.PsOptions)
	if err != nil {
		return err
	}
	return table.Ps(o.Stdout, all, o.table)
}
