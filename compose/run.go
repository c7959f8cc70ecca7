package compose

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/volume"
)

// RunOnce says what container `run` makes of a service, and what is other than in the file.
type RunOnce struct {
	Service       string
	Name          string // "": project-service-run-…
	Aliases       bool   // it is found by the service's names, too
	ServicePorts  bool   // publish the service's ports
	Ports         []container.Port
	Mounts        []volume.Mount // in place of those at the same target
	Command       []string       // nil: the service's
	Entrypoint    []string       // nil: the service's; else without its command
	Environment   map[string]*string
	Labels        map[string]string
	User          string
	WorkingDir    string
	CapAdd        []string
	CapDrop       []string
	TTY, Stdin    bool
	AutoRemove    bool // by the engine, when it has ended
	NoDeps        bool
	RemoveOrphans bool
	IgnoreOrphans bool
	Build         bool
	Pull          string
}

// PlanRun says what has to be done so that the container is there, not started: what its service depends on is brought up. name is the
// container's.
func (t Tool) PlanRun(ctx context.Context, p Project, o RunOnce) (out plan.Plan, name string, err error) {
	slug := make([]byte, 32)
	rand.Read(slug)
	once := &desired.OneOff{Service: o.Service, Slug: hex.EncodeToString(slug), Name: o.Name, Aliases: o.Aliases, Change: o.change}
	up := UpOptions{Services: []string{o.Service}, NoDeps: o.NoDeps, RemoveOrphans: o.RemoveOrphans, IgnoreOrphans: o.IgnoreOrphans, Build: o.Build, Pull: o.Pull}.plan()
	up.OneOff = once
	out, err = t.decide(ctx, p, nil, up)
	for _, n := range out.Nodes {
		if c, ok := n.Step.(plan.CreateContainer); ok && c.Labels[container.LabelSlug] == once.Slug {
			name = c.Name
		}
	}
	return out, name, err
}

// change the service's container to what is wanted of this one.
func (o RunOnce) change(s *container.Spec) {
	if !o.ServicePorts {
		s.Ports = nil
	}
	s.Ports = append(s.Ports[:len(s.Ports):len(s.Ports)], o.Ports...)
	s.Mounts = overlaid(s.Mounts, o.Mounts)
	if o.Entrypoint != nil {
		s.Entrypoint, s.Command = o.Entrypoint, []string{}
	}
	if o.Command != nil {
		s.Command = o.Command
	}
	s.Environment = merged(s.Environment, o.Environment)
	s.Labels = merged(s.Labels, o.Labels)
	if o.User != "" {
		s.User = o.User
	}
	if o.WorkingDir != "" {
		s.WorkingDir = o.WorkingDir
	}
	s.CapAdd = append(without(s.CapAdd, o.CapDrop), o.CapAdd...) // engines let what is added win
	s.CapDrop = append(without(s.CapDrop, o.CapAdd), o.CapDrop...)
	s.TTY, s.StdinOpen, s.StdinOnce, s.AutoRemove = o.TTY, o.Stdin, o.Stdin, o.AutoRemove
}

func without(all, some []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(some, s) })
}

func overlaid(all, over []volume.Mount) []volume.Mount {
	at := map[string]bool{}
	for _, m := range over {
		at[m.Target] = true
	}
	var out []volume.Mount
	for _, m := range all {
		if !at[m.Target] {
			out = append(out, m)
		}
	}
	return append(out, over...)
}

func merged[V any](all, over map[string]V) map[string]V {
	if len(over) == 0 {
		return all
	}
	out := maps.Clone(all)
	if out == nil {
		out = map[string]V{}
	}
	maps.Copy(out, over)
	return out
}

// StartOnce starts the container, runs its hooks, and leaves it to itself; id is for those who look for it.
func (t Tool) StartOnce(ctx context.Context, p Project, name string) (id string, err error) {
	l, err := t.Engine.Inspect(ctx, name)
	if err != nil {
		return "", err
	}
	if err := t.Engine.StartContainer(ctx, l.ID); err != nil {
		return "", err
	}
	return l.ID, t.postStart(ctx, p, l)
}

