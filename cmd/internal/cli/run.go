package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/compose/plan"
)

// runOptions of run.
type runOptions struct {
	*cli
	compose.RunOnce
	detach, remove, noTTY, interactive      bool
	quiet, quietPull, quietBuild            bool
	entrypoint                              string
	env, envFiles, labels, publish, volumes []string
}

func (c *cli) run_() *cobra.Command {
	o := &runOptions{cli: c}
	cmd := &cobra.Command{
		Use: "run [OPTIONS] SERVICE [COMMAND] [ARGS...]", Short: "Run a command once in a container of its own", Args: needs(1),
		ValidArgsFunction: c.completeService,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Service = args[0]
			if len(args) > 1 {
				o.Command = args[1:]
			}
			if err := o.settle(cmd.Flags()); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.flags(cmd.Flags())
	c.noWaitFlag(cmd.Flags())
	return cmd
}

func (o *runOptions) flags(fs *pflag.FlagSet) {
	fs.SetInterspersed(false)
	fs.SetNormalizeFunc(otherNames(map[string]string{"no-TTY": "no-tty", "volumes": "volume", "labels": "label"}))
	fs.BoolVarP(&o.detach, "detach", "d", false, "leave the container running in the background, and print its id")
	fs.BoolVar(&o.remove, "rm", false, "remove the container when it has ended")
	fs.StringArrayVarP(&o.env, "env", "e", nil, "set a `variable`: NAME=VALUE, or NAME to take it over from here; repeatable")
	fs.StringArrayVar(&o.envFiles, "env-from-file", nil, "set variables from a `file`, repeatable")
	fs.StringArrayVarP(&o.labels, "label", "l", nil, "set a `label`: NAME=VALUE, repeatable")
	fs.StringVar(&o.entrypoint, "entrypoint", "", "another `entrypoint` than the image's")
	fs.StringVar(&o.Name, "name", "", "`name` of the container")
	fs.StringVarP(&o.User, "user", "u", "", "run it as this `user`")
	fs.StringVarP(&o.WorkingDir, "workdir", "w", "", "`directory` in the container to run it in")
	fs.StringSliceVar(&o.CapAdd, "cap-add", nil, "give it a `capability`, repeatable")
	fs.StringSliceVar(&o.CapDrop, "cap-drop", nil, "take a `capability` away, repeatable")
	fs.StringArrayVarP(&o.volumes, "volume", "v", nil, "mount a `volume`: SOURCE:TARGET, repeatable")
	fs.StringArrayVarP(&o.publish, "publish", "p", nil, "publish a `port`: HOST:CONTAINER, repeatable")
	fs.BoolVarP(&o.ServicePorts, "service-ports", "P", false, "publish the service's ports")
	fs.BoolVar(&o.Aliases, "use-aliases", false, "let it be found by the service's names")
	fs.BoolVar(&o.NoDeps, "no-deps", false, "do not start what the service depends on")
	fs.BoolVar(&o.RemoveOrphans, "remove-orphans", false, "remove containers of services that the file does not have")
	fs.BoolVar(&o.Build, "build", false, "build images first")
	fs.StringVar(&o.Pull, "pull", "policy", "pull images: always, missing, never, or policy: as the file says")
	fs.BoolVarP(&o.quiet, "quiet", "q", false, "show nothing but the command's output")
	fs.BoolVar(&o.quietPull, "quiet-pull", false, "show no progress of pulls")
	fs.BoolVar(&o.quietBuild, "quiet-build", false, "show no output of builds")
	fs.BoolVarP(&o.interactive, "interactive", "i", true, "connect it with the input here")
	fs.BoolVarP(&o.noTTY, "no-tty", "T", false, "give it no terminal; that is so anyway where input or output is none")
	fs.BoolVarP(&o.TTY, "tty", "t", true, "give it a terminal")
	_ = fs.MarkHidden("tty")
}

// settle what the flags come to.
func (o *runOptions) settle(fs *pflag.FlagSet) (err error) {
	switch {
	case fs.Changed("tty") && fs.Changed("no-tty"):
		return usagef("--tty and --no-tty can't be used together")
	case o.ServicePorts && len(o.publish) > 0:
		return usagef("--service-ports and --publish are incompatible")
	case fs.Changed("no-tty"):
		o.TTY = !o.noTTY
	case !fs.Changed("tty"):
		_, in := terminalOf(o.App.Stdin)
		_, out := terminalOf(o.Stdout)
		o.TTY = out && (in || fs.Changed("interactive"))
	}
	o.RunOnce.Stdin, o.AutoRemove = o.interactive, o.detach && o.remove
	if fs.Changed("entrypoint") {
		if o.Entrypoint, err = load.Words(o.entrypoint); err != nil {
			return usagef("invalid --entrypoint %q: %v", o.entrypoint, err)
		}
	}
	if o.Pull == "policy" {
		o.Pull = ""
	}
	o.IgnoreOrphans = o.yes("COMPOSE_IGNORE_ORPHANS")
	if !fs.Changed("remove-orphans") {
		o.RemoveOrphans = o.yes("COMPOSE_REMOVE_ORPHANS")
	}
	if o.Labels, err = pairs(o.labels, "label"); err != nil {
		return err
	}
	if o.Environment, err = o.variables(); err != nil {
		return err
	}
	o.Ports, err = load.Ports(o.publish)
	return err
}

func pairs(texts []string, what string) (map[string]string, error) {
	out := map[string]string{}
	for _, text := range texts {
		name, value, _ := strings.Cut(text, "=")
		if name == "" {
			return nil, usagef("invalid %s %q: it takes NAME=VALUE", what, text)
		}
		out[name] = value
	}
	return out, nil
}

// variables of the files first, then those of -e.
func (o *runOptions) variables() (map[string]*string, error) {
	out := map[string]*string{}
	for _, name := range o.envFiles {
		file, err := load.EnvFile(o.path(name), o.lookup)
		if err != nil {
			return nil, err
		}
		for k, v := range file {
			out[k] = &v
		}
	}
	all, err := pairs(o.taken(o.env), "variable")
	for k, v := range all {
		out[k] = &v
	}
	return out, err
}

func (o *runOptions) run(ctx context.Context) error {
	if _, in := terminalOf(o.App.Stdin); !in && o.TTY && o.RunOnce.Stdin && !o.detach {
		return errNoTTY
	}
	res, err := o.load(ctx, []string{o.Service})
	if err != nil {
		return err
	}
	project := res.Project
	if err := compose.CheckServices(project, []string{o.Service}); err != nil {
		return err
	}
	if err := o.consent(ctx, res, false); err != nil {
		return err
	}
	names := map[string]string{}
	for _, v := range project.Volumes {
		names[v.Key] = v.Name
	}
	if o.Mounts, err = load.Mounts(o.volumes, project.WorkingDir, names); err != nil {
		return err
	}
	t, err := o.tool(ctx)
	if err != nil {
		return err
	}
	var name string
	again := func(ctx context.Context) (p plan.Plan, err error) {
		p, name, err = t.PlanRun(ctx, project, o.RunOnce)
		return p, err
	}
	p, err := o.decide(ctx, again)
	if err != nil {
		return err
	}
	err = o.exclusively(ctx, t, p, job{project: project, command: "run", again: again, do: func(t compose.Tool, p plan.Plan) error {
		p, err := o.ready(ctx, t, project, p)
		if err != nil {
			return err
		}
		return o.carryOut(ctx, t, p, run{title: "run", silent: o.quiet, quiet: silence{o.quietPull, o.quietBuild}})
	}})
	if err == nil && o.g.dryRun && o.AsCompose {
		return usagef("interactive run is not supported in dry-run mode")
	}
	if err != nil || o.g.dryRun {
		return err
	}
	return o.start(ctx, t, project, name)
}

// start the container that was made, and stay with it unless it is to be left alone.
func (o *runOptions) start(ctx context.Context, t compose.Tool, project compose.Project, name string) error {
	if o.detach {
		id, err := t.StartOnce(ctx, project, name)
		switch {
		case err == nil:
			fmt.Fprintln(o.Stdout, id)
		case o.remove && id == "": // it has not run, so that the engine removes nothing
			err = errors.Join(err, t.RemoveOnce(ctx, name))
		}
		return err
	}
	term, err := o.console(o.TTY, o.RunOnce.Stdin)
	if err != nil {
		return errors.Join(err, t.RemoveOnce(ctx, name))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	code, err := t.Once(ctx, project, name, term.Terminal, o.forwarded(ctx))
	term.restore()
	if o.remove && !errors.Is(err, compose.ErrDetached) {
		err = errors.Join(err, t.RemoveOnce(ctx, name))
	}
	return o.outcome(code, err)
}
