package load

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "rewrite what the testdata expects")

// TestDiagnostics loads each archive and compares what is told. The comment above the files holds options, one a line:
// "env NAME=VALUE", "strict", "file NAME", "env-file NAME", "profile NAME", "service NAME"; other lines say what the case is about.
func TestDiagnostics(t *testing.T) {
	checkArchives(t, "diagnostics", func(t *testing.T, r Result, err error) string {
		checkRules(t, r)
		return report(r, err)
	})
}

// checkRules holds load to its promise that what has a place has a rule.
func checkRules(t *testing.T, r Result) {
	for _, d := range r.Diags {
		if d.Rule == "" && d.Place.Line > 0 {
			t.Errorf("no rule: %s", d.Error())
		}
	}
}

// checkArchives loads each archive of a folder of testdata, and compares what is said of the result.
func checkArchives(t *testing.T, folder string, say func(*testing.T, Result, error) string) {
	t.Helper()
	cases, err := filepath.Glob("testdata/" + folder + "/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, path := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { checkArchive(t, path, say) })
	}
}

func checkArchive(t *testing.T, path string, say func(*testing.T, Result, error) string) {
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	want := unpack(t, a, dir)
	r, err := Load(t.Context(), options(string(a.Comment), dir))
	got := strings.ReplaceAll(say(t, r, err), dir, "$DIR")
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

// unpack writes the files and returns the last one, "want".
func unpack(t *testing.T, a *txtar.Archive, dir string) string {
	t.Helper()
	last := a.Files[len(a.Files)-1]
	if last.Name != "want" {
		t.Fatal(`the last file must be "want"`)
	}
	for _, f := range a.Files[:len(a.Files)-1] {
		p := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return string(last.Data)
}

func options(comment, dir string) Options {
	o := Options{Dir: dir, ProjectName: "demo", Environment: []string{"PWD=" + dir}}
	for line := range strings.Lines(comment) {
		verb, arg, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch verb {
		case "env":
			o.Environment = append(o.Environment, arg)
		case "strict":
			o.Strict = true
		case "env-file":
			o.EnvFiles = append(o.EnvFiles, arg)
		case "file":
			o.Files = append(o.Files, arg)
		case "profile":
			o.Profiles = append(o.Profiles, arg)
		case "service":
			o.Services = append(o.Services, arg)
		}
	}
	return o
}

func report(r Result, err error) string {
	var b strings.Builder
	for _, d := range r.Diags {
		fmt.Fprintf(&b, "%s: %s\n", d.Severity, d.Error())
		if _, rest, more := strings.Cut(d.Hint, "\n"); more {
			for line := range strings.Lines(rest + "\n") {
				b.WriteString("    " + line)
			}
		}
	}
	switch {
	case err == nil:
		b.WriteString("loaded\n")
	case !r.Diags.HasErrors():
		fmt.Fprintf(&b, "failed: %v\n", err)
	}
	return b.String()
}
