package check

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/load/merged"
)

// checkDependencies checks that what the service comes after is there and enabled.
func (in *Input) checkDependencies(c types.ServiceConfig) {
	implied := merged.Implied(c)
	for _, name := range merged.Needs(c) {
		if _, ok := in.Project.Services[name]; ok {
			continue
		}
		dep, explicit := c.DependsOn[name]
		off, disabled := in.Project.DisabledServices[name]
		if disabled && explicit && !dep.Required || in.excused("services", name) {
			continue
		}
		via := "depends_on"
		if i, ok := implied[name]; ok && !in.Declares("services", c.Name, "depends_on", name) {
			via = i.Via
		}
		in.missing(c, via, name, off, disabled)
	}
	for _, name := range slices.Sorted(maps.Keys(c.DependsOn)) {
		if c.DependsOn[name].Condition == "" {
			in.Complain(in.Item([]string{"services", c.Name, "depends_on"}, name), "service %q: depends_on.%s needs \"condition\"", c.Name, name)
		}
	}
}

func (in *Input) missing(c types.ServiceConfig, via, name string, off types.ServiceConfig, disabled bool) {
	path := []string{"services", c.Name, via}
	at := in.Item(path, name)
	verb := "depends on"
	if via != "depends_on" {
		verb = via + " names"
	}
	if disabled {
		d := in.Complain(at, "service %q %s %q, which no active profile enables", c.Name, verb, name)
		d.Rule = "disabled-dependency"
		d.Hint = enabling(off)
		d.Path = strings.Join(append(path, name), ".")
		return
	}
	d := in.Complain(at, "service %q %s %q, which is not a service", c.Name, verb, name)
	d.Hint = diag.DidYouMean(name, merged.Services(in.Project))
	d.Path = strings.Join(append(path, name), ".")
}

// enabling a service takes one of its profiles. The one without a name cannot be given.
func enabling(c types.ServiceConfig) string {
	names := slices.DeleteFunc(slices.Clone(c.Profiles), func(p string) bool { return p == "" })
	if len(names) == 0 {
		return ""
	}
	return "add --profile " + strings.Join(names, " or --profile ")
}

// checkCycle names one cycle of dependencies, if there is any.
func (in *Input) checkCycle() {
	var g graph.Graph[string]
	for _, name := range slices.Sorted(maps.Keys(in.Project.Services)) {
		g.Add(name)
		for _, dep := range merged.Needs(in.Project.Services[name]) {
			if _, ok := in.Project.Services[dep]; ok {
				g.After(name, dep)
			}
		}
	}
	_, err := g.Order()
	var cycle *graph.CycleError[string]
	if !errors.As(err, &cycle) {
		return
	}
	nodes := inDirection(cycle.Nodes, in.Project.Services)
	c := in.Project.Services[nodes[0]]
	via := "depends_on"
	if i, ok := merged.Implied(c)[nodes[1]]; ok && !in.Declares("services", c.Name, "depends_on", nodes[1]) {
		via = i.Via
	}
	in.Complain(in.Item([]string{"services", c.Name, via}, nodes[1]), "services depend on each other in a circle: %s", strings.Join(nodes, " → "))
}

// checkBuildCycle names one cycle of images that are built from each other, if there is any.
func (in *Input) checkBuildCycle() {
	var g graph.Graph[string]
	for _, name := range slices.Sorted(maps.Keys(in.Project.Services)) {
		g.Add(name)
		for _, base := range merged.BuildsFrom(in.Project.Services[name].Build) {
			if base == name {
				in.Complain(in.Nearest("services", name, "build", "additional_contexts"), "service %q is built from itself", name)
			} else if _, ok := in.Project.Services[base]; ok {
				g.After(name, base)
			}
		}
	}
	_, err := g.Order()
	var cycle *graph.CycleError[string]
	if errors.As(err, &cycle) {
		nodes := cycle.Nodes
		in.Complain(in.Nearest("services", nodes[0], "build", "additional_contexts"), "images are built from each other in a circle: %s", strings.Join(nodes, ", "))
	}
}

// inDirection turns a cycle round if need be, so that each service depends on the next, and begins with the first by name.
func inDirection(nodes []string, services types.Services) []string {
	ring := slices.Clone(nodes[:len(nodes)-1])
	if !slices.Contains(merged.Needs(services[nodes[0]]), nodes[1]) {
		slices.Reverse(ring)
	}
	i := slices.Index(ring, slices.Min(ring))
	ring = slices.Concat(ring[i:], ring[:i])
	return append(ring, ring[0])
}
