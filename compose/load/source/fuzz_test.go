package source

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/template"
)

// FuzzUses: where all variables of a text are told to be there compose-go puts them in, and where not it refuses the text.
func FuzzUses(f *testing.F) {
	for _, s := range []string{"$A", "${A}", "${B:-x}", "${B-${A:+y}}", "${B:?no}", "$$A", "${", "${A", "$ ", "${A:-$}", "${A:=x}", "${EMPTY:+x}",
		"${B:-}}", "${A-{}}", "${1}", "${A:?${B:?}}", "$${A", "${A:-${B:+${C}}}", "${}", "${A:-${B}", "${A }"} {
		f.Add(s)
	}
	env := map[string]string{"A": "b", "EMPTY": "", "MORE": "$A"}
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	f.Fuzz(func(t *testing.T, text string) {
		if nested(text) > deepest {
			return
		}
		uses := Uses(text, lookup)
		for _, u := range uses {
			if u.at < 0 || u.at >= len(text) || !strings.HasPrefix(text[u.at:], u.Text) || !strings.HasPrefix(u.Text, "$") {
				t.Errorf("%q: %+v is not in it", text, u)
			}
		}
		bad := slices.ContainsFunc(uses, func(u Use) bool { return u.Fate == broken || u.Fate == missing })
		if out, err := Substitute(text, lookup); !bad && err != nil || bad && err == nil && closed(text) {
			t.Errorf("%q: %+v, but Docker Compose: %q, %v", text, uses, out, err)
		}
	})
}

// FuzzSubstitute: the text is what compose-go makes of it, and what it refuses is refused.
func FuzzSubstitute(f *testing.F) {
	for _, s := range []string{"$A", "x${A}y", "${B:-x}${B-${A:+y}}z", "${B:?no}}", "$$A$", "${", "${A", "${A:-{}${A:-}", "${A-}\n}", "${B-\n}", "${B:-{{}}} $1",
		"${EMPTY:?${A}} }", "${EMPTY?}", "${EMPTY-x}${EMPTY:+y}${EMPTY+z}", "${A:-:?b}", "${B-:?b} ${B:-${A?}}", "$ſ ${K}", "${B:-${A:-\xff}", "${B:x}", "${A }",
		"${B:-$${A}}", "${B?$${}", strings.Repeat("${B:-}${A:+$B}", 30)} {
		f.Add(s)
	}
	env := map[string]string{"A": "b", "EMPTY": "", "MORE": "$A", "ſ": "s"}
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "${") > deepest && len(text) > 1000 {
			return
		}
		got, err := Substitute(text, lookup)
		if errors.Is(err, errDeep) {
			return
		}
		want, err2 := template.SubstituteWithOptions(text, lookup, template.WithPattern(template.DefaultPattern), template.WithoutLogging)
		if (err == nil) != (err2 == nil) || err == nil && got != want {
			t.Errorf("%q: %q, %v, but compose-go: %q, %v", text, got, err, want, err2)
		}
		var a, b *template.MissingRequiredError
		if errors.As(err, &a) != errors.As(err2, &b) || a != nil && *a != *b {
			t.Errorf("%q: %v, but compose-go: %v", text, err, err2)
		}
	})
}

// closed tells whether every brace has its other one: of others compose-go takes some and refuses some.
func closed(text string) bool {
	open := 0
	for _, r := range text {
		switch r {
		case '{':
			open++
		case '}':
			open--
		}
		if open < 0 {
			return false
		}
	}
	return open == 0
}
