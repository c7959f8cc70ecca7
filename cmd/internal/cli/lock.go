package cli

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/lock"
	"github.com/tutti-run/tutti/compose/plan"
)

func (c *cli) noWaitFlag(fs *pflag.FlagSet) {
	fs.BoolVar(&c.noWait, "no-wait", false, "fail if another command is changing the project, instead of waiting")
}

// job is a change of a project that one command makes at a time.
type job struct {
	project compose.Project
	command string                                   // "up"
	again   func(context.Context) (plan.Plan, error) // plans anew, after another command has changed the project
	do      func(compose.Tool, plan.Plan) error      // carries a plan out, also an empty one
}

// exclusively make a change, as planned unless another command was at it. What changes nothing needs no lock: that costs no call.
func (c *cli) exclusively(ctx context.Context, t compose.Tool, p plan.Plan, j job) error {
	if c.g.dryRun || p.Empty() {
		return j.do(t, p)
	}
	l, err := c.lock(ctx, t, j)
	if err != nil {
		return err
	}
	defer l.Release(ctx)
	if p, err = c.fresh(ctx, t, p, j, l.Waited()); err != nil {
		return err
	}
	done := make(chan struct{})
	defer close(done)
	t.Stop = first(t.Stop, l.Lost(), done)
	err = j.do(t, p)
	if closed(l.Lost()) {
		return fmt.Errorf("project %q is not ours any more: its lock was taken over, or the engine went away", j.project.Name)
	}
	return err
}

// lock the project; the tool's Stop ends the wait.
func (c *cli) lock(ctx context.Context, t compose.Tool, j job) (*lock.Lock, error) {
	waiting, cancel := until(ctx, t.Stop)
	defer cancel()
	return t.Lock(waiting, j.project.Name, j.command, lock.Options{
		NoWait: c.noWait,
		Waiting: func(h lock.Holder) {
			c.tell(fmt.Sprintf("project %s is being changed by %s: waiting", j.project.Name, h))
		},
		TookOver: func(h lock.Holder) { c.tell(fmt.Sprintf("project %s was left by %s: going on", j.project.Name, h)) },
	})
}

// fresh is the plan, made anew if another command has changed the project since it was made.
func (c *cli) fresh(ctx context.Context, t compose.Tool, p plan.Plan, j job, waited bool) (plan.Plan, error) {
	ctx, cancel := until(ctx, t.Stop)
	defer cancel()
	stale := waited
	if !waited {
		var err error
		if stale, err = t.Stale(ctx, j.project.Name, p); err != nil {
			return p, err
		}
	}
	if !stale {
		return p, nil
	}
	return j.again(ctx)
}

// tell the story one line.
func (c *cli) tell(text string) {
	if c.progressJSON() {
		c.jsonLine(map[string]any{"level": "info", "msg": text})
		return
	}
	fmt.Fprintln(c.screen.on(c.status()), text)
}
