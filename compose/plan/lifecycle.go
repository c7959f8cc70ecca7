package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/volume"
)

// DownOptions of Down.
type DownOptions struct {
	Services      []string // none: all
	Volumes       bool     // also named volumes that the file declares, and anonymous ones
	Images        string   // "", local or all
	RemoveOrphans bool
	IgnoreOrphans bool
	Timeout       *time.Duration
}

// Down says how to take a project away. The project may have only a name: then all that carries its label goes.
func Down(p desired.Project, have engine.Snapshot, o DownOptions) (Plan, error) {
	l := newLifecycle(p, have)
	if err := l.known(o.Services); err != nil {
		return Plan{}, err
	}
	out := Plan{Project: p.Name}
	gone := l.containers(o.Services)
	if orphans := orphansOf(p, have.Containers); len(p.Services) > 0 && len(o.Services) == 0 {
		gone = slices.DeleteFunc(gone, func(c container.Live) bool { return !o.RemoveOrphans && !c.OneOff() && in(orphans, c) })
		if left := slices.DeleteFunc(orphans, func(c container.Live) bool { return in(gone, c) }); len(left) > 0 && !o.IgnoreOrphans {
			out.Warnings = append(out.Warnings, orphanWarning(left))
		}
	}
	out.Nodes = teardown(gone, teardownOptions{timeout: o.Timeout, volumes: o.Volumes, dependents: l.dependents,
		why: func(container.Live) Reason { return Asked{"down"} }})
	if len(o.Services) == 0 {
		out.Nodes = append(out.Nodes, l.removeNetworks(gone)...)
	}
	if o.Volumes {
		out.Nodes = append(out.Nodes, l.removeVolumes(gone, o.Services)...)
	}
	out.Nodes = append(out.Nodes, l.removeImages(gone, o)...)
	if len(o.Services) == 0 {
		out.Warnings = append(out.Warnings, l.stillUsed(gone)...)
	}
	if len(out.Nodes) == 0 {
		out.Warnings = append(out.Warnings, diag.Diagnostic{Severity: diag.Warning, Text: fmt.Sprintf("No resource found to remove for project %q.", p.Name)})
	}
	return out, out.sort()
}

func orphanWarning(orphans []container.Live) diag.Diagnostic {
	return diag.Diagnostic{Severity: diag.Warning, Text: fmt.Sprintf("Found orphan containers (%s) for this project. If you removed or renamed this service in your compose file, "+
		"you can run this command with the --remove-orphans flag to clean it up.", strings.Join(names(orphans), ", "))}
}

func in(ls []container.Live, c container.Live) bool {
	return slices.ContainsFunc(ls, func(l container.Live) bool { return l.ID == c.ID })
}

// lifecycle is what there is of a project, and who depends on whom: by the file, or without one by the containers' labels.
type lifecycle struct {
	project desired.Project
	have    engine.Snapshot
	depends map[string][]desired.Dependency
	reverse map[string][]string
}

func newLifecycle(p desired.Project, have engine.Snapshot) *lifecycle {
	l := &lifecycle{project: p, have: have, depends: map[string][]desired.Dependency{}, reverse: map[string][]string{}}
	for _, c := range have.Containers {
		l.depends[c.Service()] = desired.ParseDependsOn(c.Labels[container.LabelDependsOn])
	}
	for _, s := range p.Services {
		l.depends[s.Name] = s.Depends
	}
	for _, s := range sortedKeys(l.depends) {
		for _, d := range l.depends[s] {
			l.reverse[d.Service] = append(l.reverse[d.Service], s)
		}
	}
	return l
}

func (l *lifecycle) dependents(service string) []string { return l.reverse[service] }

// known gives an error for a service that neither the file nor a container knows.
func (l *lifecycle) known(services []string) error {
	for _, s := range services {
		if _, ok := l.depends[s]; !ok && !slices.Contains(l.project.Disabled, s) {
			return diag.List{{Severity: diag.Error, Text: "no such service: " + s}}
		}
	}
	return nil
}

// containers are the containers of these services, or all.
func (l *lifecycle) containers(services []string) []container.Live {
	var out []container.Live
	for _, c := range l.have.Containers {
		if len(services) == 0 || slices.Contains(services, c.Service()) {
			out = append(out, c)
		}
	}
	return out
}

func (l *lifecycle) ours(labels map[string]string) bool {
	return labels[container.LabelProject] == l.project.Name
}

// removeNetworks of the project, each as soon as its last user is gone.
func (l *lifecycle) removeNetworks(gone []container.Live) []Node {
	var out []Node
	for _, n := range l.have.Networks {
		if !l.ours(n.Labels) || len(l.usersLeft(n.Name, gone)) > 0 {
			continue
		}
		out = append(out, Node{ID: ID("remove network " + n.Name), Step: RemoveNetwork{n.ID, n.Name}, Resource: Resource{Kind: Network, Name: n.Name},
			Reasons: []Reason{Asked{"down"}}, After: removals(gone, func(c container.Live) bool { return c.On(n.Name) })})
	}
	return out
}

