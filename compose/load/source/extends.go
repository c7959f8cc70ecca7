package source

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/diag"
)

// inBase looks in what a service extends, and in what that extends.
func (s *Files) inBase(path []string) (key, value Spot) {
	seen := map[Spot]bool{}
	_, svc := s.At("services", path[1])
	for svc.Found() && !seen[svc] {
		seen[svc] = true
		base, ok := s.base(svc)
		if !ok {
			break
		}
		if k, v := base.File.descend(base.Node, path[2:]); v != nil {
			return Spot{base.File, k}, Spot{base.File, v}
		}
		svc = base
	}
	return Spot{}, Spot{}
}

// base is the service that a service extends.
func (s *Files) base(svc Spot) (Spot, bool) {
	ext := Child(svc.Node, "extends")
	if ext == nil {
		return Spot{}, false
	}
	files := []*File{svc.File}
	if n := Child(ext, "file"); n != nil {
		files = []*File{s.fileAt(s.local(svc.File, n))}
	} else if !svc.File.extended {
		files = append(files, s.Others...) // an included file may hold it
	}
	path := []string{"services", baseName(svc)}
	for i, f := range files {
		if f == nil || i > 0 && f.extended {
			continue
		}
		for d := len(f.Docs) - 1; d >= 0; d-- {
			if _, v := f.descend(f.Docs[d], path); v != nil {
				return Spot{f, v}, true
			}
		}
	}
	return Spot{}, false
}

// Bases are the services that others extend.
func (s *Files) Bases() map[*yaml.Node]bool {
	out := map[*yaml.Node]bool{}
	for _, f := range slices.Concat(s.Main, s.Others) {
		for _, d := range f.Docs {
			services := Child(d, "services")
			if services == nil || services.Kind != yaml.MappingNode {
				continue
			}
			for _, p := range Pairs(services) {
				if base, ok := s.base(Spot{f, p.Value}); ok {
					out[base.Node] = true
				}
			}
		}
	}
	return out
}

// local is the path that a file names at n, of the copy where it is kept elsewhere.
func (s *Files) local(f *File, n *yaml.Node) string {
	path := f.Interpolate(n.Value)
	if at, ok := s.Remote.Known(path); ok {
		return at
	}
	return f.Abs(path)
}

func (s *Files) fileAt(path string) *File {
	for _, list := range [][]*File{s.Main, s.Others} {
		for _, f := range list {
			if f.path == path {
				return f
			}
		}
	}
	return nil
}

func baseName(svc Spot) string {
	ext := Child(svc.Node, "extends")
	if n := Child(ext, "service"); n != nil {
		ext = n
	}
	return svc.File.Interpolate(ext.Value)
}

// CheckExtends finds circles of services that extend each other, before compose-go runs round them. Each service is
// looked at once, however long the chains are.
func (s *Files) CheckExtends(to *Notes) {
	done := map[*yaml.Node]bool{}
	for _, f := range s.Main {
		for _, d := range f.Docs {
			services := Child(d, "services")
			if services == nil || services.Kind != yaml.MappingNode {
				continue
			}
			for _, p := range Pairs(services) {
				s.checkChain(Spot{f, p.Value}, p.Key.Value, done, to)
			}
		}
	}
}

func (s *Files) checkChain(svc Spot, name string, done map[*yaml.Node]bool, to *Notes) {
	names, on := []string{name}, map[*yaml.Node]int{}
	for !done[svc.Node] {
		done[svc.Node] = true
		on[svc.Node] = len(names) - 1
		base, ok := s.base(svc)
		if !ok {
			s.checkBase(svc, names[len(names)-1], to)
			return
		}
		names = append(names, baseName(svc))
		if i, ok := on[base.Node]; ok {
			to.Complain(Spot{svc.File, Child(svc.Node, "extends")}, "services extend each other in a circle: %s", strings.Join(names[i:], " → ")).Rule = "broken-extends"
			to.Fatal = true
		}
		svc = base
	}
}

// checkBase tells about a service that extends one that is not there.
func (s *Files) checkBase(svc Spot, name string, to *Notes) {
	ext := Child(svc.Node, "extends")
	if ext == nil || ext.Tag == "!reset" {
		return
	}
	from, base := svc.File, baseName(svc)
	if n := Child(ext, "file"); n != nil {
		if from = s.fileAt(s.local(svc.File, n)); from == nil {
			return // told when it could not be read
		}
	}
	at := Spot{svc.File, ext}
	if n := Child(ext, "service"); n != nil {
		at.Node = n
	}
	names := s.servicesOf(from)
	if slices.Contains(names, base) {
		return
	}
	d := to.Complain(at, "service %q extends %q, which is not in %s", name, base, from.name)
	d.Rule = "broken-extends"
	d.Hint = diag.DidYouMean(base, names)
	to.Fatal = true
}

// servicesOf a file, with those that it includes.
func (s *Files) servicesOf(f *File) []string {
	var out []string
	for _, g := range append([]*File{f}, s.Others...) {
		if g != f && (g.extended || f.extended) {
			continue
		}
		for _, d := range g.Docs {
			if m := Child(d, "services"); m != nil && m.Kind == yaml.MappingNode {
				for _, p := range Pairs(m) {
					out = append(out, p.Key.Value)
				}
			}
		}
	}
	return out
}
