package origin

import (
	"slices"
	"strings"
	"unicode"

	"github.com/tutti-run/tutti/compose/load/source"
)

// assignment is where an env file sets a variable.
type assignment struct {
	name string
	line int
	text string // as it is interpolated; "" where it is not
	bare bool   // the name alone: the value passes through
}

// lines of an env file that set a variable; none if it cannot be read. Each file is read once.
func (s *search) lines(path string, raw bool) []assignment {
	key := path
	if raw {
		key = "raw " + path
	}
	if all, ok := s.files[key]; ok {
		return all
	}
	text, _ := source.ReadFile(path)
	scan := scanDotenv
	if raw {
		scan = scanRaw
	}
	s.files[key] = scan(strings.TrimPrefix(string(text), "\ufeff"))
	return s.files[key]
}

// last assignment of a variable: it wins over those above it.
func last(all []assignment, name string) (assignment, bool) {
	for _, a := range slices.Backward(all) {
		if a.name == name {
			return a, true
		}
	}
	return assignment{}, false
}

// scanDotenv reads a file as compose-go's dotenv does, but for the values.
func scanDotenv(text string) []assignment {
	var out []assignment
	for line := 1; text != ""; {
		rest := strings.TrimLeftFunc(text, unicode.IsSpace)
		line += strings.Count(text[:len(text)-len(rest)], "\n")
		if strings.HasPrefix(rest, "#") {
			_, after, _ := strings.Cut(rest, "\n")
			text = after
			line++
			continue
		}
		a, size := statement(rest)
		if a.line = line; a.name != "" {
			out = append(out, a)
		}
		line += strings.Count(rest[:size], "\n")
		text = rest[size:]
	}
	return out
}

// statement is the assignment that a text begins with, and how long it is.
func statement(text string) (a assignment, size int) {
	rest := text
	if word, after, ok := strings.Cut(rest, " "); ok && word == "export" {
		rest = after
	}
	end := strings.IndexAny(rest, "=:\n")
	if end < 0 || rest[end] == '\n' {
		end = len(head(rest, "\n"))
		return assignment{name: strings.TrimSpace(rest[:end]), bare: true}, len(text) - len(rest) + end
	}
	a.name = strings.TrimSpace(rest[:end])
	value := strings.TrimLeftFunc(rest[end+1:], func(r rune) bool { return r != '\n' && unicode.IsSpace(r) })
	a.text, rest = literal(value)
	return a, len(text) - len(rest)
}

// literal is the text of a value that is interpolated, and what comes after the value.
func literal(value string) (text, rest string) {
	if value == "" || value[0] != '"' && value[0] != '\'' {
		line := head(value, "\n")
		return head(line, " #"), value[len(line):]
	}
	for i := 1; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case value[0]:
			if value[0] == '"' {
				text = strings.ReplaceAll(value[1:i], `\$`, "$$")
			}
			return text, value[i+1:]
		}
	}
	return "", ""
}

func head(text, end string) string {
	before, _, _ := strings.Cut(text, end)
	return before
}

// scanRaw reads a file of the format raw.
func scanRaw(text string) []assignment {
	var out []assignment
	n := 0
	for line := range strings.Lines(text) {
		n++
		name, _, set := strings.Cut(strings.TrimSpace(line), "=")
		if name != "" && !strings.HasPrefix(name, "#") {
			out = append(out, assignment{name: name, line: n, bare: !set})
		}
	}
	return out
}