// stillUsed tells of networks that stay because containers that stay are on them.
func (l *lifecycle) stillUsed(gone []container.Live) diag.List {
	var out diag.List
	for _, n := range l.have.Networks {
		if users := l.usersLeft(n.Name, gone); l.ours(n.Labels) && len(users) > 0 {
			out = append(out, diag.Diagnostic{Severity: diag.Warning,
				Text: fmt.Sprintf("Network %s: Resource is still in use by %s", n.Name, strings.Join(names(users), ", "))})
		}
	}
	return out
}

func (l *lifecycle) usersLeft(network string, gone []container.Live) []container.Live {
	return slices.DeleteFunc(slices.Clone(l.have.Containers), func(c container.Live) bool { return !c.On(network) || in(gone, c) })
}

// removals are the steps that remove the containers that use something.
func removals(gone []container.Live, uses func(container.Live) bool) []ID {
	var out []ID
	for _, c := range gone {
		if uses(c) {
			out = append(out, ID("remove "+c.Name))
		}
	}
	return out
}

// removeVolumes of the project that the file declares; without a file, all that carry its label.
func (l *lifecycle) removeVolumes(gone []container.Live, services []string) []Node {
	var out []Node
	for _, v := range l.have.Volumes {
		declared := len(l.project.Services) == 0 || slices.ContainsFunc(l.project.Volumes, func(s volume.Spec) bool { return s.Name == v.Name && !s.External })
		used := removals(gone, func(c container.Live) bool { return mountsVolume(c, v.Name) })
		if !l.ours(v.Labels) || !declared || len(services) > 0 && len(used) == 0 || mountedElsewhere(l.have.Containers, gone, v.Name) {
			continue
		}
		out = append(out, Node{ID: ID("remove volume " + v.Name), Step: RemoveVolume{v.Name}, Resource: Resource{Kind: Volume, Name: v.Name},
			Reasons: []Reason{Asked{"--volumes"}}, After: used})
	}
	return out
}

func mountsVolume(c container.Live, name string) bool {
	return slices.ContainsFunc(c.Mounts, func(m volume.Mounted) bool { return m.Name == name })
}

func mountedElsewhere(all, gone []container.Live, name string) bool {
	return slices.ContainsFunc(all, func(c container.Live) bool { return mountsVolume(c, name) && !in(gone, c) })
}

// removeImages of the services: all, or those that have no name of their own.
func (l *lifecycle) removeImages(gone []container.Live, o DownOptions) []Node {
	refs := map[string]bool{}
	for _, s := range l.project.Services {
		local := s.Image.Build != nil && s.Image.Ref == l.project.Name+"-"+s.Name
		_, here := l.have.Images[s.Image.Ref]
		if here && (o.Images == "all" || o.Images == "local" && local) && (len(o.Services) == 0 || slices.Contains(o.Services, s.Name)) {
			refs[s.Image.Ref] = true
		}
	}
	var out []Node
	for _, ref := range slices.Sorted(maps.Keys(refs)) {
		out = append(out, Node{ID: ID("remove image " + ref), Step: RemoveImage{ref}, Resource: Resource{Kind: Image, Name: ref},
			Reasons: []Reason{Asked{"--rmi " + o.Images}}, After: removals(gone, func(c container.Live) bool { return c.Image == ref || c.ImageID == l.have.Images[ref].ID })})
	}
	return out
}

// LifecycleOptions of Start, Stop and Restart.
type LifecycleOptions struct {
	Services []string // none: all
	Timeout  *time.Duration
	NoDeps   bool // Restart: dependents that ask for restart: true stay as they are
	Wait     bool // Start
}

// Stop says how to stop what runs, dependents first.
func Stop(p desired.Project, have engine.Snapshot, o LifecycleOptions) (Plan, error) {
	l := newLifecycle(p, have)
	if err := l.known(o.Services); err != nil {
		return Plan{}, err
	}
	out := Plan{Project: p.Name, Nodes: l.stops(l.up(o.Services), o, "stop")}
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
		n := Node{ID: ID("stop " + c.Name), Step: StopContainer{Ref{Key: c.ID, ID: c.ID}, o.Timeout}, Resource: containerResource(c), Reasons: []Reason{Asked{by}}}
		for _, d := range l.dependents(c.Service()) {
			n.AfterAny = append(n.AfterAny, stops[d]...)
		}
		out = append(out, n)
	}
	return out
}

