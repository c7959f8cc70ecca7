package source

import (
	"slices"
	"strings"
	"testing"
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
