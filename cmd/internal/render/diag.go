package render

import (
	"bytes"
	"io"

	"github.com/tutti-run/tutti/compose/diag"
)

// Diagnostics are written as compilers do: place, severity, what is wrong, and under it what to do about it. Lines are not broken: editors
// and scripts read them.
func Diagnostics(w io.Writer, l diag.List, s Style) {
	var b bytes.Buffer
	for _, d := range l {
		b.WriteString(diagnostic(d, s) + "\n")
		if d.Hint != "" {
			s.under(&b, 2, tameLines(d.Hint))
		}
	}
	_, _ = w.Write(b.Bytes())
}

// Bare is one mistake in the form of Docker Compose: nothing in front, which scripts may compare with.
func Bare(w io.Writer, d diag.Diagnostic) {
	var b bytes.Buffer
	b.WriteString(tame(d.Text) + "\n")
	if d.Hint != "" {
		Style{}.under(&b, 2, tameLines(d.Hint))
	}
	_, _ = w.Write(b.Bytes())
}

func diagnostic(d diag.Diagnostic, s Style) string {
	c := boldRed
	switch d.Severity {
	case diag.Warning:
		c = yellow
	case diag.Info:
		c = blue
	}
	text := tame(d.Text)
	severity := s.paint(c, string(d.Severity)+":") + " "
	switch p := d.Place.String(); {
	case p != "":
		return s.paint(bold, p+":") + " " + severity + text
	case d.Path != "":
		return severity + d.Path + ": " + text
	}
	return severity + text
}

// DiagnosticsJSON is a list of objects with severity, place, path, text and hint.
func DiagnosticsJSON(w io.Writer, l diag.List) error {
	if l == nil {
		l = diag.List{}
	}
	return indented(w, l)
}
