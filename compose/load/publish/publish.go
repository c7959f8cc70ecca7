// Package publish says what of a project goes into a registry, file by file, and what its user should know of before it does.
package publish

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/remote"
	"github.com/tutti-run/tutti/compose/load/source"
)

// Input of Of: a project and its files.
type Input struct {
	Files   *source.Files
	Project *types.Project // all of its services
	Env     bool           // env files are published, and variables with values
}

// Found is what is published, and what has to be asked before.
type Found struct {
	Layers    []remote.Layer
	Questions []Question
}

// Question about what would be published. Values of secrets are not in it.
type Question struct {
	About     string
	Points    []Point
	Ask       string
	Variables bool // about variables, and not about what is a secret by its form
}

// Point is one thing that a question is about.
type Point struct {
	Place diag.Place
	Text  string
}

// Of a project: its files as Docker Compose publishes them. Files that they extend and env files stand beside them by other names. The error is
// a diag.List of what cannot be published.
func Of(in Input) (Found, error) {
	w := walk{Input: in, seen: map[*source.File]bool{}, env: map[string]bool{}}
	w.services()
	for _, f := range in.Files.Main {
		w.includes(f)
		w.file(f, remote.ComposeLayer, base(f))
	}
	for len(w.todo) > 0 {
		f := w.todo[0]
		w.todo = w.todo[1:]
		w.file(f, remote.ExtendedLayer, hashed(f.Path(), ".yaml"))
	}
	w.Layers = append(w.Layers, w.envLayers...)
	if len(w.wrong) > 0 {
		w.wrong.Sort()
		return Found{}, w.wrong
	}
	w.Questions = w.asked.questions()
	return w.Found, nil
}

// base is the name of a file of the project.
func base(f *source.File) string {
	if f.Path() == source.Stdin {
		return "compose.yaml"
	}
	return filepath.Base(f.Path())
}

// hashed is the name of what stands beside the project's files: it tells nothing of this machine.
func hashed(path, suffix string) string {
	sum := sha256.Sum256([]byte(path))
	return hex.EncodeToString(sum[:]) + suffix
}

// walk through the files.
type walk struct {
	Input
	Found
	asked     asked
	wrong     diag.List
	todo      []*source.File        // that are extended, and not yet looked at
	seen      map[*source.File]bool // that are layers; true: as ones that are extended
	env       map[string]bool       // env files that are layers, by path
	envLayers []remote.Layer
}

func (w *walk) complain(at diag.Place, hint, format string, args ...any) {
	w.wrong = append(w.wrong, diag.Diagnostic{Severity: diag.Error, Place: at, Text: fmt.Sprintf(format, args...), Hint: hint})
}

// services that nobody else could run, and what they mount.
func (w *walk) services() {
	for _, name := range slices.Sorted(maps.Keys(w.Project.Services)) {
		s := w.Project.Services[name]
		if s.Image == "" && s.Build != nil {
			w.complain(w.Files.PlaceOf("services."+name+".build"), "give it an image, and push that", "service %q cannot be published: it has only a build", name)
		}
		for _, v := range s.Volumes {
			if v.Type == types.VolumeTypeBind {
				w.asked.mounts = append(w.asked.mounts, Point{w.Files.PlaceOf("services." + name + ".volumes"), fmt.Sprintf("service %q mounts %s", name, v.Source)})
			}
		}
	}
}

// includes of files on this machine are not followed, as Docker Compose does not.
func (w *walk) includes(f *source.File) {
	for _, d := range f.Docs {
		list := source.Child(d, "include")
		if list == nil || list.Kind != yaml.SequenceNode {
			continue
		}
		for _, e := range list.Content {
			e = source.Resolve(e)
			if e.Kind == yaml.MappingNode {
				e = source.Child(e, "path")
			}
			for _, p := range source.Texts(e) {
				if !remote.Is(f.Interpolate(p.Value)) {
					w.complain(f.Spot(p).Place(), "extend it, or name the file with -f", "cannot publish compose file with local includes")
				}
			}
		}
	}
}

// file becomes a layer, with what it extends and its env files under other names.
func (w *walk) file(f *source.File, kind remote.LayerKind, name string) {
	extended, before := w.seen[f]
	if extended {
		return
	}
	w.seen[f] = kind == remote.ExtendedLayer
	names := map[*yaml.Node]string{}
	for _, d := range f.Docs {
		services := source.Child(d, "services")
		if services == nil || services.Kind != yaml.MappingNode {
			continue
		}
		for _, p := range source.Pairs(services) {
			w.extended(f, p.Value, names)
			w.envFiles(f, p, names)
		}
	}
	text, err := f.Replaced(names)
	if list, ok := errors.AsType[diag.List](err); ok {
		w.wrong = append(w.wrong, list...)
		return
	}
	w.Layers = append(w.Layers, remote.Layer{Kind: kind, Name: name, Text: text})
	if !before {
		w.asked.file(f, text)
	}
}

func (w *walk) extended(f *source.File, service *yaml.Node, names map[*yaml.Node]string) {
	n := source.Child(source.Child(service, "extends"), "file")
	if n == nil || n.Kind != yaml.ScalarNode {
		return
	}
	if g := w.Files.Extended(f, n); g != nil {
		names[n] = hashed(g.Path(), ".yaml")
		w.todo = append(w.todo, g)
	}
}

// envFiles of a service, and of its init containers.
func (w *walk) envFiles(f *source.File, p source.Pair, names map[*yaml.Node]string) {
	w.envFilesOf(f, p.Key.Value, source.Child(p.Value, "env_file"), names)
	if list := source.Child(p.Value, "pre_start"); list != nil && list.Kind == yaml.SequenceNode {
		for _, e := range list.Content {
			w.envFilesOf(f, p.Key.Value, source.Child(source.Resolve(e), "env_file"), names)
		}
	}
}

func (w *walk) envFilesOf(f *source.File, service string, n *yaml.Node, names map[*yaml.Node]string) {
	if n == nil {
		return
	}
	all := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		all = n.Content
	}
	for _, e := range all {
		path, required := source.Resolve(e), true
		if path.Kind == yaml.MappingNode {
			if r := source.Child(path, "required"); r != nil {
				required = f.Interpolate(r.Value) != "false"
			}
			path = source.Child(path, "path")
		}
		if path != nil && path.Kind == yaml.ScalarNode {
			w.envFile(f, service, path, required, names)
		}
	}
}

func (w *walk) envFile(f *source.File, service string, n *yaml.Node, required bool, names map[*yaml.Node]string) {
	path := f.Abs(f.Interpolate(n.Value))
	names[n] = hashed(path, ".env")
	if !w.Env {
		if required {
			w.complain(f.Spot(n).Place(), "publish it, too: --with-env", "service %q has an env file, which is not published, and without it nobody could run the project", service)
		}
		return
	}
	text, err := os.ReadFile(path)
	if w.env[path] || err != nil { // what is required was read before
		return
	}
	w.env[path] = true
	w.envLayers = append(w.envLayers, remote.Layer{Kind: remote.EnvLayer, Name: names[n], Text: text})
	w.asked.envFile(w.Files.Display(path), string(text))
}
