package load

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/source"
)

// explain gives what compose-go says a place. What may only follow from mistakes told already is left out.
func (s *session) explain(err error) error {
	var list diag.List
	if errors.As(err, &list) {
		return list
	}
	if s.Diags.HasErrors() {
		return s.Diags
	}
	for _, e := range parts(err) {
		s.Diags = append(s.Diags, s.diagnose(e.Error()))
	}
	return s.Diags
}

// parts takes joined errors apart.
func parts(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, parts(e)...)
	}
	return out
}

var (
	interpolating = regexp.MustCompile(`^(?:error while interpolating|invalid interpolation format for) (\S+?)[:.]?\s+((?s).*)$`)
	dotted        = regexp.MustCompile(`^'?([a-z_]+(?:[.\[][^\s:']+)+)'?:?\s+((?s).*)$`)
	nested        = regexp.MustCompile(`\b(?:services|networks|volumes|configs|secrets)\.[^\s:']+`)
	ofService     = regexp.MustCompile(`\bservice "?([\w.-]+)"?`)
	causes        = regexp.MustCompile(`(: )?(invalid compose project|not found)$`)
)

func (s *session) diagnose(text string) diag.Diagnostic {
	d := diag.Diagnostic{Severity: diag.Error, Rule: "bad-value"}
	var at source.Spot
	for _, re := range []*regexp.Regexp{interpolating, dotted} {
		if m := re.FindStringSubmatch(text); m != nil {
			path := pathOf(m[1])
			at, text = s.Nearest(path...), source.Label(path)+": "+m[2]
			d.Path = strings.Join(path, ".")
			break
		}
	}
	if m := nested.FindString(text); !at.Found() && m != "" {
		at = s.Nearest(pathOf(m)...)
	}
	if m := ofService.FindStringSubmatch(text); !at.Found() && m != nil {
		at = s.Nearest("services", m[1])
	}
	if v := s.quoted(text); v.Found() && !at.Found() {
		at = v
	}
	d.Place = at.Place()
	d.Text = strings.Join(strings.Fields(causes.ReplaceAllString(text, "")), " ")
	return d
}

// pathOf "services.web.ports.[2]".
func pathOf(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '.' || r == '[' || r == ']' })
}

// quoted is the longest value of a file that a message repeats.
func (s *session) quoted(text string) source.Spot {
	var best source.Spot
	for _, f := range s.Main {
		todo := slices.Clone(f.Docs)
		for len(todo) > 0 {
			n := todo[len(todo)-1]
			todo = append(todo[:len(todo)-1], n.Content...)
			if n.Kind != yaml.ScalarNode || len(n.Value) < 4 || !strings.Contains(text, n.Value) {
				continue
			}
			if !best.Found() || len(n.Value) > len(best.Node.Value) {
				best = f.Spot(n)
			}
		}
	}
	return best
}
