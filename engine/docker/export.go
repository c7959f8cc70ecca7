package docker

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path"
)

// ExportArchive is one call. It holds all of the image in memory.
func (a archives) ExportArchive(ctx context.Context, ref string) (map[string][]byte, error) {
	what := "export archive " + ref
	saved, err := a.c.api.ImageSave(ctx, []string{ref})
	if err != nil {
		return nil, failed(err, what)
	}
	defer saved.Close()
	files, err := unpacked(saved)
	if err == nil {
		files, err = onlyLayer(files)
	}
	return files, failed(firstError(ctx.Err(), err), what)
}

// onlyLayer of what `docker save` gives: the manifest says which file it is, with any engine (docker/image-spec, v1.2).
func onlyLayer(saved map[string][]byte) (map[string][]byte, error) {
	var manifest []struct{ Layers []string }
	if err := json.Unmarshal(saved["manifest.json"], &manifest); err != nil {
		return nil, fmt.Errorf("read manifest.json: %w", err)
	}
	if len(manifest) != 1 || len(manifest[0].Layers) != 1 {
		return nil, invalid("the image is no archive")
	}
	layer := saved[path.Clean(manifest[0].Layers[0])]
	if !bytes.HasPrefix(layer, []byte{0x1f, 0x8b}) {
		return unpacked(bytes.NewReader(layer))
	}
	r, err := gzip.NewReader(bytes.NewReader(layer)) // containerd keeps them so
	if err != nil {
		return nil, err
	}
	return unpacked(r)
}

// unpacked are the files of a tar.
func unpacked(from io.Reader) (map[string][]byte, error) {
	out := map[string][]byte{}
	for r := tar.NewReader(from); ; {
		h, err := r.Next()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if out[path.Clean(h.Name)], err = io.ReadAll(r); err != nil {
			return nil, err
		}
	}
}
