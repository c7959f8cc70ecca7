package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/tutti-run/tutti/cmd/internal/render"
	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/plan"
)

// run is how a plan is carried out and shown.
type run struct {
	title   string // of the view
	quiet   silence
	silent  bool // nothing is shown of it, but what failed
	options compose.RunOptions
	also    func(apply.Event) // is told how it goes on, beside the view; may be nil
	timed   *timed            // the timeline that is made of it; nil: none
	// again makes the plan anew, once, if the world moved while the first was carried out; nil: that one or none.
	again func(context.Context) (plan.Plan, error)
	// intent is what becomes a revision once the plan was carried out; nil: nothing does.
	intent *compose.Intent
	back   bool // it is a rollback
}

// decide makes a plan; an interrupt ends it.
func (c *cli) decide(ctx context.Context, make func(context.Context) (plan.Plan, error)) (plan.Plan, error) {
	ctx, cancel := c.gentle(ctx)
	defer cancel()
	began := time.Now()
	p, err := make(ctx)
	if err != nil {
		return p, err
	}
	slog.Debug("planned", "steps", len(p.Nodes), "took", time.Since(began))
	c.warn(p.Warnings)
	return p, nil
}

// ready gives the plan to carry out, or an error that tells all that would make it fail half-way: by then nothing is touched. A dry run shows what
// was planned in any case.
func (c *cli) ready(ctx context.Context, t compose.Tool, project compose.Project, p plan.Plan) (plan.Plan, error) {
	ctx, cancel := c.gentle(ctx)
	defer cancel()
	began := time.Now()
	out, err := t.Preflight(ctx, project, p, compose.PreflightOptions{NameGiven: c.named()})
	slog.Debug("preflight", "took", time.Since(began))
	if err != nil && c.g.dryRun {
		return p, errors.Join(c.showPlan(p), err)
	}
	if err == nil {
		c.warn(out.Warnings[len(p.Warnings):])
	}
	return out, err
}

// named tells whether the user chose the project's name for this command: that it stands in a file says little, for files are copied.
func (c *cli) named() bool {
	env, _ := c.lookup("COMPOSE_PROJECT_NAME")
	return c.g.name != "" || env != ""
}

// carryOut a plan, or with --dry-run only show it.
func (c *cli) carryOut(ctx context.Context, t compose.Tool, p plan.Plan, r run) error {
	if c.g.dryRun {
		return c.showPlan(p)
	}
	rec := c.record(ctx, t, p, r)
	report := c.watch(ctx, t, p, r)
	if now, moved := c.moved(ctx, report, r); moved {
		fmt.Fprintln(c.status(), "The engine has changed meanwhile: planning again")
		report = c.watch(ctx, t, now, r)
	}
	c.report(report)
	c.settle(ctx, rec, report)
	drawn := c.drawTimeline(r.timed)
	return cmp.Or(c.ended(report), drawn)
}

// moved gives a new plan if the first one failed because the world is not any more what it was made for.
func (c *cli) moved(ctx context.Context, report apply.Report, r run) (plan.Plan, bool) {
	failed := compose.Outrun(report)
	if len(failed) == 0 || r.again == nil || report.Interrupted {
		return plan.Plan{}, false
	}
	p, err := r.again(ctx)
	return p, err == nil && compose.Moved(failed, p)
}

// showPlan on stdout, which called as docker-compose stays empty.
func (c *cli) showPlan(p plan.Plan) error {
	if c.AsCompose && !c.progressJSON() {
		return c.pretend(p)
	}
	if c.progressJSON() {
		return render.PlanJSON(c.Stdout, p)
	}
	return render.Plan(c.Stdout, p, c.style(c.Stdout))
}

// perform a plan, show how it goes, and what failed.
func (c *cli) perform(ctx context.Context, t compose.Tool, p plan.Plan, r run) apply.Report {
	report := c.watch(ctx, t, p, r)
	c.report(report)
	return report
}

func (c *cli) report(r apply.Report) {
	if c.progressJSON() {
		if i := slices.IndexFunc(r.Failures, func(f apply.Failure) bool { return !f.Tolerated && f.Err != nil }); i >= 0 {
			c.jsonLine(map[string]any{"error": true, "message": r.Failures[i].Err.Error()})
		}
		return
	}
	_, style, _ := c.mode()
	var text bytes.Buffer
	render.Report(&text, r, style)
	_, _ = c.screen.on(c.status()).Write(text.Bytes())
}

// watch a plan being carried out.
func (c *cli) watch(ctx context.Context, t compose.Tool, p plan.Plan, r run) apply.Report {
	v := c.viewOf(r)
	t.Events = both(both(r.quiet.events(v), r.also), r.timed.event())
	c.screen.shows(v)
	report := t.Run(ctx, p, r.options)
	_ = v.Close()
	c.screen.shows(nil)
	return report
}

// both are told; the second may be nil.
func both(a, b func(apply.Event)) func(apply.Event) {
	if b == nil {
		return a
	}
	return func(e apply.Event) { a(e); b(e) }
}

func (c *cli) viewOf(r run) render.View {
	if r.silent {
		return render.NewQuiet(c.status())
	}
	return c.view(r.title)
}

// ended turns a report into an exit code; what failed was shown.
func (c *cli) ended(r apply.Report) error {
	switch {
	case r.Interrupted:
		return exitCode(exitInterrupted)
	case r.Failed():
		return exitCode(exitError)
	}
	return nil
}
