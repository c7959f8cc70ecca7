package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"

	"github.com/tutti-run/tutti/engine"
)

// archives keeps files as images.
type archives struct{ c *conn }

// ImportArchive takes two calls, and a third when the reference stood for something that would be left without any.
func (a archives) ImportArchive(ctx context.Context, ref string, labels map[string]string, files map[string][]byte) (string, error) {
	what := "import archive " + ref
	body, err := packed(files)
	if err != nil {
		return "", failed(err, what)
	}
	changes, err := labelling(labels)
	if err != nil {
		return "", failed(err, what)
	}
	old, err := a.only(ctx, ref)
	if err != nil {
		return "", failed(err, what)
	}
	id, err := a.bring(ctx, ref, changes, body)
	if err != nil || old == "" || old == id {
		return id, failed(err, what)
	}
	err = images(a).RemoveImage(ctx, old)
	if errors.Is(err, engine.ErrNotFound) || errors.Is(err, engine.ErrConflict) {
		err = nil // gone with its reference; or somebody uses it, as is their right
	}
	return id, err
}

// only is the ID of the image that ref stands for if it has no other tag; "" otherwise.
func (a archives) only(ctx context.Context, ref string) (string, error) {
	in, err := a.c.api.ImageInspect(ctx, ref)
	if err != nil && kindOf(err) == engine.ErrNotFound {
		return "", nil
	}
	if len(in.RepoTags) > 1 {
		return "", err
	}
	return imageID(in.ID), err
}

// bring sends the files and reads the image's ID: it is the last that the engine says.
func (a archives) bring(ctx context.Context, ref string, changes []string, body []byte) (string, error) {
	stream, err := a.c.api.ImageImport(ctx, client.ImageImportSource{Source: bytes.NewReader(body), SourceName: "-"}, ref, client.ImageImportOptions{Changes: changes})
	if err != nil {
		return "", err
	}
	defer stream.Close()
	id := ""
	for dec := json.NewDecoder(stream); ; {
		var m jsonstream.Message
		switch err := dec.Decode(&m); {
		case err == io.EOF:
			return id, nil
		case err != nil:
			return "", firstError(ctx.Err(), err)
		case m.Error != nil:
			return "", m.Error
		}
		id = imageID(m.Status)
	}
}

// labelling as instructions of a Dockerfile, where a quoted value may not have a line end.
func labelling(labels map[string]string) ([]string, error) {
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`)
	var out []string
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		if strings.ContainsAny(k, " \t\r\n=\"'\\$") || k == "" || strings.ContainsAny(labels[k], "\r\n") {
			return nil, invalid("label %q cannot be written on one line", k)
		}
		out = append(out, `LABEL `+k+`="`+quote.Replace(labels[k])+`"`)
	}
	return out, nil
}

// packed as a tar, the same bytes for the same files.
func packed(files map[string][]byte) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !fs.ValidPath(name) || name == "." || strings.HasPrefix(path.Base(name), ".wh.") { // a removal, in a layer
			return nil, invalid("%q cannot be the name of a file", name)
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(files[name])), Mode: 0o644}); err != nil {
			return nil, err
		}
		if _, err := w.Write(files[name]); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return out.Bytes(), err
}
