package source

import (
	"context"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/remote"
)

// find the file that another one names at p: what is kept elsewhere is fetched.
func (s *Files) find(ctx context.Context, by *File, p *yaml.Node, n *Notes) (path string, ok bool) {
	path = by.Interpolate(p.Value)
	if !remote.Is(path) {
		path = by.Abs(path)
		return path, s.stays(by, p, path, n)
	}
	path, err := s.Remote.Fetch(ctx, path)
	if err != nil {
		n.Complain(Spot{by, p}, "%v", err)
		n.Fatal = true
	}
	return path, err == nil
}

// stays tells whether a path that a file names at p may be read: a file that is from elsewhere may name only what came with it,
// and what is in the directory that its user gave it.
func (s *Files) stays(f *File, p *yaml.Node, path string, n *Notes) bool {
	t := s.Remote.Tree(f.path)
	if t == nil || t.Holds(path) || !t.Holds(f.dir) && remote.Holds(f.dir, path) {
		return true
	}
	shown := s.Display(path)
	if p != nil {
		shown = p.Value
	}
	n.Complain(Spot{f, p}, "%s: a file from elsewhere can only name files that came with it", shown)
	n.Fatal = true
	return false
}

// Fetched are the files of the project that are kept elsewhere.
func (s *Files) Fetched() []*File {
	var out []*File
	for _, f := range slices.Concat(s.Main, s.Others) {
		if s.Remote.Tree(f.path) != nil {
			out = append(out, f)
		}
	}
	return out
}

// TreeOf a file that is kept elsewhere.
func (s *Files) TreeOf(f *File) *remote.Tree { return s.Remote.Tree(f.path) }

// Alone is the file as compose-go takes it, without what it includes.
func (f *File) Alone() (types.ConfigDetails, error) {
	files, err := f.Config()
	return types.ConfigDetails{WorkingDir: f.dir, Environment: f.env, ConfigFiles: files}, err
}

// PlaceIn the file alone, of a path of the model or what of it the file has.
func (f *File) PlaceIn(path []string) diag.Place {
	for n := len(path); n > 0; n-- {
		for _, d := range slices.Backward(f.Docs) {
			if k, v := f.descend(d, path[:n]); v != nil {
				return f.place(k)
			}
		}
	}
	return f.place(nil)
}

// Parts are the services of each file that make up services of the project, by their names in the file: what any document of it
// says of one of that name, and what that extends.
func (s *Files) Parts(project []string) map[*File][]string {
	out := map[*File][]string{}
	done := map[ingredient]bool{}
	todo := s.everywhere(project...)
	for len(todo) > 0 {
		p := todo[0]
		todo = todo[1:]
		if p.file == nil || done[p] {
			continue
		}
		done[p] = true
		out[p.file] = append(out[p.file], p.name)
		for _, d := range p.file.Docs {
			todo = append(todo, s.mayExtend(Spot{p.file, Child(Child(d, "services"), p.name)})...)
		}
	}
	return out
}

// ingredient is what a file says of the services of a name.
type ingredient struct {
	file *File
	name string
}

// everywhere are the ingredients of services that the files have by themselves.
func (s *Files) everywhere(names ...string) []ingredient {
	var out []ingredient
	for _, f := range s.lastFirst() {
		for _, name := range names {
			out = append(out, ingredient{f, name})
		}
	}
	return out
}

// mayExtend is what a service may extend.
func (s *Files) mayExtend(svc Spot) []ingredient {
	ext := Child(svc.Node, "extends")
	if ext == nil {
		return nil
	}
	base := baseName(svc)
	switch n := Child(ext, "file"); {
	case n != nil:
		return []ingredient{{s.fileAt(s.local(svc.File, n)), base}}
	case svc.File.extended:
		return []ingredient{{svc.File, base}}
	}
	return s.everywhere(base)
}

// Takes are the variables whose values the file takes, each with where it first does.
func (f *File) Takes() map[string]diag.Place {
	out := map[string]diag.Place{}
	todo := slices.Clone(f.Docs)
	for len(todo) > 0 {
		n := todo[0]
		todo = append(n.Content[:len(n.Content):len(n.Content)], todo[1:]...)
		if n.Kind != yaml.ScalarNode {
			continue
		}
		for _, u := range Uses(n.Value, f.lookup) {
			if _, told := out[u.Name]; u.Fate == Taken && !told {
				out[u.Name] = f.place(n)
			}
		}
	}
	return out
}
