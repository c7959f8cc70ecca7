// Package diagram is a project as a picture shows it: what needs what, and where each thing stands; pure.
package diagram

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/volume"
)

// Options of Of.
type Options struct {
	Services                         []string // to show, with what they need; none: all
	Image, Ports, Networks, Profiles bool     // what services tell beside their names
	Volumes                          bool     // the named volumes too, as nodes
}

// Kind of a node.
type Kind string

// The kinds.
const (
	Service Kind = "service"
	Model   Kind = "model"
	Volume  Kind = "volume"
)

// Node of a diagram.
type Node struct {
	Kind  Kind
	Name  string // in the file; each its own among those of a kind
	Lines []Line // below the name
}

// Line of a node: "image", "nginx:1".
type Line struct{ Title, Text string }

// Edge from what needs something to what it needs, both an index of Diagram.Nodes.
type Edge struct {
	From, To  int
	Condition desired.Condition // "" of what is no service
	Optional  bool              // it goes on without it
	Via       string            // what asks for it, if that is not depends_on: links, network_mode; of volumes "ro" where it only reads
}

// Diagram of a project.
type Diagram struct {
	Project string
	Nodes   []Node // services, models, volumes, each in order of name
	Edges   []Edge // in order of From, To
}

// Words of an edge: "healthy, optional"; "" if there is nothing to say of it.
func (e Edge) Words() string {
	var out []string
	if e.Condition != desired.Started && e.Condition != "" {
		out = append(out, Short(e.Condition))
	}
	if e.Via != "" {
		out = append(out, e.Via)
	}
	if e.Optional {
		out = append(out, "optional")
	}
	return strings.Join(out, ", ")
}

// Short word for a condition: "healthy".
func Short(c desired.Condition) string {
	word, _, _ := strings.Cut(strings.TrimPrefix(string(c), "service_"), "_")
	return word
}

// Of a project: its enabled services with what they need.
func Of(p desired.Project, o Options) Diagram {
	type key struct {
		kind Kind
		name string
	}
	d, index := Diagram{Project: p.Name}, map[key]int{}
	at := func(k Kind, name string) (int, bool) { i, ok := index[key{k, name}]; return i, ok }
	add := func(n Node) {
		index[key{n.Kind, n.Name}] = len(d.Nodes)
		d.Nodes = append(d.Nodes, n)
	}
	p.Services = chosen(p.Services, o.Services)
	for _, s := range p.Services {
		add(Node{Service, s.Name, linesOf(s, o)})
	}
	for _, m := range served(p) {
		add(Node{Model, m.Name, linesIf(o.Image, Line{"model", m.Model})})
	}
	if o.Volumes {
		for _, v := range used(p) {
			add(Node{Volume, v.Key, linesIf(v.External, Line{"external", v.Name})})
		}
	}
	for from, s := range p.Services {
		for _, e := range edgesOf(s, p.Volumes, at) {
			e.From = from
			d.Edges = append(d.Edges, e)
		}
	}
	slices.SortStableFunc(d.Edges, func(a, b Edge) int { return cmp.Or(a.From-b.From, a.To-b.To) })
	return d
}

func linesIf(yes bool, l Line) []Line {
	if !yes {
		return nil
	}
	return []Line{l}
}

func linesOf(s desired.Service, o Options) []Line {
	var out []Line
	add := func(yes bool, title string, texts ...string) {
		for _, t := range texts {
			if yes && t != "" {
				out = append(out, Line{title, t})
			}
		}
	}
	if s.Provider != nil {
		add(true, "provider", s.Provider.Type)
	}
	add(s.Replicas > 1, "replicas", strconv.Itoa(s.Replicas))
	add(o.Image, "image", s.Image.Ref)
	add(o.Ports, "port", texts(s.Container.Ports)...)
	if o.Networks {
		for _, a := range s.Container.Networks {
			add(true, "network", a.Network)
		}
		add(!strings.HasPrefix(s.Container.NetworkMode, "service:"), "network", s.Container.NetworkMode)
	}
	add(o.Profiles, "profile", s.Profiles...)
	return out
}

func texts(ports []container.Port) []string {
	var out []string
	for _, p := range ports {
		out = append(out, strings.TrimPrefix(strings.TrimSuffix(p.String(), "/tcp"), ":"))
	}
	return out
}

// chosen services with what they need.
func chosen(all []desired.Service, names []string) []desired.Service {
	if len(names) == 0 {
		return all
	}
	var g graph.Graph[string]
	for _, s := range all {
		g.Add(s.Name)
		for _, d := range s.Depends {
			g.After(s.Name, d.Service)
		}
	}
	needed := g.Needs(names...)
	return slices.DeleteFunc(slices.Clone(all), func(s desired.Service) bool { return !slices.Contains(needed, s.Name) })
}

// served models of a project, in order of name.
func served(p desired.Project) []desired.Model {
	return slices.DeleteFunc(slices.Clone(p.Models), func(m desired.Model) bool {
		uses := func(u desired.ModelUse) bool { return u.Name == m.Name }
		return !slices.ContainsFunc(p.Services, func(s desired.Service) bool { return slices.ContainsFunc(s.Models, uses) })
	})
}

// used volumes of a project, in order of key.
func used(p desired.Project) []volume.Spec {
	return slices.DeleteFunc(slices.Clone(p.Volumes), func(v volume.Spec) bool {
		return !slices.ContainsFunc(p.Services, func(s desired.Service) bool { return slices.ContainsFunc(s.Container.Mounts, of(v)) })
	})
}

// of a volume, the mounts.
func of(v volume.Spec) func(volume.Mount) bool {
	return func(m volume.Mount) bool { return m.Type == volume.Volume && m.Source != "" && m.Source == v.Name }
}

// edgesOf a service; what it needs and is not shown is left out.
func edgesOf(s desired.Service, volumes []volume.Spec, at func(Kind, string) (int, bool)) []Edge {
	var out []Edge
	add := func(k Kind, name string, e Edge) {
		if to, ok := at(k, name); ok {
			e.To = to
			out = append(out, e)
		}
	}
	for _, d := range s.Depends {
		e := Edge{Condition: d.Condition, Optional: !d.Required, Via: d.Via}
		if e.Via == "depends_on" {
			e.Via = ""
		}
		add(Service, d.Service, e)
	}
	for _, m := range s.Models {
		add(Model, m.Name, Edge{})
	}
	for _, v := range volumes {
		if i := slices.IndexFunc(s.Container.Mounts, of(v)); i >= 0 {
			e := Edge{}
			if s.Container.Mounts[i].ReadOnly {
				e.Via = "ro"
			}
			add(Volume, v.Key, e)
		}
	}
	return out
}
