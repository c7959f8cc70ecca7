package source

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/remote"
	"go.yaml.in/yaml/v4"
)

// Stdin is the path that stands for the standard input.
const Stdin = "-"

// Files are all that a project is read from.
type Files struct {
	Cwd    string        // what their names are shown from
	Main   []*File       // in order of -f
	Others []*File       // included and extended; of those that one entry includes, the one that wins first
	Remote *remote.Store // where files are from that are kept elsewhere

	Shell    map[string]string // the environment of the process, which wins over env files
	EnvFiles []string          // what the main files are interpolated with beside it, those that win first
}

// Display is a path as the user would write it from where they are.
func (s *Files) Display(path string) string {
	if t := s.Remote.Tree(path); t != nil {
		return t.Name(path)
	}
	return Shown(s.Cwd, path)
}

// Shown is a path as the user would write it from cwd.
func Shown(cwd, path string) string {
	if path == Stdin {
		return "stdin"
	}
	rel, err := filepath.Rel(cwd, path)
	if err != nil || strings.HasPrefix(rel, ".."+string(filepath.Separator)+"..") {
		return path
	}
	return rel
}

// ProjectName is the last `name:` of the files, interpolated.
func (s *Files) ProjectName() string {
	name := ""
	for _, f := range s.Main {
		for _, d := range f.Docs {
			if n := Child(d, "name"); n != nil && n.Value != "" {
				name = f.Interpolate(n.Value)
			}
		}
	}
	return name
}

// Add parses a file that the user named; the first one added is the first of -f.
func (s *Files) Add(path string, text []byte, dir string, env map[string]string) diag.List {
	f := &File{path: path, name: s.Display(path), text: text, dir: dir, env: env, envFiles: s.EnvFiles}
	s.Main = append(s.Main, f)
	return f.parse()
}

// Follow reads the files that are included or extended, for their places and mistakes; compose-go reads them again.
func (s *Files) Follow(ctx context.Context, n *Notes) {
	seen := map[string]bool{}
	todo := slices.Clone(s.Main)
	for _, f := range todo {
		seen[f.path] = true
	}
	for len(todo) > 0 {
		f := todo[0]
		todo = todo[1:]
		for _, g := range slices.Concat(s.included(ctx, f, n), s.extendedBy(ctx, f, n)) {
			if seen[g.path] {
				continue
			}
			seen[g.path] = true
			if s.open(g, f, n) {
				s.Others = append(s.Others, g)
				todo = append(todo, g)
			}
		}
	}
}

// open reads a file that another one names, at from.
func (s *Files) open(g, by *File, n *Notes) bool {
	text, err := ReadFile(g.path)
	if err != nil {
		if pe, ok := errors.AsType[*os.PathError](err); ok {
			err = pe.Err
		}
		n.Complain(Spot{by, g.from}, "read %s: %v", s.Display(g.path), err).Rule = "unreadable-file"
		n.Fatal = true
		return false
	}
	g.text = text
	bad := g.parse()
	n.Diags = append(n.Diags, bad...)
	n.Fatal = n.Fatal || len(bad) > 0
	return true
}

// included are the files that a file includes.
func (s *Files) included(ctx context.Context, f *File, n *Notes) []*File {
	var out []*File
	if f.extended {
		return nil
	}
	for _, d := range f.Docs {
		list := Child(d, "include")
		if list == nil || list.Kind != yaml.SequenceNode {
			continue
		}
		for _, e := range list.Content {
			out = append(out, s.include(ctx, f, Resolve(e), n)...)
		}
	}
	return out
}

func (s *Files) include(ctx context.Context, f *File, e *yaml.Node, n *Notes) []*File {
	paths, dir, envFiles := Texts(e), "", []*yaml.Node(nil)
	if e.Kind == yaml.MappingNode {
		paths = Texts(Child(e, "path"))
		envFiles = Texts(Child(e, "env_file"))
		if d := Child(e, "project_directory"); d != nil {
			dir = f.Abs(f.Interpolate(d.Value))
			if !s.stays(f, d, dir, n) {
				return nil
			}
		}
	}
	var out []*File
	for _, p := range paths {
		path, ok := s.find(ctx, f, p, n)
		if !ok {
			return nil
		}
		if dir == "" {
			dir = filepath.Dir(path)
		}
		out = append(out, &File{path: path, name: s.Display(path), dir: dir, by: f, from: p})
	}
	if len(out) == 0 {
		return nil
	}
	env, read := s.includeEnvironment(out[0], envFiles, n)
	for _, g := range out {
		g.env, g.envFiles = env, slices.Concat(f.envFiles, read)
	}
	slices.Reverse(out)
	return out
}

// includeEnvironment is what a file that another one includes is interpolated with, and the env files that it has of its own,
// those that win first. What cannot be read compose-go tells.
func (s *Files) includeEnvironment(g *File, files []*yaml.Node, n *Notes) (env map[string]string, read []string) {
	var paths []string
	for _, e := range files {
		path := g.by.Interpolate(e.Value)
		if path != "/dev/null" && s.stays(g.by, e, g.by.Abs(path), n) {
			paths = append(paths, g.by.Abs(path))
		}
	}
	if len(files) == 0 {
		if p := filepath.Join(g.dir, ".env"); isFile(p) && s.stays(g, nil, p, n) {
			paths = []string{p}
		}
	}
	env = maps.Clone(g.by.env)
	values, err := ReadEnvFiles(g.by.env, paths)
	if why, ok := errors.AsType[refused](err); ok {
		n.Complain(Spot{g.by, g.from}, "read the env file of %s: %v", g.name, why).Rule = "unreadable-file"
		n.Fatal = true
	}
	for k, v := range values {
		if _, ok := env[k]; !ok {
			env[k] = v
		}
	}
	slices.Reverse(paths)
	return env, paths
}

func isFile(path string) bool {
	s, err := os.Stat(path)
	return err == nil && !s.IsDir()
}

// extendedBy are the other files that services of a file extend.
func (s *Files) extendedBy(ctx context.Context, f *File, notes *Notes) []*File {
	var out []*File
	for _, d := range f.Docs {
		services := Child(d, "services")
		if services == nil || services.Kind != yaml.MappingNode {
			continue
		}
		for _, p := range Pairs(services) {
			n := Child(Child(p.Value, "extends"), "file")
			if n == nil || n.Kind != yaml.ScalarNode {
				continue
			}
			path, ok := s.find(ctx, f, n, notes)
			if !ok {
				continue
			}
			out = append(out, &File{path: path, name: s.Display(path), dir: filepath.Dir(path), env: f.env, envFiles: f.envFiles,
				extended: true, by: f, from: n})
		}
	}
	return out
}
