package source

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Written is one place where the files set a variable of a service.
type Written struct {
	Spot         // the key of a mapping, the item of a list
	Value string // as it comes out once variables are put in
	Bare  bool   // it only names the variable: the value passes through
	text  string // as it was written
}

// Uses are the variables that were put into the value.
func (w Written) Uses() []Use { return Uses(w.text, w.File.lookup) }

// EnvFiles that the file is interpolated with, those that win first. The environment of the process wins over them all.
func (f *File) EnvFiles() []string { return f.envFiles }

// Lookup is a variable that the file is interpolated with.
func (f *File) Lookup(name string) (string, bool) { return f.lookup(name) }

// Environment is where the files set variables of a service: by name, those that win first. What !reset and !override do away
// with is not among them.
func (s *Files) Environment(service string) map[string][]Written {
	out := map[string][]Written{}
	closed := map[string]bool{}
	for _, svc := range s.Layers(service) {
		env := Spot{svc.File, Child(svc.Node, "environment")}
		if svc.Node.Tag != "!reset" && env.Found() {
			env.variables(out, closed)
		}
		if replaces(svc.Node) || env.Found() && replaces(env.Node) {
			break
		}
	}
	return out
}

// replaces tells whether a node does away with what files before it say.
func replaces(n *yaml.Node) bool { return n.Tag == "!reset" || n.Tag == "!override" }

// Layers are the mappings that a service is merged from, those that win first.
func (s *Files) Layers(service string) []Spot {
	var out []Spot
	for _, f := range slices.Backward(s.Main) {
		out = append(out, s.layersIn(f, service)...)
	}
	return out
}

// layersIn a file: what itself says is above what it includes, and that above what the service extends.
func (s *Files) layersIn(f *File, service string) []Spot {
	var out []Spot
	for _, d := range slices.Backward(f.Docs) {
		if _, svc := f.descend(d, []string{"services", service}); svc != nil {
			out = append(out, Spot{f, svc})
		}
	}
	own := len(out)
	for _, g := range s.Others {
		if g.by == f && !g.extended {
			out = append(out, s.layersIn(g, service)...)
		}
	}
	for _, svc := range out[:own] {
		out = append(out, s.bases(svc)...)
	}
	return out
}

// bases are what a service extends, and what that extends.
func (s *Files) bases(svc Spot) []Spot {
	var out []Spot
	for base, ok := s.base(svc); ok && !slices.Contains(out, base); base, ok = s.base(base) {
		out = append(out, base)
	}
	return out
}

// variables of one environment, unless they are closed: by a tag, for what comes after.
func (p Spot) variables(to map[string][]Written, closed map[string]bool) {
	add := func(name string, w Written, tagged bool) {
		if name == "" || closed[name] {
			return
		}
		closed[name] = tagged
		to[name] = append(to[name], w)
	}
	switch {
	case p.Node.Tag == "!reset":
	case p.Node.Kind == yaml.MappingNode:
		for _, e := range stacked(p.Node) {
			if e.Value.Tag == "!reset" {
				closed[e.Key.Value] = true
				continue
			}
			add(e.Key.Value, p.File.entryText(e), replaces(e.Value))
		}
	case p.Node.Kind == yaml.SequenceNode:
		for _, e := range slices.Backward(p.Node.Content) {
			name, w := p.File.item(Resolve(e))
			add(name, w, false)
		}
	}
}

// entryText is a variable in the form NAME: value.
func (f *File) entryText(e Pair) Written {
	w := Written{Spot: Spot{f, e.Key}, text: textOf(*e.Value)}
	w.Bare = e.Value.Kind == yaml.ScalarNode && e.Value.ShortTag() == "!!null"
	if !w.Bare {
		w.Value = f.Interpolate(w.text)
	}
	return w
}

// textOf a scalar as compose-go makes it: 0x10 is 16, 1.0 is 1.
func textOf(n yaml.Node) string {
	if n.Tag == "!override" {
		n.Tag = "" // it hides the type
	}
	var v any
	if n.ShortTag() == "!!str" || n.Decode(&v) != nil {
		return n.Value
	}
	return fmt.Sprint(v)
}

// item is a variable in the form NAME=value, or NAME alone.
func (f *File) item(n *yaml.Node) (name string, w Written) {
	name, value, set := strings.Cut(f.Interpolate(n.Value), "=")
	return name, Written{Spot: Spot{f, n}, Value: value, Bare: !set, text: n.Value}
}
