package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/cmd/internal/render"
	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/compose/plan"
)

// upOptions of up.
type upOptions struct {
	*cli
	selection
	detach, abortOnExit, abortOnFailure   bool
	attachDeps, noColor, noPrefix, stamps bool
	menu, watch                           bool
	attach, noAttach                      []string
	exitFrom, planFile, timelineFile      string
	watched                               compose.Watching   // with --watch or --menu
	unwatchable                           error              // why nothing can be watched, with --menu
	also                                  func(apply.Event)  // is told how it goes on, beside the view; may be nil
	printed                               *render.LogPrinter // by the attachment
}

func (c *cli) up() *cobra.Command {
	o := &upOptions{cli: c}
	cmd := &cobra.Command{
		Use: "up [OPTIONS] [SERVICE...]", Short: "Create, update and start what the file asks for",
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
	o.selection.flags(fs)
	c.noWaitFlag(fs)
	fs.BoolVarP(&o.detach, "detach", "d", false, "leave the containers running in the background")
	fs.IntVar(&o.waitTimeout, "wait-timeout", 0, "most `seconds` to wait")
	fs.BoolVar(&o.abortOnExit, "abort-on-container-exit", false, "stop all when one container ends; not with -d")
	fs.BoolVar(&o.abortOnFailure, "abort-on-container-failure", false, "stop all when one container fails; not with -d")
	fs.StringVar(&o.exitFrom, "exit-code-from", "", "end with the exit code of this `service`; implies --abort-on-container-exit")
	fs.StringArrayVar(&o.attach, "attach", nil, "show the output of this `service` only, repeatable")
	fs.StringArrayVar(&o.noAttach, "no-attach", nil, "do not show the output of this `service`, repeatable")
	fs.BoolVar(&o.attachDeps, "attach-dependencies", false, "show the output of what the services depend on, too")
	fs.BoolVar(&o.noColor, "no-color", false, "show output without colours")
	fs.BoolVar(&o.noPrefix, "no-log-prefix", false, "show output without names in front")
	fs.BoolVar(&o.stamps, "timestamps", false, "show output with times")
	fs.BoolVar(&o.quietBuild, "quiet-build", false, "show no output of builds")
	fs.StringVar(&o.planFile, "plan", "", "carry out exactly the plan that 'tutti plan --out' saved in this `file`")
	timelineFlag(fs, &o.timelineFile)
	fs.Lookup("timeline").NoOptDefVal = "-"
	fs.BoolVar(&o.menu, "menu", false, "on a terminal, switch the watch on and off and detach by keys; COMPOSE_MENU=1 does so, too")
	fs.BoolVarP(&o.watch, "watch", "w", false, "copy, rebuild and restart as files change; not with -d")
	return cmd
}

// check what does not go together, in Docker Compose's words.
func (o *upOptions) check(cmd *cobra.Command) error {
	if !cmd.Flags().Changed("menu") {
		o.menu = o.cli.yes("COMPOSE_MENU")
	}
	if o.planFile != "" {
		if err := o.checkPlanFile(cmd); err != nil {
			return err
		}
	}
	if o.exitFrom != "" && !o.abortOnFailure {
		o.abortOnExit = true
	}
	switch {
	case o.abortOnExit && o.abortOnFailure:
		return usagef("--abort-on-container-failure cannot be combined with --abort-on-container-exit")
	case o.wait && (o.attachDeps || o.abortOnExit || len(o.attach) > 0):
		return usagef("--wait cannot be combined with --abort-on-container-exit, --attach or --attach-dependencies")
	}
	o.detach = o.detach || o.wait
	switch {
	case o.timelineFile == "-" && slices.ContainsFunc(o.services, func(s string) bool { return drawnAs(s) != "text" }):
		return usagef("--timeline takes its file as --timeline=FILE")
	case o.detach && (o.attachDeps || o.abortOnExit || o.abortOnFailure || len(o.attach) > 0 || o.watch):
		return usagef("--detach cannot be combined with --abort-on-container-exit, --abort-on-container-failure, --attach, --attach-dependencies or --watch")
	case o.noBuild && o.watch:
		return usagef("--no-build and --watch are incompatible")
	case len(o.attach) > 0 && o.attachDeps:
		return usagef("cannot combine --attach and --attach-dependencies")
	}
	return o.selection.check(o.cli, cmd)
}

func (o *upOptions) run(ctx context.Context) error {
	if o.planFile != "" {
		return o.runSaved(ctx)
	}
	res, err := o.load(ctx, o.services)
	if err != nil {
		return err
	}
	if (o.watch || o.menu) && !o.detach {
		if err := o.prepareWatch(ctx, res.Project); err != nil {
			return err
		}
	}
	options := o.options()
	options.Rerun = o.rerun(res.Project)
	return o.bringUp(ctx, res, options, func(plan.Plan) error { return nil })
}

// rerun are the services whose one-shots run again although they have ended well: whoever stays to see their end wants to see one. A migration
// that others wait for is not among them, unless it is named.
func (o *upOptions) rerun(p compose.Project) []string {
	var out []string
	awaited := p.Awaited()
	for _, s := range p.Services {
		named := slices.Contains(o.services, s.Name)
		switch {
		case o.detach || o.noStart:
		case named, s.Name == o.exitFrom, (o.abortOnExit || o.abortOnFailure) && o.exitFrom == "" && len(o.services) == 0 && !awaited[s.Name]:
			out = append(out, s.Name)
		}
	}
	return out
}

// bringUp makes the plan and, if it is a right one, carries it out.
func (o *upOptions) bringUp(ctx context.Context, res load.Result, options compose.UpOptions, right func(plan.Plan) error) error {
	project := res.Project
	if err := o.fits(project); err != nil {
		return err
	}
	if err := o.consent(ctx, res, o.selection.yes); err != nil {
		return err
	}
	t, err := o.toolFor(ctx, project)
	if err != nil {
		return err
	}
	decide := func(ctx context.Context) (plan.Plan, error) {
		p, err := t.Plan(ctx, project, options)
		if err == nil {
			err = right(p)
		}
		return p, err
	}
	p, err := o.decide(ctx, decide)
	if err != nil {
		return err
	}
	r := o.intended(res, options)
	if o.planFile == "" {
		r.again = func(ctx context.Context) (plan.Plan, error) {
			p, err := decide(ctx)
			if err != nil {
				return p, err
			}
			return o.ready(ctx, t, project, p)
		}
	}
	j := job{project: project, command: r.title, again: decide}
	if !o.detach && !options.NoStart && !o.g.dryRun {
		return o.attached(ctx, t, p, j, r)
	}
	j.do = func(t compose.Tool, p plan.Plan) error {
		p, err := o.ready(ctx, t, project, p)
		if err != nil {
			return err
		}
		return o.carryOut(ctx, t, p, r)
	}
	return o.exclusively(ctx, t, p, j)
}

// intended is how the plan is carried out, shown and recorded.
func (o *upOptions) intended(res load.Result, options compose.UpOptions) run {
	r := run{title: "up", also: o.also, quiet: silence{o.quietPull, o.quietBuild}, options: compose.RunOptions{WaitTimeout: time.Duration(o.waitTimeout) * time.Second}}
	if options.NoStart {
		r.title = "create"
	}
	r.timed = &timed{command: r.title, file: o.timelineFile}
	r.intent = &compose.Intent{Project: res.Project, Resolved: res.Resolved, Command: o.words(r.title), Scale: options.Scale}
	return r
}

// words of the command, as far as they say what it was to do.
func (o *upOptions) words(verb string) string {
	out := []string{verb}
	if o.planFile != "" {
		return strings.Join(append(out, "--plan", o.planFile), " ")
	}
	for _, s := range o.scale {
		out = append(out, "--scale", s)
	}
	return strings.Join(append(out, o.services...), " ")
}

// fits tells whether the file has what is asked for.
func (o *upOptions) fits(p compose.Project) error {
	if err := o.selection.fits(p); err != nil {
		return err
	}
	var unknown []string
	for _, s := range o.attach {
		if !o.included(p, s) {
			unknown = append(unknown, s)
		}
	}
	if len(unknown) > 0 {
		return usagef("cannot attach to services not included in up: %s", strings.Join(unknown, ", "))
	}
	if o.exitFrom != "" {
		return compose.CheckServices(p, []string{o.exitFrom})
	}
	return nil
}

// included tells whether this is about a service: it is named, or one that is depends on it.
func (o *upOptions) included(p compose.Project, service string) bool {
	all, err := plan.ServiceOrder(p.Services, o.services, o.noDeps)
	return err == nil && slices.Contains(all, service)
}

// shown are the services whose output is shown: those named, or all but those that the file has say attach: false.
func (o *upOptions) shown(p compose.Project) []string {
	names := o.attach
	if len(names) == 0 {
		for _, s := range p.Services {
			named := len(o.services) == 0 || slices.Contains(o.services, s.Name) || o.attachDeps && o.included(p, s.Name)
			if named && !s.NoAttach {
				names = append(names, s.Name)
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(names), func(s string) bool { return slices.Contains(o.noAttach, s) })
}
