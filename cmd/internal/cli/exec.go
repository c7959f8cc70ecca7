package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/compose"
)

// execOptions of exec.
type execOptions struct {
	*cli
	compose.ExecOptions
	noTTY, tty, interactive bool
}

func (c *cli) exec() *cobra.Command {
	o := &execOptions{cli: c}
	cmd := &cobra.Command{
		Use: "exec [OPTIONS] SERVICE COMMAND [ARGS...]", Short: "Run a command in a container that runs", Args: needs(2),
		ValidArgsFunction: c.completeService,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Service, o.Command = args[0], args[1:]
			_, tty := terminalOf(c.Stdout) // whatever the input is, unlike run
			if cmd.Flags().Changed("no-tty") {
				tty = !o.noTTY
			}
			return o.run(cmd.Context(), tty && o.tty)
		},
	}
	fs := cmd.Flags()
	fs.SetInterspersed(false)
	fs.SetNormalizeFunc(otherNames(map[string]string{"no-TTY": "no-tty"}))
	fs.BoolVarP(&o.Detach, "detach", "d", false, "leave the command running in the background")
	fs.StringArrayVarP(&o.Environment, "env", "e", nil, "set a `variable`: NAME=VALUE, or NAME to take it over from here; repeatable")
	fs.IntVar(&o.Index, "index", 0, "`number` of the container, if the service has several")
	fs.BoolVarP(&o.noTTY, "no-tty", "T", false, "give it no terminal; that is so anyway where the output is none")
	fs.BoolVar(&o.Privileged, "privileged", false, "give it all capabilities")
	fs.StringVarP(&o.User, "user", "u", "", "run it as this `user`")
	fs.StringVarP(&o.WorkingDir, "workdir", "w", "", "`directory` in the container to run it in")
	fs.BoolVarP(&o.interactive, "interactive", "i", true, "connect it with the input here")
	fs.BoolVarP(&o.tty, "tty", "t", true, "give it a terminal")
	_, _ = fs.MarkHidden("interactive"), fs.MarkHidden("tty")
	return cmd
}

func (o *execOptions) run(ctx context.Context, tty bool) error {
	if o.g.dryRun {
		return usagef("interactive exec is not supported in dry-run mode")
	}
	project, err := o.found(ctx, []string{o.Service})
	if err != nil {
		return err
	}
	t, err := o.tool(ctx)
	if err != nil {
		return err
	}
	o.Environment = o.taken(o.Environment)
	term, err := o.console(tty, o.interactive && !o.Detach)
	if err != nil {
		return err
	}
	ctx, cancel := o.gentle(ctx)
	defer cancel()
	code, err := t.Exec(ctx, project, o.ExecOptions, term.Terminal)
	term.restore()
	return o.outcome(code, err)
}

// taken are variables with the values that names alone have here, or in the env files; names that have none are left out.
func (c *cli) taken(variables []string) []string {
	var out []string
	for _, v := range variables {
		if name, _, set := strings.Cut(v, "="); !set {
			value, ok := c.variable(name)
			if !ok {
				continue
			}
			v = name + "=" + value
		}
		out = append(out, v)
	}
	return out
}
