package convert

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/source"
	"github.com/tutti-run/tutti/engine/container"
)

// Content of a file that a config or secret is from.
type Content struct {
	Digest string // SHA-256, in hex
	Data   []byte // nil if it is larger than MaxContent
}

// MaxContent is the size in bytes up to which the content of a file is kept.
const MaxContent = 500_000

// Contents are the files that a project's configs and secrets are from, by path, as far as they could be read when it was loaded.
func Contents(p desired.Project) map[string]Content {
	out := map[string]Content{}
	each(p, func(_ desired.Service, _ container.Spec, f *container.File) {
		if _, ok := out[f.HostPath]; !ok && f.HostPath != "" && f.Digest != "" {
			out[f.HostPath] = content(f)
		}
	})
	return out
}

func content(f *container.File) Content {
	out := Content{Digest: f.Digest}
	if info, err := os.Stat(f.HostPath); err != nil || info.Size() > MaxContent {
		return out
	}
	if b, err := source.ReadFile(f.HostPath); err == nil && digest(b) == f.Digest {
		out.Data = b
	}
	return out
}

// each file of a project's containers.
func each(p desired.Project, do func(desired.Service, container.Spec, *container.File)) {
	for _, svc := range p.Services {
		specs := []container.Spec{svc.Container}
		for _, h := range svc.PreStart {
			specs = append(specs, h.Container)
		}
		for _, spec := range specs {
			for i := range spec.Files {
				do(svc, spec, &spec.Files[i])
			}
		}
	}
}

// Restore compares the files of a project with what they were. What is gone is replaced by what was kept of it.
func Restore(p desired.Project, kept map[string]Content, notes *source.Notes) {
	each(p, func(svc desired.Service, spec container.Spec, f *container.File) {
		was, ok := kept[f.HostPath]
		if !ok || was.Digest == f.Digest {
			return
		}
		severity, what := changed(f, was, spec.ReadOnly)
		notes.AddOnce(diag.Diagnostic{Severity: severity, Rule: "missing-file", Text: fmt.Sprintf("service %q: %s %q: file %s %s", svc.Name, f.Kind, f.Source, f.HostPath, what)})
		if f.Digest == "" && severity != diag.Error {
			f.HostPath, f.Content, f.Digest = "", was.Data, was.Digest
		}
	})
}

// changed says what has become of a file, and what follows.
func changed(f *container.File, was Content, readOnly bool) (diag.Severity, string) {
	if f.Digest != "" {
		return diag.Warning, "has changed since this revision; it is used as it is now"
	}
	_, err := os.Stat(f.HostPath)
	switch gone := errors.Is(err, fs.ErrNotExist); {
	case !gone:
		return diag.Error, "cannot be read"
	case was.Data == nil:
		return diag.Error, "is gone, and was too large to be kept"
	case readOnly:
		return diag.Error, "is gone, and what was kept of it cannot be put into a read-only container"
	}
	return diag.Warning, "is gone; what was kept of it is used"
}
