package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/cmd/internal/render"
	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/image"
)

// watchOptions of watch.
type watchOptions struct {
	*cli
	services           []string
	noUp, prune, quiet bool
}

func (c *cli) watch_() *cobra.Command {
	o := &watchOptions{cli: c}
	cmd := &cobra.Command{
		Use: "watch [OPTIONS] [SERVICE...]", Short: "Bring services up, and copy, rebuild and restart as their files change",
		ValidArgsFunction: c.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.services = args
			return o.run(cmd.Context(), cmd)
		},
	}
	fs := cmd.Flags()
	c.noWaitFlag(fs)
	fs.BoolVar(&o.noUp, "no-up", false, "watch only: build and start nothing before")
	fs.BoolVar(&o.prune, "prune", true, "remove images that it has built, once they are built anew")
	fs.BoolVar(&o.quiet, "quiet", false, "show no output of builds")
	return cmd
}

func (o *watchOptions) run(ctx context.Context, cmd *cobra.Command) error {
	up := &upOptions{cli: o.cli, detach: true}
	up.services, up.selection.pull, up.quietPull, up.quietBuild = o.services, "policy", o.quiet, o.quiet
	if err := up.selection.check(o.cli, cmd); err != nil {
		return err
	}
	res, err := o.load(ctx, o.services)
	if err != nil {
		return err
	}
	if err := up.fits(res.Project); err != nil {
		return err
	}
	t, err := o.tool(ctx)
	if err != nil {
		return err
	}
	w, err := o.watching(t, res.Project, o.services)
	if err != nil {
		return err
	}
	if !o.noUp {
		res.Project = built(res.Project)
		if err := up.bringUp(ctx, res, up.options(), func(plan.Plan) error { return nil }); err != nil {
			return err
		}
	}
	if o.g.dryRun {
		return nil
	}
	f := filesWatcher{cli: o.cli, ctx: ctx, tool: t, project: res.Project, options: up.options(), quiet: silence{o.quiet, o.quiet}}
	f.logs = o.logPrinter(o.screen.on(o.Stdout), o.screen.on(o.Stderr), render.LogOptions{NoPrefix: true}, false)
	watching, cancel := o.gentle(ctx)
	defer cancel()
	if err := f.watch(watching, w, o.prune); err != nil {
		return err
	}
	return exitCode(exitInterrupted)
}

// watching is what the rules ask for; what is wrong with them is told before anything is done.
func (c *cli) watching(t compose.Tool, p compose.Project, services []string) (compose.Watching, error) {
	w, err := t.Watching(p, services)
	if err == nil {
		c.warn(w.Warnings)
	}
	return w, err
}

// built are services that are watched built at first: what has changed since the last watch is in their images.
func built(p compose.Project) compose.Project {
	p.Services = slices.Clone(p.Services)
	for i, s := range p.Services {
		if s.Image.Build != nil && len(s.Watch) > 0 {
			p.Services[i].Image.Policy = image.Rebuild
		}
	}
	return p
}

// filesWatcher changes a project as its files change. It does one thing at a time.
type filesWatcher struct {
	*cli
	ctx     context.Context // of changes: they end before the watch does
	tool    compose.Tool
	project compose.Project
	options compose.UpOptions // of the up that came before
	quiet   silence
	logs    *render.LogPrinter
	hold    func() (release func()) // while containers are replaced on purpose; may be nil
}

func (f *filesWatcher) watch(ctx context.Context, w compose.Watching, prune bool) error {
	tell := func(text string) {
		if !closed(f.Stop) {
			f.logs.Watch(text)
		}
	}
	return f.tool.Watch(ctx, w, compose.WatchOptions{Changer: f, Prune: prune, Verbose: f.g.verbose, Tell: tell, Fail: tell, Wrote: f.wrote})
}

// wrote is what a hook says.
func (f *filesWatcher) wrote(l engine.LogLine) {
	w := f.Stdout
	if l.Stderr {
		w = f.Stderr
	}
	fmt.Fprintln(f.screen.on(w), l.Text)
}

// Rebuild is an up of these services, and of what has to follow them, as safe as any: what does not come up is taken back.
func (f *filesWatcher) Rebuild(_ context.Context, services []string) error {
	o := compose.UpOptions{Scale: f.options.Scale, Timeout: f.options.Timeout}
	return inWords(f.change(func(ctx context.Context) (plan.Plan, error) { return f.tool.PlanRebuild(ctx, f.project, services, o) }))
}

// Restart restarts services, and those that ask to be restarted with them.
func (f *filesWatcher) Restart(_ context.Context, services []string) error {
	o := compose.LifecycleOptions{Services: services, Timeout: f.options.Timeout}
	return f.change(func(ctx context.Context) (plan.Plan, error) { return f.tool.PlanRestart(ctx, f.project, o) })
}

func (f *filesWatcher) change(decide func(context.Context) (plan.Plan, error)) error {
	if f.hold != nil {
		defer f.hold()()
	}
	p, err := f.decide(f.ctx, decide)
	if err != nil {
		return err
	}
	return f.exclusively(f.ctx, f.tool, p, job{project: f.project, command: "watch", again: decide, do: func(t compose.Tool, p plan.Plan) error {
		p, err := f.ready(f.ctx, t, f.project, p)
		if err != nil {
			return err
		}
		return unchanged(f.perform(f.ctx, t, p, run{title: "watch", quiet: f.quiet}))
	}})
}

// stepFailed is the first step that failed, and why.
type stepFailed struct {
	step plan.Step
	err  error
}

func (e stepFailed) Error() string { return e.err.Error() }
func (e stepFailed) Unwrap() error { return e.err }

func unchanged(r apply.Report) error {
	for _, f := range r.Failures {
		if !f.Tolerated {
			return stepFailed{f.Node.Step, f.Err}
		}
	}
	if r.Interrupted {
		return errors.New("interrupted")
	}
	return nil
}

// inWords of Docker Compose, why a rebuild did not come about.
func inWords(err error) error {
	failed, ok := errors.AsType[stepFailed](err)
	if !ok {
		return err
	}
	what := "Failed to recreate services after update"
	switch failed.step.(type) {
	case plan.BuildImage:
		what = "Build failed"
	case plan.StartContainer, plan.WaitContainer:
		what = "Application failed to start after update"
	}
	return fmt.Errorf("%s. Error: %w", what, err)
}
