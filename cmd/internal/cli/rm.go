package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/plan"
)

// rmOptions of rm.
type rmOptions struct {
	lifecycle
	plan.RemoveOptions
	force bool
	told  string // what will go, by now
}

func (c *cli) rm() *cobra.Command {
	o := &rmOptions{lifecycle: lifecycle{cli: c, run: run{title: "rm"}}}
	cmd := &cobra.Command{
		Use: "rm [OPTIONS] [SERVICE...]", Short: "Remove containers that do not run",
		ValidArgsFunction: c.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.lifecycle.Services, o.RemoveOptions.Services = args, args
			o.nothing = func() error { c.tell("No stopped containers"); return nil }
			o.agreed = o.confirm
			return o.carry(cmd.Context(), o.plan)
		},
	}
	fs := cmd.Flags()
	fs.BoolVarP(&o.force, "force", "f", false, "ask nothing")
	fs.BoolVarP(&o.Stop, "stop", "s", false, "also those that run: stop them first")
	fs.BoolVarP(&o.Volumes, "volumes", "v", false, "remove their anonymous volumes, too")
	fs.BoolP("all", "a", false, "has no effect any more")
	_ = fs.MarkHidden("all")
	c.noWaitFlag(fs)
	return cmd
}

func (o *rmOptions) plan(t compose.Tool, ctx context.Context, p compose.Project, _ compose.LifecycleOptions) (plan.Plan, error) {
	return t.PlanRemove(ctx, p, o.RemoveOptions)
}

// confirm tells what will go, and asks unless that was forced. What was agreed to is not asked again.
func (o *rmOptions) confirm(ctx context.Context, p plan.Plan) (bool, error) {
	var names []string
	for _, c := range p.Changes() {
		names = append(names, c.Resource.Name)
	}
	all := strings.Join(names, ", ")
	if all == o.told {
		return true, nil
	}
	o.told = all
	fmt.Fprintln(o.Stdout, "Going to remove "+all)
	if o.force || o.g.dryRun {
		return true, nil
	}
	return o.ask(ctx, o.Stdout, "Are you sure? [yN] ")
}
