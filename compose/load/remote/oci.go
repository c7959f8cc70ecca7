package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/distribution/reference"
	spec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
	"oras.land/oras-go/v2/registry/remote/credentials"
	"oras.land/oras-go/v2/registry/remote/errcode"
	"oras.land/oras-go/v2/registry/remote/retry"
)

// What Docker Compose publishes.
const (
	projectType  = "application/vnd.docker.compose.project"
	configType   = "application/vnd.docker.compose.config.empty.v1+json" // of projects for registries that know no artefact types
	composeLayer = "application/vnd.docker.compose.file+yaml"
	envLayer     = "application/vnd.docker.compose.envfile"
	fileNote     = "com.docker.compose.file"
	extendsNote  = "com.docker.compose.extends"
	envNote      = "com.docker.compose.envfile"
)

// mostBytes of a manifest or layer: they are files that people write.
const mostBytes = 8 << 20

const composeFile = "compose.yaml"

// artefact in a registry.
type artefact struct {
	text string // oci://registry/name:tag
	tag  string // or digest
	repo *remote.Repository
}

// oci gives the local copy of an artefact's Compose file. It is fetched once for each digest.
func (s *Store) oci(ctx context.Context, text string) (string, error) {
	if err := s.enabled("OCI", "COMPOSE_EXPERIMENTAL_OCI_REMOTE"); err != nil {
		return "", err
	}
	named, err := reference.ParseDockerRef(strings.TrimPrefix(text, ociScheme))
	if err != nil {
		return "", fmt.Errorf("%s: %w", text, err)
	}
	id, err := s.digest(ctx, text, named)
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w", text, err)
	}
	t := s.Tree(s.dir(id))
	if t == nil {
		t = s.add(id, func(rel string) string {
			return strings.TrimSuffix(text+"/"+rel, "/")
		})
	}
	return filepath.Join(t.root, composeFile), nil
}

// digest that a reference stands for, fetched.
func (s *Store) digest(ctx context.Context, text string, named reference.Named) (id string, err error) {
	a := artefact{text: text}
	if pinned, ok := named.(reference.Digested); ok {
		a.tag, id = pinned.Digest().String(), ociID(pinned.Digest().Encoded())
		if s.has(id) {
			return id, nil
		}
	} else if tagged, ok := named.(reference.Tagged); ok {
		a.tag = tagged.Tag()
	}
	if a.repo, err = s.repository(named); err != nil {
		return "", err
	}
	top, body, err := a.manifest(ctx)
	if domain := reference.Domain(named); errors.Is(err, http.ErrSchemeMismatch) && (local(domain) || slices.Contains(s.o.Insecure, domain)) {
		a.repo.PlainHTTP = true
		top, body, err = a.manifest(ctx)
	}
	if offline(err) {
		if id, ok := s.recall(text, err); ok {
			return id, nil
		}
	}
	if err != nil {
		return "", err
	}
	if id = ociID(top.Digest.Encoded()); !s.has(id) {
		_, err = s.fill(func(dir string) (string, error) { return id, a.write(ctx, dir, top, body) })
	}
	if err == nil {
		s.remember(text, id)
	}
	return id, err
}

func ociID(digest string) string { return "oci/" + digest }

// offline tells whether nobody answered: other than a registry that says no.
func offline(err error) bool {
	if said, ok := errors.AsType[*errcode.ErrorResponse](err); ok {
		return said.StatusCode >= http.StatusInternalServerError
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return true
	}
	timed, ok := errors.AsType[net.Error](err)
	return ok && timed.Timeout()
}

// repository with the credentials that `docker login` left.
func (s *Store) repository(named reference.Named) (*remote.Repository, error) {
	repo, err := remote.NewRepository(named.Name())
	if err != nil {
		return nil, err
	}
	store, err := credentials.NewStore(s.o.DockerConfig, credentials.StoreOptions{})
	if err != nil {
		return nil, err
	}
	client := &auth.Client{Client: retry.DefaultClient, Cache: auth.NewCache(), Credential: credentials.Credential(store)}
	client.SetUserAgent("tutti")
	repo.Client = client
	return repo, nil
}

