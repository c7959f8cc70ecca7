package load

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

// file is one Compose file: its text, and the trees of its documents with their places.
type file struct {
	path string // absolute, or "-"
	name string // for messages
	text []byte
	docs []*yaml.Node // the roots, all mappings
	dir  string       // what its relative paths start from
	env  map[string]string

	from     *yaml.Node // what names it in another file
	extended bool       // read only because a service extends one of it
	tagged   bool       // holds !reset or !override
	edited   bool       // the trees are no longer what the text says

	index map[*yaml.Node]map[string]pair // of large mappings
}

// parse fills docs. What cannot be read is told with its place.
func (f *file) parse() diag.List {
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
		if resolve(root).Kind != yaml.MappingNode {
			return diag.List{f.error(root, "top-level object must be a mapping")}
		}
		f.docs = append(f.docs, resolve(root))
	}
}

func (f *file) broken(err error) diag.Diagnostic {
	d := diag.Diagnostic{Severity: diag.Error, Place: diag.Place{File: f.name}, Text: "broken YAML: " + err.Error()}
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
func (f *file) line(n int) string {
	rest := f.text
	for ; n > 1; n-- {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			return ""
		}
		rest = rest[i+1:]
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	return string(line)
}

func (f *file) place(n *yaml.Node) diag.Place {
	if n == nil {
		return diag.Place{File: f.name}
	}
	return diag.Place{File: f.name, Line: n.Line, Column: n.Column}
}

func (f *file) error(n *yaml.Node, format string, args ...any) diag.Diagnostic {
	return diag.Diagnostic{Severity: diag.Error, Place: f.place(n), Text: fmt.Sprintf(format, args...)}
}

func (f *file) warning(n *yaml.Node, format string, args ...any) diag.Diagnostic {
	d := f.error(n, format, args...)
	d.Severity = diag.Warning
	return d
}

// encode writes the trees back, for files whose tags the tree alone cannot carry out.
func (f *file) encode() ([]byte, error) {
	if !f.edited {
		return f.text, nil
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	for _, d := range f.docs {
		if err := enc.Encode(d); err != nil {
			return nil, fmt.Errorf("encode %s: %w", f.name, err)
		}
	}
	return b.Bytes(), enc.Close()
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
