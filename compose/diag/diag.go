// Package diag holds what is wrong with the user's files, each with its place, severity and hint.
package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Severity of a diagnostic.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// Place in a file; Line and Column count from 1, and are 0 when not known.
type Place struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// String is "compose.yaml:14:7", as far as known.
func (p Place) String() string {
	switch {
	case p.File == "" || p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Diagnostic is one thing that is wrong, or may be.
type Diagnostic struct {
	Severity Severity `json:"severity"`
	Rule     string   `json:"rule,omitempty"` // which kind of mistake it is: a stable id, see compose/lint
	Place    Place    `json:"place"`
	Path     string   `json:"path,omitempty"` // in the model: "services.web.ports.0"
	Text     string   `json:"text"`           // lower case, no full stop
	Hint     string   `json:"hint,omitempty"` // what to do about it: `did you mean "ports"?`
}

// Error is the diagnostic on one line, so that one can be returned as an error.
func (d Diagnostic) Error() string {
	s := d.Text
	if p := d.Place.String(); p != "" {
		s = p + ": " + s
	}
	if d.Hint != "" {
		s += "; " + strings.SplitN(d.Hint, "\n", 2)[0]
	}
	return s
}

// List of diagnostics; as an error it holds at least one of severity Error.
type List []Diagnostic

// Error is all errors, a line each.
func (l List) Error() string {
	var lines []string
	for _, d := range l {
		if d.Severity == Error {
			lines = append(lines, d.Error())
		}
	}
	return strings.Join(lines, "\n")
}

// HasErrors tells whether one of them is an error.
func (l List) HasErrors() bool {
	return slices.ContainsFunc(l, func(d Diagnostic) bool { return d.Severity == Error })
}

// Sort brings the list in order of file and place.
func (l List) Sort() {
	slices.SortStableFunc(l, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Place.File, b.Place.File), cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Column, b.Place.Column))
	})
}

// Nearest is the candidate most like word, or "" if none is near: at most a third of its letters differ.
func Nearest(word string, candidates []string) string {
	best, limit := "", len(word)/3+1
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		if d := distance(word, c, limit); d < limit || d == limit && best == "" && d < len(word) {
			best, limit = c, d
		}
	}
	return best
}

// DidYouMean is the hint that names the nearest candidate, "" if none is near.
func DidYouMean(word string, candidates []string) string {
	if near := Nearest(word, candidates); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}

// Meant is the candidate that a hint of DidYouMean names.
func Meant(hint string) (candidate string, ok bool) {
	rest, ok := strings.CutPrefix(hint, "did you mean ")
	if !ok {
		return "", false
	}
	candidate, err := strconv.Unquote(strings.TrimSuffix(rest, "?"))
	return candidate, err == nil
}

// distance of Levenshtein with swaps of neighbours, given up above limit.
func distance(a, b string, limit int) int {
	if abs(len(a)-len(b)) > limit {
		return limit + 1
	}
	var before []int
	prev := make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, prev = prev, row
	}
	return prev[len(b)]
}

func abs(n int) int { return max(n, -n) }
