package enginetest

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/engine"
)

// paths are files in containers, in directories that come about with them.
type paths struct{ w *world }

// tree of all files in a container, by path; those of its volumes too.
func (w *world) tree(b *box) map[string][]byte {
	out := maps.Clone(b.files)
	if out == nil {
		out = map[string][]byte{}
	}
	for _, m := range b.mounts {
		if v := w.volumes[m.Name]; v != nil {
			for p, content := range v.files {
				out[path.Join(m.Target, p)] = content
			}
		}
	}
	return out
}

// isDir tells of the root, of what volumes are mounted at, and of what files are in.
func isDir(b *box, tree map[string][]byte, dir string) bool {
	if dir == "/" {
		return true
	}
	for _, m := range b.mounts {
		if m.Target == dir || strings.HasPrefix(m.Target, dir+"/") {
			return true
		}
	}
	for p := range tree {
		if strings.HasPrefix(p, dir+"/") {
			return true
		}
	}
	return false
}

// at a path is a file, or a directory.
func (p paths) at(id, name string) (b *box, tree map[string][]byte, stat engine.PathStat, err error) {
	if b, err = p.w.must(id); err != nil {
		return nil, nil, stat, err
	}
	clean := path.Join("/", name)
	tree = p.w.tree(b)
	_, file := tree[clean]
	switch {
	case isDir(b, tree, clean):
		return b, tree, engine.PathStat{Name: path.Base(clean), Mode: fs.ModeDir | 0o755}, nil
	case file && !strings.HasSuffix(name, "/"):
		return b, tree, engine.PathStat{Name: path.Base(clean), Mode: 0o644}, nil
	}
	return nil, nil, stat, refuse(engine.ErrNotFound, "copy %s: Could not find the file %s in container %s", name, name, b.name)
}

// StatPath knows no links.
func (p paths) StatPath(ctx context.Context, id, name string) (stat engine.PathStat, err error) {
	err = p.w.call(ctx, "StatPath", p.w.nameOf(id)+" "+name, func() (err error) { _, _, stat, err = p.at(id, name); return err })
	return stat, err
}

// GetPath packs the files and the directory that was asked for.
func (p paths) GetPath(ctx context.Context, id, name string) (content io.ReadCloser, stat engine.PathStat, err error) {
	err = p.w.call(ctx, "GetPath", p.w.nameOf(id)+" "+name, func() error {
		var tree map[string][]byte
		if _, tree, stat, err = p.at(id, name); err != nil {
			return err
		}
		content = io.NopCloser(packed(tree, path.Join("/", name), stat))
		return nil
	})
	return content, stat, err
}

// packed entries begin with the last name of the root.
func packed(tree map[string][]byte, root string, stat engine.PathStat) io.Reader {
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	if stat.Mode.IsDir() {
		_ = t.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: stat.Name + "/", Mode: 0o755}) // into memory
	}
	for _, p := range slices.Sorted(maps.Keys(tree)) {
		name, inside := strings.CutPrefix(p, strings.TrimSuffix(root, "/"))
		if inside && (name == "" || name[0] == '/') {
			_ = t.WriteHeader(&tar.Header{Name: strings.TrimPrefix(stat.Name+name, "/"), Mode: 0o644, Size: int64(len(tree[p]))})
			_, _ = t.Write(tree[p])
		}
	}
	_ = t.Close()
	return &b
}

// PutPath refuses a directory that is not there, and keeps regular files.
func (p paths) PutPath(ctx context.Context, id, dir string, archive io.Reader, _ bool) error {
	files := map[string][]byte{}
	for t := tar.NewReader(archive); ; {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return refuse(engine.ErrInvalid, "copy to %s: %v", dir, err)
		}
		if h.Typeflag == tar.TypeReg {
			if files[path.Join(dir, h.Name)], err = io.ReadAll(t); err != nil {
				return refuse(engine.ErrInvalid, "copy to %s: %v", dir, err)
			}
		}
	}
	return p.w.call(ctx, "PutPath", p.w.nameOf(id)+" "+dir, func() error {
		b, _, stat, err := p.at(id, dir)
		switch {
		case err != nil:
			return err
		case !stat.Mode.IsDir():
			return refuse(engine.ErrInvalid, "copy to %s: extraction point is not a directory", dir)
		}
		for name, content := range files {
			p.w.keep(b, name, content)
		}
		return nil
	})
}

// keep a file where it is: in a volume, or in the container.
func (w *world) keep(b *box, name string, content []byte) {
	if v := w.holder(b, name); v != nil {
		v.put(name[len(w.mountOf(b, name).Target):], content)
		return
	}
	if b.files == nil {
		b.files = map[string][]byte{}
	}
	b.files[name] = content
}

// filesystems are what containers have written.
type filesystems struct{ w *world }

// ExportContainer packs what is not in volumes.
func (p filesystems) ExportContainer(ctx context.Context, id string) (content io.ReadCloser, err error) {
	err = p.w.call(ctx, "ExportContainer", p.w.nameOf(id), func() error {
		b, err := p.w.must(id)
		if err != nil {
			return err
		}
		content = io.NopCloser(packed(b.files, "/", engine.PathStat{Mode: 0o755}))
		return nil
	})
	return content, err
}

// CommitContainer makes an image that behaves as the container's.
func (p filesystems) CommitContainer(ctx context.Context, id string, c engine.Commit) (imageID string, err error) {
	err = p.w.call(ctx, "CommitContainer", p.w.nameOf(id), func() error {
		b, err := p.w.must(id)
		if err != nil {
			return err
		}
		if c.Ref != "" && !wellFormed(c.Ref) {
			return refuse(engine.ErrInvalid, "commit container %s: invalid reference format", b.name)
		}
		i := *b.image
		i.ID = "sha256:" + p.w.newID("commit "+b.name)
		imageID, i.Remote = i.ID, false
		if c.Ref == "" {
			p.w.images[i.ID] = &i
		} else {
			p.w.tag(c.Ref, &i)
		}
		return nil
	})
	return imageID, err
}
