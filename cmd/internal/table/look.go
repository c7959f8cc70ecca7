package table

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/distribution/reference"
	"github.com/docker/go-units"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/volume"
)

// Processes of containers in one table, with columns for the service and its container's number in front.
func Processes(w io.Writer, all []compose.Processes) error {
	if len(all) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 4, 1, 2, ' ', 0)
	titles := []string{"SERVICE", "#"}
	for _, p := range all {
		for _, title := range p.Titles {
			if !slices.Contains(titles, title) {
				titles = append(titles, title)
			}
		}
	}
	fmt.Fprintln(t, strings.Join(titles, "\t"))
	for _, p := range all {
		for _, row := range p.Rows {
			cells := slices.Repeat([]string{"-"}, len(titles))
			cells[0], cells[1] = p.Container.Service(), strconv.Itoa(p.Container.Number())
			for i, value := range row[:min(len(row), len(p.Titles))] {
				cells[slices.Index(titles, p.Titles[i])] = value
			}
			fmt.Fprintln(t, strings.Join(cells, "\t"))
		}
	}
	return t.Flush()
}

// ImagesOptions of Images.
type ImagesOptions struct {
	Format string // table, json; "" is a table
	Quiet  bool   // ids only
	Now    time.Time
}

// Images that containers were made from, in Docker Compose's columns and field names. As there, an empty line is below the JSON.
func Images(w io.Writer, all []compose.UsedImage, o ImagesOptions) error {
	switch o.Format = strings.ToLower(o.Format); {
	case o.Quiet:
		var ids []string
		for _, u := range all {
			ids = append(ids, strings.TrimPrefix(u.Image.ID, "sha256:"))
		}
		slices.Sort(ids)
		return lines(w, slices.Compact(ids))
	case o.Format == "json":
		return imagesJSON(w, all)
	case o.Format != "" && o.Format != "table":
		return fmt.Errorf("format value %q could not be parsed: parsing failed", o.Format)
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	t := tabwriter.NewWriter(w, 20, 1, 3, ' ', 0)
	fmt.Fprintln(t, "CONTAINER\tREPOSITORY\tTAG\tPLATFORM\tIMAGE ID\tSIZE\tCREATED")
	for _, u := range all {
		repository, tag := named(u)
		id := strings.TrimPrefix(u.Image.ID, "sha256:")
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", u.Container.Name, cmp.Or(repository, "<none>"), cmp.Or(tag, "<none>"), u.Image.Platform,
			id[:min(12, len(id))], units.HumanSizeWithPrecision(float64(u.Image.Size), 3), created(u, o.Now))
	}
	return t.Flush()
}

func created(u compose.UsedImage, now time.Time) string {
	if u.Image.Created.IsZero() {
		return "N/A"
	}
	return units.HumanDuration(now.Sub(u.Image.Created)) + " ago"
}

// named is the reference that the container was made from.
func named(u compose.UsedImage) (repository, tag string) {
	ref, err := reference.ParseDockerRef(u.Container.Image)
	if err != nil { // an ID
		return "", ""
	}
	if t, ok := ref.(reference.Tagged); ok {
		tag = t.Tag()
	}
	return reference.FamiliarName(ref), tag
}

func imagesJSON(w io.Writer, all []compose.UsedImage) error {
	type row struct {
		ID, ContainerName, Repository, Tag, Platform string
		Size                                         int64
		Created                                      *time.Time `json:",omitempty"`
		LastTagTime                                  time.Time
	}
	out := []row{}
	for _, u := range all {
		r := row{ID: u.Image.ID, ContainerName: u.Container.Name, Platform: u.Image.Platform, Size: u.Image.Size, LastTagTime: u.Image.Tagged}
		r.Repository, r.Tag = named(u)
		if !u.Image.Created.IsZero() {
			r.Created = &u.Image.Created
		}
		if u.Image.Tagged.IsZero() { // the engine does not know; Docker Compose 2.40 has this there in any case
			r.LastTagTime = u.Image.Created
		}
		out = append(out, r)
	}
	if err := jsonLine(w, out); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

const volumesTable = `table {{.Driver}}\t{{.Name}}`

var volumesHeader = header{"Name": "VOLUME NAME", "Driver": "DRIVER", "Scope": "SCOPE", "Mountpoint": "MOUNTPOINT", "Labels": "LABELS", "Links": "LINKS",
	"Size": "SIZE", "Availability": "AVAILABILITY", "Group": "GROUP", "Status": "STATUS"}

// volumeRow has the docker CLI's field names, in the order of its JSON.
type volumeRow struct {
	Availability, Driver, Group, Labels, Links, Mountpoint, Name, Scope, Size, Status string

	labels map[string]string
}

// Label of the volume, for templates.
func (r volumeRow) Label(name string) string { return r.labels[name] }

// MarshalJSON escapes < and > in every encoder, as Docker Compose does.
func (r volumeRow) MarshalJSON() ([]byte, error) {
	type fields volumeRow
	return json.Marshal(fields(r))
}

// Volumes in order of name. format is table, json, a Go template, or "table " and a Go template; quiet prints names alone.
func Volumes(w io.Writer, all []volume.Live, format string, quiet bool) error {
	var rows []any
	var names []string
	for _, v := range slices.SortedFunc(slices.Values(all), func(a, b volume.Live) int { return strings.Compare(a.Name, b.Name) }) {
		names = append(names, v.Name)
		rows = append(rows, volumeRow{Availability: "N/A", Driver: v.Driver, Group: "N/A", Labels: joinLabels(v.Labels), Links: "N/A", Mountpoint: v.Mountpoint,
			Name: v.Name, Scope: v.Scope, Size: "N/A", Status: "N/A", labels: v.Labels})
	}
	switch {
	case quiet:
		return lines(w, names)
	case format == "" || format == "table":
		format = volumesTable
	}
	return tabulate(w, format, volumesHeader, rows)
}
