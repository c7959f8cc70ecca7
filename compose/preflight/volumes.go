package preflight

import (
	"fmt"
	"slices"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
)

// volumes that are made anew must not be used by anybody else: the engine would refuse to remove them, when their users are gone already.
func (c *check) volumes() {
	for _, n := range c.Plan.Nodes {
		s, ok := n.Step.(plan.RemoveVolume)
		if !ok || s.Was == nil || s.Mark() {
			continue
		}
		for _, o := range c.Surroundings.Containers {
			if slices.Contains(o.Volumes, s.Name) && !c.unnamed[o.ID] {
				c.tell(diag.Diagnostic{Severity: diag.Error, Path: c.volumePath(s.Name),
					Text: fmt.Sprintf("volume %s cannot be made anew: %s uses it", s.Name, c.described(o)), Hint: "stop and remove that first"})
			}
		}
	}
}

func (c *check) volumePath(name string) string {
	for _, v := range c.Project.Volumes {
		if v.Name == name {
			return "volumes." + v.Key
		}
	}
	return "volumes"
}
