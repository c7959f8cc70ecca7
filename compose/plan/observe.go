package plan

import (
	"slices"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// Query is what has to be observed for a project: also whether it has a history.
func Query(p desired.Project) engine.Query {
	q := engine.Query{Project: p.Name}
	images := map[string]bool{desired.HistoryImage(p.Name): true, desired.NextHistoryImage(p.Name): true} // seen by the list of images that there is anyway
	networks, volumes := map[string]bool{}, map[string]bool{}
	for _, s := range p.Services {
		for _, img := range s.Images() {
			images[img.Ref] = true
		}
		for _, c := range specs(s) {
			for _, a := range c.Networks {
				networks[a.Name] = true
			}
			for _, m := range c.Mounts {
				if m.Type == volume.Volume && m.Source != "" {
					volumes[m.Source] = true
				}
			}
		}
	}
	q.Images, q.Networks, q.Volumes = sortedKeys(images), sortedKeys(networks), sortedKeys(volumes)
	q.Networks = slices.DeleteFunc(q.Networks, predefined)
	for _, n := range p.Networks {
		if n.External && slices.Contains(q.Networks, n.Name) {
			q.External = append(q.External, n.Name)
		}
	}
	return q
}

// Needs are containers and images that have to be inspected before a plan can say what they were.
type Needs struct {
	Containers []string // ids
	Images     []string // ids, or references
	Contents   []Content
}

// Content of a file in a container, by id.
type Content struct{ Container, Path string }

// Inspections says what is missing in the snapshot: only what differs, or what Docker Compose made from another file, and what
// a replaced network takes off and has to put back as it was.
func Inspections(want desired.State, have engine.Snapshot, o Options) Needs {
	var out Needs
	images, live, of := map[string]bool{}, liveByService(have.Containers), map[string]int{}
	for _, l := range have.Containers {
		if !l.OneOff() {
			of[desired.Key(l.Service(), l.Number())]++
		}
	}
	replaced := changedNetworks(want, have)
	for _, l := range have.Containers {
		moved := l.Found == nil && onAny(l, replaced)
		if moved {
			out.Containers = append(out.Containers, l.ID)
		}
		svc, ok := want.Service(l.Service())
		if !ok || l.OneOff() || l.Number() == 0 {
			continue
		}
		spec := want.Replica(svc.Name, l.Number()).Spec
		for _, f := range spec.Files { // its labels tell only what it was made with
			if f.OnChange != "" && l.Contents == nil {
				out.Contents = append(out.Contents, Content{l.ID, f.Target})
			}
		}
		ours, differs := container.Known(spec, configHash(svc, live), l)
		// of several, the one that takes over may lack its aliases
		if (differs || of[desired.Key(svc.Name, l.Number())] > 1) && l.Found == nil && !moved {
			out.Containers = append(out.Containers, l.ID)
		}
		if (!ours && differs || l.Found != nil || moved) && have.Images[l.ImageID].Defaults == nil {
			images[l.ImageID] = true
		}
	}
	out.Images = append(sortedKeys(images), Aging(want.Project, have)...)
	return out
}

// Aging are the images that are here until they are of some age, which lists do not show; by their references.
func Aging(p desired.Project, have engine.Snapshot) []string {
	found := map[string]bool{}
	for _, svc := range p.Services {
		for _, img := range svc.Images() {
			live, here := have.Images[img.Ref]
			if img.Policy == image.Refresh && here && live.Tagged.IsZero() {
				found[img.Ref] = true
			}
		}
	}
	return sortedKeys(found)
}

// changedNetworks are those that the file wants otherwise, or under another name, by the names that they have.
func changedNetworks(want desired.State, have engine.Snapshot) []string {
	var out []string
	for _, n := range want.Project.Networks {
		for _, l := range have.Networks {
			renamed := l.Labels[container.LabelProject] == want.Project.Name && l.Labels[container.LabelNetwork] == n.Key
			if l.Name == n.Name && len(network.Diff(n, l)) > 0 || l.Name != n.Name && renamed {
				out = append(out, l.Name)
			}
		}
	}
	return out
}

func onAny(l container.Live, networks []string) bool { return slices.ContainsFunc(networks, l.On) }
