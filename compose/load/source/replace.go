package source

import (
	"cmp"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/diag"
)

// Replaced is the file's text with other texts for some of its scalars, and all else as it was written. The error tells of one that cannot be
// replaced where it stands.
func (f *File) Replaced(with map[*yaml.Node]string) ([]byte, error) {
	type edit struct {
		from, to int
		text     string
	}
	var edits []edit
	for n, text := range with {
		from, to, ok := Spot{f, n}.Span()
		if !ok {
			return nil, diag.List{{Severity: diag.Error, Place: f.place(n), Text: "this cannot be written in another way: write it on one line, without escapes"}}
		}
		edits = append(edits, edit{f.offset(from.Line, from.Column), f.offset(to.Line, to.Column), text})
	}
	slices.SortFunc(edits, func(a, b edit) int { return cmp.Compare(a.from, b.from) })
	var out []byte
	at := 0
	for _, e := range edits {
		out = append(append(out, f.text[at:e.from]...), e.text...)
		at = e.to
	}
	return append(out, f.text[at:]...), nil
}

// Path of the file; "-" of what came by standard input.
func (f *File) Path() string { return f.path }

// Extended is the file that a service of another one extends, by what names it there; nil: it is kept elsewhere, or could not be read.
func (s *Files) Extended(by *File, n *yaml.Node) *File {
	path := by.Interpolate(n.Value)
	if _, elsewhere := s.Remote.Known(path); elsewhere {
		return nil
	}
	return s.fileAt(by.Abs(path))
}
