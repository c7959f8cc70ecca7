package compose

import (
	"context"
	"errors"
	"io"

	"github.com/tutti-run/tutti/engine"
)

// Export writes the file system of a container of a service as a tar archive: see Replica.
func (t Tool) Export(ctx context.Context, p Project, service string, index int, w io.Writer) error {
	l, err := t.Replica(ctx, p, service, index)
	if err != nil {
		return err
	}
	content, err := t.Engine.ExportContainer(ctx, l.ID)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, content)
	return errors.Join(err, content.Close())
}

// Commit makes an image of a container of a service, and gives that one's name and the image's ID.
func (t Tool) Commit(ctx context.Context, p Project, service string, index int, c engine.Commit) (name, image string, err error) {
	l, err := t.Replica(ctx, p, service, index)
	if err != nil {
		return "", "", err
	}
	image, err = t.Engine.CommitContainer(ctx, l.ID, c)
	return l.Name, image, err
}
