package source

import (
	"bytes"
	"errors"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/compose-spec/compose-go/v2/template"
	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/diag"
)

// Interpolate is the text with the file's variables put in; where that fails, the text itself.
func (f *File) Interpolate(text string) string {
	out, err := Substitute(text, f.lookup)
	if err != nil {
		return text
	}
	return out
}

func (f *File) lookup(name string) (string, bool) {
	v, ok := f.env[name]
	return v, ok
}

// Fate is what becomes of a variable in a text.
type Fate int

// The fates.
const (
	broken    Fate = iota // the text after "$" is no variable
	missing               // it is not set, and it is required: ${NAME:?text}
	Taken                 // it is set
	Unset                 // it is not, and the text does not say what then
	Defaulted             // it is not, and its default is taken: ${NAME:-text}
	Left                  // it is not, and so its alternative is left out: ${NAME:+text}
)

// Use of a variable in a text.
type Use struct {
	Name string // "" if it is broken
	Fate Fate
	Text string // all of it: "${NAME:-text}"
	at   int    // where its "$" stands
	says string // of a missing one: what its author says
}

// Uses lists the variables of a text, and what is no variable. Defaults and alternatives count only where they are taken. Nested
// texts are worked off a list, not by recursion.
func Uses(text string, lookup template.Mapping) []Use {
	var out []Use
	todo := []part{{0, len(text)}}
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for i := p.from; i < p.to; i++ {
			if text[i] != '$' {
				continue
			}
			u, nested, end := variable(text, i, p.to, lookup)
			if u != nil {
				u.Text = text[i:end]
				out = append(out, *u)
			}
			if nested.to > nested.from {
				todo = append(todo, nested)
			}
			i = end - 1
		}
	}
	return out
}

type part struct{ from, to int }

// variable reads one variable at text[i] == '$'; nested is the default or alternative that is taken, end is behind it all.
func variable(text string, i, to int, lookup template.Mapping) (u *Use, nested part, end int) {
	rest := text[i+1 : to]
	switch {
	case strings.HasPrefix(rest, "$"):
		return nil, part{}, i + 2
	case !strings.HasPrefix(rest, "{"):
		name := name(rest)
		if name == "" {
			return nil, part{}, i + 1
		}
		return plain(i, name, lookup), part{}, i + 1 + len(name)
	}
	size := braced(rest)
	if size < 0 {
		return &Use{at: i}, part{}, to
	}
	name := name(rest[1:])
	op := rest[1+len(name) : size-1]
	from, end := i+2+len(name), i+1+size
	if name == "" || op != "" && !strings.ContainsAny(op[:1], ":-+?") {
		return &Use{at: i}, part{}, end
	}
	u, skip := operate(i, name, op, lookup)
	if skip == 0 {
		return u, part{}, end
	}
	return u, part{from + skip, end - 1}, end
}

// operate applies ${name op…}. skip is how long the operator is when what follows it is taken.
func operate(at int, name, op string, lookup template.Mapping) (u *Use, skip int) {
	value, ok := lookup(name)
	if op == "" {
		return plain(at, name, lookup), 0
	}
	sign, set := op[:1], ok
	if len(op) > 1 && sign == ":" {
		sign, set = op[:2], ok && value != ""
	}
	u = &Use{at: at, Name: name, Fate: Taken}
	switch strings.TrimPrefix(sign, ":") {
	case "-":
		if !set {
			u.Fate, skip = Defaulted, len(sign)
		}
	case "+":
		if set {
			skip = len(sign)
		} else {
			u.Fate = Left
		}
	case "?":
		if !set {
			u.Fate, u.says = missing, op[len(sign):]
		}
	default:
		return &Use{at: at}, 0
	}
	return u, skip
}

func plain(at int, name string, lookup template.Mapping) *Use {
	if _, ok := lookup(name); ok {
		return &Use{at: at, Name: name, Fate: Taken}
	}
	return &Use{at: at, Name: name, Fate: Unset}
}

