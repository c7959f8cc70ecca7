package enginetest

import (
	"bytes"
	"context"
	"io/fs"
	"maps"
	"path"
	"strings"
	"time"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/image"
)

// archives keeps files as images.
type archives struct{ w *world }

// ImportArchive refuses names that are no path within, those that mean a removal in a layer, and labels of several lines. Each archive has an ID of its own.
func (p archives) ImportArchive(ctx context.Context, ref string, labels map[string]string, files map[string][]byte) (id string, err error) {
	err = p.w.call(ctx, "ImportArchive", ref, func() error {
		if err := importable(ref, labels, files); err != nil {
			return err
		}
		id = "sha256:" + p.w.newID("archive "+ref)
		p.w.replace(&Image{Ref: ref, ID: id, Defaults: image.Defaults{Labels: maps.Clone(labels)}, files: cloned(files), made: time.Now()})
		return nil
	})
	return id, err
}

func importable(ref string, labels map[string]string, files map[string][]byte) error {
	if !wellFormed(ref) {
		return refuse(engine.ErrInvalid, "import archive %s: invalid reference format", ref)
	}
	for name := range files {
		if !fs.ValidPath(name) || name == "." || strings.HasPrefix(path.Base(name), ".wh.") {
			return refuse(engine.ErrInvalid, "import archive %s: %q cannot be the name of a file", ref, name)
		}
	}
	for k, v := range labels {
		if k == "" || strings.ContainsAny(k, " \t\r\n=\"'\\$") || strings.ContainsAny(v, "\r\n") {
			return refuse(engine.ErrInvalid, "import archive %s: label %q cannot be written on one line", ref, k)
		}
	}
	return nil
}

// replace what its reference stood for. Nothing stays of it without a reference.
func (w *world) replace(i *Image) {
	old := w.image(i.Ref)
	w.tag(i.Ref, i)
	if old != nil {
		delete(w.images, old.ID)
	}
}

// ExportArchive refuses an image that is no archive.
func (p archives) ExportArchive(ctx context.Context, ref string) (files map[string][]byte, err error) {
	err = p.w.call(ctx, "ExportArchive", ref, func() error {
		i := p.w.image(ref)
		switch {
		case i == nil:
			return refuse(engine.ErrNotFound, "export archive %s: No such image: %s", ref, tagged(ref))
		case i.files == nil:
			return refuse(engine.ErrInvalid, "export archive %s: the image is no archive", ref)
		}
		files = cloned(i.files)
		return nil
	})
	return files, err
}

// cloned is never nil.
func cloned(files map[string][]byte) map[string][]byte {
	out := map[string][]byte{}
	for name, content := range files {
		out[name] = bytes.Clone(content)
	}
	return out
}
