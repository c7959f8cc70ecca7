package load

import (
	"fmt"
	"slices"

	"github.com/tutti-run/tutti/compose/diag"
)

// notes gather what is wrong with the files.
type notes struct {
	diags diag.List
	fatal bool // a mistake that leaves nothing to load
}

func (n *notes) complain(at spot, format string, args ...any) *diag.Diagnostic {
	return n.tell(diag.Error, at, format, args...)
}

func (n *notes) warn(at spot, format string, args ...any) *diag.Diagnostic {
	return n.tell(diag.Warning, at, format, args...)
}

// tell adds a diagnostic and returns it, good until the next one, for its hint and path.
func (n *notes) tell(sev diag.Severity, at spot, format string, args ...any) *diag.Diagnostic {
	n.diags = append(n.diags, diag.Diagnostic{Severity: sev, Place: at.place(), Text: fmt.Sprintf(format, args...)})
	return &n.diags[len(n.diags)-1]
}

// addOnce adds a diagnostic unless the very same is there.
func (n *notes) addOnce(d diag.Diagnostic) {
	if !slices.Contains(n.diags, d) {
		n.diags = append(n.diags, d)
	}
}
