package table

import (
	"fmt"
	"io"

	"github.com/charmbracelet/x/ansi"
	"github.com/docker/go-units"

	"github.com/tutti-run/tutti/compose"
)

const statsTable = `table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}`

var statsHeader = header{"ID": "CONTAINER ID", "Container": "CONTAINER", "Name": "NAME", "CPUPerc": "CPU %", "MemUsage": "MEM USAGE / LIMIT", "MemPerc": "MEM %",
	"NetIO": "NET I/O", "BlockIO": "BLOCK I/O", "PIDs": "PIDS"}

// statsRow has the docker CLI's field names, in the order of its JSON.
type statsRow struct {
	BlockIO, CPUPerc, Container, ID, MemPerc, MemUsage, Name, NetIO, PIDs string
}

// Stats of containers. format is table, json, a Go template, or "table " and a Go template.
func Stats(w io.Writer, all []compose.Sample, format string, noTrunc bool) error {
	rows := []any{}
	for _, s := range all {
		rows = append(rows, newStatsRow(s, noTrunc))
	}
	if format == "" || format == "table" {
		format = statsTable
	}
	return tabulate(w, format, statsHeader, rows)
}

func newStatsRow(s compose.Sample, noTrunc bool) statsRow {
	id := s.Container.ID
	name := s.Container.Name
	if !noTrunc {
		id, name = id[:min(12, len(id))], ansi.Truncate(name, 40, "…")
	}
	if !s.Known {
		return statsRow{"--", "--", s.Container.ID, id, "--", "-- / --", name, "--", "--"}
	}
	u, part := s.Usage, 0.0
	if u.Limit > 0 {
		part = float64(u.Memory) / float64(u.Limit) * 100
	}
	pair := func(a, b uint64) string {
		return units.HumanSizeWithPrecision(float64(a), 3) + " / " + units.HumanSizeWithPrecision(float64(b), 3)
	}
	return statsRow{
		pair(u.Read, u.Written), fmt.Sprintf("%.2f%%", u.CPU), s.Container.ID, id, fmt.Sprintf("%.2f%%", part),
		units.BytesSize(float64(u.Memory)) + " / " + units.BytesSize(float64(u.Limit)), name, pair(u.Received, u.Sent), fmt.Sprint(u.Processes),
	}
}
