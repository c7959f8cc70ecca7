package publish

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/source"
	"github.com/tutti-run/tutti/compose/secret"
)

// asked is what has to be asked about.
type asked struct{ mounts, secrets, variables, contents []Point }

func (a asked) questions() []Question {
	all := []Question{
		{"Bind mounts are published as they are declared, and not what is in them. Whoever runs the project mounts these paths of their own machine:", a.mounts, "Publish these bind mounts?", false},
		{"These look like secrets, and would be published as they stand:", a.secrets, "Publish them all the same?", false},
		{"These variables have values in the files that look like secrets, and would be published. With --with-env this is not asked:", a.variables, "Publish these values?", true},
		{"These configs have contents in the files, which would be published:", a.contents, "Publish these contents?", false},
	}
	var out []Question
	for _, q := range all {
		if len(q.Points) > 0 {
			slices.SortStableFunc(q.Points, func(a, b Point) int {
				return cmp.Or(cmp.Compare(a.Place.File, b.Place.File), cmp.Compare(a.Place.Line, b.Place.Line))
			})
			out = append(out, q)
		}
	}
	return out
}

// taken is a variable that is put in where the project is run.
var taken = regexp.MustCompile(`\$\{[^}]*\}|\$\w+`)

// literal is the part of a text that is published as it stands.
func literal(text string) string {
	return taken.ReplaceAllString(strings.ReplaceAll(text, "$$", "\x00"), "")
}

// file with the text that is published of it.
func (a *asked) file(f *source.File, text []byte) {
	a.lines(f.Spot(nil).Place().File, string(text))
	for _, d := range f.Docs {
		a.tree(f, d, false)
		configs := source.Child(d, "configs")
		if configs == nil || configs.Kind != yaml.MappingNode {
			continue
		}
		for _, p := range source.Pairs(configs) {
			if c := source.Child(p.Value, "content"); c != nil && len(strings.TrimSpace(literal(c.Value))) > 2 {
				a.contents = append(a.contents, Point{f.Spot(c).Place(), fmt.Sprintf("config %q", p.Key.Value)})
			}
		}
	}
}

// lines of a text, comments too, that hold what is a secret by its form.
func (a *asked) lines(file, text string) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		if kind := secret.Kind(literal(line)); kind != "" {
			a.secrets = append(a.secrets, Point{diag.Place{File: file, Line: n, Column: 1}, kind})
		}
	}
}

// tree of a file, for what is a secret by its name.
func (a *asked) tree(f *source.File, n *yaml.Node, variables bool) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			k, v := n.Content[i], n.Content[i+1]
			if v.Kind == yaml.ScalarNode {
				a.named(f.Spot(v).Place(), k.Value, v.Value, variables)
			} else {
				a.tree(f, v, variables || k.Value == "environment")
			}
		}
	case yaml.SequenceNode:
		for _, e := range n.Content {
			if name, value, ok := strings.Cut(e.Value, "="); ok && e.Kind == yaml.ScalarNode {
				a.named(f.Spot(e).Place(), name, value, variables)
			} else {
				a.tree(f, e, variables)
			}
		}
	}
}

// named value of a file. Where a line was told of, it is not told again.
func (a *asked) named(at diag.Place, name, value string, variable bool) {
	if !secret.Named(name, value) || literal(value) == "" || taken.MatchString(strings.ReplaceAll(value, "$$", "")) {
		return
	}
	for _, p := range a.secrets {
		if p.Place.File == at.File && p.Place.Line == at.Line {
			return
		}
	}
	if variable {
		a.variables = append(a.variables, Point{at, name})
	} else {
		a.secrets = append(a.secrets, Point{at, name})
	}
}

// envFile that is published.
func (a *asked) envFile(name, text string) {
	a.lines(name, text)
	n := 0
	for line := range strings.Lines(text) {
		n++
		variable, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
		if !strings.HasPrefix(variable, "#") {
			a.named(diag.Place{File: name, Line: n, Column: 1}, strings.TrimSpace(variable), strings.Trim(strings.TrimSpace(value), `"'`), false)
		}
	}
}
