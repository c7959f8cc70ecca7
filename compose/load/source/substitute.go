package source

import (
	"errors"
	"strings"

	"github.com/compose-spec/compose-go/v2/template"
)

// Substitute gives what compose-go's template.Substitute gives, in time that grows with the text: the pattern there reads the rest
// of the line anew for each variable.
func Substitute(text string, lookup template.Mapping) (string, error) {
	if nested(text) > deepest {
		return "", errDeep
	}
	return substitute(text, lookup, deepest)
}

// deepest is how far variables may be nested: each level reads the text once more.
const deepest = 50

var errDeep = errors.New("variables are nested too deep")

// nested is how deep the braces of variables are nested in a text.
func nested(text string) int {
	depth, most := 0, 0
	for i := range len(text) {
		switch {
		case text[i] == '{' && i > 0 && text[i-1] == '$':
			depth++
			most = max(most, depth)
		case text[i] == '}' && depth > 0:
			depth--
		}
	}
	return most
}

func substitute(text string, lookup template.Mapping, levels int) (string, error) {
	if !strings.Contains(text, "$") {
		return text, nil
	}
	if levels == 0 {
		return "", errDeep
	}
	var out strings.Builder
	line := braces{}
	for i := 0; ; {
		next := strings.IndexByte(text[i:], '$')
		if next < 0 {
			out.WriteString(text[i:])
			return out.String(), nil
		}
		out.WriteString(text[i : i+next])
		i += next
		value, size, err := first(text[i:], line.last(text, i)-i, lookup, levels)
		if err != nil {
			return "", err
		}
		out.WriteString(value)
		i += size
	}
}

// first puts in the variable that a text starts with; size is how long it is. The last brace of its line is at last.
func first(text string, last int, lookup template.Mapping, levels int) (value string, size int, err error) {
	rest := text[1:]
	switch {
	case strings.HasPrefix(rest, "$"):
		return "$", 2, nil
	case !strings.HasPrefix(rest, "{"):
		name := name(rest)
		if name == "" {
			return "$", 1, nil
		}
		value, _ = lookup(name)
		return value, 1 + len(name), nil
	}
	name := name(rest[1:])
	op := operator(rest[1+len(name):])
	from := 2 + len(name) + len(op)
	switch {
	case name != "" && op == "" && strings.HasPrefix(text[from:], "}"):
		value, _ = lookup(name)
		return value, from + 1, nil
	case name == "" || op == "" || last < from:
		return "", 0, &template.InvalidTemplateError{Template: text}
	}
	size = closing(text[:last+1])
	value, err = operated(name, op, text[from:size-1], lookup, levels)
	return value, size, err
}

// operator at the start of a text: ":-", "?"; "" if there is none.
func operator(text string) string {
	sign := strings.TrimPrefix(text, ":")
	if sign == "" || !strings.Contains("-+?", sign[:1]) {
		return ""
	}
	return text[:len(text)-len(sign)+1]
}

// operated is the value of ${name op other}.
func operated(name, op, other string, lookup template.Mapping, levels int) (string, error) {
	value, set := lookup(name)
	full := set && value != ""
	if op == "-" || op == "+" {
		full = set
	}
	switch op[len(op)-1] {
	case '-':
		if full {
			return value, nil
		}
		return substitute(other, lookup, levels-1)
	case '+':
		if !full {
			return value, nil
		}
		return substitute(other, lookup, levels-1)
	}
	if full || set && op == "?" {
		return value, nil
	}
	reason, err := substitute(other, lookup, levels-1)
	if err != nil {
		return "", err
	}
	return "", &template.MissingRequiredError{Variable: name, Reason: reason}
}

// closing is how long the variable is that a text starts with, as compose-go counts braces: it does not look at what stands right
// behind one that opens. Where none closes it, that is all of the text.
func closing(text string) int {
	open := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '}':
			if open--; open == 0 {
				return i + 1
			}
		case '{':
			open++
			i++
		}
	}
	return len(text)
}

// braces knows where the last closing brace of a line is; a line is looked at once.
type braces struct{ end, brace int }

func (b *braces) last(text string, i int) int {
	if i >= b.end {
		b.end = len(text)
		if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
			b.end = i + n + 1
		}
		b.brace = i + strings.LastIndexByte(text[i:b.end], '}')
	}
	return b.brace
}
