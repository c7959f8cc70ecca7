package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	apicontainer "github.com/moby/moby/api/types/container"
	apimount "github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// data moves what volumes hold: through the archives of containers that mount them and are never started.
type data struct{ c *conn }

// dataDir is where the containers have the volume.
const dataDir = "/data"

// CopyVolume streams: it holds no file in memory.
func (d data) CopyVolume(ctx context.Context, from, to string, progress func(engine.Progress)) error {
	err := d.with(ctx, []string{from, to}, func(ids []string) error {
		sent, err := d.copy(ctx, ids[0], ids[1], progress)
		if err != nil {
			return err
		}
		arrived, err := d.read(ctx, ids[1])
		if err == nil && sent != arrived {
			err = fmt.Errorf("%d entries with %d bytes were sent, and %d with %d have arrived, or others", sent.entries, sent.bytes, arrived.entries, arrived.bytes)
		}
		return err
	})
	return failed(err, "copy volume", from, "to", to)
}

// VolumeEmpty reads one entry beside the volume itself. What mkfs makes does not count.
func (d data) VolumeEmpty(ctx context.Context, name string) (empty bool, err error) {
	err = d.with(ctx, []string{name}, func(ids []string) error {
		archive, err := d.c.api.CopyFromContainer(ctx, ids[0], client.CopyFromContainerOptions{SourcePath: dataDir})
		if err != nil {
			return err
		}
		defer archive.Content.Close()
		for r := tar.NewReader(archive.Content); ; {
			h, err := r.Next()
			if empty = err == io.EOF; err != nil {
				return notEOF(err)
			}
			if counts(h) {
				return nil
			}
		}
	})
	return empty, failed(err, "look into volume", name)
}

func notEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// with containers that mount the volumes, made from an image that holds nothing; all goes afterwards.
func (d data) with(ctx context.Context, volumes []string, do func(ids []string) error) error {
	for _, name := range volumes { // to mount it would make it
		if _, err := d.c.api.VolumeInspect(ctx, name, client.VolumeInspectOptions{}); err != nil {
			return err
		}
	}
	image, err := d.nothing(ctx)
	if err != nil {
		return err
	}
	defer d.forget(ctx, image)
	var ids []string
	for _, name := range volumes {
		res, err := d.c.api.ContainerCreate(ctx, client.ContainerCreateOptions{
			Config: &apicontainer.Config{Image: image, Cmd: []string{"never"}, Labels: map[string]string{labelCarrier: name}},
			HostConfig: &apicontainer.HostConfig{NetworkMode: "none", Mounts: []apimount.Mount{{
				Type: apimount.TypeVolume, Source: name, Target: dataDir, VolumeOptions: &apimount.VolumeOptions{NoCopy: true}}}},
		})
		if err != nil {
			return err
		}
		defer d.away(ctx, res.ID)
		ids = append(ids, res.ID)
	}
	return do(ids)
}

func (d data) away(ctx context.Context, id string) {
	ctx, cancel := undoing(ctx)
	defer cancel()
	_ = containers(d).RemoveContainer(ctx, id, true, false) // the first error is the one to tell
}

func (d data) forget(ctx context.Context, image string) {
	ctx, cancel := undoing(ctx)
	defer cancel()
	_ = images(d).RemoveImage(ctx, image) // it holds nothing
}

// labelCarrier tells whoever finds such a container what it was for.
const labelCarrier = "dev.tutti.carrier"

// nothing is an image without files or a name. Each has an ID of its own, so that nobody takes another's away.
func (d data) nothing(ctx context.Context) (string, error) {
	body, err := packed(nil)
	if err != nil {
		return "", err
	}
	return archives(d).bring(ctx, "", nil, body)
}

