package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/cmd/internal/render"
	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/engine/container"
)

// logsOptions of logs.
type logsOptions struct {
	*cli
	compose.LogsOptions
	noColor, noPrefix, stamps bool
}

func (c *cli) logs() *cobra.Command {
	o := &logsOptions{cli: c}
	cmd := &cobra.Command{
		Use: "logs [OPTIONS] [SERVICE...]", Short: "Show what containers wrote, in order of time",
		ValidArgsFunction: c.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Services = args
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.BoolVarP(&o.Follow, "follow", "f", false, "go on with what comes, until all containers have ended")
	fs.StringVarP(&o.Tail, "tail", "n", "all", "only the last `lines` of each container")
	fs.StringVar(&o.Since, "since", "", "only from this `time` on: 2026-01-31T12:00:00Z, or 42m for 42 minutes ago")
	fs.StringVar(&o.Until, "until", "", "only up to this `time`")
	fs.BoolVarP(&o.stamps, "timestamps", "t", false, "put the time in front of each line")
	fs.IntVar(&o.Index, "index", 0, "only the replica of this `number`")
	fs.BoolVar(&o.noColor, "no-color", false, "no colours")
	fs.BoolVar(&o.noPrefix, "no-log-prefix", false, "no names in front")
	return cmd
}

func (o *logsOptions) run(ctx context.Context) error {
	if err := o.check(); err != nil {
		return err
	}
	ctx, cancel := o.gentle(ctx)
	defer cancel()
	project, err := o.project(ctx, o.Services)
	if err != nil {
		return err
	}
	t, err := o.tool(ctx)
	if err != nil {
		return err
	}
	p := o.logPrinter(o.Stdout, nil, render.LogOptions{NoPrefix: o.noPrefix, Timestamps: o.stamps}, o.noColor)
	o.Found = func(all []container.Live) {
		for i := range all {
			p.Register(render.LogName(&all[i]))
		}
	}
	err = t.Logs(ctx, project, o.LogsOptions, func(out compose.Output) { o.show(p, out) })
	return cmp.Or(err, p.Flush())
}

// check what an engine would take for something else, or refuse for each container anew.
func (o *logsOptions) check() error {
	if o.Index > 0 && len(o.Services) == 0 {
		return usagef("--index needs a service")
	}
	if _, err := strconv.Atoi(o.Tail); err != nil && o.Tail != "all" {
		return usagef("invalid value for --tail: %q", o.Tail)
	}
	for flag, text := range map[string]string{"since": o.Since, "until": o.Until} {
		if text != "" && !when(text) {
			return usageError{text: fmt.Sprintf("invalid value for --%s: %q", flag, text), hint: "it takes a time, 2026-01-31T12:00:00Z, or how long ago, 1h30m"}
		}
	}
	return nil
}

// when tells whether engines take it for a time: how long ago, seconds of the epoch, or a date.
func when(text string) bool {
	if _, err := time.ParseDuration(text); err == nil {
		return true
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return true
	}
	return slices.ContainsFunc([]string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02Z07:00", "2006-01-02"}, func(layout string) bool {
		_, err := time.Parse(layout, text)
		return err == nil
	})
}

// show what a container wrote, or that it ended.
func (c *cli) show(p *render.LogPrinter, out compose.Output) {
	switch out := out.(type) {
	case compose.Line:
		p.Line(render.LogName(out.From), out.Line)
	case compose.Exited:
		p.Exited(render.LogName(&out.From), out.Code, out.Restarting)
	case compose.Unreadable:
		c.warn(diag.List{{Severity: diag.Warning, Text: fmt.Sprintf("no logs of %s: %v", out.From.Name, out.Err)}})
	}
}

func (c *cli) logPrinter(out, err io.Writer, o render.LogOptions, noColor bool) *render.LogPrinter {
	o.Color = !noColor && c.style(c.Stdout).Color
	o.Stderr = err
	return render.NewLogPrinter(out, o)
}

// printer of an attached up; what containers write to stderr goes there.
func (o *upOptions) printer(out, err io.Writer) *render.LogPrinter {
	return o.logPrinter(out, err, render.LogOptions{NoPrefix: o.noPrefix, Timestamps: o.stamps}, o.noColor)
}

func logNames(all []container.Live) []string {
	var out []string
	for i := range all {
		out = append(out, render.LogName(&all[i]))
	}
	return out
}
