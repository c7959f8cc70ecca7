package render

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/history"
)

const whenLayout = "2006-01-02 15:04:05"

// revisionState of one that is not just past.
type revisionState string

const (
	currentRevision     revisionState = "current"
	interruptedRevision revisionState = "interrupted"
)

// revisionRow of a history.
type revisionRow struct {
	history.Revision
	State revisionState `json:"state,omitempty"`
}

// revisionRows of a history, newest first; one that was cut off is the newest.
func revisionRows(p compose.Past) []revisionRow {
	var out []revisionRow
	if p.Interrupted != nil {
		out = append(out, revisionRow{p.Interrupted.Intended, interruptedRevision})
	}
	last, _ := p.Last()
	for _, r := range slices.Backward(p.Revisions) {
		out = append(out, rowOf(r, last.Number))
	}
	return out
}

func rowOf(r history.Revision, last int) revisionRow {
	switch {
	case r.Number == last:
		return revisionRow{r, currentRevision}
	case r.Number > last: // it was never recorded as done
		return revisionRow{r, interruptedRevision}
	}
	return revisionRow{r, ""}
}

// History as a table.
func History(w io.Writer, p compose.Past) error {
	t := tabwriter.NewWriter(w, 10, 1, 3, ' ', 0)
	fmt.Fprintln(t, "REVISION\tWHEN\tBY\tCOMMAND\tCHANGES")
	for _, r := range revisionRows(p) {
		number := fmt.Sprint(r.Number)
		if r.State != "" {
			number += " (" + string(r.State) + ")"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", number, r.Time.Local().Format(whenLayout), r.By, r.Command, r.Short())
	}
	return t.Flush()
}

// Revisions by number, one a line: those that can be gone back to.
func Revisions(w io.Writer, p compose.Past) error {
	for _, r := range slices.Backward(p.Revisions) {
		if _, err := fmt.Fprintln(w, r.Number); err != nil {
			return err
		}
	}
	return nil
}

// HistoryJSON is a list, newest first.
func HistoryJSON(w io.Writer, p compose.Past) error {
	all := revisionRows(p)
	if all == nil {
		all = []revisionRow{}
	}
	return indented(w, all)
}

// RevisionJSON is one revision.
func RevisionJSON(w io.Writer, p compose.Past, r history.Revision) error {
	last, _ := p.Last()
	return indented(w, rowOf(r, last.Number))
}

// Revision in full.
func Revision(w io.Writer, p compose.Past, r history.Revision) error {
	var b strings.Builder
	last, _ := p.Last()
	fmt.Fprintf(&b, "revision %d", r.Number)
	if s := rowOf(r, last.Number).State; s != "" {
		fmt.Fprintf(&b, " (%s)", s)
	}
	fmt.Fprintf(&b, "\n  when      %s\n  by        %s\n  command   %s\n  tutti     %s\n  services  %s\n",
		r.Time.Local().Format(whenLayout), r.By, r.Command, r.Tool, strings.Join(r.Services, ", "))
	for _, s := range slices.Sorted(maps.Keys(r.Scale)) {
		fmt.Fprintf(&b, "  scale     %s=%d\n", s, r.Scale[s])
	}
	b.WriteString("images\n")
	for _, ref := range slices.Sorted(maps.Keys(r.Images)) {
		fmt.Fprintf(&b, "  %s\n    %s\n", ref, r.Images[ref].ID)
		for _, d := range r.Images[ref].Digests {
			fmt.Fprintf(&b, "    %s\n", d)
		}
	}
	b.WriteString("changes\n")
	for _, c := range r.Changes {
		fmt.Fprintf(&b, "  %s\n", c)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
