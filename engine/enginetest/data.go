package enginetest

import (
	"bytes"
	"context"
	"maps"
	"strings"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/volume"
)

// data moves what volumes hold: files by their path.
type data struct{ w *world }

// CopyVolume refuses a volume that is not there, and one that cannot be mounted.
func (p data) CopyVolume(ctx context.Context, from, to string, progress func(engine.Progress)) error {
	err := p.w.call(ctx, "CopyVolume", from+" "+to, func() error {
		for _, name := range []string{from, to} {
			if err := p.w.mountable(name); err != nil {
				return err
			}
		}
		for path, content := range p.w.volumes[from].files {
			p.w.volumes[to].put(path, content)
		}
		return nil
	})
	if err == nil {
		progress(engine.Progress{Text: "Copying", Current: 1})
	}
	return err
}

// VolumeEmpty refuses as CopyVolume does.
func (p data) VolumeEmpty(ctx context.Context, name string) (empty bool, err error) {
	err = p.w.call(ctx, "VolumeEmpty", name, func() error {
		if err := p.w.mountable(name); err != nil {
			return err
		}
		empty = len(p.w.volumes[name].files) == 0
		return nil
	})
	return empty, err
}

// mountable: a volume whose device is "broken" cannot be mounted.
func (w *world) mountable(name string) error {
	v := w.volumes[name]
	switch {
	case v == nil: // the engine would make one; nobody wants that
		return refuse(engine.ErrNotFound, "mount volume %s: no such volume", name)
	case v.Options["device"] == "broken":
		return refuse(nil, "mount volume %s: no such device", name)
	}
	return nil
}

func (v *vol) put(path string, content []byte) {
	if v.files == nil {
		v.files = map[string][]byte{}
	}
	v.files[path] = bytes.Clone(content)
}

// contents are files in containers.
type contents struct{ w *world }

// PutFiles refuses a container that is read-only.
func (p contents) PutFiles(ctx context.Context, id string, files []container.File) error {
	return p.w.call(ctx, "PutFiles", id, func() error {
		b, err := p.w.must(id)
		if err != nil {
			return err
		}
		return p.w.put(b, files)
	})
}

func (w *world) put(b *box, files []container.File) error {
	for _, f := range files {
		into := w.holder(b, f.Target)
		switch {
		case f.Mounted():
		case into == nil && b.spec.ReadOnly:
			return refuse(engine.ErrConflict, "copy configs and secrets: container rootfs is marked read-only")
		case into != nil:
			into.put(f.Target[len(w.mountOf(b, f.Target).Target):], f.Content)
		default:
			b.files[f.Target] = bytes.Clone(f.Content)
		}
	}
	return nil
}

// mountOf is the volume that a path in a container is in.
func (w *world) mountOf(b *box, path string) (out volume.Mounted) {
	for _, m := range b.mounts {
		if m.Type == volume.Volume && strings.HasPrefix(path, m.Target+"/") && len(m.Target) > len(out.Target) {
			out = m
		}
	}
	return out
}

func (w *world) holder(b *box, path string) *vol { return w.volumes[w.mountOf(b, path).Name] }

// ReadFile knows only what was put in.
func (p contents) ReadFile(ctx context.Context, id, path string) (content []byte, err error) {
	err = p.w.call(ctx, "ReadFile", id+" "+path, func() error {
		b, err := p.w.must(id)
		if err != nil {
			return err
		}
		found, here := b.files[path]
		if v := p.w.holder(b, path); v != nil {
			found, here = v.files[path[len(p.w.mountOf(b, path).Target):]]
		}
		if !here {
			return refuse(engine.ErrNotFound, "read %s: Could not find the file in container", path)
		}
		content = bytes.Clone(found)
		return nil
	})
	return content, err
}

// Holds tells what is in a volume, by path from its root; nil if there is no such volume.
func (f *Fake) Holds(name string) map[string]string {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	v := f.w.volumes[name]
	if v == nil {
		return nil
	}
	out := map[string]string{}
	for path, content := range v.files {
		out[path] = string(content)
	}
	return out
}

// Keep puts a file into a volume, as a container that mounts it would.
func (f *Fake) Keep(name, path, content string) {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	if v := f.w.volumes[name]; v != nil {
		v.put(path, []byte(content))
	}
}

// LabelsOf a volume.
func (f *Fake) LabelsOf(name string) map[string]string {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	if v := f.w.volumes[name]; v != nil {
		return maps.Clone(v.Labels)
	}
	return nil
}
