package transfer

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/go-archive"

	"github.com/tutti-run/tutti/engine"
)

// File to be put into a container: From on this machine, To there.
type File struct{ From, To string }

// Files puts files into a container, wherever they belong, as one archive in one call. Of a directory itself, only that it is there; what is gone
// by then is left out. They belong to the container's user, if it has one that the engine knows.
func Files(ctx context.Context, e engine.Paths, id string, files []File) error {
	err := putFiles(ctx, e, id, files, true)
	if err != nil && errors.Is(err, engine.ErrInvalid) || err != nil && strings.Contains(err.Error(), "user") { // engines look for it among their machine's users
		return putFiles(ctx, e, id, files, false)
	}
	return err
}

func putFiles(ctx context.Context, e engine.Paths, id string, files []File, owners bool) error {
	r, w := io.Pipe()
	packed := make(chan error, 1)
	go func() {
		err := pack(w, files)
		w.CloseWithError(err)
		packed <- err
	}()
	err := e.PutPath(ctx, id, "/", r, owners)
	r.Close() // the engine may have refused before it read all
	if cause := <-packed; cause != nil && !errors.Is(cause, io.ErrClosedPipe) {
		return cause
	}
	return err
}

func pack(to io.Writer, files []File) error {
	w := tar.NewWriter(to)
	for _, f := range files {
		if err := packFile(w, f); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("copy %s: %w", f.From, err)
		}
	}
	return w.Close()
}

func packFile(w *tar.Writer, f File) error {
	info, err := os.Lstat(f.From)
	if err != nil {
		return err
	}
	link := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		if link, err = os.Readlink(f.From); err != nil {
			return err
		}
	}
	name := strings.TrimPrefix(filepath.ToSlash(f.To), "/")
	h, err := archive.FileInfoHeader(name, info, link)
	if err != nil || name == "" {
		return nil // a socket is not copied, nor is what there is in any container
	}
	if h.Typeflag != tar.TypeReg {
		return w.WriteHeader(h)
	}
	return packContent(w, h, f.From)
}

// packContent as long as the file was when it was opened: one that is being written comes once more.
func packContent(w *tar.Writer, h *tar.Header, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	h.Size = info.Size()
	if err := w.WriteHeader(h); err != nil {
		return err
	}
	n, err := io.CopyN(w, file, h.Size)
	if errors.Is(err, io.EOF) {
		_, err = io.CopyN(w, zeros{}, h.Size-n)
	}
	return err
}

// zeros are what is missing of a file that was cut meanwhile.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
