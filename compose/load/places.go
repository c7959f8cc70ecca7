package load

import (
	"fmt"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/tutti-run/tutti/compose/diag"
)

// spot is a node in a file.
type spot struct {
	file *file
	node *yaml.Node
}

func (p spot) place() diag.Place {
	if p.file == nil {
		return diag.Place{}
	}
	return p.file.place(p.node)
}

// placeOf is where the files have a path of the model, "services.web.ports.0", or what of it they have.
func (s *files) placeOf(path string) diag.Place {
	for parts := strings.Split(path, "."); len(parts) > 0; parts = parts[:len(parts)-1] {
		if key, _ := s.at(parts...); key.found() {
			return key.place()
		}
	}
	return diag.Place{}
}

// found tells whether there is a node.
func (p spot) found() bool { return p.node != nil }

// at is where the merged model has path from: the last file that sets it wins, extends is followed. The key is where a
// mapping names it, the value where it is set; both are the same for an item of a list.
func (s *files) at(path ...string) (key, value spot) {
	for _, f := range s.lastFirst() {
		for i := len(f.docs) - 1; i >= 0; i-- {
			if k, v := f.descend(f.docs[i], path); v != nil {
				return spot{f, k}, spot{f, v}
			}
		}
	}
	if len(path) > 2 && path[0] == "services" {
		return s.inBase(path)
	}
	return spot{}, spot{}
}

// lastFirst are all files of the project, those that win first.
func (s *files) lastFirst() []*file {
	var out []*file
	for i := len(s.main) - 1; i >= 0; i-- {
		out = append(out, s.main[i])
	}
	for _, f := range s.others {
		if !f.extended {
			out = append(out, f)
		}
	}
	return out
}

func (f *file) descend(n *yaml.Node, path []string) (key, value *yaml.Node) {
	key, value = n, n
	for _, p := range path {
		switch value.Kind {
		case yaml.MappingNode:
			key, value = f.entry(value, p)
		case yaml.SequenceNode:
			key = listed(value, p)
			value = key
		default:
			return nil, nil
		}
		if value == nil {
			return nil, nil
		}
	}
	return key, value
}

// entry of a mapping. Large ones, like the services of a large project, are indexed once they are asked for; after that
// nothing may be taken out of them.
func (f *file) entry(m *yaml.Node, key string) (k, v *yaml.Node) {
	if len(m.Content) < 32 {
		return entry(m, key)
	}
	if f.index[m] == nil {
		index := map[string]pair{}
		for _, p := range pairs(m) {
			index[p.key.Value] = p
		}
		if f.index == nil {
			f.index = map[*yaml.Node]map[string]pair{}
		}
		f.index[m] = index
	}
	p := f.index[m][key]
	return p.key, p.value
}

// listed is the item of a list that an index, a name or the whole text stands for: "0", "db" for "db:alias".
func listed(list *yaml.Node, p string) *yaml.Node {
	for i, e := range list.Content {
		e = resolve(e)
		if e.Kind == yaml.ScalarNode && (e.Value == p || strings.HasPrefix(e.Value, p+":")) {
			return e
		}
		if fmt.Sprint(i) == p {
			return e
		}
		for _, k := range []string{"source", "target", "path"} {
			if v := child(e, k); v != nil && v.Value == p {
				return v
			}
		}
	}
	return nil
}

// inBase looks in what a service extends, and in what that extends.
func (s *files) inBase(path []string) (key, value spot) {
	seen := map[spot]bool{}
	_, svc := s.at("services", path[1])
	for svc.found() && !seen[svc] {
		seen[svc] = true
		base, ok := s.base(svc)
		if !ok {
			break
		}
		if k, v := base.file.descend(base.node, path[2:]); v != nil {
			return spot{base.file, k}, spot{base.file, v}
		}
		svc = base
	}
	return spot{}, spot{}
}

