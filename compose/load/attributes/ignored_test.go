package attributes_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/compose/load/attributes"
)

// TestNothingIsIgnored takes one attribute after the other out of files that have them all, none with the value that it has anyway. Something
// has to become different: the project, or what the user is told. What is only read need not.
func TestNothingIsIgnored(t *testing.T) {
	files, err := filepath.Glob("testdata/whole/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no files: ", err)
	}
	matters := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		dir := filled(t)
		whole := outcome(t, dir, text)
		for _, c := range cuts(t, text) {
			matters[c.path] = matters[c.path] || outcome(t, dir, c.text) != whole
		}
	}
	for _, r := range attributes.All() {
		if _, read := r.Fate.(attributes.Read); read {
			continue
		}
		found, matter := false, false
		for path, m := range matters {
			if path == r.Path || strings.HasPrefix(path, r.Path+".") {
				found, matter = true, matter || m
			}
		}
		switch {
		case !found:
			t.Errorf("testdata/whole lacks %s", r.Path)
		case !matter:
			t.Errorf("%s is ignored, and nobody is told", r.Path)
		}
	}
}

// filled is a directory with the files that whole.yaml names.
func filled(t *testing.T) string {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"web.env": "QUOTED=\"x\"\n", "web.label": "of=file\n", "config.txt": "c", "secret.txt": "s", "spec.json": "{}",
		"common.yaml": "services: {base: {image: base, labels: {from: base}}, other: {image: other}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// outcome of a load: the project and what is told, without places, and without the hash that changes with all.
func outcome(t *testing.T, dir string, text []byte) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "compose.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := load.Load(t.Context(), load.Options{Dir: dir, Environment: []string{"TOKEN=t", "TEXT=x"}, Lenient: true})
	told := []string{}
	for _, d := range r.Diags {
		told = append(told, d.Text)
	}
	if err != nil {
		told = append(told, err.Error())
	}
	for i := range r.Project.Services {
		r.Project.Services[i].ConfigHash = ""
	}
	for i := range r.Project.Networks {
		r.Project.Networks[i].ConfigHash = ""
	}
	for i := range r.Project.Volumes {
		r.Project.Volumes[i].ConfigHash = ""
	}
	out, err := json.Marshal(r.Project)
	if err != nil {
		t.Fatal(err)
	}
	return string(out) + strings.Join(told, "\n")
}

// cut is a file without one of its attributes.
type cut struct {
	path string // of the attribute, without names and items
	text []byte
}

// cuts takes each attribute out in turn.
func cuts(t *testing.T, text []byte) []cut {
	known := append(ofSchema(), ofTypes("", reflect.TypeFor[types.Project]())...)
	var out []cut
	for n := 0; ; n++ {
		var doc yaml.Node
		if err := yaml.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		c := cutter{known: known, at: n}
		if c.cut(doc.Content[0], ""); c.path == "" {
			return out
		}
		rest, err := yaml.Marshal(&doc)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, cut{c.path, rest})
	}
}

// cutter takes out the attribute that comes after so many others.
type cutter struct {
	known []string
	at    int
	path  string
}

func (c *cutter) cut(n *yaml.Node, path string) {
	for i := 0; n.Kind == yaml.SequenceNode && i < len(n.Content); i++ {
		c.cut(n.Content[i], path)
	}
	for i := 0; n.Kind == yaml.MappingNode && i < len(n.Content) && c.path == ""; i += 2 {
		below, value := strings.TrimPrefix(path+"."+n.Content[i].Value, "."), n.Content[i+1]
		known := slices.Contains(c.known, below)
		if !known {
			below = path // a name
		}
		if c.cut(value, below); c.path != "" || !known && value.Kind == yaml.MappingNode {
			continue
		}
		if c.at--; c.at < 0 {
			n.Content, c.path = slices.Delete(n.Content, i, i+2), below
		}
	}
}
