package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/cmd/internal/render"
	"github.com/tutti-run/tutti/compose/plan"
)

// planOptions of plan.
type planOptions struct {
	*cli
	selection
	down             downOptions
	ofDown, detailed bool
	out              string
}

func (c *cli) plan() *cobra.Command {
	o := &planOptions{cli: c, down: downOptions{cli: c}}
	cmd := &cobra.Command{
		Use: "plan [OPTIONS] [SERVICE...]", Short: "Show what up would do, and why",
		ValidArgsFunction: c.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.services = args
			if err := o.check(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&c.json, "json", false, "print JSON; on errors a list of diagnostics")
	fs.BoolVar(&o.detailed, "detailed-exitcode", false, "exit code 0: nothing to do, 2: changes, 1: error")
	fs.StringVarP(&o.out, "out", "o", "", "save the plan in a `file`, for 'tutti up --plan'")
	fs.BoolVar(&o.ofDown, "down", false, "show what down would do")
	o.down.flags(fs)
	o.selection.flags(fs)
	return cmd
}

func (o *planOptions) check(cmd *cobra.Command) error {
	if !o.ofDown {
		if o.down.Volumes || o.down.Images != "" {
			return usagef("--volumes and --rmi need --down")
		}
		return o.selection.check(o.cli, cmd)
	}
	if o.out != "" {
		return usagef("cannot combine --down and --out")
	}
	o.down.Services, o.down.RemoveOrphans, o.down.Timeout = o.services, o.removeOrphans, o.timeout
	return o.down.check(cmd)
}

func (o *planOptions) run(ctx context.Context) error {
	p, err := o.decided(ctx)
	if err != nil {
		return err
	}
	if err := o.print(p); err != nil {
		return err
	}
	if o.out != "" {
		if err := o.savePlan(p); err != nil {
			return err
		}
	}
	if o.detailed && !p.Empty() {
		return exitCode(exitChanges)
	}
	return nil
}

func (o *planOptions) print(p plan.Plan) error {
	if o.json {
		return render.PlanJSON(o.Stdout, p)
	}
	return render.Plan(o.Stdout, p, o.style(o.Stdout))
}

func (o *planOptions) decided(ctx context.Context) (plan.Plan, error) {
	if o.ofDown {
		return o.down.decideDown(ctx)
	}
	res, err := o.load(ctx, o.services)
	if err != nil {
		return plan.Plan{}, err
	}
	if err := o.fits(res.Project); err != nil {
		return plan.Plan{}, err
	}
	t, err := o.tool(ctx)
	if err != nil {
		return plan.Plan{}, err
	}
	return o.decide(ctx, func(ctx context.Context) (plan.Plan, error) { return t.Plan(ctx, res.Project, o.options()) })
}
