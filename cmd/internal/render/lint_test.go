package render

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/lint"
)

func lintReport() lint.Report {
	at := func(line, column int) diag.Place {
		return diag.Place{File: "sub dir/compose.yaml", Line: line, Column: column}
	}
	return lint.Report{
		Findings: []lint.Finding{
			{Diagnostic: diag.Diagnostic{Severity: diag.Error, Rule: "unknown-key", Place: at(4, 5), Path: "services.web.prots",
				Text: `service "web": unknown key "prots"`, Hint: `did you mean "ports"?`},
				Edits: []lint.Edit{{From: at(4, 5), To: at(4, 10), Text: "ports"}}},
			{Diagnostic: diag.Diagnostic{Severity: diag.Warning, Rule: "image-latest", Place: at(3, 12), Path: "services.web",
				Text: "image ü\x1b[31m has no tag, which means latest", Hint: "name the version that you run"}},
			{Diagnostic: diag.Diagnostic{Severity: diag.Info, Rule: "host-network", Place: diag.Place{File: "/etc/other.yaml"}, Text: "it is on the host's own network"}},
			{Diagnostic: diag.Diagnostic{Severity: diag.Error, Rule: "invalid-file", Text: "empty compose file"}},
		},
		Ignored: []lint.Finding{{Diagnostic: diag.Diagnostic{Severity: diag.Warning, Rule: "privileged", Place: at(9, 1), Text: "it is privileged"}, Reason: "it formats disks"}},
	}
}

func TestLint(t *testing.T) {
	for name, r := range map[string]lint.Report{"lint": lintReport(), "lint-nothing": {}} {
		var text, colour, machine strings.Builder
		if err := Lint(&text, r, Style{}); err != nil {
			t.Fatal(err)
		}
		noEscapes(t, text.String())
		golden(t, name+"-plain.txt", text.String())
		if err := Lint(&colour, r, Style{Color: true, Width: 60}); err != nil {
			t.Fatal(err)
		}
		golden(t, name+"-colour.txt", colour.String())
		if err := LintJSON(&machine, r); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".json", machine.String())
	}
}

// TestSARIF is valid by OASIS's schema, and has no field that the standard does not know.
func TestSARIF(t *testing.T) {
	for name, r := range map[string]lint.Report{"lint": lintReport(), "lint-nothing": {}} {
		var b strings.Builder
		if err := LintSARIF(&b, r, "v1.2.3"); err != nil {
			t.Fatal(err)
		}
		valid, err := sarif.FromString(b.String())
		if err != nil {
			t.Fatal(err)
		}
		run := valid.Runs[0] // what the library makes of what is left out its own schema does not take
		run.NewlineSequences, run.Language, run.Tool.Driver.Language = []string{"\n"}, "en-US", "en-US"
		if err := valid.Validate(); err != nil {
			t.Error(err)
		}
		again, err := json.Marshal(valid)
		if err != nil {
			t.Fatal(err)
		}
		var ours, theirs any
		if json.Unmarshal([]byte(b.String()), &ours) != nil || json.Unmarshal(again, &theirs) != nil {
			t.Fatal("not JSON")
		}
		within(t, "", ours, theirs)
		golden(t, name+".sarif", withoutRules(t, b.String()))
	}
}

// within checks that all of a is in b.
func within(t *testing.T, at string, a, b any) {
	t.Helper()
	switch a := a.(type) {
	case map[string]any:
		m, _ := b.(map[string]any)
		for k, v := range a {
			within(t, at+"."+k, v, m[k])
		}
	case []any:
		l, _ := b.([]any)
		if len(l) != len(a) {
			t.Errorf("%s: %d items, %d in the standard's form", at, len(a), len(l))
			return
		}
		for i := range a {
			within(t, at+"[]", a[i], l[i])
		}
	default:
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: %v, in the standard's form %v", at, a, b)
		}
	}
}

// withoutRules is the report with one rule: docs/lint.md has them all.
func withoutRules(t *testing.T, text string) string {
	t.Helper()
	from, to := strings.Index(text, `"rules": [`), strings.Index(text, `"columnKind"`)
	_, rest, ok := strings.Cut(text[max(from, 0):], "\n            },\n")
	if from < 0 || to < 0 || !ok {
		t.Fatal("no rules")
	}
	return text[:len(text)-len(rest)] + "            …\n      " + text[to:]
}

func TestLintRules(t *testing.T) {
	var b strings.Builder
	if err := LintRules(&b, lint.Rules()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "\n"); n != len(lint.Rules()) {
		t.Errorf("%d lines for %d rules", n, len(lint.Rules()))
	}
	if !strings.Contains(b.String(), "\nno-memory-limit               off      a service may use all memory\n") {
		t.Error(b.String())
	}
}
