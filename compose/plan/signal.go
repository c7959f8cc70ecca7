package plan

import (
	"slices"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// KillOptions of Kill.
type KillOptions struct {
	Services []string // none: all
	Signal   string   // "SIGHUP", "HUP" or a number
	Orphans  bool     // also containers of services that the file does not have
}

// Kill says how to send a signal to what runs.
func Kill(p desired.Project, have engine.Snapshot, o KillOptions) (Plan, error) {
	l := newLifecycle(p, have, nil)
	if err := l.known(o.Services); err != nil {
		return Plan{}, err
	}
	all := slices.DeleteFunc(l.containers(o.Services), func(c container.Live) bool { return !c.Up() }) // those of `run`, too
	if o.Orphans && len(o.Services) == 0 {
		killed := setOf(all)
		all = append(all, slices.DeleteFunc(orphansOf(p, have.Containers), func(c container.Live) bool { return killed[c.ID] || !c.Up() })...)
	}
	return l.each(all, "kill", func(c Ref) Step { return KillContainer{c, o.Signal} })
}

// PauseContainers says how to freeze what runs. The engine refuses one that is frozen already, which is told, as by Docker Compose.
func PauseContainers(p desired.Project, have engine.Snapshot, o LifecycleOptions) (Plan, error) {
	l := newLifecycle(p, have, nil)
	if err := l.known(o.Services); err != nil {
		return Plan{}, err
	}
	return l.each(l.up(o.Services), "pause", func(c Ref) Step { return PauseContainer{c} })
}

// UnpauseContainers says how to let go on what is frozen.
func UnpauseContainers(p desired.Project, have engine.Snapshot, o LifecycleOptions) (Plan, error) {
	l := newLifecycle(p, have, nil)
	if err := l.known(o.Services); err != nil {
		return Plan{}, err
	}
	return l.each(l.up(o.Services), "unpause", func(c Ref) Step { return UnpauseContainer{c} })
}

// each container is one step, and none waits for another.
func (l *lifecycle) each(all []container.Live, verb string, step func(Ref) Step) (Plan, error) {
	out := Plan{Project: l.project.Name}
	for _, c := range all {
		out.Nodes = append(out.Nodes, Node{ID: ID(verb + " " + c.Name), Step: step(Ref{Key: c.ID, ID: c.ID}), Resource: containerResource(c), Reasons: []Reason{Asked{verb}}})
	}
	return out, out.sort()
}

// RemoveOptions of RemoveStopped.
type RemoveOptions struct {
	Services []string // none: all
	Stop     bool     // also those that run, which are stopped first
	Volumes  bool     // their anonymous volumes, too
	Former   []desired.Service
}

// RemoveStopped says how to remove the containers that do not run.
func RemoveStopped(p desired.Project, have engine.Snapshot, o RemoveOptions) (Plan, error) {
	l := newLifecycle(p, have, o.Former)
	if err := l.known(o.Services); err != nil {
		return Plan{}, err
	}
	gone := slices.DeleteFunc(l.containers(o.Services), func(c container.Live) bool { return c.OneOff() || c.Up() && !o.Stop })
	out := Plan{Project: p.Name, Nodes: teardown(gone, teardownOptions{volumes: o.Volumes, asFound: !o.Stop, dependents: l.dependents, hooks: l.hooks, contents: l.contentsOf,
		why: func(container.Live) Reason { return Asked{"rm"} }})}
	return out, out.sort()
}
