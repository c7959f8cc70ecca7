package cli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/plan"
)

// rollbackOptions of rollback.
type rollbackOptions struct {
	*cli
	compose.RollbackOptions
	waitTimeout int
}

func (c *cli) rollback() *cobra.Command {
	o := &rollbackOptions{cli: c}
	cmd := &cobra.Command{
		Use: "rollback [OPTIONS] [REVISION]", Short: "Go back to an earlier revision: its file and its images",
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if o.Revision, err = revision("rollback", args); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&o.Wait, "wait", false, "wait until services are running or healthy")
	fs.IntVar(&o.waitTimeout, "wait-timeout", 0, "most `seconds` to wait")
	fs.BoolVar(&o.Atomic, "atomic", false, "all or nothing: if a step fails, undo all that was done")
	timeoutVar(fs, &o.Timeout)
	o.noWaitFlag(fs)
	return cmd
}

// revision that a command names; 0: none.
func revision(verb string, args []string) (int, error) {
	if len(args) == 0 {
		return 0, nil
	}
	n, err := strconv.Atoi(args[0])
	if len(args) > 1 || err != nil || n <= 0 {
		return 0, usagef("%s takes the number of one revision; see 'tutti history'", verb)
	}
	return n, nil
}

func (o *rollbackOptions) run(ctx context.Context) error {
	var back compose.Rollback
	find := func(ctx context.Context) (t compose.Tool, p plan.Plan, err error) {
		if t, back, err = o.find(ctx); err != nil {
			return t, p, err
		}
		p, err = o.decide(ctx, func(ctx context.Context) (plan.Plan, error) { return t.PlanRollback(ctx, back) })
		return t, p, err
	}
	t, p, err := find(ctx)
	if err != nil {
		return err
	}
	again := func(ctx context.Context) (plan.Plan, error) { // another command may have made a revision
		_, p, err := find(ctx)
		return p, err
	}
	do := func(t compose.Tool, p plan.Plan) error { return o.goBack(ctx, t, back, p) }
	return o.exclusively(ctx, t, p, job{project: back.Project, command: "rollback", again: again, do: do})
}

// goBack carries out the way back.
func (o *rollbackOptions) goBack(ctx context.Context, t compose.Tool, back compose.Rollback, p plan.Plan) error {
	p, err := o.ready(ctx, t, back.Project, p)
	if err != nil {
		return err
	}
	if p.Empty() && !o.g.dryRun {
		if err := t.GiveUp(ctx, back); err != nil {
			return err
		}
	}
	return o.carryOut(ctx, t, p, run{title: fmt.Sprintf("rollback to revision %d", back.To.Number), back: true, timed: &timed{command: "rollback"},
		options: compose.RunOptions{WaitTimeout: time.Duration(o.waitTimeout) * time.Second},
		intent: &compose.Intent{Project: back.Project, Resolved: back.Resolved, Command: fmt.Sprintf("rollback to %d", back.To.Number),
			Scale: back.To.Scale, Exactly: true}})
}

// find where to go back to. Only the project's name is needed of the files there are now.
func (o *rollbackOptions) find(ctx context.Context) (t compose.Tool, back compose.Rollback, err error) {
	ctx, cancel := o.gentle(ctx)
	defer cancel()
	name, err := o.projectName(ctx)
	if err != nil {
		return t, back, err
	}
	if t, err = o.tool(ctx); err != nil {
		return t, back, err
	}
	if back, err = t.Rollback(ctx, name, o.RollbackOptions); err == nil {
		o.warn(back.Diags)
	}
	return t, back, err
}