// local registries may have no TLS, as for the engine.
func local(domain string) bool {
	host := domain
	if h, _, err := net.SplitHostPort(domain); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// manifest by its tag or digest.
func (a artefact) manifest(ctx context.Context) (spec.Descriptor, []byte, error) {
	d, body, err := a.repo.FetchReference(ctx, a.tag)
	if errors.Is(err, errdef.ErrNotFound) {
		return d, nil, errors.New("not found")
	}
	if err != nil {
		return d, nil, err
	}
	defer body.Close()
	text, err := read(body, d)
	return d, text, err
}

// read what a descriptor is of, and check that it is that.
func read(from io.Reader, d spec.Descriptor) ([]byte, error) {
	if d.Size > mostBytes {
		return nil, fmt.Errorf("%s has %d bytes, at most %d are taken", d.Digest, d.Size, mostBytes)
	}
	return content.ReadAll(from, d)
}

func (a artefact) fetch(ctx context.Context, d spec.Descriptor) ([]byte, error) {
	body, err := a.repo.Fetch(ctx, d)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return read(body, d)
}

// write the artefact's files into a folder.
func (a artefact) write(ctx context.Context, dir string, d spec.Descriptor, body []byte) error {
	if d.MediaType == spec.MediaTypeImageIndex || d.MediaType == "application/vnd.docker.distribution.manifest.list.v2+json" {
		var err error
		if body, err = a.project(ctx, body); err != nil {
			return err
		}
	}
	var m spec.Manifest
	if err := json.Unmarshal(body, &m); err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	if m.ArtifactType != projectType && (m.ArtifactType != "" || m.Config.MediaType != configType) {
		kind := m.ArtifactType
		if kind == "" {
			kind = m.Config.MediaType
		}
		return fmt.Errorf("not a compose project, but %s", kind)
	}
	for _, layer := range m.Layers {
		if layer.MediaType != composeLayer && layer.MediaType != envLayer {
			continue
		}
		text, err := a.fetch(ctx, layer)
		if err != nil {
			return err
		}
		if err := writeLayer(dir, layer, text); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(dir, composeFile)); err != nil {
		return errors.New("holds no compose file")
	}
	return nil
}

// project among the manifests of an index.
func (a artefact) project(ctx context.Context, body []byte) ([]byte, error) {
	var index spec.Index
	if err := json.Unmarshal(body, &index); err != nil {
		return nil, fmt.Errorf("read index: %w", err)
	}
	for _, d := range index.Manifests {
		if d.ArtifactType == projectType {
			return a.fetch(ctx, d)
		}
	}
	return nil, errors.New("holds no compose project")
}

// writeLayer as Docker Compose does: files that are extended and env files stand beside, all others make up compose.yaml.
func writeLayer(dir string, layer spec.Descriptor, text []byte) error {
	name, extended := layer.Annotations[fileNote], false
	if layer.MediaType == envLayer {
		name, extended = layer.Annotations[envNote], true
	} else if _, ok := layer.Annotations[extendsNote]; ok {
		extended = true
	}
	if !extended {
		return addDocument(filepath.Join(dir, composeFile), text)
	}
	if name == "" || name == "." || name == ".." || name == composeFile || strings.ContainsAny(name, `/\:`) {
		return fmt.Errorf("layer %s: %q is no name for a file beside %s", layer.Digest, name, composeFile)
	}
	return os.WriteFile(filepath.Join(dir, name), text, 0o600)
}

func addDocument(path string, text []byte) error {
	before, err := os.ReadFile(path)
	if err == nil {
		before = append(before, "\n---\n"...)
	}
	return os.WriteFile(path, append(before, text...), 0o600)
}
