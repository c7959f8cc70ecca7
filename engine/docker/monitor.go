package docker

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	apicontainer "github.com/moby/moby/api/types/container"
	apievents "github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// monitor watches containers at work.
type monitor struct{ c *conn }

// Processes are what the engine's ps says.
func (m monitor) Processes(ctx context.Context, id string) (titles []string, rows [][]string, err error) {
	res, err := m.c.api.ContainerTop(ctx, id, client.ContainerTopOptions{})
	return res.Titles, res.Processes, failed(err, "list processes of container", short(id))
}

// Usage needs two samples of the processor's time; asked for once the engine takes them itself.
func (m monitor) Usage(ctx context.Context, id string, once bool, sample func(engine.Usage) error) error {
	what := "measure container " + short(id)
	res, err := m.c.api.ContainerStats(ctx, id, client.ContainerStatsOptions{Stream: !once, IncludePreviousSample: once})
	if err != nil {
		return failed(err, what)
	}
	defer res.Body.Close()
	for dec := json.NewDecoder(res.Body); ; {
		var s apicontainer.StatsResponse
		switch err := dec.Decode(&s); {
		case ctx.Err() != nil, errors.Is(err, io.EOF):
			return ctx.Err()
		case err != nil:
			return failed(err, what)
		}
		if err := sample(usageOf(s)); err != nil {
			return err
		}
	}
}

// usageOf one sample, counted as `docker stats` does.
func usageOf(s apicontainer.StatsResponse) engine.Usage {
	out := engine.Usage{CPU: cpuPercent(s), Memory: memoryUsed(s.MemoryStats), Limit: s.MemoryStats.Limit, Processes: s.PidsStats.Current}
	for _, n := range s.Networks {
		out.Received += n.RxBytes
		out.Sent += n.TxBytes
	}
	for _, b := range s.BlkioStats.IoServiceBytesRecursive {
		switch strings.ToLower(b.Op) {
		case "read":
			out.Read += b.Value
		case "write":
			out.Written += b.Value
		}
	}
	return out
}

func cpuPercent(s apicontainer.StatsResponse) float64 {
	used := float64(s.CPUStats.CPUUsage.TotalUsage) - float64(s.PreCPUStats.CPUUsage.TotalUsage)
	system := float64(s.CPUStats.SystemUsage) - float64(s.PreCPUStats.SystemUsage)
	cpus := float64(s.CPUStats.OnlineCPUs)
	if cpus == 0 {
		cpus = float64(len(s.CPUStats.CPUUsage.PercpuUsage))
	}
	if used <= 0 || system <= 0 {
		return 0
	}
	return used / system * cpus * 100
}

// memoryUsed leaves out what the kernel can take back: total_inactive_file in cgroup v1, inactive_file in v2.
func memoryUsed(m apicontainer.MemoryStats) uint64 {
	for _, name := range []string{"total_inactive_file", "inactive_file"} {
		if v, ok := m.Stats[name]; ok && v < m.Usage {
			return m.Usage - v
		}
	}
	return m.Usage
}

// Happenings leaves out what the engine tells of probes and terminals.
func (m monitor) Happenings(ctx context.Context, project, since, until string, tell func(engine.Happening)) error {
	f := byProject(project).Add("type", string(apievents.ContainerEventType))
	res := m.c.api.Events(ctx, client.EventsListOptions{Since: since, Until: until, Filters: f})
	for {
		select {
		case e := <-res.Messages:
			if !container.MadeFor(e.Actor.Attributes, project) {
				continue
			}
			tell(engine.Happening{Action: string(e.Action), Container: e.Actor.ID, Time: time.Unix(0, e.TimeNano), Attributes: e.Actor.Attributes})
		case err := <-res.Err:
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if errors.Is(err, io.EOF) { // until
				return nil
			}
			return failed(err, "watch events")
		}
	}
}
