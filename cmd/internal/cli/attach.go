package cli

import (
	"context"

	"github.com/spf13/cobra"
)

// attachOptions of attach.
type attachOptions struct {
	*cli
	service           string
	index             int
	noStdin, sigProxy bool
}

func (c *cli) attach() *cobra.Command {
	o := &attachOptions{cli: c}
	cmd := &cobra.Command{
		Use: "attach [OPTIONS] SERVICE", Short: "Connect with the input and output of a container that runs", Args: one,
		ValidArgsFunction: c.completeService,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.service = args[0]
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&c.detachKeys, "detach-keys", "", "`keys` that leave it to itself: \"ctrl-p,ctrl-q\"")
	fs.IntVar(&o.index, "index", 0, "`number` of the container, if the service has several")
	fs.BoolVar(&o.noStdin, "no-stdin", false, "do not connect its input")
	fs.BoolVar(&o.sigProxy, "sig-proxy", true, "pass signals on to it")
	return cmd
}

func (o *attachOptions) run(ctx context.Context) error {
	project, err := o.found(ctx, []string{o.service})
	if err != nil {
		return err
	}
	t, err := o.tool(ctx)
	if err != nil {
		return err
	}
	l, err := t.ToAttach(ctx, project, o.service, o.index)
	if err != nil {
		return err
	}
	term, err := o.console(l.TTY, l.Stdin && !o.noStdin)
	if err != nil {
		return err
	}
	var signals <-chan string
	if o.sigProxy {
		signals = o.forwarded(ctx)
	} else {
		var cancel context.CancelFunc
		ctx, cancel = o.gentle(ctx)
		defer cancel()
	}
	code, err := t.Join(ctx, project, l, term.Terminal, signals)
	term.restore()
	return o.outcome(code, err)
}
