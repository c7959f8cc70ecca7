package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/opencontainers/image-spec/specs-go"
	spec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/errcode"
)

// LayerKind says what a layer of a project is.
type LayerKind int

// The kinds of layers.
const (
	ComposeLayer  LayerKind = iota // a file of the project: all of them, in order, make it up
	ExtendedLayer                  // a file that services of another one extend
	EnvLayer                       // an env file
)

// Layer is one file of a project that is published.
type Layer struct {
	Kind LayerKind
	Name string // without a directory
	Text []byte
}

// Publication is a project that is put into a registry, as Docker Compose does (docker/compose, internal/oci).
type Publication struct {
	Ref        string // repository[:tag]
	Layers     []Layer
	OCIVersion string   // "1.0", "1.1"; "" is 1.1, and 1.0 where the registry does not take that
	Version    string   // of the tool, for the annotations
	Images     []string // copied to the project's repository, with an index of them that has the project for its subject
	Created    time.Time
}

const (
	versionNote = "com.docker.compose.version"
	sourceNote  = "containerd.io/distribution.source."
)

// Push a project, and give its digest. Of the options credentials and registries without TLS count.
func Push(ctx context.Context, o Options, p Publication) (digest string, err error) {
	named, err := target(p.Ref)
	if err != nil {
		return "", err
	}
	w := writer{store: New(o), p: p}
	if w.repo, err = w.store.reach(ctx, named); err != nil {
		return "", err
	}
	project, err := w.project(ctx, reference.TagNameOnly(named).(reference.Tagged).Tag())
	if err == nil && len(p.Images) > 0 {
		err = w.application(ctx, project)
	}
	return project.Digest.String(), err
}

// CheckTarget tells whether a project can be published under a reference, and as which OCI version.
func CheckTarget(ref, ociVersion string) error {
	if ociVersion != "" && ociVersion != "1.0" && ociVersion != "1.1" {
		return fmt.Errorf("unsupported OCI version: %s", ociVersion)
	}
	_, err := target(ref)
	return err
}

// Registry that a reference is of; "" if it is none.
func Registry(ref string) string {
	named, err := target(ref)
	if err != nil {
		return ""
	}
	return reference.Domain(named)
}

func target(ref string) (reference.Named, error) {
	named, err := reference.ParseNormalizedNamed(strings.TrimPrefix(ref, ociScheme))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", ref, err)
	}
	if _, pinned := named.(reference.Digested); pinned {
		return nil, fmt.Errorf("%s: what is published has its digest from what it holds: leave it out", ref)
	}
	return named, nil
}

// reach a repository, without TLS where that is allowed and the registry has none.
func (s *Store) reach(ctx context.Context, named reference.Named) (*remote.Repository, error) {
	repo, err := s.repository(named)
	if err != nil {
		return nil, err
	}
	domain := reference.Domain(named)
	if !local(domain) && !slices.Contains(s.o.Insecure, domain) {
		return repo, nil
	}
	ping := remote.Registry{RepositoryOptions: remote.RepositoryOptions{Client: repo.Client, Reference: repo.Reference}}
	repo.PlainHTTP = errors.Is(ping.Ping(ctx), http.ErrSchemeMismatch) // what else is wrong the first request tells
	return repo, nil
}

// writer of one publication.
type writer struct {
	store *Store
	repo  *remote.Repository
	p     Publication
}

// project with its layers.
func (w writer) project(ctx context.Context, tag string) (spec.Descriptor, error) {
	var layers []spec.Descriptor
	for _, l := range w.p.Layers {
		d := w.descriptor(l)
		if err := w.blob(ctx, d, l.Text); err != nil {
			return d, fmt.Errorf("push %s: %w", l.Name, err)
		}
		layers = append(layers, d)
	}
	if w.p.OCIVersion != "" {
		return w.manifest(ctx, tag, layers, w.p.OCIVersion)
	}
	d, err := w.manifest(ctx, tag, layers, "1.1")
	if refused(err) {
		return w.manifest(ctx, tag, layers, "1.0")
	}
	return d, err
}

