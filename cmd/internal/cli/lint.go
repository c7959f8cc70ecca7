package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/cmd/internal/render"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/lint"
	"github.com/tutti-run/tutti/compose/load"
)

// lintOptions of lint.
type lintOptions struct {
	*cli
	lint.Options
	format, output, severity, failOn string
	rules                            bool
}

const lintLong = `Look for what is risky, of no use, or not what was meant in the Compose files

A file can say what lint is to leave: x-lint-ignore, at its top level, in a service, network, volume, secret or config, is a list of rules, or
a mapping of rules to reasons. x-lint: {severity: {RULE: error|warning|info|off}} in the same places makes a rule more or less severe.

The exit code is 1 if there is a finding of --fail-on's severity or worse, else 0.`

func (c *cli) lint() *cobra.Command {
	o := &lintOptions{cli: c}
	cmd := &cobra.Command{
		Use: "lint [OPTIONS] [SERVICE...]", Short: "Look for what is risky, of no use, or not what was meant in the files", Long: lintLong,
		ValidArgsFunction: c.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Services = args
			if err := o.check(); err != nil {
				return err
			}
			if o.rules {
				return o.listRules()
			}
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.format, "format", "text", "print as `kind`: "+strings.Join(formats["lint"], ", "))
	fs.StringVarP(&o.output, "output", "o", "", "write to a `file`")
	fs.StringVar(&o.severity, "severity", "info", "leave out what is below a `level`: error, warning, info")
	fs.StringVar(&o.failOn, "fail-on", "error", "end with exit code 1 from a `level` on: error, warning, info, never")
	fs.StringSliceVar(&o.Enable, "enable", nil, "apply `rules` that are off, repeatable or with commas between; all for all of them")
	fs.StringSliceVar(&o.Disable, "disable", nil, "do not apply `rules`, repeatable or with commas between")
	fs.BoolVar(&o.rules, "rules", false, "list the rules, a line each: id, severity, what they look for")
	return cmd
}

var severities = []string{"error", "warning", "info"}

func (o *lintOptions) check() error {
	for _, f := range []struct {
		name, value string
		allowed     []string
	}{{"format", o.format, formats["lint"]}, {"severity", o.severity, severities}, {"fail-on", o.failOn, append(severities[:3:3], "never")}} {
		if !slices.Contains(f.allowed, f.value) {
			return usagef("--%s must be one of %s, not %q", f.name, strings.Join(f.allowed, ", "), f.value)
		}
	}
	if slices.Contains(o.Enable, "all") {
		o.Enable = lint.IDs()
	}
	for _, id := range append(o.Enable[:len(o.Enable):len(o.Enable)], o.Disable...) {
		if _, ok := lint.Find(id); ok {
			continue
		}
		e := usageError{text: "no such rule: " + id, hint: "see 'tutti lint --rules'"}
		if near := diag.Nearest(id, lint.IDs()); near != "" {
			e.hint = fmt.Sprintf("did you mean %q?", near)
		}
		return e
	}
	return nil
}

func (o *lintOptions) run(ctx context.Context) error {
	ctx, cancel := o.gentle(ctx)
	defer cancel()
	o.json = o.format == "json"
	l := o.loadOptions()
	l.Services, l.Isolate = o.Services, false // what is in the way of copies is in the files still
	in, err := load.Lint(ctx, l)
	if err != nil {
		return err
	}
	report := lint.Run(in, o.Options)
	fails := o.fails(report)
	report.Findings = atLeast(report.Findings, o.severity)
	if err := o.write(func(w io.Writer) error { return o.print(w, report) }); err != nil {
		return err
	}
	if fails {
		return exitCode(exitError)
	}
	return nil
}

func (o *lintOptions) fails(r lint.Report) bool {
	return o.failOn != "never" && len(atLeast(r.Findings, o.failOn)) > 0
}

func atLeast(all []lint.Finding, level string) []lint.Finding {
	return slices.DeleteFunc(slices.Clone(all), func(f lint.Finding) bool { return !lint.AtLeast(f.Severity, diag.Severity(level)) })
}

// write the result to stdout, or to the file that --output names.
func (o *lintOptions) write(fill func(io.Writer) error) error {
	if o.output != "" {
		return o.create(o.output, fill)
	}
	return fill(o.Stdout)
}

func (o *lintOptions) print(w io.Writer, r lint.Report) error {
	switch o.format {
	case "json":
		return render.LintJSON(w, r)
	case "sarif":
		return render.LintSARIF(w, r, o.Version)
	}
	return render.Lint(w, r, o.style(w))
}

func (o *lintOptions) listRules() error {
	return o.write(func(w io.Writer) error { return render.LintRules(w, lint.Rules()) })
}
