package load

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/diag"
)

// prepare checks the files one by one and makes them ready for compose-go.
func (s *session) prepare() {
	for _, f := range s.main {
		s.modernise(f)
		s.dropVersion(f)
	}
	s.follow(s.notes)
	for _, f := range slices.Concat(s.main, s.others) {
		s.checkTree(f)
		s.checkStructure(f)
	}
	s.checkExtends()
}

// blocked tells whether nothing more can be found out: a mistake that could not be taken out of the tree.
func (s *session) blocked() bool {
	if s.fatal {
		return true
	}
	for _, f := range s.others {
		if f.edited {
			return true // compose-go reads it from disk as it is
		}
	}
	return false
}

func (s *session) dropVersion(f *file) {
	for _, d := range f.docs {
		if k, _ := entry(d, "version"); k != nil {
			w := f.warning(k, "the attribute `version` is obsolete and ignored")
			w.Hint = "remove it"
			s.diags = append(s.diags, w)
			drop(d, k)
			f.edited = true
		}
	}
}

// checkTree looks at every node once: keys that are no text or stand twice, tags, variables.
func (s *session) checkTree(f *file) {
	todo := slices.Clone(f.docs)
	slices.Reverse(todo)
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		f.tagged = f.tagged || n.Tag == "!reset" || n.Tag == "!override"
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
				f.checkVariables(n, s.o.Strict, s.notes)
			}
		}
	}
}

func (s *session) checkKeys(f *file, m *yaml.Node) {
	var first map[string]*yaml.Node
	for i := 0; i+1 < len(m.Content); i += 2 {
		k := m.Content[i]
		if isMerge(k) {
			continue
		}
		if resolve(k).Kind != yaml.ScalarNode || resolve(k).ShortTag() != "!!str" {
			d := f.error(k, "key %s is not text", resolve(k).Value)
			d.Hint = "put it in quotes"
			s.diags = append(s.diags, d)
			s.cut(f, m, k)
			i -= 2
			continue
		}
		if first == nil {
			first = make(map[string]*yaml.Node, len(m.Content)/2)
		}
		if before, ok := first[k.Value]; ok {
			s.diags = append(s.diags, f.error(k, "key %q stands here twice, first on line %d", k.Value, before.Line))
			s.cut(f, m, k)
			i -= 2
			continue
		}
		first[k.Value] = k
		s.keys[k.Value] = true
	}
}

func (s *session) cut(f *file, m, k *yaml.Node) {
	drop(m, k)
	f.edited = true
}

// checkExtends finds circles of services that extend each other, before compose-go runs round them. Each service is
// looked at once, however long the chains are.
func (s *session) checkExtends() {
	done := map[*yaml.Node]bool{}
	for _, f := range s.main {
		for _, d := range f.docs {
			services := child(d, "services")
			if services == nil || services.Kind != yaml.MappingNode {
				continue
			}
			for _, p := range pairs(services) {
				s.checkChain(spot{f, p.value}, p.key.Value, done)
			}
		}
	}
}

func (s *session) checkChain(svc spot, name string, done map[*yaml.Node]bool) {
	names, on := []string{name}, map[*yaml.Node]int{}
	for !done[svc.node] {
		done[svc.node] = true
		on[svc.node] = len(names) - 1
		base, ok := s.base(svc)
		if !ok {
			s.checkBase(svc, names[len(names)-1])
			return
		}
		names = append(names, baseName(svc))
		if i, ok := on[base.node]; ok {
			s.complain(spot{svc.file, child(svc.node, "extends")}, "services extend each other in a circle: %s", strings.Join(names[i:], " → "))
			s.fatal = true
		}
		svc = base
	}
}

// checkBase tells about a service that extends one that is not there.
func (s *session) checkBase(svc spot, name string) {
	ext := child(svc.node, "extends")
	if ext == nil || ext.Tag == "!reset" {
		return
	}
	from, base := svc.file, baseName(svc)
	if n := child(ext, "file"); n != nil {
		if from = s.fileAt(svc.file.abs(svc.file.interpolate(n.Value))); from == nil {
			return // told when it could not be read
		}
	}
	at := spot{svc.file, ext}
	if n := child(ext, "service"); n != nil {
		at.node = n
	}
	names := s.servicesOf(from)
	if slices.Contains(names, base) {
		return
	}
	d := s.complain(at, "service %q extends %q, which is not in %s", name, base, from.name)
	d.Hint = diag.DidYouMean(base, names)
	s.fatal = true
}
