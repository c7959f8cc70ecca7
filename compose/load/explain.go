package load

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/diag"
)

// explain gives what compose-go says a place. What may only follow from mistakes told already is left out.
func (s *session) explain(err error) error {
	var list diag.List
	if errors.As(err, &list) {
		return list
	}
	if s.diags.HasErrors() {
		return s.diags
	}
	for _, e := range split(err) {
		s.diags = append(s.diags, s.diagnose(e.Error()))
	}
	return s.diags
}

// split takes joined errors apart.
func split(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, split(e)...)
	}
	return out
}

var (
	interpolating = regexp.MustCompile(`^(?:error while interpolating|invalid interpolation format for) (\S+?)[:.]?\s+((?s).*)$`)
	dotted        = regexp.MustCompile(`^'?([a-z_]+(?:[.\[][^\s:']+)+)'?:?\s+((?s).*)$`)
	ofService     = regexp.MustCompile(`\bservice "?([\w.-]+)"?`)
	causes        = regexp.MustCompile(`(: )?(invalid compose project|not found)$`)
)

func (s *session) diagnose(text string) diag.Diagnostic {
	d := diag.Diagnostic{Severity: diag.Error}
	var at spot
	for _, re := range []*regexp.Regexp{interpolating, dotted} {
		if m := re.FindStringSubmatch(text); m != nil {
			path := strings.FieldsFunc(m[1], func(r rune) bool { return r == '.' || r == '[' || r == ']' })
			at, text = s.nearest(path...), label(path)+": "+m[2]
			d.Path = strings.Join(path, ".")
			break
		}
	}
	if m := ofService.FindStringSubmatch(text); !at.found() && m != nil {
		at = s.nearest("services", m[1])
	}
	if v := s.quoted(text); v.found() && !at.found() {
		at = v
	}
	d.Place = at.place()
	d.Text = strings.Join(strings.Fields(causes.ReplaceAllString(text, "")), " ")
	return d
}

// quoted is the longest value of a file that a message repeats.
func (s *session) quoted(text string) spot {
	var best spot
	for _, f := range s.main {
		todo := slices.Clone(f.docs)
		for len(todo) > 0 {
			n := todo[len(todo)-1]
			todo = append(todo[:len(todo)-1], n.Content...)
			if n.Kind != yaml.ScalarNode || len(n.Value) < 4 || !strings.Contains(text, n.Value) {
				continue
			}
			if !best.found() || len(n.Value) > len(best.node.Value) {
				best = spot{f, n}
			}
		}
	}
	return best
}
