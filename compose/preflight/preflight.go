// Package preflight tells, before the first change of a plan, all that would make it fail half-way. It is pure: values in, values out.
package preflight

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/host"
)

// Input is all that is looked at.
type Input struct {
	Plan         plan.Plan
	Project      desired.Project
	Snapshot     engine.Snapshot // its containers and capabilities suffice
	Surroundings engine.Surroundings
	Host         Host // the zero Host unless Surroundings.Local
	// NameGiven: the user chose the project's name on the command line or in the environment.
	NameGiven bool
}

// Host is what is known of the engine's machine. A nil function knows of nothing that is wrong.
type Host struct {
	Sockets []host.Socket
	Routes  []netip.Prefix // without default routes
	// Exists tells whether there is something at a path.
	Exists func(path string) bool
	// SameDir tells whether two paths lead to one directory.
	SameDir func(a, b string) bool
	// Owner and OnlyIPv6 are asked about sockets in the way only; both cost something.
	Owner    func(host.Socket) host.Process
	OnlyIPv6 func(host.Socket) bool
}

// Check tells what is in the plan's way, errors and warnings, in order of their place.
func Check(in Input) diag.List {
	c := newCheck(in)
	c.directory()
	c.names()
	c.ports()
	c.drivers()
	c.strangers()
	c.subnets()
	c.fixedAddresses()
	c.limits()
	c.runtimes()
	c.paths()
	c.volumes()
	c.list.Sort()
	return c.list
}

// Needed tells whether a plan can run into anything: it makes or starts something.
func Needed(p plan.Plan) bool {
	return slices.ContainsFunc(p.Nodes, func(n plan.Node) bool {
		switch s := n.Step.(type) {
		case plan.CreateContainer, plan.StartContainer, plan.CreateNetwork, plan.ServeModel:
			return true
		case plan.Provide:
			return s.Command == "up"
		}
		return false
	})
}

// check is one under way.
type check struct {
	Input
	away     map[string]bool                 // containers that the plan stops or removes, by id
	unnamed  map[string]bool                 // containers that lose their name, by id
	networks map[string]bool                 // networks that the plan removes, by id
	made     map[string]plan.CreateContainer // by key
	list     diag.List
}

func newCheck(in Input) *check {
	c := &check{Input: in, away: map[string]bool{}, unnamed: map[string]bool{}, networks: map[string]bool{}, made: map[string]plan.CreateContainer{}}
	for _, n := range in.Plan.Nodes {
		switch s := n.Step.(type) {
		case plan.StopContainer:
			c.away[s.Container.ID] = true
		case plan.RemoveContainer:
			c.away[s.Container.ID], c.unnamed[s.Container.ID] = true, true
		case plan.RenameContainer:
			c.unnamed[s.Container.ID] = true
		case plan.RemoveNetwork:
			c.networks[s.ID] = true
		case plan.CreateContainer:
			c.made[s.Container.Key] = s
		}
	}
	return c
}

// tell of something once.
func (c *check) tell(d diag.Diagnostic) {
	if d.Place == (diag.Place{}) {
		d.Place = c.place(d.Path)
	}
	if !slices.Contains(c.list, d) {
		c.list = append(c.list, d)
	}
}

func (c *check) place(path string) diag.Place {
	if c.Project.Place == nil || path == "" {
		return diag.Place{}
	}
	return c.Project.Place(path)
}

// written is the first of the paths, each of several parts, that the files have, else the last.
func (c *check) written(paths ...string) string {
	for _, p := range paths {
		if c.place(p) != c.place(p[:strings.LastIndexByte(p, '.')]) {
			return p
		}
	}
	return paths[len(paths)-1]
}

// up tells whether a neighbour holds what it has: its ports, above all.
func up(n engine.Neighbour) bool { return container.Live{State: n.State}.Up() }

// ours tells whether a neighbour is of the project.
func (c *check) ours(n engine.Neighbour) bool { return n.Project == c.Project.Name }

// called is how a neighbour is named to the user: its project, and its service where the name does not tell.
func called(n engine.Neighbour) string {
	switch {
	case n.Project == "":
		return "container " + n.Name
	case n.Service == "" || strings.HasPrefix(n.Name, n.Project+"-"+n.Service+"-"):
		return fmt.Sprintf("container %s (project %s)", n.Name, n.Project)
	}
	return fmt.Sprintf("container %s (project %s, service %s)", n.Name, n.Project, n.Service)
}

// orphaned tells whether a service is none of the files, enabled or not; without files nothing is.
func (c *check) orphaned(service string) bool {
	_, ok := c.Project.Service(service)
	return len(c.Project.Services) > 0 && !ok && !slices.Contains(c.Project.Disabled, service)
}
