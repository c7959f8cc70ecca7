package plan

import (
	"time"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine"
)

// startInterval at which a wait runs a service's probe itself while its container starts: the engine is too old to do it. 0: it need not.
func startInterval(svc desired.Service, caps engine.Capabilities) time.Duration {
	h := svc.Container.Healthcheck
	if h == nil || h.Disabled() || caps.StartInterval {
		return 0
	}
	return h.StartInterval
}

// probe lets waits of these nodes run the probes that the engine runs too seldom.
func probe(nodes []Node, services []desired.Service, caps engine.Capabilities) {
	every := map[string]time.Duration{}
	for _, s := range services {
		every[s.Name] = startInterval(s, caps)
	}
	for i, n := range nodes {
		if w, ok := n.Step.(WaitContainer); ok && w.Until != UntilCompleted {
			w.Probe = every[n.Resource.Service]
			nodes[i].Step = w
		}
	}
}

// startIntervals tells of those that are lost: where nothing waits for the container to be healthy, nothing runs its probe.
func (b *builder) startIntervals() {
	awaited := map[string]bool{}
	for _, n := range b.nodes {
		if w, ok := n.Step.(WaitContainer); ok && w.Probe > 0 {
			awaited[n.Resource.Service] = true
		}
	}
	for _, s := range b.want.Project.Services {
		for _, d := range s.Depends {
			awaited[d.Service] = awaited[d.Service] || d.Condition == desired.IsHealthy
		}
	}
	for _, name := range b.order {
		if svc, _ := b.want.Service(name); startInterval(svc, b.have.Caps) > 0 && !awaited[name] && !b.o.Wait {
			b.cannot(need{path: "services." + name + ".healthcheck.start_interval", api: "1.44"})
		}
	}
}
