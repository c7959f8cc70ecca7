package diag_test

import (
	"testing"

	"github.com/tutti-run/tutti/compose/diag"
)

func TestNearest(t *testing.T) {
	keys := []string{"ports", "image", "environment", "depends_on", "db", "expose"}
	for word, want := range map[string]string{"prots": "ports", "imagee": "image", "enviroment": "environment", "dependson": "depends_on", "dbb": "db", "zebra": "", "": "", "x": ""} {
		if got := diag.Nearest(word, keys); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}

func TestOneLineEach(t *testing.T) {
	l := diag.List{
		{Severity: diag.Error, Place: diag.Place{File: "b.yaml", Line: 2}, Text: "two"},
		{Severity: diag.Warning, Text: "not an error"},
		{Severity: diag.Error, Place: diag.Place{File: "a.yaml", Line: 3, Column: 7}, Text: "one", Hint: "do this\nlike so"},
	}
	l.Sort()
	if got := l.Error(); got != "a.yaml:3:7: one; do this\nb.yaml:2: two" {
		t.Errorf("%q", got)
	}
	if !l.HasErrors() || (diag.List{{Severity: diag.Warning}}).HasErrors() {
		t.Error("a warning is no error")
	}
}
