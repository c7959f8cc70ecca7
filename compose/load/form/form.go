// Package form checks the files one by one, as they stand before they are merged: their keys, their variables, what the
// Compose specification lets stand where, and what texts mean.
package form

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/load/source"
)

// Options of the checks.
type Options struct {
	Raw     bool // the files are not interpolated: what holds a variable may be anything
	Strict  bool // variables that are not set are errors
	Lenient bool // what can only fail once containers are made is a warning
}

// Found is what the checks learned of the files.
type Found struct {
	Keys    map[string]bool // all that stand in them
	Dropped map[string]bool // paths of what was wrong, and taken out so that the rest can be loaded
}

// Check looks at all files. What is wrong is told to notes.
func Check(files *source.Files, o Options, notes *source.Notes) Found {
	c := &checker{Options: o, Found: Found{map[string]bool{}, map[string]bool{}}, notes: notes}
	several := len(files.Main)+len(files.Others) > 1
	var before, after []*yaml.Node
	for _, f := range files.Main {
		after = append(after, f.Docs...)
	}
	var bases map[*yaml.Node]bool
	if slices.ContainsFunc(files.Others, (*source.File).Extended) {
		bases = files.Bases()
	}
	for i, f := range slices.Concat(files.Main, files.Others) {
		c.checkTree(f)
		s := structure{
			checker: c, f: f, seen: map[visit]bool{}, bases: bases,
			partial: several || len(f.Docs) > 1, before: before, after: after, other: i >= len(files.Main),
		}
		s.check()
		before, after = s.before, s.after
	}
	return c.Found
}

type checker struct {
	Options
	Found
	notes *source.Notes
}

// checkTree looks at every node once: keys that are no text or stand twice, tags, variables.
func (c *checker) checkTree(f *source.File) {
	todo := slices.Clone(f.Docs)
	slices.Reverse(todo)
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		f.Tagged = f.Tagged || n.Tag == "!reset" || n.Tag == "!override"
		switch n.Kind {
		case yaml.MappingNode:
			c.checkKeys(f, n)
			for i := len(n.Content) - 1; i > 0; i -= 2 {
				todo = append(todo, n.Content[i])
			}
		case yaml.SequenceNode:
			for i := len(n.Content) - 1; i >= 0; i-- {
				todo = append(todo, n.Content[i])
			}
		case yaml.ScalarNode:
			if !c.Raw && n.Tag != "!reset" && strings.Contains(n.Value, "$") {
				f.CheckVariables(n, c.Strict, c.notes)
			}
		}
	}
}

func (c *checker) checkKeys(f *source.File, m *yaml.Node) {
	var first map[string]*yaml.Node
	for i := 0; i+1 < len(m.Content); i += 2 {
		k := m.Content[i]
		merge := source.IsMerge(k)
		if !merge && (source.Resolve(k).Kind != yaml.ScalarNode || source.Resolve(k).ShortTag() != "!!str") {
			d := c.notes.Complain(f.Spot(k), "key %s is not text", source.Resolve(k).Value)
			d.Rule, d.Hint = "wrong-type", "put it in quotes"
			f.Drop(m, k)
			i -= 2
			continue
		}
		if first == nil {
			first = make(map[string]*yaml.Node, len(m.Content)/2)
		}
		if before, ok := first[k.Value]; ok {
			c.notes.Complain(f.Spot(k), "key %q stands here twice, first on line %d", k.Value, before.Line).Rule = "duplicate-key"
			f.Drop(m, k)
			i -= 2
			continue
		}
		first[k.Value] = k
		if !merge {
			c.Keys[k.Value] = true
		}
	}
}
