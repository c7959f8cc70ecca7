package docker

import (
	"context"
	"slices"
	"strings"

	apicontainer "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// doctor looks at one container's state.
type doctor struct{ c *conn }

// Diagnose takes one inspect.
func (d doctor) Diagnose(ctx context.Context, id string) (engine.Diagnosis, error) {
	res, err := d.c.api.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return engine.Diagnosis{}, failed(err, "diagnose container", short(id))
	}
	in := res.Container
	fill(&in)
	out := engine.Diagnosis{
		State: stateOf(string(in.State.Status)), ExitCode: in.State.ExitCode, OOMKilled: in.State.OOMKilled, Error: in.State.Error,
	}
	out.HasHealth = probed(in.Config)
	if h := in.State.Health; h != nil && h.Status != apicontainer.NoHealthcheck {
		out.Health = container.Health(h.Status)
		if n := len(h.Log); n > 0 {
			out.Probe = strings.TrimSpace(h.Log[n-1].Output)
		}
	}
	return out, nil
}

// projects lists what runs under any name.
type projects struct{ c *conn }

// Projects takes one list.
func (p projects) Projects(ctx context.Context) ([]engine.Project, error) {
	f := make(client.Filters).Add("label", container.LabelProject)
	res, err := p.c.api.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: f})
	if err != nil {
		return nil, failed(err, "list projects")
	}
	at := map[string]int{}
	var out []engine.Project
	for _, s := range res.Items {
		name := s.Labels[container.LabelProject]
		if !container.MadeFor(s.Labels, name) {
			continue
		}
		i, ok := at[name]
		if !ok {
			i = len(out)
			at[name] = i
			out = append(out, engine.Project{Name: name, States: map[container.State]int{}})
		}
		out[i].States[stateOf(string(s.State))]++
		if out[i].ConfigFiles == "" {
			out[i].ConfigFiles = s.Labels[container.LabelConfigFiles]
		}
	}
	slices.SortFunc(out, func(a, b engine.Project) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}
