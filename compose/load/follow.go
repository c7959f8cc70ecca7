package load

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"go.yaml.in/yaml/v4"
)

// stdin is the path that stands for the standard input.
const stdin = "-"

// files are all that a project is read from.
type files struct {
	cwd    string  // what their names are shown from
	main   []*file // in order of -f
	others []*file // included and extended
}

// display is a path as the user would write it from where they are.
func (s *files) display(path string) string { return shown(s.cwd, path) }

// shown is a path as the user would write it from cwd.
func shown(cwd, path string) string {
	if path == stdin {
		return "stdin"
	}
	rel, err := filepath.Rel(cwd, path)
	if err != nil || strings.HasPrefix(rel, ".."+string(filepath.Separator)+"..") {
		return path
	}
	return rel
}

// follow reads the files that are included or extended, for their places and mistakes; compose-go reads them again.
func (s *files) follow(n *notes) {
	seen := map[string]bool{}
	todo := slices.Clone(s.main)
	for _, f := range todo {
		seen[f.path] = true
	}
	for len(todo) > 0 {
		f := todo[0]
		todo = todo[1:]
		for _, g := range slices.Concat(s.included(f), s.extendedBy(f)) {
			if seen[g.path] {
				continue
			}
			seen[g.path] = true
			if s.open(g, f, n) {
				s.others = append(s.others, g)
				todo = append(todo, g)
			}
		}
	}
}

// open reads a file that another one names, at from.
func (s *files) open(g, by *file, n *notes) bool {
	text, err := os.ReadFile(g.path)
	if err != nil {
		if pe, ok := errors.AsType[*os.PathError](err); ok {
			err = pe.Err
		}
		n.complain(spot{by, g.from}, "read %s: %v", s.display(g.path), err)
		n.fatal = true
		return false
	}
	g.text = text
	bad := g.parse()
	n.diags = append(n.diags, bad...)
	n.fatal = n.fatal || len(bad) > 0
	return true
}

// included are the files that a file includes.
func (s *files) included(f *file) []*file {
	var out []*file
	if f.extended {
		return nil
	}
	for _, d := range f.docs {
		list := child(d, "include")
		if list == nil || list.Kind != yaml.SequenceNode {
			continue
		}
		for _, e := range list.Content {
			out = append(out, s.include(f, resolve(e))...)
		}
	}
	return out
}

func (s *files) include(f *file, n *yaml.Node) []*file {
	paths, dir, envFiles := texts(n), "", []string(nil)
	if n.Kind == yaml.MappingNode {
		paths = texts(child(n, "path"))
		envFiles = f.values(child(n, "env_file"))
		if d := child(n, "project_directory"); d != nil {
			dir = f.abs(f.interpolate(d.Value))
		}
	}
	var out []*file
	for _, p := range paths {
		path := f.abs(f.interpolate(p.Value))
		if dir == "" {
			dir = filepath.Dir(path)
		}
		out = append(out, &file{path: path, name: s.display(path), dir: dir, from: p})
	}
	env := includeEnvironment(f, dir, envFiles)
	for _, g := range out {
		g.env = env
	}
	return out
}

// includeEnvironment is what an included file is interpolated with. What cannot be read compose-go tells.
func includeEnvironment(f *file, dir string, files []string) map[string]string {
	var paths []string
	for _, e := range files {
		if e != "/dev/null" {
			paths = append(paths, f.abs(e))
		}
	}
	if len(files) == 0 {
		if p := filepath.Join(dir, ".env"); isFile(p) {
			paths = []string{p}
		}
	}
	env := maps.Clone(f.env)
	values, _ := dotenv.GetEnvFromFile(f.env, paths)
	for k, v := range values {
		if _, ok := env[k]; !ok {
			env[k] = v
		}
	}
	return env
}

func isFile(path string) bool {
	s, err := os.Stat(path)
	return err == nil && !s.IsDir()
}

func (f *file) values(n *yaml.Node) []string {
	var out []string
	for _, t := range texts(n) {
		out = append(out, f.interpolate(t.Value))
	}
	return out
}

// extendedBy are the other files that services of a file extend.
func (s *files) extendedBy(f *file) []*file {
	var out []*file
	for _, d := range f.docs {
		services := child(d, "services")
		if services == nil || services.Kind != yaml.MappingNode {
			continue
		}
		for _, p := range pairs(services) {
			n := child(child(p.value, "extends"), "file")
			if n == nil || n.Kind != yaml.ScalarNode {
				continue
			}
			path := f.abs(f.interpolate(n.Value))
			out = append(out, &file{path: path, name: s.display(path), dir: filepath.Dir(path), env: f.env, extended: true, from: n})
		}
	}
	return out
}

// servicesOf a file, with those that it includes.
func (s *files) servicesOf(f *file) []string {
	var out []string
	for _, g := range append([]*file{f}, s.others...) {
		if g != f && (g.extended || f.extended) {
			continue
		}
		for _, d := range g.docs {
			if m := child(d, "services"); m != nil && m.Kind == yaml.MappingNode {
				for _, p := range pairs(m) {
					out = append(out, p.key.Value)
				}
			}
		}
	}
	return out
}
