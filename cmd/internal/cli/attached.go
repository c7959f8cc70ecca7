package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/plan"
)

// attached carries out a plan, shows what the containers write, and stops them when asked to: by Ctrl-C, or by one that ends.
// Others may change the project while it stays.
func (o *upOptions) attached(ctx context.Context, t compose.Tool, p plan.Plan, j job, r run) error {
	var at *compose.Attachment
	j.do = func(t compose.Tool, p plan.Plan) error {
		p, err := o.ready(ctx, t, j.project, p)
		if err != nil {
			return err
		}
		if at, err = o.attachTo(ctx, t, j.project, p); err != nil {
			return err
		}
		return o.begin(ctx, t, at, p, r)
	}
	err := o.exclusively(ctx, t, p, j)
	if at == nil {
		return err
	}
	defer o.printed.Flush()
	defer at.Close()
	if err != nil {
		return err
	}
	s := o.watchSwitch(ctx, t, j.project, at)
	defer s.stop()
	m := o.openMenu(s)
	defer m.close()
	if o.watch {
		s.start()
	}
	return o.stay(ctx, t, j.project, at, s, m)
}

// attachTo what the containers of a plan will write.
func (o *upOptions) attachTo(ctx context.Context, t compose.Tool, project compose.Project, p plan.Plan) (*compose.Attachment, error) {
	logs := o.printer(o.screen.on(o.Stdout), o.screen.on(o.Stderr))
	o.printed = logs
	at, err := t.Attach(context.WithoutCancel(ctx), project, p, o.attachment(project), func(out compose.Output) { o.show(logs, out) })
	if err != nil {
		return nil, err
	}
	if names := logNames(at.Names); len(names) > 0 {
		logs.Attaching(names)
	}
	return at, nil
}

// begin carries out the plan; it is no error if that ended because the containers have to be stopped.
func (o *upOptions) begin(ctx context.Context, t compose.Tool, at *compose.Attachment, p plan.Plan, r run) error {
	t.Stop = first(t.Stop, at.Aborted, at.Ended)
	rec := o.record(ctx, t, p, r)
	report := o.perform(ctx, t, p, r)
	o.settle(ctx, rec, report)
	if err := o.drawTimeline(r.timed); err != nil { // the containers run all the same
		o.complain(nil, err)
	}
	if err := o.ended(report); err != nil && !closed(at.Aborted) && !closed(o.Stop) {
		return err
	}
	at.Settle(report)
	return nil
}

// stay until all containers have ended.
func (o *upOptions) stay(ctx context.Context, t compose.Tool, project compose.Project, at *compose.Attachment, s *watchSwitch, m *menu) error {
	select {
	case <-at.Ended:
	case <-m.left():
		return nil
	case <-at.Aborted:
		m.close()
		s.stop()
		fmt.Fprintln(o.status(), "Aborting on container exit...")
		o.stopAll(ctx, t, project, at)
	case <-o.Stop:
		m.close()
		fmt.Fprintln(o.status(), "Gracefully Stopping... press Ctrl+C again to force")
		s.stop()
		o.stopAll(ctx, t, project, at)
		return exitCode(exitInterrupted)
	}
	if closed(o.Stop) {
		return exitCode(exitInterrupted)
	}
	err := at.Close()
	if code := at.ExitCode(); code != 0 {
		return exitCode(code)
	}
	return err
}

// stopAll stops the containers of this up; once ctx ends, by force.
func (o *upOptions) stopAll(ctx context.Context, t compose.Tool, project compose.Project, at *compose.Attachment) {
	patient, cancel := context.WithCancel(ctx)
	defer cancel()
	at.Leave()
	t.Stop = nil
	o.noWait = false // that was about the up
	again := func(ctx context.Context) (plan.Plan, error) {
		return t.PlanStop(ctx, project, compose.LifecycleOptions{Services: o.services, Timeout: o.timeout})
	}
	p, err := again(patient)
	if err == nil {
		err = o.exclusively(patient, t, p, job{project: project, command: "stop", again: again, do: func(t compose.Tool, p plan.Plan) error {
			o.perform(patient, t, p, run{title: "stop"})
			return nil
		}})
	}
	if ctx.Err() != nil || err != nil {
		o.kill(ctx, t, project)
	}
	select {
	case <-at.Ended:
	case <-time.After(lastWords):
	}
}

// lastWords is how long the output of stopped containers may take to come.
const lastWords = 3 * time.Second

func (o *upOptions) kill(ctx context.Context, t compose.Tool, project compose.Project) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := t.Kill(ctx, project, o.services); err != nil {
		o.complain(nil, err)
	}
}

func (o *upOptions) attachment(p compose.Project) compose.AttachOptions {
	a := compose.AttachOptions{Services: o.services, Show: o.shown(p), ExitFrom: o.exitFrom}
	switch {
	case o.abortOnExit:
		a.Cascade = compose.StopOnExit
	case o.abortOnFailure:
		a.Cascade = compose.StopOnFailure
	}
	return a
}

// first is closed when one of them is; done lets go of both.
func first(a, b, done <-chan struct{}) <-chan struct{} {
	out := make(chan struct{})
	go func() {
		select {
		case <-a:
			close(out)
		case <-b:
			close(out)
		case <-done:
		}
	}()
	return out
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
