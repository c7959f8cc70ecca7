package preflight

import (
	"fmt"
	"slices"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
)

// names of containers are unique in an engine.
func (c *check) names() {
	for _, n := range c.Plan.Nodes {
		switch s := n.Step.(type) {
		case plan.CreateContainer:
			c.name(n, s.Name)
		case plan.RenameContainer:
			c.name(n, s.Name)
		}
	}
}

func (c *check) name(n plan.Node, wanted string) {
	i := slices.IndexFunc(c.Surroundings.Containers, func(o engine.Neighbour) bool { return o.Name == wanted })
	if i < 0 {
		return
	}
	holder := c.Surroundings.Containers[i]
	// A replica of ours under its own name has come since the plan was made; carrying it out finds that out and plans again.
	replica := c.ours(holder) && holder.Service == n.Resource.Service
	if replica || c.unnamed[holder.ID] {
		return
	}
	c.tell(diag.Diagnostic{Severity: diag.Error, Path: c.written("services."+n.Resource.Service+".container_name", "services."+n.Resource.Service),
		Text: fmt.Sprintf("name %s is taken by %s", wanted, c.described(holder)), Hint: c.unname(holder)})
}

// described is a container whose name was told already.
func (c *check) described(n engine.Neighbour) string {
	switch {
	case n.Project == "":
		return "a container of no project"
	case c.ours(n):
		return fmt.Sprintf("the container of service %s", n.Service)
	}
	return fmt.Sprintf("a container of project %s", n.Project)
}

func (c *check) unname(n engine.Neighbour) string {
	hint := "remove that container: docker rm -f " + n.Name
	switch {
	case c.ours(n) && c.orphaned(n.Service):
		return "remove what the file does not have any more: --remove-orphans"
	case n.Project != "" && !c.ours(n):
		return hint + "; or take its project down: tutti -p " + n.Project + " down"
	}
	return hint
}
