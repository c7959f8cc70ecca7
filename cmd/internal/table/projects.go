package table

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// Projects is the table of `ls`. format is "table", "json" or "" for a table; quiet prints names alone.
func Projects(w io.Writer, rows []engine.Project, format string, quiet bool) error {
	rows = slices.SortedFunc(slices.Values(rows), func(a, b engine.Project) int { return strings.Compare(a.Name, b.Name) })
	switch format = strings.ToLower(format); {
	case quiet:
		var names []string
		for _, p := range rows {
			names = append(names, p.Name)
		}
		return lines(w, names)
	case format == "json":
		return projectsJSON(w, rows)
	case format == "table", format == "pretty", format == "":
		return projectsTable(w, rows)
	}
	return fmt.Errorf("format value %q could not be parsed: parsing failed", format)
}

func projectsTable(w io.Writer, rows []engine.Project) error {
	t := tabwriter.NewWriter(w, 20, 1, 3, ' ', 0)
	fmt.Fprintln(t, "NAME\tSTATUS\tCONFIG FILES")
	for _, p := range rows {
		fmt.Fprintf(t, "%s\t%s\t%s\n", p.Name, states(p.States), p.ConfigFiles)
	}
	return t.Flush()
}

func projectsJSON(w io.Writer, rows []engine.Project) error {
	type row struct{ Name, Status, ConfigFiles string }
	out := make([]row, 0, len(rows))
	for _, p := range rows {
		out = append(out, row{p.Name, states(p.States), p.ConfigFiles})
	}
	return jsonLine(w, out)
}

// states of a project's containers in one word: "exited(1), running(2)".
func states(n map[container.State]int) string {
	var out []string
	for _, s := range slices.Sorted(maps.Keys(n)) {
		if n[s] > 0 {
			out = append(out, fmt.Sprintf("%s(%d)", s, n[s]))
		}
	}
	return strings.Join(out, ", ")
}