// Start says how to start what does not run, each behind what it depends on.
func Start(p desired.Project, have engine.Snapshot, o LifecycleOptions) (Plan, error) {
	l := newLifecycle(p, have)
	if err := l.known(o.Services); err != nil {
		return Plan{}, err
	}
	down := slices.DeleteFunc(l.containers(l.needed(o.Services)), func(c container.Live) bool { return c.Up() || c.OneOff() })
	out := Plan{Project: p.Name, Nodes: l.starts(down, nil, "start")}
	if o.Wait {
		out.Nodes = append(out.Nodes, l.waits(o.Services, out.Nodes)...)
	}
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

// starts makes a step to start each container, after stops of the same and the starts of what it depends on, with the waits between.
func (l *lifecycle) starts(containers []container.Live, stops map[string]ID, by string) []Node {
	starting := map[string][]container.Live{}
	for _, c := range containers {
		starting[c.Service()] = append(starting[c.Service()], c)
	}
	waits := map[ID]Node{}
	var out []Node
	for _, c := range containers {
		n := Node{ID: ID("start " + c.Name), Step: StartContainer{Ref{Key: c.ID, ID: c.ID}}, Resource: containerResource(c), Reasons: []Reason{Asked{by}}}
		n.After = appendIf(nil, stops[c.ID])
		for _, d := range l.depends[c.Service()] {
			for _, dep := range starting[d.Service] {
				id, wait := l.reached(c.Service(), d, dep)
				if wait != nil {
					waits[id] = *wait
				}
				if d.Required {
					n.After = append(n.After, id)
				} else {
					n.AfterAny = append(n.AfterAny, id)
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
	return Node{ID: ID("wait " + c.Name + " " + string(until)), Step: WaitContainer{Ref{Key: c.ID, ID: c.ID}, until, service, required},
		Resource: containerResource(c), Reasons: []Reason{DependsOn{c.Service(), string(until)}}}
}

func (l *lifecycle) waits(services []string, starts []Node) []Node {
	var out []Node
	for _, c := range l.containers(services) {
		if c.OneOff() {
			continue
		}
		n := waitNode(c, UntilUp, "", true)
		if start := ID("start " + c.Name); slices.ContainsFunc(starts, func(s Node) bool { return s.ID == start }) {
			n.After = []ID{start}
		}
		out = append(out, n)
	}
	return out
}

// Restart says how to stop and start again what there is, with dependents that ask for it.
func Restart(p desired.Project, have engine.Snapshot, o LifecycleOptions) (Plan, error) {
	l := newLifecycle(p, have)
	if err := l.known(o.Services); err != nil {
		return Plan{}, err
	}
	services := o.Services
	if len(services) > 0 && !o.NoDeps {
		services = l.restartedWith(services)
	}
	all := slices.DeleteFunc(l.containers(services), container.Live.OneOff)
	up := slices.DeleteFunc(slices.Clone(all), func(c container.Live) bool { return !c.Up() })
	nodes, stops := l.stops(up, o, "restart"), map[string]ID{}
	for _, c := range up {
		stops[c.ID] = ID("stop " + c.Name)
	}
	out := Plan{Project: p.Name, Nodes: append(nodes, l.starts(all, stops, "restart")...)}
	return out, out.sort()
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

// Query is what has to be observed for a project.
func Query(p desired.Project) engine.Query {
	q := engine.Query{Project: p.Name}
	images, networks, volumes := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, s := range p.Services {
		if s.Image.Ref != "" {
			images[s.Image.Ref] = true
		}
		for _, a := range s.Container.Networks {
			networks[a.Name] = true
		}
		for _, m := range s.Container.Mounts {
			if m.Type == volume.Volume && m.Source != "" {
				volumes[m.Source] = true
			}
		}
	}
	q.Images, q.Networks, q.Volumes = sortedKeys(images), sortedKeys(networks), sortedKeys(volumes)
	q.Networks = slices.DeleteFunc(q.Networks, predefined)
	return q
}

// Needs are containers and images that have to be inspected before a plan can say what they were.
type Needs struct {
	Containers []string // ids
	Images     []string // ids
}

// Inspections says what is missing in the snapshot: only what differs, or what Docker Compose made from another file.
func Inspections(want desired.State, have engine.Snapshot) Needs {
	var out Needs
	images, live := map[string]bool{}, liveByService(have.Containers)
	for _, l := range have.Containers {
		svc, ok := want.Service(l.Service())
		if !ok || l.OneOff() || l.Number() == 0 {
			continue
		}
		ours, differs := container.Known(want.Replica(svc.Name, l.Number()).Spec, configHash(svc, live), l)
		if differs && l.Found == nil {
			out.Containers = append(out.Containers, l.ID)
		}
		if (!ours && differs || l.Found != nil) && have.Images[l.ImageID].Defaults == nil {
			images[l.ImageID] = true
		}
	}
	out.Images = sortedKeys(images)
	return out
}
