package preflight

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/volume"
)

// paths of the host that the engine will not make.
func (c *check) paths() {
	if c.Host.Exists == nil {
		return
	}
	for _, n := range c.Plan.Nodes {
		if s, ok := n.Step.(plan.CreateContainer); ok {
			c.sources(n.Resource.Service, s.Spec)
		}
	}
}

func (c *check) sources(service string, s container.Spec) {
	for _, m := range s.Mounts {
		if m.Type == volume.Bind && !m.CreateHostPath && !c.Host.Exists(m.Source) {
			c.tell(diag.Diagnostic{Severity: diag.Error, Path: "services." + service + ".volumes." + m.Target,
				Text: fmt.Sprintf("service %q: %s, to be mounted at %s, does not exist", service, c.shown(m.Source), m.Target),
				Hint: "make it, or let the engine make a directory: bind.create_host_path: true"})
		}
	}
	for _, f := range s.Files {
		if f.HostPath != "" && !c.Host.Exists(f.HostPath) {
			c.tell(diag.Diagnostic{Severity: diag.Error, Path: f.Kind + "s." + f.Source + ".file",
				Text: fmt.Sprintf("%s %q: file %s does not exist", f.Kind, f.Source, c.shown(f.HostPath)),
				Hint: "make it, or take the " + f.Kind + " out of service " + service})
		}
	}
}

// shown is a path as seen from the project's directory, if it is in there.
func (c *check) shown(path string) string {
	rel, err := filepath.Rel(c.Project.WorkingDir, path)
	if err != nil || c.Project.WorkingDir == "" || strings.HasPrefix(rel, "..") {
		return path
	}
	return "./" + rel
}
