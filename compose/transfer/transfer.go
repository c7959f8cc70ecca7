// Package transfer copies files between this machine and containers, with the rules of `cp -a` that `docker cp` has; it alone imports the library
// that knows them.
package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/moby/go-archive"

	"github.com/tutti-run/tutti/engine"
)

// Options of both ways.
type Options struct {
	Follow bool // copy what a symbolic link at the source stands for, not the link
	Owners bool // into a container: keep user and group by number; they must exist there
}

// Out copies a path of a container to a path of this machine; "-" writes a tar archive to stdout.
func Out(ctx context.Context, e engine.Paths, id, from, to string, stdout io.Writer, o Options) error {
	from, rebase := o.resolved(ctx, e, id, from)
	content, stat, err := e.GetPath(ctx, id, from)
	if err != nil {
		return err
	}
	defer content.Close()
	if to == "-" {
		_, err := io.Copy(stdout, content)
		return err
	}
	if err := writable(to); err != nil {
		return err
	}
	info := archive.CopyInfo{Path: from, Exists: true, IsDir: stat.Mode.IsDir(), RebaseName: rebase}
	var in io.Reader = content
	if rebase != "" {
		_, base := archive.SplitPathDirEntry(from)
		renamed := archive.RebaseArchiveEntries(content, base, rebase)
		defer renamed.Close()
		in = renamed
	}
	return archive.CopyTo(in, info, to)
}

// writable tells whether there is a place for it, before anything is fetched.
func writable(to string) error {
	dir, _ := archive.SplitPathDirEntry(to)
	if info, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("copy to %s: no such directory: %s", to, dir)
	} else if err == nil && !info.IsDir() {
		return fmt.Errorf("copy to %s: %s is not a directory", to, dir)
	}
	return nil
}

// resolved is what a link at the source stands for, if that is wanted, and the name that it keeps.
func (o Options) resolved(ctx context.Context, e engine.Paths, id, from string) (at, rebase string) {
	if !o.Follow {
		return from, ""
	}
	stat, err := e.StatPath(ctx, id, from)
	if err != nil || stat.Mode&fs.ModeSymlink == 0 {
		return from, "" // the engine will tell what is wrong
	}
	target := stat.LinkTarget
	if !path.IsAbs(target) {
		dir, _ := archive.SplitPathDirEntry(from)
		target = path.Join(dir, target)
	}
	return archive.GetRebaseName(from, target)
}

// In copies a path of this machine to a path of a container; "-" reads a tar archive from stdin, and the path must be a directory.
func In(ctx context.Context, e engine.Paths, id, from, to string, stdin io.Reader, o Options) error {
	dest, err := destination(ctx, e, id, to)
	if err != nil {
		return err
	}
	if from == "-" {
		if dest.Exists && !dest.IsDir {
			return fmt.Errorf("copy to %s: it must be a directory", to)
		}
		return e.PutPath(ctx, id, dest.Path, stdin, o.Owners)
	}
	info, err := archive.CopyInfoSourcePath(filepath.Clean(from)+trailing(from), o.Follow)
	if err != nil {
		return err
	}
	source, err := archive.TarResource(info)
	if err != nil {
		return err
	}
	defer source.Close()
	dir, content, err := archive.PrepareArchiveCopy(source, info, dest)
	if err != nil {
		return err
	}
	defer content.Close()
	return e.PutPath(ctx, id, dir, content, o.Owners)
}

// trailing is what says that a path means what is in a directory: "src/.", "src/".
func trailing(p string) string {
	switch {
	case strings.HasSuffix(p, string(filepath.Separator)+"."):
		return string(filepath.Separator) + "."
	case strings.HasSuffix(p, string(filepath.Separator)) && len(p) > 1:
		return string(filepath.Separator)
	}
	return ""
}

// destination is what there is at the path in the container, behind a link that it may be.
func destination(ctx context.Context, e engine.Paths, id, to string) (archive.CopyInfo, error) {
	info := archive.CopyInfo{Path: to}
	stat, err := e.StatPath(ctx, id, to)
	if err == nil && stat.Mode&fs.ModeSymlink != 0 {
		target := stat.LinkTarget
		if !path.IsAbs(target) {
			dir, _ := archive.SplitPathDirEntry(to)
			target = path.Join(dir, target)
		}
		info.Path = target
		stat, err = e.StatPath(ctx, id, target)
	}
	switch {
	case err == nil:
		info.Exists, info.IsDir = true, stat.Mode.IsDir()
		return info, nil
	case errors.Is(err, engine.ErrNotFound):
		return info, nil // its parent may be there; the engine will tell
	}
	return info, err
}
