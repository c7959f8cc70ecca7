package table

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/distribution/reference"
	"github.com/docker/go-units"

	"github.com/tutti-run/tutti/image"
)

// Transformations in Docker Compose's columns; as JSON in the engine's field names.
func Transformations(w io.Writer, all []image.Listed, format string, quiet bool) error {
	if quiet {
		var names []string
		for _, l := range all {
			name := l.ID
			if len(l.Tags) > 0 {
				name = l.Tags[0]
			}
			names = append(names, name)
		}
		return lines(w, names)
	}
	switch strings.ToLower(format) {
	case "json":
		return transformationsJSON(w, all)
	case "", "table":
	default:
		return fmt.Errorf("format value %q could not be parsed: parsing failed", format)
	}
	t := tabwriter.NewWriter(w, 20, 1, 3, ' ', 0)
	fmt.Fprintln(t, "IMAGE ID\tREPO\tTAGS\tSIZE")
	for _, l := range all {
		repo, tag := "<none>", "<none>"
		if len(l.Tags) > 0 {
			if named, err := reference.ParseNormalizedNamed(l.Tags[0]); err == nil {
				repo = reference.FamiliarName(named)
				if tagged, ok := named.(reference.Tagged); ok {
					tag = tagged.Tag()
				}
			}
		}
		id := strings.TrimPrefix(l.ID, "sha256:")
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", id[:min(12, len(id))], repo, tag, units.HumanSizeWithPrecision(float64(l.Size), 3))
	}
	return t.Flush()
}

func transformationsJSON(w io.Writer, all []image.Listed) error {
	type row struct {
		ID       string            `json:"Id"`
		RepoTags []string          `json:"RepoTags"`
		Labels   map[string]string `json:"Labels"`
		Created  int64             `json:"Created"`
		Size     int64             `json:"Size"`
	}
	rows := []row{}
	for _, l := range all {
		rows = append(rows, row{l.ID, l.Tags, l.Labels, l.Created.Unix(), l.Size})
	}
	return jsonLine(w, rows)
}
