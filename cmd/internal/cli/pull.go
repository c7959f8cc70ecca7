package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/plan"
)

// bringing is what pull, push and build have in common: images, by a plan that changes no container.
type bringing struct {
	*cli
	plan.ImageOptions
	quiet bool
	asks  bool // whether files from elsewhere may do what they ask for
	built bool // images that are built alone: where there is none, no engine is needed
}

func (o *bringing) verb(use, short string, flags func(*pflag.FlagSet), check func() error, decide imagePlanner) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, ValidArgsFunction: o.completeServices}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		o.Services = args
		if err := check(); err != nil {
			return err
		}
		return o.run(cmd.Context(), cmd.Name(), decide)
	}
	flags(cmd.Flags())
	return cmd
}

type imagePlanner func(compose.Tool, context.Context, compose.Project, plan.ImageOptions) (plan.Plan, error)

func (o *bringing) run(ctx context.Context, title string, decide imagePlanner) error {
	res, err := o.load(ctx, o.Services)
	if err != nil {
		return err
	}
	if err := compose.CheckServices(res.Project, o.Services); err != nil {
		return err
	}
	if o.asks {
		if err := o.consent(ctx, res, false); err != nil {
			return err
		}
	}
	if o.built && !slices.ContainsFunc(res.Project.Services, func(s desired.Service) bool { return s.Image.Build != nil }) {
		return nil
	}
	t, err := o.toolFor(ctx, res.Project)
	if err != nil {
		return err
	}
	p, err := o.decide(ctx, func(ctx context.Context) (plan.Plan, error) {
		p, err := decide(t, ctx, res.Project, o.ImageOptions)
		if o.quiet {
			p.Warnings = nil
		}
		return p, err
	})
	if err != nil {
		return err
	}
	return o.carryOut(ctx, t, p, run{title: title, silent: o.quiet})
}

func (c *cli) pull() *cobra.Command {
	o := &bringing{cli: c}
	flags := func(fs *pflag.FlagSet) {
		fs.BoolVarP(&o.quiet, "quiet", "q", false, "show no progress")
		fs.BoolVar(&o.Deps, "include-deps", false, "also what the services depend on")
		fs.BoolVar(&o.Prebuilt, "ignore-buildable", false, "leave out images that can be built")
		fs.BoolVar(&o.Tolerant, "ignore-pull-failures", false, "pull what can be, and only tell of the rest")
		fs.StringVar(&o.Policy, "policy", "", "pull images: missing, always")
		fs.Bool("parallel", true, "") // without effect, as in Docker Compose; in front of the verb it says how many are pulled at once
		fs.Bool("no-parallel", true, "")
		_, _ = fs.MarkHidden("parallel"), fs.MarkHidden("no-parallel")
	}
	check := func() error {
		if o.Policy != "" && o.Policy != "missing" && o.Policy != "always" {
			return usagef("invalid --policy option %q", o.Policy)
		}
		return nil
	}
	return o.verb("pull [OPTIONS] [SERVICE...]", "Pull the images of services", flags, check, compose.Tool.PlanPull)
}

func (c *cli) push() *cobra.Command {
	o := &bringing{cli: c, built: true}
	flags := func(fs *pflag.FlagSet) {
		fs.BoolVarP(&o.quiet, "quiet", "q", false, "show no progress")
		fs.BoolVar(&o.Deps, "include-deps", false, "also what the services depend on")
		fs.BoolVar(&o.Tolerant, "ignore-push-failures", false, "push what can be, and only tell of the rest")
	}
	return o.verb("push [OPTIONS] [SERVICE...]", "Push the images of services that are built", flags, func() error { return nil }, compose.Tool.PlanPush)
}
