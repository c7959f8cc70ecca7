package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/cmd/internal/render"
	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/endpoint"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
)

// ciOptions of ci.
type ciOptions struct {
	upOptions
	in, junit, logs string
	volumes         bool
	command         []string
	cases           []compose.Case
	given           []string // variables for the command, with --isolate
}

func (c *cli) ci() *cobra.Command {
	o := &ciOptions{upOptions: upOptions{cli: c}}
	cmd := &cobra.Command{
		Use: "ci [OPTIONS] -- COMMAND [ARGS...]", Short: "Bring the project up, run a command, and take all down again", Args: needs(1),
		Long: "Bring the project up, run a command, and take all down again, whatever happens: also if up or the command fails, and on Ctrl-C or\n" +
			"SIGTERM, which the command's process group is given first (on the second SIGKILL). What ran before goes, too.\n" +
			"Anonymous volumes go with their containers; named ones stay, unless with --volumes. A command run here has no terminal as input.\n" +
			"With --isolate the command is given the variables of 'tutti env'; in a container they are those for its networks: WEB_HOST=web.\n" +
			"The exit code is the command's, or that of up if this fails.",
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.command, o.wait, o.detach = args, true, true
			if err := o.selection.check(c, cmd); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.SetInterspersed(false)
	o.flagsOfCreate(fs)
	timeoutVar(fs, &o.timeout)
	c.noWaitFlag(fs)
	fs.IntVar(&o.waitTimeout, "wait-timeout", 0, "most `seconds` to wait for services to be running or healthy")
	fs.BoolVar(&o.quietBuild, "quiet-build", false, "show no output of builds")
	fs.StringVar(&o.in, "in", "", "run the command in a container of this `service` instead of here")
	fs.StringVar(&o.junit, "junit", "", "write what went well and what failed to a `file`, as JUnit XML")
	timelineFlag(fs, &o.timelineFile)
	fs.StringVar(&o.logs, "logs", "", "write what each container wrote to a file of its name in this `directory`")
	fs.BoolVarP(&o.volumes, "volumes", "v", false, "remove named volumes, too, with what is in them")
	return cmd
}

func (o *ciOptions) run(ctx context.Context) error {
	if o.Hangups != nil {
		o.Hangups()
	}
	began := time.Now()
	res, err := o.load(ctx, nil)
	project := res.Project
	if err == nil && o.in != "" {
		err = compose.CheckServices(project, []string{o.in})
	}
	if err != nil {
		project.Name, _ = o.projectName(ctx) // it may be what is wrong
		o.cases = append(o.cases, compose.Case{Suite: "up", Name: "load", Took: time.Since(began), Failure: err.Error()})
		return o.conclude(project, time.Since(began), err)
	}
	var up compose.Trial
	o.also = up.Event
	err = o.bringUp(ctx, res, o.options(), func(plan.Plan) error { return nil })
	if o.g.dryRun {
		return err
	}
	o.cases = up.Cases("up")
	if err == nil {
		err = o.trial(ctx, project)
	} else if _, told := errors.AsType[exitCode](err); !told {
		o.cases = append(o.cases, compose.Case{Suite: "up", Name: "up", Failure: err.Error()})
	}
	err = o.interrupted(err)
	if up.Began { // else nothing was touched
		err = o.cleanUp(ctx, project, err)
	}
	return o.conclude(project, time.Since(began), err)
}

// interrupted gives what was interrupted the exit code of the signal.
func (o *ciOptions) interrupted(err error) error {
	code, is := errors.AsType[exitCode](err)
	if !is || code != exitInterrupted || !closed(o.Stop) {
		return err
	}
	if s, is := o.signal().(syscall.Signal); is {
		return exitCode(128 + int(s))
	}
	return err
}

// signal that asked to stop.
func (o *ciOptions) signal() os.Signal {
	if o.Signal == nil {
		return os.Interrupt
	}
	return o.Signal()
}

// trial runs the command, and keeps what came of it.
func (o *ciOptions) trial(ctx context.Context, project compose.Project) error {
	began := time.Now()
	do := o.here
	if o.in != "" {
		do = o.inside
	}
	code, err := 0, o.introduce(ctx, project)
	if err == nil {
		code, err = do(ctx, project)
	}
	if closed(o.Stop) {
		code, err = exitInterrupted, nil
	}
	if err == nil && code != 0 {
		err = o.interrupted(exitCode(code))
	}
	c := compose.Case{Suite: "command", Name: o.command[0], Took: time.Since(began)}
	if err != nil {
		c.Failure = err.Error()
	}
	o.cases = append(o.cases, c)
	return err
}

// introduce the command to the services of a copy: by variables, which are told. In a container they are for its networks, and what its service
// sets stays.
func (o *ciOptions) introduce(ctx context.Context, project compose.Project) error {
	if !o.g.isolate {
		return nil
	}
	ctx, cancel := o.gentle(ctx)
	defer cancel()
	t, err := o.tool(ctx)
	if err != nil {
		return err
	}
	all, err := o.endpoints(ctx, t, project)
	if err != nil {
		return err
	}
	svc, _ := project.Service(o.in)
	if o.in != "" && svc.Container.NetworkMode != "host" {
		all = endpoint.Inside(all)
	}
	for _, v := range o.cli.variables(project, all) {
		if _, set := svc.Container.Environment[v.Name]; !set {
			o.given = append(o.given, v.String())
			o.tell("ci: env      " + v.String())
		}
	}
	return nil
}

// inside a container of a service.
func (o *ciOptions) inside(ctx context.Context, project compose.Project) (int, error) {
	t, err := o.tool(ctx)
	if err != nil {
		return 0, err
	}
	ctx, cancel := o.gentle(ctx)
	defer cancel()
	return t.Exec(ctx, project, compose.ExecOptions{Service: o.in, Exec: engine.Exec{Command: o.command, Environment: o.given}}, compose.Terminal{Stdout: o.Stdout, Stderr: o.Stderr})
}

// here, in a session of its own: so that Ctrl-C comes to it through us alone, and what asks the terminal for something fails instead of waiting.
func (o *ciOptions) here(ctx context.Context, _ compose.Project) (int, error) {
	cmd := exec.Command(o.command[0], o.command[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = o.Dir, append(slices.Clip(o.Environ), o.given...), o.Stdout, o.Stderr
	if _, tty := terminalOf(o.Stdin); !tty {
		cmd.Stdin = o.Stdin
	}
	cmd.WaitDelay = lastWords
	ownSession(cmd)
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("run command: %w", err)
	}
	over, listener := make(chan struct{}), sync.WaitGroup{}
	listener.Go(func() { o.handOn(ctx, cmd.Process, over) })
	err := cmd.Wait()
	close(over)
	listener.Wait()
	if _, ended := errors.AsType[*exec.ExitError](err); ended || errors.Is(err, exec.ErrWaitDelay) {
		return exitStatus(cmd.ProcessState), nil
	}
	return exitStatus(cmd.ProcessState), err
}

// handOn the wish to stop, and the second time end the command.
func (o *ciOptions) handOn(ctx context.Context, p *os.Process, over <-chan struct{}) {
	select {
	case <-o.Stop:
		signalGroup(p, o.signal())
	case <-over:
		return
	}
	select {
	case <-ctx.Done():
		signalGroup(p, os.Kill)
	case <-over:
	}
}

// cleanUp keeps the logs and takes all down, whatever was asked to stop. What failed before is what counts.
func (o *ciOptions) cleanUp(ctx context.Context, project compose.Project, failed error) error {
	ctx = context.WithoutCancel(ctx)
	o.Stop, o.noWait, o.also = nil, false, nil
	if o.logs != "" {
		failed = o.first(failed, o.saveLogs(ctx, project))
	}
	began := time.Now()
	err := o.takeDown(ctx, project)
	c := compose.Case{Suite: "down", Name: "down", Took: time.Since(began)}
	if err != nil {
		c.Failure = err.Error()
	}
	o.cases = append(o.cases, c)
	return o.first(failed, err)
}

// first of two errors; if both are, the second is told at once.
func (o *ciOptions) first(a, b error) error {
	if _, told := errors.AsType[exitCode](b); a != nil && b != nil && !told {
		o.complain(nil, b)
	}
	if a != nil {
		return a
	}
	return b
}

func (o *ciOptions) takeDown(ctx context.Context, project compose.Project) error {
	t, err := o.tool(ctx)
	if err != nil {
		return err
	}
	down := compose.DownOptions{Volumes: o.volumes, Anonymous: true, RemoveOrphans: o.removeOrphans, IgnoreOrphans: o.ignoreOrphans, Timeout: o.timeout}
	again := func(ctx context.Context) (plan.Plan, error) { return t.PlanDown(ctx, project, down) }
	p, err := o.decide(ctx, again)
	if err != nil {
		return err
	}
	return o.exclusively(ctx, t, p, job{project: project, command: "down", again: again, do: func(t compose.Tool, p plan.Plan) error {
		return o.carryOut(ctx, t, p, run{title: "down"})
	}})
}

func (o *ciOptions) saveLogs(ctx context.Context, project compose.Project) error {
	dir := o.path(o.logs)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("save logs: %w", err)
	}
	t, err := o.tool(ctx)
	if err != nil {
		return err
	}
	return t.SaveLogs(ctx, project.Name, func(name string) (io.WriteCloser, error) { return os.Create(filepath.Join(dir, name+".log")) })
}

// conclude tells how long each part took, and writes the report.
func (o *ciOptions) conclude(project compose.Project, took time.Duration, failed error) error {
	for _, c := range o.cases {
		o.tell(caseLine(c))
	}
	if o.junit == "" {
		return failed
	}
	return o.first(failed, cmp.Or(os.MkdirAll(filepath.Dir(o.path(o.junit)), 0o755),
		o.create(o.junit, func(w io.Writer) error { return render.JUnit(w, project.Name, took, o.cases) })))
}

func caseLine(c compose.Case) string {
	how := "ok"
	switch {
	case c.Failure != "":
		how = "failed"
	case c.Skipped:
		how = "skipped"
	}
	return fmt.Sprintf("ci: %-7s  %-7s  %7.1fs  %s", c.Suite, how, c.Took.Seconds(), c.Name)
}
