package table

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/docker/go-units"

	"github.com/tutti-run/tutti/engine/container"
)

// PsOptions of the table of containers.
type PsOptions struct {
	Format   string // table, json, raw, a Go template, or "table " and a Go template; "" is a table
	Quiet    bool   // ids only
	Services bool   // names of services only
	NoTrunc  bool
	Now      time.Time // zero: now
}

const psTable = `table {{.Name}}\t{{.Image}}\t{{.Command}}\t{{.Service}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}`

const psRaw = `container_id: {{.ID}}
image: {{.Image}}
command: {{.Command}}
created_at: {{.CreatedAt}}
state: {{- pad .State 1 0}}
status: {{- pad .Status 1 0}}
names: {{.Names}}
labels: {{- pad .Labels 1 0}}
ports: {{- pad .Ports 1 0}}
`

// Ps lists containers in order of name, in Docker Compose's columns and field names.
func Ps(w io.Writer, rows []container.Live, o PsOptions) error {
	rows = slices.SortedFunc(slices.Values(rows), func(a, b container.Live) int { return strings.Compare(a.Name, b.Name) })
	switch {
	case o.Quiet:
		var ids []string
		for _, l := range rows {
			ids = append(ids, l.ID)
		}
		return lines(w, ids)
	case o.Services:
		_, err := fmt.Fprintln(w, strings.Join(services(rows), "\n"))
		return err
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	out := make([]any, 0, len(rows))
	for _, l := range rows {
		out = append(out, newPsRow(l, o))
	}
	return tabulate(w, psFormat(o.Format), psHeader, out)
}

func services(rows []container.Live) []string {
	var out []string
	for _, l := range rows {
		if !slices.Contains(out, l.Service()) {
			out = append(out, l.Service())
		}
	}
	return out
}

func psFormat(f string) string {
	switch f {
	case "", "table", "pretty":
		return psTable
	case "raw":
		return psRaw
	}
	return f
}

var psHeader = header{
	"ID": "CONTAINER ID", "Name": "NAME", "Names": "NAMES", "Project": "PROJECT", "Service": "SERVICE", "Image": "IMAGE", "Command": "COMMAND",
	"CreatedAt": "CREATED AT", "RunningFor": "CREATED", "Ports": "PORTS", "State": "STATE", "Status": "STATUS", "Size": "SIZE",
	"Labels": "LABELS", "Health": "HEALTH", "ExitCode": "EXIT CODE", "Mounts": "MOUNTS", "Networks": "NETWORKS",
	"LocalVolumes": "LOCAL VOLUMES", "Publishers": "PUBLISHERS",
}

// psRow has Docker Compose's field names, in the order of its JSON.
type psRow struct {
	Command      string
	CreatedAt    string
	ExitCode     int
	Health       string
	ID           string
	Image        string
	Labels       string
	LocalVolumes string
	Mounts       string
	Name         string
	Names        string
	Networks     string
	Ports        string
	Project      string
	Publishers   []publisher
	RunningFor   string
	Service      string
	Size         string
	State        string
	Status       string

	labels map[string]string
}

type publisher struct {
	URL           string
	TargetPort    int
	PublishedPort int
	Protocol      string
}

// Label of the container, for templates.
func (r psRow) Label(name string) string { return r.labels[name] }

// MarshalJSON escapes < and > in every encoder, as Docker Compose does.
func (r psRow) MarshalJSON() ([]byte, error) {
	type fields psRow
	return json.Marshal(fields(r))
}

func newPsRow(l container.Live, o PsOptions) psRow {
	r := psRow{
		Command: l.Command, CreatedAt: time.Unix(l.Created.Unix(), 0).String(), ID: l.ID, Image: l.Image, Name: l.Name, Names: l.Name,
		Labels: joinLabels(l.Labels), Project: l.Labels[container.LabelProject], Service: l.Service(), Size: "0B", State: string(l.State),
		Status: l.Status, RunningFor: units.HumanDuration(o.Now.Sub(l.Created)) + " ago", labels: l.Labels, Publishers: publishers(l.Ports),
		Ports: ports(l.Ports), Networks: networks(l),
	}
	if !o.NoTrunc {
		r.ID, r.Command = r.ID[:min(12, len(r.ID))], ansi.Truncate(r.Command, 20, "…")
	}
	r.Command = strconv.Quote(r.Command)
	r.Mounts, r.LocalVolumes = mounts(l, !o.NoTrunc)
	switch l.State {
	case container.Running:
		r.Health = string(l.Health)
	case container.Exited, container.Dead:
		r.ExitCode = l.ExitCode
	}
	return r
}

func joinLabels(labels map[string]string) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		out = append(out, k+"="+labels[k])
	}
	return strings.Join(out, ",")
}

func networks(l container.Live) string {
	var out []string
	for _, e := range l.Networks {
		out = append(out, e.Name)
	}
	return strings.Join(out, ",")
}

// mounts by name or host path, and how many of them are volumes of the local driver.
func mounts(l container.Live, trunc bool) (names, local string) {
	var out []string
	n := 0
	for _, m := range l.Mounts {
		name := m.Name
		if name == "" {
			name = m.Source
		}
		if trunc {
			name = ansi.Truncate(name, 15, "…")
		}
		out = append(out, name)
		if m.Driver == "local" {
			n++
		}
	}
	return strings.Join(out, ","), strconv.Itoa(n)
}