// name that a text starts with. compose-go's pattern takes capitals for small letters, and so the two signs that Unicode folds to
// k and s, too.
func name(text string) string {
	for i, r := range text {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '\u017f' || r == '\u212a'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return text[:i]
		}
	}
	return text
}

// braced is how long the text in braces at the start is, with the braces; -1 if they are not closed.
func braced(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return -1
}

// tooDeep tells whether variables in a text are nested deeper than they may be, as Docker Compose reads it.
func (f *File) tooDeep(text string) bool {
	if strings.Count(text, "${") <= deepest {
		return false
	}
	_, err := Substitute(text, f.lookup)
	return errors.Is(err, errDeep)
}

// mostTold diagnostics are enough of one value: the place of each is looked for from where the value begins.
const mostTold = 100

// CheckVariables tells about the variables of one value; strict makes those that are not set errors.
func (f *File) CheckVariables(n *yaml.Node, strict bool, to *Notes) {
	if f.tooDeep(n.Value) {
		to.Complain(Spot{f, n}, "%v", errDeep).Rule = "bad-variable"
		to.Fatal = true
		return
	}
	told := len(to.Diags)
	for _, u := range Uses(n.Value, f.lookup) {
		if len(to.Diags) == told+mostTold {
			return
		}
		d := diag.Diagnostic{Severity: diag.Error}
		switch u.Fate {
		case broken:
			d.Rule = "bad-variable"
			d.Text = "\"$\" is not followed by a variable's name"
			d.Hint = "write $$ for a plain $"
			to.Fatal = true
		case missing:
			d.Rule = "required-variable"
			d.Text = strings.TrimSuffix(fmt.Sprintf("required variable %s is missing a value: %s", u.Name, f.Interpolate(u.says)), ": ")
			to.Fatal = true
		case Unset:
			d.Rule = "unset-variable"
			d.Text = fmt.Sprintf("variable %q is not set", u.Name)
			if !strict {
				d.Severity = diag.Warning
				d.Text += ", an empty text is used"
			}
		default:
			continue
		}
		d.Place = f.within(n, u.at)
		to.Diags = append(to.Diags, d)
	}
}

// within is the place of the byte at offset in a scalar's text: the same characters are looked for in the file, from
// where the scalar begins.
func (f *File) within(n *yaml.Node, offset int) diag.Place {
	word := n.Value[offset:]
	if end := strings.IndexFunc(word, func(r rune) bool { return r < '-' && r != '$' || r == '}' }); end > 0 {
		word = word[:end]
	}
	at := f.offset(n.Line, n.Column)
	rest := f.text[min(at, len(f.text)):]
	for range strings.Count(n.Value[:offset], word) {
		i := bytes.Index(rest, []byte(word))
		if i < 0 {
			return f.place(n)
		}
		at, rest = at+i+len(word), rest[i+len(word):]
	}
	i := bytes.Index(rest, []byte(word))
	if i < 0 {
		return f.place(n)
	}
	return f.placeOf(at + i)
}

// offset of a line and column, both from 1.
func (f *File) offset(line, column int) int {
	starts := f.lineStarts()
	if line > len(starts) {
		return len(f.text)
	}
	at := starts[max(line, 1)-1]
	for ; column > 1 && at < len(f.text); column-- {
		_, size := utf8.DecodeRune(f.text[at:])
		at += size
	}
	return at
}

func (f *File) placeOf(offset int) diag.Place {
	starts := f.lineStarts()
	line := sort.Search(len(starts), func(i int) bool { return starts[i] > offset })
	return diag.Place{File: f.name, Line: line, Column: utf8.RuneCount(f.text[starts[line-1]:offset]) + 1}
}

// lineStarts are the offsets at which the lines of the text begin.
func (f *File) lineStarts() []int {
	if f.lines == nil {
		f.lines = []int{0}
		for i, b := range f.text {
			if b == '\n' {
				f.lines = append(f.lines, i+1)
			}
		}
	}
	return f.lines
}