// base is the service that a service extends.
func (s *files) base(svc spot) (spot, bool) {
	ext := child(svc.node, "extends")
	if ext == nil {
		return spot{}, false
	}
	files := []*file{svc.file}
	if n := child(ext, "file"); n != nil {
		files = []*file{s.fileAt(svc.file.abs(svc.file.interpolate(n.Value)))}
	} else if !svc.file.extended {
		files = append(files, s.others...) // an included file may hold it
	}
	path := []string{"services", baseName(svc)}
	for i, f := range files {
		if f == nil || i > 0 && f.extended {
			continue
		}
		for d := len(f.docs) - 1; d >= 0; d-- {
			if _, v := f.descend(f.docs[d], path); v != nil {
				return spot{f, v}, true
			}
		}
	}
	return spot{}, false
}

func (s *files) fileAt(path string) *file {
	for _, list := range [][]*file{s.main, s.others} {
		for _, f := range list {
			if f.path == path {
				return f
			}
		}
	}
	return nil
}

// nearest is the spot of path, or of the longest part of it that is written down.
func (s *files) nearest(path ...string) spot {
	for n := len(path); n > 0; n-- {
		if k, v := s.at(path[:n]...); k.found() {
			if n == len(path) && v.node.Kind == yaml.ScalarNode && v.node.ShortTag() != "!!null" {
				return v
			}
			return k
		}
	}
	return spot{}
}

// item is the spot of a name within the list or mapping at path: the key of a mapping, the item of a list.
func (s *files) item(path []string, name string) spot {
	if k, _ := s.at(append(path[:len(path):len(path)], name)...); k.found() {
		return k
	}
	return s.interpolated(path, name)
}

// interpolated is the item that gives name once its variables are put in, or that is the path name.
func (s *files) interpolated(path []string, name string) spot {
	_, list := s.at(path...)
	if list.found() && list.node.Kind == yaml.SequenceNode {
		for _, e := range list.node.Content {
			e = resolve(e)
			if p := child(e, "path"); p != nil {
				e = p
			}
			if e.Kind != yaml.ScalarNode {
				continue
			}
			text := list.file.interpolate(e.Value)
			if strings.Contains(e.Value, "$") && strings.HasPrefix(text, name) || list.file.abs(text) == name {
				return spot{list.file, e}
			}
		}
	}
	return s.nearest(path...)
}

// declares tells whether a file names it, rather than compose-go having put it there.
func (s *files) declares(path ...string) bool {
	k, _ := s.at(path...)
	return k.found()
}

func baseName(svc spot) string {
	ext := child(svc.node, "extends")
	if n := child(ext, "service"); n != nil {
		ext = n
	}
	return svc.file.interpolate(ext.Value)
}

// createsHostPath tells whether a bind asks for create_host_path itself or is in the short form, which implies it.
func (s *files) createsHostPath(service string, v types.ServiceVolumeConfig) bool {
	_, item := s.volumeItem(service, v.Target)
	if !item.found() || item.node.Kind != yaml.MappingNode {
		return true
	}
	return child(child(item.node, "bind"), "create_host_path") != nil
}

// volumeItem is where a service's volume with that target is written.
func (s *files) volumeItem(service, target string) (key, item spot) {
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

// label is a path in the user's words: `service "web": healthcheck.interval`.
func label(path []string) string {
	if len(path) < 2 {
		return strings.Join(path, ".")
	}
	kind := strings.TrimSuffix(path[0], "s")
	if !isName(path[0]) {
		return strings.Join(path, ".")
	}
	out := fmt.Sprintf("%s %q", kind, path[1])
	if len(path) > 2 {
		out += ": " + strings.Join(path[2:], ".")
	}
	return out
}

// isName tells whether the keys under a path are names that the user gives, where x- means nothing.
func isName(generic string) bool {
	switch generic {
	case "services", "networks", "volumes", "configs", "secrets", "models", "jobs", "services.*.depends_on", "services.*.networks":
		return true
	}
	return false
}
