package source

import (
	"slices"

	"go.yaml.in/yaml/v4"
)

// Declared is what a file holds at the top level of the model: the file itself, or one of a section's entries.
type Declared struct {
	Section, Name string // "services", "web"; both "" of the file itself
	Key, Value    Spot
}

// sections whose entries have names.
var sections = []string{"services", "networks", "volumes", "secrets", "configs", "models"}

// Declared is all that the files of the project hold, those that win first.
func (s *Files) Declared() []Declared {
	var out []Declared
	for _, f := range append(s.lastFirst(), s.extendedFiles()...) {
		for _, d := range slices.Backward(f.Docs) {
			out = append(out, Declared{Key: Spot{f, d}, Value: Spot{f, d}})
			for _, section := range sections {
				out = append(out, f.declared(d, section)...)
			}
		}
	}
	return out
}

func (f *File) declared(d *yaml.Node, section string) []Declared {
	m := Child(d, section)
	if m == nil || m.Kind != yaml.MappingNode {
		return nil
	}
	var out []Declared
	for _, p := range Pairs(m) {
		out = append(out, Declared{section, p.Key.Value, Spot{f, p.Key}, Spot{f, p.Value}})
	}
	return out
}

// extendedFiles are read only because a service extends one of them.
func (s *Files) extendedFiles() []*File {
	var out []*File
	for _, f := range s.Others {
		if f.extended {
			out = append(out, f)
		}
	}
	return out
}

// Extended tells whether the file is only there to be extended.
func (f *File) Extended() bool { return f.extended }

// Items of a list that a service has, in all files that it is merged from, those that win first.
func (s *Files) Items(service, key string) []Spot {
	var out []Spot
	for _, svc := range s.Layers(service) {
		list := Child(svc.Node, key)
		if list == nil {
			continue
		}
		if list.Kind == yaml.SequenceNode && list.Tag != "!reset" {
			for _, e := range list.Content {
				out = append(out, Spot{svc.File, Resolve(e)})
			}
		}
		if replaces(list) || replaces(svc.Node) {
			break
		}
	}
	return out
}
