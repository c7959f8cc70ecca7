package load

import (
	"slices"
	"strings"

	"github.com/tutti-run/tutti/compose/load/source"
	"go.yaml.in/yaml/v4"
)

// prepare checks the files one by one and makes them ready for compose-go.
func (s *session) prepare() {
	for _, f := range s.Main {
		s.modernise(f)
		s.dropVersion(f)
	}
	s.Follow(s.Notes)
	for _, f := range slices.Concat(s.Main, s.Others) {
		s.checkTree(f)
		s.checkStructure(f)
	}
	s.CheckExtends(s.Notes)
}

// blocked tells whether nothing more can be found out: a mistake that could not be taken out of the tree.
func (s *session) blocked() bool {
	if s.Fatal {
		return true
	}
	for _, f := range s.Others {
		if f.Edited {
			return true // compose-go reads it from disk as it is
		}
	}
	return false
}

func (s *session) dropVersion(f *source.File) {
	for _, d := range f.Docs {
		if k, _ := source.Entry(d, "version"); k != nil {
			s.Warn(f.Spot(k), "the attribute `version` is obsolete and ignored").Hint = "remove it"
			f.Drop(d, k)
		}
	}
}

// checkTree looks at every node once: keys that are no text or stand twice, tags, variables.
func (s *session) checkTree(f *source.File) {
	todo := slices.Clone(f.Docs)
	slices.Reverse(todo)
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		f.Tagged = f.Tagged || n.Tag == "!reset" || n.Tag == "!override"
		switch n.Kind {
		case yaml.MappingNode:
			s.checkKeys(f, n)
			for i := len(n.Content) - 1; i > 0; i -= 2 {
				todo = append(todo, n.Content[i])
			}
		case yaml.SequenceNode:
			for i := len(n.Content) - 1; i >= 0; i-- {
				todo = append(todo, n.Content[i])
			}
		case yaml.ScalarNode:
			if !s.o.NoInterpolate && n.Tag != "!reset" && strings.Contains(n.Value, "$") {
				f.CheckVariables(n, s.o.Strict, s.Notes)
			}
		}
	}
}

func (s *session) checkKeys(f *source.File, m *yaml.Node) {
	var first map[string]*yaml.Node
	for i := 0; i+1 < len(m.Content); i += 2 {
		k := m.Content[i]
		if source.IsMerge(k) {
			continue
		}
		if source.Resolve(k).Kind != yaml.ScalarNode || source.Resolve(k).ShortTag() != "!!str" {
			s.Complain(f.Spot(k), "key %s is not text", source.Resolve(k).Value).Hint = "put it in quotes"
			f.Drop(m, k)
			i -= 2
			continue
		}
		if first == nil {
			first = make(map[string]*yaml.Node, len(m.Content)/2)
		}
		if before, ok := first[k.Value]; ok {
			s.Complain(f.Spot(k), "key %q stands here twice, first on line %d", k.Value, before.Line)
			f.Drop(m, k)
			i -= 2
			continue
		}
		first[k.Value] = k
		s.keys[k.Value] = true
	}
}
