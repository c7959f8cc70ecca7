package load

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/diag"
)

// prepare checks the files one by one and makes them ready for compose-go.
func (s *session) prepare() {
	for _, f := range s.main {
		s.modernise(f)
		s.dropVersion(f)
	}
	s.follow()
	for _, f := range slices.Concat(s.main, s.others) {
		s.checkTree(f)
		s.checkStructure(f)
	}
	s.checkExtends()
}

// blocked tells whether nothing more can be found out: a mistake that could not be taken out of the tree.
func (s *session) blocked() bool {
	if s.unusable {
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
				s.checkVariables(f, n)
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

// follow reads the files that are included or extended, for their places and mistakes; compose-go reads them again.
func (s *session) follow() {
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
			if s.open(g, f) {
				s.others = append(s.others, g)
				todo = append(todo, g)
			}
		}
	}
}

// open reads a file that another one names, at from.
func (s *session) open(g, by *file) bool {
	text, err := os.ReadFile(g.path)
	if err != nil {
		reason := err
		var pe *fs.PathError
		if errors.As(err, &pe) {
			reason = pe.Err
		}
		s.complain(spot{by, g.from}, "read %s: %v", s.display(g.path), reason)
		s.unusable = true
		return false
	}
	g.text = text
	bad := g.parse()
	s.diags = append(s.diags, bad...)
	s.unusable = s.unusable || len(bad) > 0
	return true
}

// included are the files that a file includes.
func (s *session) included(f *file) []*file {
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

func (s *session) include(f *file, n *yaml.Node) []*file {
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

// texts are the scalars of a text or list.
func texts(n *yaml.Node) []*yaml.Node {
	switch {
	case n == nil:
		return nil
	case n.Kind == yaml.ScalarNode:
		return []*yaml.Node{n}
	case n.Kind == yaml.SequenceNode:
		var out []*yaml.Node
		for _, e := range n.Content {
			if e = resolve(e); e.Kind == yaml.ScalarNode {
				out = append(out, e)
			}
		}
		return out
	}
	return nil
}

func (f *file) values(n *yaml.Node) []string {
	var out []string
	for _, t := range texts(n) {
		out = append(out, f.interpolate(t.Value))
	}
	return out
}

// extendedBy are the other files that services of a file extend.
func (s *session) extendedBy(f *file) []*file {
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

// abs is a path that stands in the file.
func (f *file) abs(path string) string {
	if home, ok := strings.CutPrefix(path, "~"); ok {
		if h, err := os.UserHomeDir(); err == nil {
			return filepath.Join(h, home)
		}
	}
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(f.dir, path)
}

// config is the file as compose-go takes it: the trees where it can be, which saves it the parsing, else the text.
func (f *file) config() ([]types.ConfigFile, error) {
	if f.tagged {
		b, err := f.encode()
		return []types.ConfigFile{{Filename: f.path, Content: b}}, err
	}
	var out []types.ConfigFile
	for _, d := range f.docs {
		m := map[string]any{}
		if err := d.Decode(&m); err != nil {
			return nil, diag.List{f.broken(err)}
		}
		out = append(out, types.ConfigFile{Filename: f.path, Config: m})
	}
	return out, nil
}

// compatible tells whether names are joined with "_", as the first Docker Compose did.
func (s *session) compatible() bool {
	b, _ := strconv.ParseBool(strings.ToLower(s.env["COMPOSE_COMPATIBILITY"]))
	return b
}

// createsHostPath tells whether a bind asks for create_host_path itself or is in the short form, which implies it.
func (s *session) createsHostPath(service string, v types.ServiceVolumeConfig) bool {
	_, item := s.volumeItem(service, v.Target)
	if !item.found() || item.node.Kind != yaml.MappingNode {
		return true
	}
	return child(child(item.node, "bind"), "create_host_path") != nil
}

// volumeItem is where a service's volume with that target is written.
func (s *session) volumeItem(service, target string) (key, item spot) {
	k, list := s.at("services", service, "volumes")
	if !list.found() {
		return k, list
	}
	for _, e := range list.node.Content {
		e = resolve(e)
		if t := child(e, "target"); t != nil && filepath.Clean(list.file.interpolate(t.Value)) == target {
			return k, spot{list.file, e}
		}
	}
	return k, spot{}
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
			s.unusable = true
		}
		svc = base
	}
}

func baseName(svc spot) string {
	ext := child(svc.node, "extends")
	if n := child(ext, "service"); n != nil {
		ext = n
	}
	return svc.file.interpolate(ext.Value)
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
	d.Hint = didYouMean(base, names)
	s.unusable = true
}

// servicesOf a file, with those that it includes.
func (s *session) servicesOf(f *file) []string {
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

func didYouMean(word string, names []string) string {
	if near := diag.Nearest(word, names); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}
