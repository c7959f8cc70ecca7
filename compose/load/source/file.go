// Package source holds the Compose files as YAML trees with places: it reads what they include and extend, puts in their
// variables, and knows where each path of the merged model was written.
package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/tutti-run/tutti/compose/diag"
)

// File is one Compose file: its text, and the trees of its documents with their places.
type File struct {
	path string // absolute, or "-"
	name string // for messages
	text []byte
	Docs []*yaml.Node // the roots, all mappings
	dir  string       // what its relative paths start from
	env  map[string]string

	envFiles []string // that env comes from, but for the process's; those that win first

	by       *File      // that includes or extends it
	from     *yaml.Node // what names it in another file
	extended bool       // read only because a service extends one of it
	Tagged   bool       // holds !reset or !override
	Edited   bool       // the trees are no longer what the text says

	index map[*yaml.Node]map[string]Pair // of large mappings
	lines []int                          // where those of the text begin, once asked for
}

// parse fills docs. What cannot be read is told with its place.
func (f *File) parse() diag.List {
	dec := yaml.NewDecoder(bytes.NewReader(f.text))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return diag.List{f.broken(err)}
		}
		root := doc.Content[0]
		if root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
			continue
		}
		if Resolve(root).Kind != yaml.MappingNode {
			return diag.List{{Severity: diag.Error, Rule: "broken-yaml", Place: f.place(root), Text: "top-level object must be a mapping"}}
		}
		if bad := f.limit(root); bad != nil {
			return bad
		}
		f.Docs = append(f.Docs, Resolve(root))
	}
}

func (f *File) broken(err error) diag.Diagnostic {
	d := diag.Diagnostic{Severity: diag.Error, Rule: "broken-yaml", Place: diag.Place{File: f.name}, Text: "broken YAML: " + err.Error()}
	var le *yaml.LoadError
	if !errors.As(err, &le) {
		return d
	}
	d.Text = "broken YAML: " + le.Message
	if le.Mark.Line > 0 {
		d.Place.Line, d.Place.Column = le.Mark.Line, max(le.Mark.Column, 1)
	}
	if strings.HasPrefix(strings.TrimLeft(f.line(d.Place.Line), " "), "\t") {
		d.Hint = "indent with spaces, not tabs"
	}
	return d
}

// line of the text, counted from 1.
func (f *File) line(n int) string {
	line, _, _ := bytes.Cut(f.text[f.offset(n, 1):], []byte("\n"))
	return string(line)
}

// Spot of one of the file's nodes.
func (f *File) Spot(n *yaml.Node) Spot { return Spot{f, n} }

func (f *File) place(n *yaml.Node) diag.Place {
	if n == nil {
		return diag.Place{File: f.name}
	}
	return diag.Place{File: f.name, Line: n.Line, Column: n.Column}
}

// Drop removes a key from a mapping, or an item from a list.
func (f *File) Drop(from, n *yaml.Node) {
	f.Edited = true
	step := 1
	if from.Kind == yaml.MappingNode {
		step = 2
	}
	for i := 0; i < len(from.Content); i += step {
		if from.Content[i] == n {
			from.Content = append(from.Content[:i:i], from.Content[i+step:]...)
			return
		}
	}
}

// encode writes the trees back, for files whose tags the tree alone cannot carry out.
func (f *File) encode() ([]byte, error) {
	if !f.Edited {
		return f.text, nil
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	for _, d := range f.Docs {
		if err := enc.Encode(d); err != nil {
			return nil, fmt.Errorf("encode %s: %w", f.name, err)
		}
	}
	return b.Bytes(), enc.Close()
}

// Abs is a path that stands in the file.
func (f *File) Abs(path string) string {
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

// Config is the file as compose-go takes it: the trees where it can be, which saves it the parsing, else the text.
func (f *File) Config() ([]types.ConfigFile, error) {
	if f.Tagged {
		b, err := f.encode()
		return []types.ConfigFile{{Filename: f.path, Content: b}}, err
	}
	var out []types.ConfigFile
	for _, d := range f.Docs {
		m := map[string]any{}
		if err := d.Load(&m, yaml.WithUniqueKeys(false)); err != nil { // form tells of keys that stand twice; the library compares each with each
			return nil, diag.List{f.broken(err)}
		}
		out = append(out, types.ConfigFile{Filename: f.path, Config: m})
	}
	return out, nil
}
