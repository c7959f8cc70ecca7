package lint_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/lint"
	"github.com/tutti-run/tutti/compose/load"
)

var update = flag.Bool("update", false, "rewrite what the testdata expects")

// TestRules has an archive for each rule: what is under bad/ makes it speak, as want says, what is under good/ does not.
// Options stand above the files: "file NAME", "service NAME", "strict".
func TestRules(t *testing.T) {
	for _, r := range lint.Rules() {
		t.Run(r.ID, func(t *testing.T) { checkRule(t, r) })
	}
	files, _ := filepath.Glob("testdata/rules/*.txtar")
	for _, f := range files {
		if _, ok := lint.Find(strings.TrimSuffix(filepath.Base(f), ".txtar")); !ok {
			t.Errorf("%s: no such rule", f)
		}
	}
}

func checkRule(t *testing.T, r lint.Rule) {
	path := filepath.Join("testdata/rules", r.ID+".txtar")
	a, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	unpack(t, a, dir)
	bad := judge(t, a, filepath.Join(dir, "bad"), r.ID)
	if !speaks(bad, r.ID) {
		t.Errorf("bad/: nothing of %s", r.ID)
	}
	for _, f := range judge(t, a, filepath.Join(dir, "good"), r.ID).Findings {
		if f.Rule == r.ID || f.Severity == diag.Error {
			t.Errorf("good/: %s [%s]", f.Error(), f.Rule)
		}
	}
	want(t, a, path, strings.ReplaceAll(report(bad), dir, "$DIR"))
	checkEdits(t, a, filepath.Join(dir, "bad"), r.ID, bad)
}

func unpack(t *testing.T, a *txtar.Archive, dir string) {
	t.Helper()
	for _, f := range a.Files[:len(a.Files)-1] {
		p := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, f.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// judge what is in a directory, with a rule switched on.
func judge(t *testing.T, a *txtar.Archive, dir, rule string) lint.Report {
	t.Helper()
	o := load.Options{Dir: dir, ProjectName: "demo", Environment: []string{"PWD=" + dir}}
	for line := range strings.Lines(string(a.Comment)) {
		switch verb, arg, _ := strings.Cut(strings.TrimSpace(line), " "); verb {
		case "file":
			o.Files = append(o.Files, arg)
		case "strict":
			o.Strict = true
		case "service":
			o.Services = append(o.Services, arg)
		}
	}
	in, err := load.Lint(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return lint.Run(in, lint.Options{Enable: []string{rule}})
}

func speaks(r lint.Report, rule string) bool {
	return slices.ContainsFunc(r.Findings, func(f lint.Finding) bool { return f.Rule == rule })
}

func report(r lint.Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%s: %s [%s]\n", f.Severity, f.Error(), f.Rule)
		for _, e := range f.Edits {
			fmt.Fprintf(&b, "    %d:%d to %d:%d becomes %q\n", e.From.Line, e.From.Column, e.To.Line, e.To.Column, e.Text)
		}
	}
	for _, f := range r.Ignored {
		fmt.Fprintf(&b, "ignored: %s [%s] %s\n", f.Error(), f.Rule, f.Reason)
	}
	return b.String()
}

// want compares with the last file of an archive.
func want(t *testing.T, a *txtar.Archive, path, got string) {
	t.Helper()
	last := &a.Files[len(a.Files)-1]
	if last.Name != "want" {
		t.Fatalf(`%s: the last file must be "want"`, path)
	}
	if string(last.Data) == got {
		return
	}
	if !*update {
		t.Fatalf("%s\nrun with -update if this is right", cmp.Diff(string(last.Data), got))
	}
	last.Data = []byte(got)
	if err := os.WriteFile(path, txtar.Format(a), 0o600); err != nil {
		t.Fatal(err)
	}
}

// checkEdits makes the edits of a rule, one finding after the other as an editor would, and holds them to mending what they are for.
func checkEdits(t *testing.T, a *txtar.Archive, dir, rule string, r lint.Report) {
	t.Helper()
	for range 10 {
		i := slices.IndexFunc(r.Findings, func(f lint.Finding) bool { return f.Rule == rule && len(f.Edits) > 0 })
		if i < 0 {
			return
		}
		f := r.Findings[i]
		for _, e := range slices.Backward(f.Edits) {
			edit(t, filepath.Join(dir, e.From.File), e)
		}
		r = judge(t, a, dir, rule)
		if slices.ContainsFunc(r.Findings, func(g lint.Finding) bool { return g.Rule == rule && g.Text == f.Text && g.Place == f.Place }) {
			t.Errorf("still there after %+v: %s", f.Edits, f.Error())
			return
		}
	}
}

func edit(t *testing.T, path string, e lint.Edit) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := string(text[:offset(text, e.From)]) + e.Text + string(text[offset(text, e.To):])
	if err := os.WriteFile(path, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
}

// offset of a place in a text of ASCII.
func offset(text []byte, at diag.Place) int {
	lines := strings.SplitAfter(string(text), "\n")
	n := at.Column - 1
	for _, l := range lines[:min(at.Line-1, len(lines))] {
		n += len(l)
	}
	return n
}
