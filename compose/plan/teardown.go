package plan

import (
	"slices"
	"time"

	"github.com/tutti-run/tutti/engine/container"
)

// teardownOptions say how containers are taken down.
type teardownOptions struct {
	timeout *time.Duration
	volumes bool // with their anonymous volumes
	asFound bool // what is started meanwhile stays
	why     func(container.Live) Reason
	// dependents are the services that must be down before a service is; nil: no order.
	dependents func(service string) []string
	hooks      func(service string) Hooks
	contents   func(container.Live) []string // volumes of its configs and secrets
	after      []ID
}

// teardown stops and removes containers: each stops once those that depend on it have stopped, and is removed at once.
func teardown(containers []container.Live, o teardownOptions) []Node {
	var out []Node
	stops := stopIDs(containers)
	for _, l := range containers {
		why := []Reason{o.why(l)}
		after := slices.Clone(o.after)
		if o.dependents != nil {
			for _, s := range o.dependents(l.Service()) {
				after = append(after, stops[s]...)
			}
		}
		ref := Ref{Key: l.ID, ID: l.ID}
		if l.Up() {
			stop := Node{ID: ID("stop " + l.Name), Step: StopContainer{ref, o.timeout, o.hooks(l.Service())}, Resource: containerResource(l), Reasons: why, AfterAny: after}
			out = append(out, stop)
			after = []ID{stop.ID}
		}
		out = append(out, Node{ID: ID("remove " + l.Name), Step: RemoveContainer{Container: ref, Volumes: o.volumes, Contents: o.contents(l), Stop: !o.asFound, Timeout: o.timeout},
			Resource: containerResource(l), Reasons: why, After: after, Late: true})
	}
	return out
}

// stopIDs are the steps that stop the containers that are up, by service.
func stopIDs(containers []container.Live) map[string][]ID {
	out := map[string][]ID{}
	for _, l := range containers {
		if l.Up() {
			out[l.Service()] = append(out[l.Service()], ID("stop "+l.Name))
		}
	}
	return out
}
