package preflight

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine/container"
)

// directory finds out whether the project's name is in use from somewhere else, as of two checkouts that both say name: app. Who chose the name
// for this command means it.
func (c *check) directory() {
	other := c.elsewhere()
	if other == "" || c.NameGiven || !c.makes() {
		return
	}
	d := diag.Diagnostic{Severity: diag.Error, Place: c.place("name")} // the name may be that of the directory
	d.Text = fmt.Sprintf("project %q is in use from %s: its containers would be replaced", c.Project.Name, other)
	d.Hint = fmt.Sprintf("use another name (-p NAME, or name: in the file), take it over with -p %s, or take it down there first", c.Project.Name)
	if c.Host.Exists != nil && !c.Host.Exists(other) {
		d.Severity, d.Hint = diag.Warning, ""
		d.Text = fmt.Sprintf("project %q was brought up from %s, which is not there any more: taken for moved", c.Project.Name, other)
	}
	c.tell(d)
}

// elsewhere is the directory that the project's containers were made from, if it is another one.
func (c *check) elsewhere() string {
	if c.Project.WorkingDir == "" {
		return ""
	}
	for _, l := range c.Snapshot.Containers {
		if dir := l.Labels[container.LabelWorkingDir]; dir != "" && !c.same(dir, c.Project.WorkingDir) {
			return dir
		}
	}
	return ""
}

func (c *check) same(a, b string) bool {
	return filepath.Clean(a) == filepath.Clean(b) || c.Host.SameDir != nil && c.Host.SameDir(a, b)
}

// makes tells whether the plan makes containers; what only starts those that there are is at home everywhere.
func (c *check) makes() bool {
	return slices.ContainsFunc(c.Plan.Nodes, func(n plan.Node) bool {
		_, is := n.Step.(plan.CreateContainer)
		return is
	})
}
