package source

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tutti-run/tutti/compose/diag"
)

// Notes gather what is wrong with the files.
type Notes struct {
	Diags diag.List
	Fatal bool   // a mistake that leaves nothing to load
	Rule  string // the id of what is being checked, which diagnostics get unless they are given a closer one
}

// As lets diagnostics be of a rule until back is called.
func (n *Notes) As(rule string) (back func()) {
	before := n.Rule
	n.Rule = rule
	return func() { n.Rule = before }
}

// Complain adds an error.
func (n *Notes) Complain(at Spot, format string, args ...any) *diag.Diagnostic {
	return n.Tell(diag.Error, at, format, args...)
}

// Warn adds a warning.
func (n *Notes) Warn(at Spot, format string, args ...any) *diag.Diagnostic {
	return n.Tell(diag.Warning, at, format, args...)
}

// Tell adds a diagnostic and returns it, good until the next one, for its hint and path.
func (n *Notes) Tell(sev diag.Severity, at Spot, format string, args ...any) *diag.Diagnostic {
	n.Diags = append(n.Diags, diag.Diagnostic{Severity: sev, Rule: n.Rule, Place: at.Place(), Text: fmt.Sprintf(format, args...)})
	return &n.Diags[len(n.Diags)-1]
}

// AddOnce adds a diagnostic unless the very same is there.
func (n *Notes) AddOnce(d diag.Diagnostic) {
	d.Rule = cmp.Or(d.Rule, n.Rule)
	if !slices.Contains(n.Diags, d) {
		n.Diags = append(n.Diags, d)
	}
}