// descriptor of a layer. The text is in it, too, as from Docker Compose.
func (w writer) descriptor(l Layer) spec.Descriptor {
	kind, note := composeLayer, fileNote
	if l.Kind == EnvLayer {
		kind, note = envLayer, envNote
	}
	d := content.NewDescriptorFromBytes(kind, l.Text)
	d.Data, d.Annotations = l.Text, w.notes(note, l.Name)
	if l.Kind == ExtendedLayer {
		d.Annotations[extendsNote] = "true"
	}
	return d
}

func (w writer) notes(pairs ...string) map[string]string {
	out := map[string]string{versionNote: w.p.Version}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
	}
	return out
}

// refused tells whether a registry does not take a manifest, other than for want of rights.
func refused(err error) bool {
	said, ok := errors.AsType[*errcode.ErrorResponse](err)
	return ok && said.StatusCode >= 400 && said.StatusCode < 500 &&
		!slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired}, said.StatusCode)
}

// manifest of the project. OCI 1.0 has no types of artefacts: there the type of the empty configuration tells.
func (w writer) manifest(ctx context.Context, tag string, layers []spec.Descriptor, version string) (spec.Descriptor, error) {
	m := spec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: spec.MediaTypeImageManifest, ArtifactType: projectType, Config: spec.DescriptorEmptyJSON,
		Layers: layers, Annotations: map[string]string{spec.AnnotationCreated: w.p.Created.Format(time.RFC3339)}}
	if version == "1.0" {
		m.ArtifactType, m.Config.MediaType = "", configType
	}
	if err := w.blob(ctx, m.Config, m.Config.Data); err != nil {
		return m.Config, fmt.Errorf("push configuration: %w", err)
	}
	text, err := json.Marshal(m)
	if err != nil {
		return spec.Descriptor{}, fmt.Errorf("encode manifest: %w", err)
	}
	d := content.NewDescriptorFromBytes(m.MediaType, text)
	if err := w.repo.PushReference(ctx, d, bytes.NewReader(text), tag); err != nil {
		return d, fmt.Errorf("push manifest: %w", err)
	}
	d.ArtifactType, d.Annotations = m.ArtifactType, w.notes()
	return d, nil
}

func (w writer) blob(ctx context.Context, d spec.Descriptor, text []byte) error {
	if there, err := w.repo.Exists(ctx, d); err != nil || there {
		return err
	}
	return w.repo.Push(ctx, d, bytes.NewReader(text))
}

// application copies the images beside the project.
func (w writer) application(ctx context.Context, project spec.Descriptor) error {
	index := spec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: spec.MediaTypeImageIndex, Subject: &project, Annotations: w.notes(), Manifests: []spec.Descriptor{}}
	for _, ref := range w.p.Images {
		d, err := w.copyImage(ctx, ref)
		if err != nil {
			return fmt.Errorf("copy image %s: %w", ref, err)
		}
		index.Manifests = append(index.Manifests, d)
	}
	text, err := json.Marshal(index)
	if err != nil {
		return fmt.Errorf("encode index: %w", err)
	}
	d := content.NewDescriptorFromBytes(index.MediaType, text)
	if err := w.repo.Push(ctx, d, bytes.NewReader(text)); err != nil {
		return fmt.Errorf("push index: %w", err)
	}
	return nil
}

// copyImage with all its platforms. What both repositories have on one registry is mounted and not sent.
func (w writer) copyImage(ctx context.Context, ref string) (spec.Descriptor, error) {
	named, err := reference.ParseDockerRef(ref)
	if err != nil {
		return spec.Descriptor{}, err
	}
	from, err := w.store.reach(ctx, named)
	if err != nil {
		return spec.Descriptor{}, err
	}
	at := ""
	if pinned, ok := named.(reference.Digested); ok {
		at = pinned.Digest().String()
	} else if tagged, ok := named.(reference.Tagged); ok {
		at = tagged.Tag()
	}
	d, err := from.Resolve(ctx, at)
	if err != nil {
		return d, err
	}
	o := oras.DefaultCopyGraphOptions
	if from.Reference.Registry == w.repo.Reference.Registry {
		o.MountFrom = func(context.Context, spec.Descriptor) ([]string, error) {
			return []string{from.Reference.Repository}, nil
		}
	}
	if d.Annotations = maps.Clone(d.Annotations); d.Annotations == nil {
		d.Annotations = map[string]string{}
	}
	d.Annotations[sourceNote+reference.Domain(named)] = reference.Path(named)
	return d, oras.CopyGraph(ctx, from, w.repo, d, o)
}
