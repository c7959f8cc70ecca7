package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/volume"
)

// DownOptions of Down.
type DownOptions struct {
	Services      []string // none: all
	Volumes       bool     // also named volumes that the file declares, and anonymous ones
	Anonymous     bool     // anonymous ones alone
	Images        string   // "", local or all
	RemoveOrphans bool
	IgnoreOrphans bool
	Timeout       *time.Duration
	Former        []desired.Service // that the project had before: the pre_stop hooks of services that it has not now
}

// Down says how to take a project away. The project may have only a name: then all that carries its label goes.
func Down(p desired.Project, have engine.Snapshot, o DownOptions) (Plan, error) {
	l := newLifecycle(p, have, o.Former)
	if err := l.known(o.Services); err != nil {
		return Plan{}, err
	}
	out := Plan{Project: p.Name}
	gone := l.containers(o.Services)
	if len(o.Services) == 0 {
		going := setOf(gone)
		switch orphans := slices.DeleteFunc(orphansOf(p, have.Containers), func(c container.Live) bool { return going[c.ID] }); {
		case o.RemoveOrphans:
			gone = append(gone, orphans...)
		case len(orphans) > 0 && !o.IgnoreOrphans:
			out.Warnings = append(out.Warnings, orphanWarning(orphans))
		}
	}
	out.Nodes = teardown(gone, teardownOptions{timeout: o.Timeout, volumes: o.Volumes || o.Anonymous, dependents: l.dependents, hooks: l.hooks, contents: l.contentsOf,
		why: func(container.Live) Reason { return Asked{"down"} }})
	out.Nodes = append(out.Nodes, l.providers(o.Services, "down", func(dependent string) []ID {
		return removals(gone, func(c container.Live) bool { return c.Service() == dependent })
	})...)
	if len(o.Services) == 0 {
		out.Nodes = append(out.Nodes, l.removeNetworks(gone)...)
	}
	if o.Volumes {
		removed := l.removeVolumes(gone, o.Services)
		out.Nodes, out.Warnings = append(out.Nodes, removed...), append(out.Warnings, l.snapshotsKept(removed)...)
	}
	out.Nodes = append(out.Nodes, l.removeImages(gone, o)...)
	if len(o.Services) == 0 {
		out.Nodes = append(out.Nodes, l.removeHistory(gone, out.Nodes)...)
		out.Warnings = append(out.Warnings, l.stillUsed(gone)...)
	}
	if len(out.Nodes) == 0 {
		out.Warnings = append(out.Warnings, diag.Diagnostic{Severity: diag.Warning, Text: fmt.Sprintf("No resource found to remove for project %q.", p.Name)})
	}
	return out, out.sort()
}

func (l *lifecycle) contentsOf(c container.Live) []string {
	if svc := l.now[c.Service()]; svc != nil {
		return contentsOf(c, *svc)
	}
	return nil
}

func orphanWarning(orphans []container.Live) diag.Diagnostic {
	return diag.Diagnostic{Severity: diag.Warning, Text: fmt.Sprintf("Found orphan containers (%s) for this project. If you removed or renamed this service in your compose file, "+
		"you can run this command with the --remove-orphans flag to clean it up.", strings.Join(names(orphans), ", "))}
}

// setOf containers, by ID.
func setOf(ls []container.Live) map[string]bool {
	out := make(map[string]bool, len(ls))
	for i := range ls {
		out[ls[i].ID] = true
	}
	return out
}

// removeNetworks of the project, each as soon as its last user is gone.
func (l *lifecycle) removeNetworks(gone []container.Live) []Node {
	var out []Node
	for _, n := range l.have.Networks {
		if !l.ours(n.Labels) || len(l.usersLeft(n.Name, gone)) > 0 {
			continue
		}
		out = append(out, Node{ID: ID("remove network " + n.Name), Step: RemoveNetwork{ID: n.ID, Name: n.Name}, Resource: Resource{Kind: Network, Name: n.Name},
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
	going := setOf(gone)
	return slices.DeleteFunc(slices.Clone(l.have.Containers), func(c container.Live) bool { return !c.On(network) || going[c.ID] })
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

// removeVolumes of the project that its services mount, or with Unused all that the file declares; without a file, all that carry its label.
func (l *lifecycle) removeVolumes(gone []container.Live, services []string) []Node {
	var out []Node
	for _, v := range l.have.Volumes {
		declared := l.nameOnly() || slices.ContainsFunc(l.project.Volumes, func(s volume.Spec) bool {
			return !s.External && (s.Name == v.Name || s.Name == v.Labels[container.LabelMoving]) && (l.project.Unused || mountedBy(l.project.Services, s.Name))
		})
		used := removals(gone, func(c container.Live) bool { return mountsVolume(c, v.Name) })
		if !l.ours(v.Labels) || !declared || len(services) > 0 && len(used) == 0 || mountedElsewhere(l.have.Containers, gone, v.Name) {
			continue
		}
		out = append(out, Node{ID: ID("remove volume " + v.Name), Step: RemoveVolume{Name: v.Name}, Resource: Resource{Kind: Volume, Name: v.Name},
			Reasons: []Reason{Asked{"--volumes"}}, After: used})
	}
	return out
}

// snapshotsKept tells of those that volumes were last filled from: they go by name only.
func (l *lifecycle) snapshotsKept(removed []Node) diag.List {
	var out diag.List
	for _, v := range l.have.Volumes {
		from := v.Labels[container.LabelRestoredFrom]
		if from != "" && v.Labels[container.LabelMoving] == "" && slices.ContainsFunc(removed, func(n Node) bool { return n.Resource.Name == v.Name }) {
			out = append(out, diag.Diagnostic{Severity: diag.Warning, Text: fmt.Sprintf("Volume %s, a snapshot of %s, is kept; `docker volume rm %[1]s` removes it.", from, v.Name)})
		}
	}
	return out
}

func mountsVolume(c container.Live, name string) bool {
	return slices.ContainsFunc(c.Mounts, func(m volume.Mounted) bool { return m.Name == name })
}

func mountedElsewhere(all, gone []container.Live, name string) bool {
	going := setOf(gone)
	return slices.ContainsFunc(all, func(c container.Live) bool { return mountsVolume(c, name) && !going[c.ID] })
}

// removeImages of the services: all, or those that have no name of their own.
func (l *lifecycle) removeImages(gone []container.Live, o DownOptions) []Node {
	refs := map[string]bool{}
	for _, s := range l.project.Services {
		local := s.Image.Build != nil && s.Image.Ref == l.project.ImageOf(s.Name)
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
