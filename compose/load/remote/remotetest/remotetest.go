// Package remotetest has a registry and repositories for tests of files that are kept elsewhere.
package remotetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/opencontainers/image-spec/specs-go"
	spec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
)

// Registry is a server without TLS, on this machine. through may be nil, or stand in front of it.
func Registry(through func(http.Handler) http.Handler) *httptest.Server {
	h := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	if through != nil {
		h = through(h)
	}
	return httptest.NewServer(h)
}

// Host of a server: "127.0.0.1:4711".
func Host(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }

// Layer of an artefact.
type Layer struct {
	Type, Text string
	Notes      map[string]string
}

// File is a layer as Docker Compose publishes a file of the project.
func File(name, text string) Layer {
	return Layer{"application/vnd.docker.compose.file+yaml", text, map[string]string{"com.docker.compose.file": name}}
}

// Extended is a layer with a file that others extend.
func Extended(name, text string) Layer {
	l := File(name, text)
	l.Notes["com.docker.compose.extends"] = "true"
	return l
}

// EnvFile is a layer with an env file.
func EnvFile(name, text string) Layer {
	return Layer{"application/vnd.docker.compose.envfile", text, map[string]string{"com.docker.compose.envfile": name}}
}

// ProjectType of artefacts that Docker Compose publishes.
const ProjectType = "application/vnd.docker.compose.project"

// Publish an artefact as "host/name:tag", and give its digest.
func Publish(ctx context.Context, ref, kind string, layers ...Layer) (spec.Descriptor, error) {
	repo, err := remote.NewRepository(ref)
	if err != nil {
		return spec.Descriptor{}, err
	}
	repo.PlainHTTP = true
	m := spec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: spec.MediaTypeImageManifest, ArtifactType: kind, Config: spec.DescriptorEmptyJSON}
	if err := repo.Push(ctx, m.Config, bytes.NewReader(m.Config.Data)); err != nil {
		return spec.Descriptor{}, err
	}
	for _, l := range layers {
		d, err := oras.PushBytes(ctx, repo, l.Type, []byte(l.Text))
		if err != nil {
			return d, err
		}
		d.Annotations = l.Notes
		m.Layers = append(m.Layers, d)
	}
	return tag(ctx, repo, m.MediaType, m)
}

// PublishIndex of manifests that were published.
func PublishIndex(ctx context.Context, ref string, manifests ...spec.Descriptor) (spec.Descriptor, error) {
	repo, err := remote.NewRepository(ref)
	if err != nil {
		return spec.Descriptor{}, err
	}
	repo.PlainHTTP = true
	i := spec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: spec.MediaTypeImageIndex, Manifests: manifests}
	return tag(ctx, repo, i.MediaType, i)
}

func tag(ctx context.Context, repo *remote.Repository, mediaType string, v any) (spec.Descriptor, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return spec.Descriptor{}, err
	}
	d := content.NewDescriptorFromBytes(mediaType, text)
	return d, repo.PushReference(ctx, d, bytes.NewReader(text), repo.Reference.Reference)
}

// GitServer serves the repositories in a folder: http://…/NAME.git.
func GitServer(dir string) (*httptest.Server, error) {
	out, err := exec.Command("git", "--exec-path").Output()
	if err != nil {
		return nil, err
	}
	return httptest.NewServer(&cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1"},
	}), nil
}

// Commit all that is in a folder, which becomes a repository if it is none, and give the commit's id.
func Commit(dir string) (string, error) {
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "-A"}, {"commit", "-q", "--allow-empty", "-m", "change"}} {
		if _, err := Git(dir, args...); err != nil {
			return "", err
		}
	}
	return Git(dir, "rev-parse", "HEAD")
}

// Git runs a command in a repository, as somebody whom no configuration tells anything.
func Git(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out)), nil
}
