package compose

import (
	"context"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/endpoint"
	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/host"
)

// HostPorts are those in use, on the engine by one call and on this machine: for a project that is isolated.
func (t Tool) HostPorts(ctx context.Context) (load.HostPorts, error) {
	all, err := t.Engine.Neighbours(ctx)
	if err != nil {
		return load.HostPorts{}, err
	}
	var out load.HostPorts
	for _, n := range all {
		project := n.Project
		if n.OneOff { // it goes its own way, and its service's containers theirs
			project = ""
		}
		for _, p := range n.Ports {
			if p.Published > 0 {
				out.Published = append(out.Published, load.PublishedPort{Project: project, Service: n.Service, HostIP: p.HostIP, Port: p.Published, Target: p.Target, Protocol: p.Protocol})
			}
		}
	}
	sockets, _ := host.Listening() // what we may not see is found out when a container is started
	for _, s := range sockets {
		out.Listening = append(out.Listening, int(s.Address.Port()))
	}
	return out, nil
}

// Endpoints are where the services' published ports are reached from here, by one call. The warnings tell of those that are not known yet.
func (t Tool) Endpoints(ctx context.Context, p Project) ([]endpoint.Endpoint, diag.List, error) {
	all, err := t.Engine.ListContainers(ctx, p.Name)
	if err != nil {
		return nil, nil, err
	}
	found, unknown := endpoint.Outside(p, all, t.Engine.Info().Host)
	return found, located(unknown, p), nil
}
