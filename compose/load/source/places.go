package source

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/diag"
)

// Spot is a node in a file.
type Spot struct {
	File *File
	Node *yaml.Node
}

// Place of the spot; the zero Place if there is none.
func (p Spot) Place() diag.Place {
	if p.File == nil {
		return diag.Place{}
	}
	return p.File.place(p.Node)
}

// PlaceOf is where the files have a path of the model, "services.web.ports.0", or what of it they have.
func (s *Files) PlaceOf(path string) diag.Place {
	for parts := strings.Split(path, "."); len(parts) > 0; parts = parts[:len(parts)-1] {
		if key, _ := s.At(parts...); key.Found() {
			return key.Place()
		}
	}
	return diag.Place{}
}

// Found tells whether there is a node.
func (p Spot) Found() bool { return p.Node != nil }

// At is where the merged model has path from: the last file that sets it wins, extends is followed. The key is where a
// mapping names it, the value where it is set; both are the same for an item of a list.
func (s *Files) At(path ...string) (key, value Spot) {
	for _, f := range s.lastFirst() {
		for i := len(f.Docs) - 1; i >= 0; i-- {
			if k, v := f.descend(f.Docs[i], path); v != nil {
				return Spot{f, k}, Spot{f, v}
			}
		}
	}
	if len(path) > 2 && path[0] == "services" {
		return s.inBase(path)
	}
	return Spot{}, Spot{}
}

// lastFirst are all files of the project, those that win first.
func (s *Files) lastFirst() []*File {
	var out []*File
	for i := len(s.Main) - 1; i >= 0; i-- {
		out = append(out, s.Main[i])
	}
	for _, f := range s.Others {
		if !f.extended {
			out = append(out, f)
		}
	}
	return out
}

func (f *File) descend(n *yaml.Node, path []string) (key, value *yaml.Node) {
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
func (f *File) entry(m *yaml.Node, key string) (k, v *yaml.Node) {
	if len(m.Content) < 32 {
		return Entry(m, key)
	}
	if f.index[m] == nil {
		index := map[string]Pair{}
		for _, p := range Pairs(m) {
			index[p.Key.Value] = p
		}
		if f.index == nil {
			f.index = map[*yaml.Node]map[string]Pair{}
		}
		f.index[m] = index
	}
	p := f.index[m][key]
	return p.Key, p.Value
}

// listed is the item of a list that an index, a name or the whole text stands for: "0", "db" for "db:alias".
func listed(list *yaml.Node, p string) *yaml.Node {
	for i, e := range list.Content {
		e = Resolve(e)
		if e.Kind == yaml.ScalarNode && (e.Value == p || strings.HasPrefix(e.Value, p+":")) {
			return e
		}
		if fmt.Sprint(i) == p {
			return e
		}
		for _, k := range []string{"source", "target", "path"} {
			if v := Child(e, k); v != nil && v.Value == p {
				return v
			}
		}
	}
	return nil
}

// Nearest is the spot of path, or of the longest part of it that is written down.
func (s *Files) Nearest(path ...string) Spot {
	for n := len(path); n > 0; n-- {
		if k, v := s.At(path[:n]...); k.Found() {
			if n == len(path) && v.Node.Kind == yaml.ScalarNode && v.Node.ShortTag() != "!!null" {
				return v
			}
			return k
		}
	}
	return Spot{}
}

// Item is the spot of a name within the list or mapping at path: the key of a mapping, the item of a list.
func (s *Files) Item(path []string, name string) Spot {
	if k, _ := s.At(append(path[:len(path):len(path)], name)...); k.Found() {
		return k
	}
	return s.interpolated(path, name)
}

// interpolated is the item that gives name once its variables are put in, or that is the path name.
func (s *Files) interpolated(path []string, name string) Spot {
	_, list := s.At(path...)
	if list.Found() && list.Node.Kind == yaml.SequenceNode {
		for _, e := range list.Node.Content {
			e = Resolve(e)
			if p := Child(e, "path"); p != nil {
				e = p
			}
			if e.Kind != yaml.ScalarNode {
				continue
			}
			text := list.File.Interpolate(e.Value)
			if strings.Contains(e.Value, "$") && strings.HasPrefix(text, name) || list.File.Abs(text) == name {
				return Spot{list.File, e}
			}
		}
	}
	return s.Nearest(path...)
}

// Declares tells whether a file names it, rather than compose-go having put it there.
func (s *Files) Declares(path ...string) bool {
	k, _ := s.At(path...)
	return k.Found()
}

// CreatesHostPath tells whether a bind asks for create_host_path itself or is in the short form, which implies it.
func (s *Files) CreatesHostPath(service string, target string) bool {
	_, item := s.VolumeItem(service, target)
	if !item.Found() || item.Node.Kind != yaml.MappingNode {
		return true
	}
	return Child(Child(item.Node, "bind"), "create_host_path") != nil
}

// VolumeItem is where a service's volume with that target is written.
func (s *Files) VolumeItem(service, target string) (key, item Spot) {
	return s.volumeItem(target, "services", service, "volumes")
}

// HookDeniesHostPath tells whether a hook of a service says of a bind that its path on the host is not to be created. All hooks
// are looked at: each file counts its own.
func (s *Files) HookDeniesHostPath(service, target string) bool {
	for i := 0; ; i++ {
		hook := []string{"services", service, "pre_start", strconv.Itoa(i)}
		if !s.Declares(hook...) {
			return false
		}
		_, item := s.volumeItem(target, append(hook, "volumes")...)
		if item.Found() && Child(Child(item.Node, "bind"), "create_host_path") != nil {
			return true
		}
	}
}

func (s *Files) volumeItem(target string, path ...string) (key, item Spot) {
	k, list := s.At(path...)
	if !list.Found() {
		return k, list
	}
	for _, e := range list.Node.Content {
		e = Resolve(e)
		if t := Child(e, "target"); t != nil && filepath.Clean(list.File.Interpolate(t.Value)) == target {
			return k, Spot{list.File, e}
		}
	}
	return k, Spot{}
}

// Label is a path in the user's words: `service "web": healthcheck.interval`.
func Label(path []string) string {
	if len(path) < 2 {
		return strings.Join(path, ".")
	}
	kind := strings.TrimSuffix(path[0], "s")
	if !IsName(path[0]) {
		return strings.Join(path, ".")
	}
	out := fmt.Sprintf("%s %q", kind, path[1])
	if len(path) > 2 {
		out += ": " + strings.Join(path[2:], ".")
	}
	return out
}

// IsName tells whether the keys under a path are names that the user gives, where x- means nothing.
func IsName(generic string) bool {
	switch generic {
	case "services", "networks", "volumes", "configs", "secrets", "models", "jobs", "services.*.depends_on", "services.*.networks":
		return true
	}
	return false
}
