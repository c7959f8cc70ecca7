package preflight

import (
	"fmt"
	"slices"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
)

// runtimes that the engine does not have.
func (c *check) runtimes() {
	have := c.Surroundings.Runtimes
	for _, n := range c.Plan.Nodes {
		s, is := n.Step.(plan.CreateContainer)
		if r := s.Spec.Runtime; is && r != "" && len(have) > 0 && !slices.Contains(have, r) {
			c.tell(diag.Diagnostic{Severity: diag.Error, Path: "services." + n.Resource.Service + ".runtime",
				Text: fmt.Sprintf("service %q: the engine has no runtime %q", n.Resource.Service, r), Hint: diag.DidYouMean(r, have)})
		}
	}
}
