// Package origin tells where the variables of a service's containers come from.
package origin

import (
	"maps"
	"slices"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/source"
)

// Input is what sets the variables of one service.
type Input struct {
	*source.Files
	Service  string
	Final    map[string]*string // what the containers get; nil unsets
	EnvFiles []EnvFile          // in the order in which they were read
}

// EnvFile of a service.
type EnvFile struct {
	Path   string
	Raw    bool              // format: raw
	Values map[string]string // all that is set once it is read
}

// Variables in order of name, with all that sets them.
func Variables(in Input) []desired.Variable {
	s := &search{Input: in, written: in.Environment(in.Service), files: map[string][]assignment{}}
	var out []desired.Variable
	for _, name := range slices.Sorted(maps.Keys(in.Final)) {
		out = append(out, desired.Variable{Name: name, Sources: s.sources(name)})
	}
	return out
}

// search for the sources of one service's variables.
type search struct {
	Input
	written map[string][]source.Written
	files   map[string][]assignment // of env files that were looked into
}

func (s *search) sources(name string) []desired.Source {
	var out []desired.Source
	for _, w := range s.written[name] {
		out = append(out, s.environment(name, w))
	}
	for i := range slices.Backward(s.EnvFiles) {
		if src, ok := s.envFile(i, name); ok {
			out = append(out, src)
		}
	}
	if len(out) == 0 { // set, but nobody knows where
		out = append(out, desired.Source{Kind: desired.FromEnvironment})
	}
	if v := s.Final[name]; v != nil {
		out[0].Value, out[0].Unset = *v, false // what compose-go made of it is what counts
	}
	return out
}

func (s *search) environment(name string, w source.Written) desired.Source {
	out := desired.Source{Kind: desired.FromEnvironment, Place: w.Place(), Value: w.Value, PassThrough: w.Bare}
	for _, u := range w.Uses() {
		out.From = append(out.From, s.ingredient(w.File, u))
	}
	if w.Bare {
		value, ok := w.File.Lookup(name)
		out.Value, out.Unset = value, !ok
		out.From = append(out.From, s.set(w.File, name))
	}
	return out
}

func (s *search) ingredient(f *source.File, u source.Use) desired.Ingredient {
	out := desired.Ingredient{Name: u.Name, Kind: desired.FromNowhere}
	switch u.Fate {
	case source.Taken:
		out = s.set(f, u.Name)
	case source.Defaulted:
		out.Kind = desired.FromDefault
	}
	out.Value = f.Interpolate(u.Text)
	return out
}

// set is a variable that a Compose file is interpolated with.
func (s *search) set(f *source.File, name string) desired.Ingredient {
	out := desired.Ingredient{Name: name, Kind: desired.FromNowhere}
	value, ok := f.Lookup(name)
	if !ok {
		return out
	}
	out.Value, out.Kind = value, desired.FromProject
	if name == "COMPOSE_PROJECT_NAME" { // whatever else sets it
		return out
	}
	if _, ok := s.Shell[name]; ok {
		out.Kind = desired.FromShell
		return out
	}
	for _, path := range f.EnvFiles() {
		if a, ok := last(s.lines(path, false), name); ok {
			out.Kind, out.Place = desired.FromEnvFile, s.place(path, a)
			break
		}
	}
	return out
}

// envFile is what one of the service's env files says of a variable.
func (s *search) envFile(i int, name string) (desired.Source, bool) {
	f, main := s.EnvFiles[i], s.Main[0]
	_, passes := main.Lookup(name)
	lines := slices.DeleteFunc(slices.Clone(s.lines(f.Path, f.Raw)), func(a assignment) bool { return a.bare && !passes })
	a, ok := last(lines, name)
	value, set := f.Values[name]
	if !ok || !set {
		return desired.Source{}, false
	}
	out := desired.Source{Kind: desired.FromEnvFile, Place: s.place(f.Path, a), Value: value, PassThrough: a.bare}
	if a.bare {
		out.From = append(out.From, s.set(main, name))
	}
	for _, u := range source.Uses(a.text, f.lookup(main)) {
		out.From = append(out.From, s.inEnvFile(i, a, u))
	}
	return out, true
}

// inEnvFile is a variable that a line of an env file uses: one of the project, else one of the service.
func (s *search) inEnvFile(i int, a assignment, u source.Use) desired.Ingredient {
	f, main := s.EnvFiles[i], s.Main[0]
	out := s.ingredient(main, u)
	if _, ok := main.Lookup(u.Name); !ok && u.Fate == source.Taken {
		out = s.before(i, a, u.Name)
	}
	out.Value, _ = source.Substitute(u.Text, f.lookup(main))
	return out
}

// lookup of what the values of an env file are interpolated with.
func (f EnvFile) lookup(main *source.File) func(string) (string, bool) {
	return func(name string) (string, bool) {
		if v, ok := main.Lookup(name); ok {
			return v, true
		}
		v, ok := f.Values[name]
		return v, ok
	}
}

// before is a variable of the service itself that a line of an env file uses: of environment, of a line above, or of a file before.
func (s *search) before(i int, a assignment, name string) desired.Ingredient {
	if w := s.written[name]; len(w) > 0 && !w[0].Bare {
		return desired.Ingredient{Name: name, Kind: desired.FromEnvironment, Place: w[0].Place()}
	}
	out := desired.Ingredient{Name: name, Kind: desired.FromEnvFile}
	for j, f := range slices.Backward(s.EnvFiles[:i+1]) {
		lines := s.lines(f.Path, f.Raw)
		if j == i {
			lines = slices.DeleteFunc(slices.Clone(lines), func(b assignment) bool { return b.line >= a.line })
		}
		if b, ok := last(lines, name); ok {
			out.Place = s.place(f.Path, b)
			break
		}
	}
	return out
}

func (s *search) place(path string, a assignment) diag.Place {
	return diag.Place{File: s.Display(path), Line: a.line}
}