// copy what one container has to the other, and tell what that was.
func (d data) copy(ctx context.Context, from, to string, progress func(engine.Progress)) (sum, error) {
	archive, err := d.c.api.CopyFromContainer(ctx, from, client.CopyFromContainerOptions{SourcePath: dataDir})
	if err != nil {
		return sum{}, err
	}
	defer archive.Content.Close()
	r, w := io.Pipe()
	var sent sum
	read := make(chan error, 1)
	go func() {
		var err error
		sent, err = summed(io.TeeReader(&counted{Reader: archive.Content, told: progress}, w))
		w.CloseWithError(err)
		read <- err
	}()
	into := "/"
	if d.c.podman() {
		into = dataDir // the names in its archives of a volume begin there
	}
	_, err = d.c.api.CopyToContainer(ctx, to, client.CopyToContainerOptions{DestinationPath: into, Content: r})
	r.CloseWithError(io.ErrClosedPipe)
	if readErr := <-read; readErr != nil && !errors.Is(readErr, io.ErrClosedPipe) {
		err = readErr // it came first
	}
	return sent, err
}

// read what a container has.
func (d data) read(ctx context.Context, id string) (sum, error) {
	archive, err := d.c.api.CopyFromContainer(ctx, id, client.CopyFromContainerOptions{SourcePath: dataDir})
	if err != nil {
		return sum{}, err
	}
	defer archive.Content.Close()
	return summed(archive.Content)
}

// sum of an archive's entries, whatever their order: how many, their bytes, and a digest of names, types and contents.
type sum struct {
	entries, bytes int64
	digest         [4]uint64
}

// summed reads an archive to its very end.
func summed(from io.Reader) (sum, error) {
	var out sum
	r := tar.NewReader(from)
	for {
		h, err := r.Next()
		if err == io.EOF {
			_, err = io.Copy(io.Discard, from)
			return out, err
		}
		if err != nil {
			return out, err
		}
		if !counts(h) {
			continue
		}
		content := sha256.New()
		fmt.Fprintf(content, "%q %c %d %q ", path.Clean(h.Name), h.Typeflag, h.Size, h.Linkname)
		n, err := io.Copy(content, r)
		if err != nil {
			return out, err
		}
		out.entries, out.bytes = out.entries+1, out.bytes+n
		for i, b := 0, content.Sum(nil); i < len(out.digest); i++ {
			out.digest[i] += binary.BigEndian.Uint64(b[8*i:])
		}
	}
}

// counts tells whether an entry is anything of the user's: not the volume itself, nor what mkfs makes.
func counts(h *tar.Header) bool {
	name := path.Clean(h.Name)
	return strings.Contains(name, "/") && name != "/" && path.Base(name) != "lost+found"
}

// counted tells of what was read, each time some more of it was.
type counted struct {
	io.Reader
	told      func(engine.Progress)
	n, before int64
}

const tellEvery = 8 << 20 // bytes

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	if c.n-c.before >= tellEvery {
		c.before = c.n
		c.told(engine.Progress{Text: "Copying", Current: c.n})
	}
	return n, err
}

// contents are files in containers.
type contents struct{ c *conn }

// PutFiles is one call.
func (p contents) PutFiles(ctx context.Context, id string, files []container.File) error {
	body, err := archive(files)
	if err == nil && body != nil {
		_, err = p.c.api.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: "/", Content: bytes.NewReader(body)})
	}
	return failed(err, "copy configs and secrets")
}

// ReadFile is one call.
func (p contents) ReadFile(ctx context.Context, id, name string) ([]byte, error) {
	what := "read " + name
	from, err := p.c.api.CopyFromContainer(ctx, id, client.CopyFromContainerOptions{SourcePath: name})
	if err != nil {
		return nil, failed(err, what)
	}
	defer from.Content.Close()
	r := tar.NewReader(from.Content)
	h, err := r.Next()
	if err == nil && h.Typeflag != tar.TypeReg {
		return nil, failed(refusal{"it is no file", engine.ErrNotFound}, what)
	}
	if err != nil {
		return nil, failed(err, what)
	}
	b, err := io.ReadAll(r)
	return b, failed(err, what)
}
