package buildkit

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/client/ociindex"
	"github.com/moby/buildkit/util/staticfs"
	"github.com/tonistiigi/fsutil"
	"github.com/tonistiigi/fsutil/types"

	"github.com/tutti-run/tutti/image"
)

// mainContext and the Dockerfile, which may be elsewhere.
func mainContext(s *client.SolveOpt, b image.Build) error {
	if !image.Remote(b.Context) {
		dir, err := directory("context", b.Context)
		if err != nil {
			return err
		}
		s.LocalMounts["context"] = dir
		return dockerfile(s, b)
	}
	s.FrontendAttrs["context"] = b.Context
	if b.DockerfileInline == "" && b.DockerfilePath() == "" {
		s.FrontendAttrs["filename"] = cmp.Or(b.Dockerfile, "Dockerfile")
		return nil
	}
	s.FrontendAttrs["dockerfilekey"] = "dockerfile" // it is ours, not the remote context's
	return dockerfile(s, b)
}

// dockerfile that is on this machine.
func dockerfile(s *client.SolveOpt, b image.Build) error {
	if b.DockerfileInline != "" {
		fs := staticfs.NewFS()
		fs.Add("Dockerfile", &types.Stat{Mode: 0o644}, []byte(b.DockerfileInline))
		s.LocalMounts["dockerfile"], s.FrontendAttrs["filename"] = fs, "Dockerfile"
		return nil
	}
	path := b.DockerfilePath()
	if _, err := os.Stat(path); err != nil {
		return refusef("read Dockerfile: %v", err)
	}
	dir, err := directory("dockerfile", filepath.Dir(path))
	s.LocalMounts["dockerfile"], s.FrontendAttrs["filename"] = dir, filepath.Base(path)
	return err
}

func directory(what, path string) (fsutil.FS, error) {
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return nil, refusef("%s %s is no directory", what, path)
	}
	return fsutil.NewFS(path)
}

const contextsCapability = "moby.buildkit.frontend.contexts+forward"

// furtherContexts by name. A frontend that does not know them must say so.
func furtherContexts(s *client.SolveOpt, b image.Build) error {
	for _, name := range slices.Sorted(maps.Keys(b.Contexts)) {
		value := b.Contexts[name]
		s.FrontendAttrs["frontend.caps"] = contextsCapability
		if image.Remote(value) || strings.HasPrefix(value, "docker-image://") {
			s.FrontendAttrs["context:"+name] = value
			continue
		}
		if layout, ok := strings.CutPrefix(value, "oci-layout://"); ok {
			if err := ociLayout(s, name, layout); err != nil {
				return refusef("additional context %s: %v", name, err)
			}
			continue
		}
		if strings.Contains(value, "://") {
			return refusef("additional context %s: %s is not supported", name, value)
		}
		dir, err := directory("additional context", value)
		if err != nil {
			return err
		}
		s.FrontendAttrs["context:"+name] = "local:" + name
		s.LocalMounts[name] = dir
	}
	return nil
}

// ociLayout is an image in a directory: "DIRECTORY", "DIRECTORY:TAG", "DIRECTORY@DIGEST".
func ociLayout(s *client.SolveOpt, name, layout string) error {
	layout, digest, pinned := strings.Cut(layout, "@")
	dir, tag, tagged := strings.Cut(layout, ":")
	if !tagged {
		tag = "latest"
	}
	if !pinned {
		index := ociindex.NewStoreIndex(dir)
		found, err := index.Get(tag)
		if err == nil && found == nil {
			found, err = index.GetSingle()
		}
		switch {
		case err != nil:
			return err
		case found == nil:
			return fmt.Errorf("no image %s in %s", tag, dir)
		}
		digest = found.Digest.String()
	}
	store, err := local.NewStore(dir)
	if err != nil {
		return err
	}
	if s.OCIStores == nil {
		s.OCIStores = map[string]content.Store{}
	}
	s.OCIStores[name] = store
	s.FrontendAttrs["context:"+name] = "oci-layout://" + name + ":" + tag + "@" + digest
	return nil
}
