package docker

import (
	"context"
	"io"

	apicontainer "github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/tutti-run/tutti/engine"
)

// paths are files in containers.
type paths struct{ c *conn }

func statOf(s apicontainer.PathStat) engine.PathStat {
	return engine.PathStat{Name: s.Name, Mode: s.Mode, LinkTarget: s.LinkTarget}
}

// StatPath does not follow a link.
func (p paths) StatPath(ctx context.Context, id, path string) (engine.PathStat, error) {
	res, err := p.c.api.ContainerStatPath(ctx, id, client.ContainerStatPathOptions{Path: path})
	return statOf(res.Stat), failed(err, "look at", path)
}

// GetPath streams.
func (p paths) GetPath(ctx context.Context, id, path string) (io.ReadCloser, engine.PathStat, error) {
	res, err := p.c.api.CopyFromContainer(ctx, id, client.CopyFromContainerOptions{SourcePath: path})
	if err != nil {
		return nil, engine.PathStat{}, failed(err, "copy", path)
	}
	return res.Content, statOf(res.Stat), nil
}

// PutPath streams.
func (p paths) PutPath(ctx context.Context, id, dir string, archive io.Reader, owners bool) error {
	_, err := p.c.api.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: dir, Content: archive, CopyUIDGID: owners})
	return failed(err, "copy to", dir)
}

// filesystems are what containers have written.
type filesystems struct{ c *conn }

// ExportContainer streams.
func (f filesystems) ExportContainer(ctx context.Context, id string) (io.ReadCloser, error) {
	res, err := f.c.api.ContainerExport(ctx, id, client.ContainerExportOptions{})
	if err != nil {
		return nil, failed(err, "export container", short(id))
	}
	return res, nil
}

// CommitContainer makes an image without a name if the reference is empty.
func (f filesystems) CommitContainer(ctx context.Context, id string, c engine.Commit) (string, error) {
	o := client.ContainerCommitOptions{Reference: c.Ref, Author: c.Author, Comment: c.Message, Changes: c.Changes, NoPause: !c.Pause}
	if f.c.podman() {
		o.Config = &apicontainer.Config{} // it takes no request without one
	}
	res, err := f.c.api.ContainerCommit(ctx, id, o)
	return imageID(res.ID), failed(err, "commit container", short(id))
}