// postStart runs the service's post_start hooks; a container that has ended meanwhile has no use for them.
func (t Tool) postStart(ctx context.Context, p Project, l container.Live) error {
	svc, _ := p.Service(l.Service())
	err := apply.Hooks(ctx, t.Engine, l.ID, "post_start", svc.PostStart, func(string) {})
	for range 10 { // whose end shows a moment later than in what becomes of its processes
		if err == nil {
			return nil
		}
		now, gone := t.Engine.Inspect(ctx, l.ID)
		if errors.Is(gone, engine.ErrNotFound) || gone == nil && !now.Up() {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

// Once starts a container that PlanRun planned, connected with the user, and gives its exit code. Signals that come meanwhile are passed on, and
// hooks run beside it: one that fails is told at the end.
func (t Tool) Once(ctx context.Context, p Project, name string, term Terminal, signals <-chan string) (code int, err error) {
	l, err := t.Engine.Inspect(ctx, name)
	if err != nil {
		return 0, err
	}
	hooks := make(chan error, 1)
	code, err = t.with(ctx, p, l.ID, term, signals, func() error {
		err := t.Engine.StartContainer(ctx, l.ID)
		if err == nil {
			go func() { hooks <- t.postStart(ctx, p, l) }()
		}
		return err
	})
	if err == nil {
		err = <-hooks
	}
	return code, err
}

// with the user connected with a container, begin, and wait for its end.
func (t Tool) with(ctx context.Context, p Project, id string, term Terminal, signals <-chan string, begin func() error) (code int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, broken, err := t.Engine.Subscribe(ctx, p.Name)
	if err != nil {
		return 0, err
	}
	stream, err := t.Engine.AttachContainer(ctx, id, term.streaming())
	if err != nil {
		return 0, err
	}
	if err := begin(); err != nil {
		stream.Close()
		return 0, err
	}
	go t.pass(ctx, id, signals)
	if err := term.connect(ctx, stream); err != nil {
		return 0, err
	}
	return t.ended(ctx, id, events, broken)
}

// pass signals on; a container that is going takes none.
func (t Tool) pass(ctx context.Context, id string, signals <-chan string) {
	for {
		select {
		case s := <-signals:
			_ = t.Engine.KillContainer(ctx, id, s)
		case <-ctx.Done():
			return
		}
	}
}

// ended waits for the end of a container whose output has ended.
func (t Tool) ended(ctx context.Context, id string, events <-chan engine.Event, broken <-chan error) (int, error) {
	d, err := t.Engine.Diagnose(ctx, id)
	if err != nil || d.State == container.Exited {
		return d.ExitCode, err
	}
	for {
		select {
		case e, open := <-events:
			if !open {
				return 0, <-broken
			}
			if e.Kind == engine.EventDie && e.Container == id {
				return e.ExitCode, nil
			}
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// RemoveOnce removes the container when it has done its work, also when the user has given up.
func (t Tool) RemoveOnce(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return t.Engine.RemoveContainer(ctx, name, true, true)
}

// Attachable is a container that one can be connected with.
type Attachable struct {
	ID         string
	TTY, Stdin bool
}

// ToAttach is a container of a service that runs: see Replica.
func (t Tool) ToAttach(ctx context.Context, p Project, service string, index int) (Attachable, error) {
	l, err := t.Replica(ctx, p, service, index)
	if err == nil {
		l, err = t.Engine.Inspect(ctx, l.ID)
	}
	switch {
	case err != nil:
		return Attachable{}, err
	case l.State == container.Paused:
		return Attachable{}, errors.New("cannot attach to a paused container, unpause it first")
	case l.State == container.Restarting:
		return Attachable{}, errors.New("cannot attach to a restarting container, wait until it is running")
	}
	return Attachable{l.ID, l.Found.TTY, l.Found.StdinOpen}, nil
}

// Join connects the user with a container until that ends, and gives its exit code.
func (t Tool) Join(ctx context.Context, p Project, a Attachable, term Terminal, signals <-chan string) (int, error) {
	return t.with(ctx, p, a.ID, term, signals, func() error { return nil })
}
