package source

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/diag"
)

// Span of a scalar's text in the file, without quotes; ok is false where the file does not have it as it reads, character by
// character: with escapes, over several lines, or behind a tag.
func (p Spot) Span() (from, to diag.Place, ok bool) {
	if !p.Found() || p.File == nil || p.Node.Kind != yaml.ScalarNode || p.Node.Value == "" {
		return from, to, false
	}
	from = p.Place()
	rest := p.File.text[p.File.offset(from.Line, from.Column):]
	if p.Node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 && len(rest) > 0 {
		rest = rest[1:]
		from.Column++
	}
	if !bytes.HasPrefix(rest, []byte(p.Node.Value)) || strings.Contains(p.Node.Value, "\n") {
		return from, to, false
	}
	to = from
	to.Column += utf8.RuneCountInString(p.Node.Value)
	return from, to, true
}

// Word is the name that stands at a place, quotes before it left out, with where it begins and ends.
func (s *Files) Word(at diag.Place) (word string, from, to diag.Place) {
	f := s.named(at.File)
	if f == nil || at.Line == 0 {
		return "", at, at
	}
	rest := f.text[f.offset(at.Line, at.Column):]
	if len(rest) > 0 && (rest[0] == '"' || rest[0] == '\'') {
		rest = rest[1:]
		at.Column++
	}
	end := bytes.IndexFunc(rest, func(r rune) bool { return !strings.ContainsRune("._-", r) && !letterOrDigit(r) })
	if end < 0 {
		end = len(rest)
	}
	to = at
	to.Column += end // such words are ASCII
	return string(rest[:end]), at, to
}

func letterOrDigit(r rune) bool { return r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z' }

// Line is all of a line that one key stands on alone, with its end; ok is false where there is more on it.
func (s *Files) Line(at diag.Place, key string) (from, to diag.Place, ok bool) {
	f := s.named(at.File)
	if f == nil || at.Line == 0 || !strings.HasPrefix(f.line(at.Line), key) {
		return from, to, false
	}
	return diag.Place{File: f.name, Line: at.Line, Column: 1}, diag.Place{File: f.name, Line: at.Line + 1, Column: 1}, true
}

func (s *Files) named(name string) *File {
	for _, list := range [][]*File{s.Main, s.Others} {
		for _, f := range list {
			if f.name == name {
				return f
			}
		}
	}
	return nil
}

// Lines of an entry of a section and all under it; those of the section if it has no other. ok is false where the file does not
// have it in lines of its own.
func (s *Files) Lines(section, name string) (from, to diag.Place, ok bool) {
	for _, f := range s.lastFirst() {
		for _, d := range f.Docs {
			m := Child(d, section)
			if k, _ := ownEntry(m, name); k == nil {
				continue
			}
			if len(m.Content) == 2 {
				return f.linesOf(d, section)
			}
			return f.linesOf(m, name)
		}
	}
	return from, to, false
}

// ownEntry is an entry that a mapping has itself; its value may be an alias.
func ownEntry(m *yaml.Node, key string) (k, v *yaml.Node) {
	if m == nil || m.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i], m.Content[i+1]
		}
	}
	return nil, nil
}

func (f *File) linesOf(m *yaml.Node, key string) (from, to diag.Place, ok bool) {
	k, v := ownEntry(m, key)
	if k == nil || m.Style&yaml.FlowStyle != 0 || strings.TrimSpace(f.line(k.Line)[:min(k.Column-1, len(f.line(k.Line)))]) != "" {
		return from, to, false
	}
	last, ok := lastLine(v)
	from = diag.Place{File: f.name, Line: k.Line, Column: 1}
	return from, diag.Place{File: f.name, Line: max(last, k.Line) + 1, Column: 1}, ok
}

// lastLine that a node stands on; ok is false if it has texts of several lines, whose end is not known.
func lastLine(n *yaml.Node) (line int, ok bool) {
	line = n.Line
	if n.Kind == yaml.ScalarNode && (n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 || strings.Contains(n.Value, "\n")) {
		return line, false
	}
	if n.Style&yaml.FlowStyle != 0 && len(n.Content) > 0 && n.Content[len(n.Content)-1].Line != n.Line {
		return line, false // the bracket at its end may be anywhere
	}
	if n.Kind == yaml.AliasNode || len(n.Content) == 0 {
		return line, true
	}
	last, ok := lastLine(n.Content[len(n.Content)-1])
	return max(line, last), ok
}
