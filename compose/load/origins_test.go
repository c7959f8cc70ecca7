package load

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tutti-run/tutti/compose/desired"
)

// TestOrigins loads each archive and compares where its services' variables come from. The comment is that of TestDiagnostics.
func TestOrigins(t *testing.T) {
	cases, err := filepath.Glob("testdata/origins/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { origins(t, path) })
	}
}

func origins(t *testing.T, path string) {
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	want := unpack(t, a, dir)
	r, err := Load(t.Context(), options(string(a.Comment), dir))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(told(t, r.Project), dir, "$DIR")
	if got == want {
		return
	}
	if !*update {
		t.Fatalf("%s\n%s", cmp.Diff(want, got), "run with -update if this is right")
	}
	a.Files[len(a.Files)-1].Data = []byte(got)
	if err := os.WriteFile(path, txtar.Format(a), 0o600); err != nil {
		t.Fatal(err)
	}
}

// told is a line for each variable with what the container gets, and under it a line for each source.
func told(t *testing.T, p desired.Project) string {
	var b strings.Builder
	for _, s := range p.Services {
		all := p.Variables(s.Name)
		if len(all) != len(s.Container.Environment) {
			t.Errorf("%s: %d variables, not %d", s.Name, len(all), len(s.Container.Environment))
		}
		for _, v := range all {
			final := "unset"
			if text := s.Container.Environment[v.Name]; text != nil {
				final = fmt.Sprintf("%q", *text)
			}
			fmt.Fprintf(&b, "%s %s %s\n", s.Name, v.Name, final)
			for _, src := range v.Sources {
				fmt.Fprintf(&b, "  %s\n", toldSource(src))
			}
		}
	}
	return b.String()
}

func toldSource(s desired.Source) string {
	text := fmt.Sprintf("%s %s %q", s.Kind, s.Place, s.Value)
	if s.PassThrough {
		text += " passes through"
	}
	if s.Unset {
		text += " unset"
	}
	for _, f := range s.From {
		text += strings.TrimSuffix(fmt.Sprintf(", %s of %s %s", f.Name, f.Kind, f.Place), " ")
	}
	return text
}
