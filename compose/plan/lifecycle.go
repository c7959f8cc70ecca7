package plan

import (
	"slices"
	"time"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// lifecycle is what there is of a project, and who depends on whom: by the file, or without one by the containers' labels.
type lifecycle struct {
	project desired.Project
	have    engine.Snapshot
	depends map[string][]desired.Dependency
	reverse map[string][]string
	now     index           // services of the project
	former  index           // those that it had, as far as known
	aside   map[string]bool // containers, by ID, that a failed update has put aside
}

func newLifecycle(p desired.Project, have engine.Snapshot, former []desired.Service) *lifecycle {
	l := &lifecycle{project: p, have: have, now: indexed(p.Services), former: indexed(former), depends: map[string][]desired.Dependency{}, aside: putAside(have.Containers)}
	hosts := networkHosts(have.Containers)
	for _, c := range have.Containers {
		if !l.aside[c.ID] { // it tells of the file that failed
			l.depends[c.Service()] = labelled(c, hosts)
		}
	}
	for _, s := range p.Services {
		l.depends[s.Name] = s.Depends
	}
	l.turnRound()
	return l
}

// networkHosts are the services of containers, by the network mode with which others share their network.
func networkHosts(all []container.Live) map[string]string {
	out := make(map[string]string, len(all))
	for _, c := range all {
		out["container:"+c.ID] = c.Service()
	}
	return out
}

// labelled are the dependencies that a container's label tells of. That it shares a network it does not: the container's mode does.
func labelled(c container.Live, hosts map[string]string) []desired.Dependency {
	out := desired.ParseDependsOn(c.Labels[container.LabelDependsOn])
	for i, d := range out {
		if hosts[c.Mode] == d.Service {
			out[i].Namespace = "network_mode"
		}
	}
	return out
}

// turnRound makes the dependents of the dependencies.
func (l *lifecycle) turnRound() {
	l.reverse = map[string][]string{}
	for _, s := range sortedKeys(l.depends) {
		for _, d := range l.depends[s] {
			l.reverse[d.Service] = append(l.reverse[d.Service], s)
		}
	}
}

// hooks of a service, as far as the file tells, or what was before.
func (l *lifecycle) hooks(service string) Hooks {
	return hooksFrom(l.now, l.former, service)
}

// index of services by name.
type index map[string]*desired.Service

func indexed(all []desired.Service) index {
	out := make(index, len(all))
	for i := range all {
		out[all[i].Name] = &all[i]
	}
	return out
}

func (l *lifecycle) dependents(service string) []string { return l.reverse[service] }

// known gives an error for a service that neither the file nor a container knows. Where there is neither, nothing is left of any.
func (l *lifecycle) known(services []string) error {
	if len(l.project.Files)+len(l.project.Services)+len(l.have.Containers) == 0 {
		return nil
	}
	for _, s := range services {
		if _, ok := l.depends[s]; !ok && !slices.Contains(l.project.Disabled, s) {
			return diag.List{{Severity: diag.Error, Text: "no such service: " + s}}
		}
	}
	return nil
}

// nameOnly tells whether there is no file to say what the project has.
func (l *lifecycle) nameOnly() bool { return len(l.project.Services)+len(l.project.Disabled) == 0 }

// containers are the containers of these services; of none: of all that the file has and a profile enables, as with Docker Compose.
// Without a file they are all of the project's.
func (l *lifecycle) containers(services []string) []container.Live {
	var out []container.Live
	for _, c := range l.have.Containers {
		if slices.Contains(services, c.Service()) || len(services) == 0 && (l.nameOnly() || l.now[c.Service()] != nil) {
			out = append(out, c)
		}
	}
	return out
}

// startable are the containers of these services, or of all; but not those of `run`, nor what a failed update has put aside.
func (l *lifecycle) startable(services []string) []container.Live {
	return slices.DeleteFunc(l.containers(services), func(c container.Live) bool { return c.OneOff() || l.aside[c.ID] })
}

// putAside are the containers, by ID, that have the name for what is put aside of another of the same replica that is there: by itself a name
// says nothing, as anybody's may end like that.
func putAside(all []container.Live) map[string]bool {
	type standing struct {
		service string
		number  int
		name    string // of what would be put aside for it
	}
	here := make(map[standing]bool, len(all))
	for _, c := range all {
		if !c.OneOff() {
			here[standing{c.Service(), c.Number(), asideName(c.Name)}] = true
		}
	}
	out := map[string]bool{}
	for _, c := range all {
		if here[standing{c.Service(), c.Number(), c.Name}] {
			out[c.ID] = true
		}
	}
	return out
}

func (l *lifecycle) ours(labels map[string]string) bool {
	return labels[container.LabelProject] == l.project.Name
}

// LifecycleOptions of Start, Stop and Restart.
type LifecycleOptions struct {
	Services []string // none: all
	Timeout  *time.Duration
	NoDeps   bool // Restart: dependents that ask for restart: true stay as they are
	Wait     bool // Start
	// Stoppable are the services whose providers know how to stop them.
	Stoppable []string
	Former    []desired.Service // that the project had before: the pre_stop hooks of services that it has not now
}

// Stop says how to stop what runs, dependents first.
func Stop(p desired.Project, have engine.Snapshot, o LifecycleOptions) (Plan, error) {
	l := newLifecycle(p, have, o.Former)
	if err := l.known(o.Services); err != nil {
		return Plan{}, err
	}
	up := l.up(o.Services)
	out, stops := Plan{Project: p.Name, Nodes: l.stops(up, o, "stop")}, stopIDs(up)
	for _, n := range l.providers(o.Services, "stop", func(dependent string) []ID { return stops[dependent] }) {
		if slices.Contains(o.Stoppable, n.Resource.Service) {
			out.Nodes = append(out.Nodes, n)
		}
	}
	return out, out.sort()
}

// up are the containers that run, but those of `run`.
func (l *lifecycle) up(services []string) []container.Live {
	return slices.DeleteFunc(l.containers(services), func(c container.Live) bool { return !c.Up() || c.OneOff() })
}

func (l *lifecycle) stops(containers []container.Live, o LifecycleOptions, by string) []Node {
	stops := stopIDs(containers)
	var out []Node
	for _, c := range containers {
		n := Node{ID: ID("stop " + c.Name), Step: StopContainer{Ref{Key: c.ID, ID: c.ID}, o.Timeout, l.hooks(c.Service())}, Resource: containerResource(c), Reasons: []Reason{Asked{by}}}
		for _, d := range l.dependents(c.Service()) {
			n.AfterAny = append(n.AfterAny, stops[d]...)
		}
		out = append(out, n)
	}
	return out
}

// Start says how to start what does not run, each behind what it depends on.
func Start(p desired.Project, have engine.Snapshot, o LifecycleOptions) (Plan, error) {
	l := newLifecycle(p, have, o.Former)
	if err := l.known(o.Services); err != nil {
		return Plan{}, err
	}
	var up, down []container.Live
	for _, c := range l.startable(l.needed(o.Services)) {
		if c.Up() {
			up = append(up, c)
		} else {
			down = append(down, c)
		}
	}
	out := Plan{Project: p.Name, Nodes: l.starts(down, up, nil, "start")}
	if o.Wait {
		out.Nodes = append(out.Nodes, l.waits(o.Services, out.Nodes)...)
	}
	probe(out.Nodes, p.Services, have.Caps)
	return out, out.sort()
}

// needed are the services with all that they depend on.
func (l *lifecycle) needed(services []string) []string {
	if len(services) == 0 {
		return nil
	}
	g := &graph.Graph[string]{}
	for _, s := range sortedKeys(l.depends) {
		g.Add(s)
		for _, d := range l.depends[s] {
			g.After(s, d.Service)
		}
	}
	return g.Needs(services...)
}

// starts makes a step to start each container, after stops of the same and the starts of what it depends on, with the waits between, also for what
// is up already. What is stopped is started again whatever comes of those: it was up.
func (l *lifecycle) starts(containers, up []container.Live, stops map[string]ID, by string) []Node {
	starting, standing := map[string][]container.Live{}, map[string][]container.Live{}
	for _, c := range containers {
		starting[c.Service()] = append(starting[c.Service()], c)
	}
	for _, c := range up {
		standing[c.Service()] = append(standing[c.Service()], c)
	}
	waits := map[ID]Node{}
	var out []Node
	for _, c := range containers {
		n := Node{ID: ID("start " + c.Name), Step: StartContainer{Ref{Key: c.ID, ID: c.ID}, l.hooks(c.Service())}, Resource: containerResource(c), Reasons: []Reason{Asked{by}}}
		stop, wasUp := stops[c.ID]
		n.AfterAny = appendIf(nil, stop)
		for _, d := range l.depends[c.Service()] {
			wait := func(id ID, w *Node) {
				if w != nil && !required(waits[id]) {
					waits[id] = *w
				}
				if d.Required && !wasUp {
					n.After = append(n.After, id)
				} else {
					n.AfterAny = append(n.AfterAny, id)
				}
			}
			for _, dep := range starting[d.Service] {
				wait(l.reached(c.Service(), d, dep))
			}
			for _, dep := range standing[d.Service] {
				if id, w := l.reached(c.Service(), d, dep); w != nil && (d.Condition != desired.IsHealthy || dep.Health != container.Healthy) {
					w.After = nil
					wait(id, w)
				}
			}
		}
		out = append(out, n)
	}
	for _, id := range sortedKeys(waits) {
		out = append(out, waits[id])
	}
	return out
}

// required waits fail a run when they fail.
func required(n Node) bool {
	w, ok := n.Step.(WaitContainer)
	return ok && w.Required
}

func (l *lifecycle) reached(service string, d desired.Dependency, dep container.Live) (ID, *Node) {
	start := ID("start " + dep.Name)
	var until Until
	switch d.Condition {
	case desired.IsHealthy:
		until = UntilHealthy
	case desired.Completed:
		until = UntilCompleted
	default:
		return start, nil
	}
	n := waitNode(dep, until, service, d.Required)
	n.After = []ID{start}
	return n.ID, &n
}

func waitNode(c container.Live, until Until, service string, required bool) Node {
	return Node{ID: ID("wait " + c.Name + " " + string(until)), Step: WaitContainer{Container: Ref{Key: c.ID, ID: c.ID}, Until: until, For: service, Required: required},
		Resource: containerResource(c), Reasons: []Reason{DependsOn{c.Service(), string(until)}}}
}

func (l *lifecycle) waits(services []string, starts []Node) []Node {
	var out []Node
	for _, c := range l.startable(services) {
		n := waitNode(c, UntilUp, "", true)
		if start := ID("start " + c.Name); slices.ContainsFunc(starts, func(s Node) bool { return s.ID == start }) {
			n.After, n.Step = []ID{start}, settling(n.Step)
		}
		out = append(out, n)
	}
	return out
}

// Restart says how to stop and start again what there is, with dependents that ask for it: each behind what it depends on, if a restart heeds that.
func Restart(p desired.Project, have engine.Snapshot, o LifecycleOptions) (Plan, error) {
	l := newLifecycle(p, have, o.Former)
	if err := l.known(o.Services); err != nil {
		return Plan{}, err
	}
	services := o.Services
	if len(services) > 0 && !o.NoDeps {
		services = l.restartedWith(services)
	}
	l.keepTied()
	all := l.startable(services)
	up := slices.DeleteFunc(slices.Clone(all), func(c container.Live) bool { return !c.Up() })
	nodes, stops := l.stops(up, o, "restart"), map[string]ID{}
	for _, c := range up {
		stops[c.ID] = ID("stop " + c.Name)
	}
	out := Plan{Project: p.Name, Nodes: append(nodes, l.starts(all, nil, stops, "restart")...)}
	probe(out.Nodes, p.Services, have.Caps)
	return out, out.sort()
}

// keepTied leaves only the dependencies that a restart heeds: those with restart: true, as with Docker Compose, and those that lend a namespace,
// without which nobody can start.
func (l *lifecycle) keepTied() {
	for s, all := range l.depends {
		l.depends[s] = slices.DeleteFunc(slices.Clone(all), func(d desired.Dependency) bool { return !d.Restart && d.Namespace == "" })
	}
	l.turnRound()
}

// restartedWith are the services, and those that depend on them with restart: true, and so on.
func (l *lifecycle) restartedWith(services []string) []string {
	g := &graph.Graph[string]{}
	for _, s := range sortedKeys(l.depends) {
		g.Add(s)
		for _, d := range l.depends[s] {
			if d.Restart {
				g.After(s, d.Service)
			}
		}
	}
	return g.Reach(services...)
}
