package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v4"

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

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// pair is a key of a mapping and its value, aliases resolved.
type pair struct {
	key, value *yaml.Node
	in         *yaml.Node // the mapping that holds it
}

// pairs of a mapping as it reads once merge keys are carried out: own keys first, then merged ones that they do not hide.
func pairs(m *yaml.Node) []pair {
	var out []pair
	var merged []*yaml.Node
	for i := 0; i+1 < len(m.Content); i += 2 {
		k, v := m.Content[i], m.Content[i+1]
		if isMerge(k) {
			merged = append(merged, bases(v)...)
			continue
		}
		out = append(out, pair{k, resolve(v), m})
	}
	if len(merged) == 0 {
		return out
	}
	seen := map[string]bool{}
	for _, p := range out {
		seen[p.key.Value] = true
	}
	done := map[*yaml.Node]bool{m: true}
	for len(merged) > 0 { // merged mappings may merge others
		b := merged[0]
		merged = merged[1:]
		if b.Kind != yaml.MappingNode || done[b] {
			continue
		}
		done[b] = true
		for i := 0; i+1 < len(b.Content); i += 2 {
			k, v := b.Content[i], b.Content[i+1]
			if isMerge(k) {
				merged = append(merged, bases(v)...)
			} else if !seen[k.Value] {
				seen[k.Value] = true
				out = append(out, pair{k, resolve(v), b})
			}
		}
	}
	return out
}

func isMerge(k *yaml.Node) bool { return k.Value == "<<" && k.ShortTag() == "!!merge" }

// bases are the mappings that a merge key names.
func bases(v *yaml.Node) []*yaml.Node {
	v = resolve(v)
	if v.Kind != yaml.SequenceNode {
		return []*yaml.Node{v}
	}
	var out []*yaml.Node
	for _, e := range v.Content {
		out = append(out, resolve(e))
	}
	return out
}

// child is the value under key, nil if there is none.
func child(m *yaml.Node, key string) *yaml.Node {
	_, v := entry(m, key)
	return v
}

func entry(m *yaml.Node, key string) (k, v *yaml.Node) {
	if m == nil || m.Kind != yaml.MappingNode {
		return nil, nil
	}
	plain := true
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key && !isMerge(m.Content[i]) {
			return m.Content[i], resolve(m.Content[i+1])
		}
		plain = plain && !isMerge(m.Content[i])
	}
	if plain {
		return nil, nil
	}
	for _, p := range pairs(m) {
		if p.key.Value == key {
			return p.key, p.value
		}
	}
	return nil, nil
}

// drop removes a key from a mapping, or an item from a list.
func drop(from, n *yaml.Node) {
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
