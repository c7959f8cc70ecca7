package preflight

import (
	"fmt"
	"strconv"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine/container"
)

// limits that are beyond the engine's machine.
func (c *check) limits() {
	for _, n := range c.Plan.Nodes {
		switch s := n.Step.(type) {
		case plan.CreateContainer:
			c.limit(n.Resource.Service, s.Spec.Resources)
		case plan.UpdateContainer:
			c.limit(n.Resource.Service, s.Spec.Resources)
		}
	}
	c.reservations()
}

func (c *check) limit(service string, r container.Resources) {
	at := "services." + service
	if have := c.Surroundings.Memory; have > 0 && r.Memory > have {
		c.tell(diag.Diagnostic{Severity: diag.Warning, Path: c.written(at+".deploy.resources.limits.memory", at+".mem_limit"),
			Text: fmt.Sprintf("service %q: a limit of %s of memory is more than the %s of the engine's machine", service, size(r.Memory), size(have)),
			Hint: "lower it, or leave it out: the machine's memory is a limit in any case"})
	}
	// The engine refuses that with "Range of CPUs is from 0.01 to N".
	if have := c.Surroundings.CPUs; have > 0 && r.NanoCPUs > int64(have)*1e9 {
		c.tell(diag.Diagnostic{Severity: diag.Error, Path: c.written(at+".deploy.resources.limits.cpus", at+".cpus"),
			Text: fmt.Sprintf("service %q: %s cpus are more than the %d of the engine's machine", service, cpus(r.NanoCPUs), have),
			Hint: fmt.Sprintf("the engine takes 0.01 to %d", have)})
	}
}

// reservations of all that runs in the end; the engine only tries to keep them, so that more than there is is no mistake yet.
func (c *check) reservations() {
	var sum int64
	counted := map[string]bool{}
	count := func(name string, s container.Spec) {
		if !counted[name] {
			counted[name] = true
			sum += s.Resources.MemoryReservation
		}
	}
	for _, n := range c.Plan.Nodes {
		switch s := n.Step.(type) {
		case plan.CreateContainer:
			count(n.Resource.Name, s.Spec)
		case plan.StartContainer:
			if _, made := c.made[s.Container.Key]; !made {
				svc, _ := c.Project.Service(n.Resource.Service)
				count(n.Resource.Name, svc.Container)
			}
		}
	}
	for _, l := range c.Snapshot.Containers {
		if svc, ok := c.Project.Service(l.Service()); ok && l.Up() && !c.away[l.ID] {
			count(l.Name, svc.Container)
		}
	}
	if have := c.Surroundings.Memory; have > 0 && sum > have {
		c.tell(diag.Diagnostic{Severity: diag.Warning,
			Text: fmt.Sprintf("project %q reserves %s of memory, more than the %s of the engine's machine", c.Project.Name, size(sum), size(have))})
	}
}

// size in the largest unit that fits, to one digit: "23.5g".
func size(n int64) string {
	for _, u := range []struct {
		name string
		size float64
	}{{"g", 1 << 30}, {"m", 1 << 20}, {"k", 1 << 10}} {
		if f := float64(n) / u.size; f >= 1 {
			return decimal(f, 1) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

func cpus(nano int64) string { return decimal(float64(nano)/1e9, 2) }

// decimal with at most so many digits behind the point, none of them a trailing zero.
func decimal(f float64, digits int) string {
	text := strconv.FormatFloat(f, 'f', digits, 64)
	f, _ = strconv.ParseFloat(text, 64)
	return strconv.FormatFloat(f, 'f', -1, 64)
}
