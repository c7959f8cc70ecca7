package docker

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/client"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"

	"github.com/tutti-run/tutti/image"
)

// buildContext is what is sent to the builder.
type buildContext struct {
	dir        string
	ignore     *patternmatcher.PatternMatcher
	keep       map[string]bool // sent whatever is ignored: the builder itself reads them
	extra      map[string][]byte
	dockerfile string // its name within
}

// contextOf gives the tar to send, and what became of it; for a remote context, none: the engine fetches it.
func contextOf(b image.Build, o *client.ImageBuildOptions) (io.ReadCloser, <-chan error, error) {
	if image.Remote(b.Context) {
		if b.DockerfileInline != "" {
			return nil, nil, invalid("dockerfile_inline cannot go with the remote context %s", b.Context)
		}
		o.RemoteContext, o.Dockerfile = b.Context, b.Dockerfile
		return nil, nil, nil
	}
	c, err := newContext(b)
	if err != nil {
		return nil, nil, err
	}
	o.Dockerfile = c.dockerfile
	r, w := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		err := c.write(w)
		w.CloseWithError(err)
		sent <- err
	}()
	return r, sent, nil
}

func newContext(b image.Build) (*buildContext, error) {
	if info, err := os.Stat(b.Context); err != nil || !info.IsDir() {
		return nil, invalid("context %s is no directory", b.Context)
	}
	c := &buildContext{dir: b.Context, keep: map[string]bool{}, extra: map[string][]byte{}}
	lines, err := ignored(b)
	if err != nil {
		return nil, err
	}
	if err := c.placeDockerfile(b); err != nil {
		return nil, err
	}
	if len(c.extra) > 0 {
		// The builder is to read what we added, but no COPY is to find it.
		lines = append(lines, ".dockerignore", c.dockerfile)
	}
	if len(lines) > 0 {
		c.extra[".dockerignore"] = []byte(strings.Join(lines, "\n") + "\n")
	}
	c.ignore, err = patternmatcher.New(lines)
	if err != nil {
		return nil, invalid("read .dockerignore: %w", err)
	}
	return c, nil
}

// ignored are the patterns of the ignore file.
func ignored(b image.Build) ([]string, error) {
	for _, path := range b.IgnoreFiles() {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return ignorefile.ReadAll(f)
	}
	return nil, nil
}

// placeDockerfile finds it in the context, or adds it under a name that nothing else has.
func (c *buildContext) placeDockerfile(b image.Build) error {
	path := b.DockerfilePath()
	rel, err := filepath.Rel(b.Context, path)
	inside := err == nil && rel != ".." && !strings.HasPrefix(rel, "../")
	if b.DockerfileInline == "" && inside {
		if _, err := os.Stat(path); err != nil {
			return invalid("read Dockerfile: %w", err)
		}
		c.dockerfile = filepath.ToSlash(rel)
		c.keep[c.dockerfile] = true
		return nil
	}
	content := []byte(b.DockerfileInline)
	if b.DockerfileInline == "" {
		if content, err = os.ReadFile(path); err != nil {
			return invalid("read Dockerfile: %w", err)
		}
	}
	sum := sha256.Sum256(content)
	c.dockerfile = ".dockerfile." + hex.EncodeToString(sum[:10])
	c.extra[c.dockerfile] = content
	return nil
}

// write sends the context as a tar. Owners are left out, as the docker CLI does: the files are root's in the image.
func (c *buildContext) write(to io.Writer) error {
	w := tar.NewWriter(to)
	err := filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(c.dir, path)
		if err != nil || rel == "." {
			return err
		}
		rel = filepath.ToSlash(rel)
		if _, replaced := c.extra[rel]; replaced {
			return nil
		}
		skip, err := c.skips(rel, d)
		if skip || err != nil {
			return err
		}
		return addFile(w, path, rel, d)
	})
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(c.extra)) {
		content := c.extra[name]
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o644}); err != nil {
			return err
		}
		if _, err := io.Copy(w, bytes.NewReader(content)); err != nil {
			return err
		}
	}
	return w.Close()
}

// skips tells whether a path is ignored; the error may be to leave a whole directory out.
func (c *buildContext) skips(rel string, d fs.DirEntry) (bool, error) {
	if c.keep[rel] {
		return false, nil
	}
	out, err := c.ignore.MatchesOrParentMatches(rel)
	if err != nil || !out || !d.IsDir() {
		return out, err
	}
	for kept := range c.keep {
		if strings.HasPrefix(kept, rel+"/") {
			return true, nil
		}
	}
	for _, p := range c.ignore.Patterns() {
		// Something below may be taken in again; a pattern with wildcards may be meant for anywhere.
		if p.Exclusion() && (strings.HasPrefix(p.String()+"/", rel+"/") || strings.ContainsAny(p.String(), "*?[")) {
			return true, nil
		}
	}
	return true, filepath.SkipDir
}

func addFile(w *tar.Writer, path, rel string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	if info.Mode()&(fs.ModeSocket|fs.ModeDevice|fs.ModeNamedPipe) != 0 {
		return nil
	}
	link := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		if link, err = os.Readlink(path); err != nil {
			return err
		}
	}
	h, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	h.Name = rel
	if info.IsDir() {
		h.Name += "/"
	}
	h.Uid, h.Gid, h.Uname, h.Gname = 0, 0, "", ""
	h.AccessTime, h.ChangeTime = time.Time{}, time.Time{}
	if err := w.WriteHeader(h); err != nil || !info.Mode().IsRegular() {
		return err
	}
	return copyFile(w, path, h.Size)
}

func copyFile(w io.Writer, path string, size int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.CopyN(w, f, size); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}
