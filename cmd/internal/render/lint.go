package render

import (
	"bytes"
	"fmt"
	"io"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/lint"
)

// Lint writes findings as compilers do, each with the id of its rule, and how many there are.
func Lint(w io.Writer, r lint.Report, s Style) error {
	var b bytes.Buffer
	for _, f := range r.Findings {
		b.WriteString(diagnostic(f.Diagnostic, s) + s.paint(dim, " ["+f.Rule+"]") + "\n")
		if f.Hint != "" {
			s.under(&b, 2, tameLines(f.Hint))
		}
	}
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	b.WriteString(lintSum(r) + "\n")
	_, err := w.Write(b.Bytes())
	return err
}

func lintSum(r lint.Report) string {
	n := map[diag.Severity]int{}
	for _, f := range r.Findings {
		n[f.Severity]++
	}
	text := "Nothing found"
	if len(r.Findings) > 0 {
		text = fmt.Sprintf("%s, %s, %d for your information", count(n[diag.Error], "error"), count(n[diag.Warning], "warning"), n[diag.Info])
	}
	if len(r.Ignored) > 0 {
		text += fmt.Sprintf("; %d ignored", len(r.Ignored))
	}
	return text + "."
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// LintJSON is a list of objects: severity, rule, place, path, text, hint, and edits where there are any.
func LintJSON(w io.Writer, r lint.Report) error {
	all := r.Findings
	if all == nil {
		all = []lint.Finding{}
	}
	return indented(w, all)
}

// LintRules is a table of all rules, a line each.
func LintRules(w io.Writer, rules []lint.Rule) error {
	var b bytes.Buffer
	width := 0
	for _, r := range rules {
		width = max(width, len(r.ID))
	}
	for _, r := range rules {
		severity := string(r.Severity)
		if r.Off {
			severity = "off"
		}
		fmt.Fprintf(&b, "%s  %s  %s\n", pad(r.ID, width), pad(severity, 7), r.Title)
	}
	_, err := w.Write(b.Bytes())
	return err
}
