package remote

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	spec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/tutti-run/tutti/compose/load/remote/remotetest"
)

var shopLayers = []Layer{{ComposeLayer, "compose.yaml", []byte("services: {web: {image: web}}")}, {ExtendedLayer, "abc.yaml", []byte("base")}, {EnvLayer, "def.env", []byte("A=1")}}

// get a manifest that a server has, and what is in it, without its data.
func get[T any](t *testing.T, server *httptest.Server, path string) (out T) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", spec.MediaTypeImageManifest+", "+spec.MediaTypeImageIndex)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&out); err != nil {
		t.Fatal(path, err)
	}
	return out
}

// TestPush: field by field what Docker Compose 2.40 has pushed of the same project.
func TestPush(t *testing.T) {
	server := remotetest.Registry(nil)
	t.Cleanup(server.Close)
	for version, want := range map[string]spec.Manifest{
		"":    {ArtifactType: projectType, Config: spec.DescriptorEmptyJSON},
		"1.1": {ArtifactType: projectType, Config: spec.DescriptorEmptyJSON},
		"1.0": {Config: spec.Descriptor{MediaType: "application/vnd.docker.compose.config.empty.v1+json", Digest: spec.DescriptorEmptyJSON.Digest, Size: 2, Data: []byte("{}")}},
	} {
		ref := remotetest.Host(server) + "/shop" + version
		digest, err := Push(t.Context(), Options{}, Publication{Ref: ref, Layers: shopLayers, OCIVersion: version, Version: "v1", Created: time.Unix(0, 0).UTC()})
		if err != nil {
			t.Fatal(err)
		}
		m := get[spec.Manifest](t, server, "/v2/shop"+version+"/manifests/latest")
		if m.SchemaVersion != 2 || m.MediaType != spec.MediaTypeImageManifest || m.ArtifactType != want.ArtifactType || !reflect.DeepEqual(m.Config, want.Config) ||
			!reflect.DeepEqual(m.Annotations, map[string]string{"org.opencontainers.image.created": "1970-01-01T00:00:00Z"}) {
			t.Errorf("%q: %+v", version, m)
		}
		notes := []map[string]string{
			{"com.docker.compose.file": "compose.yaml", "com.docker.compose.version": "v1"},
			{"com.docker.compose.file": "abc.yaml", "com.docker.compose.version": "v1", "com.docker.compose.extends": "true"},
			{"com.docker.compose.envfile": "def.env", "com.docker.compose.version": "v1"},
		}
		types := []string{"application/vnd.docker.compose.file+yaml", "application/vnd.docker.compose.file+yaml", "application/vnd.docker.compose.envfile"}
		for i, l := range m.Layers {
			if l.MediaType != types[i] || !reflect.DeepEqual(l.Annotations, notes[i]) || !bytes.Equal(l.Data, shopLayers[i].Text) || l.Size != int64(len(l.Data)) {
				t.Errorf("%q: layer %+v", version, l)
			}
		}
		s, _ := newStore(t.TempDir())
		path, err := s.Fetch(t.Context(), "oci://"+ref+"@"+digest)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range shopLayers {
			if text, _ := os.ReadFile(filepath.Join(filepath.Dir(path), l.Name)); string(text) != string(l.Text) {
				t.Errorf("%q: %s is %q", version, l.Name, text)
			}
		}
	}
}

// old is a registry that knows no types of artefacts.
func old(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
			body, _ := io.ReadAll(r.Body)
			r.Body = io.NopCloser(bytes.NewReader(body))
			if bytes.Contains(body, []byte("artifactType")) {
				http.Error(w, `{"errors":[{"code":"MANIFEST_INVALID"}]}`, http.StatusBadRequest)
				return
			}
		}
		h.ServeHTTP(w, r)
	})
}

func TestPushToOldRegistry(t *testing.T) {
	server := remotetest.Registry(old)
	t.Cleanup(server.Close)
	p := Publication{Ref: remotetest.Host(server) + "/shop:1", Layers: shopLayers}
	if _, err := Push(t.Context(), Options{}, p); err != nil {
		t.Fatal(err)
	}
	if m := get[spec.Manifest](t, server, "/v2/shop/manifests/1"); m.ArtifactType != "" || m.Config.MediaType != configType {
		t.Errorf("%+v", m)
	}
	p.OCIVersion = "1.1"
	if _, err := Push(t.Context(), Options{}, p); err == nil || !strings.Contains(err.Error(), "push manifest: ") {
		t.Errorf("1.1 was asked for: %v", err)
	}
}

// TestPushWithImages: they are in the project's repository, and an index of them refers to the project.
func TestPushWithImages(t *testing.T) {
	server := remotetest.Registry(nil)
	t.Cleanup(server.Close)
	host := remotetest.Host(server)
	image, err := remotetest.Publish(t.Context(), host+"/img/web:1", "", web)
	if err != nil {
		t.Fatal(err)
	}
	digest, err := Push(t.Context(), Options{}, Publication{Ref: host + "/app:1", Layers: shopLayers, Images: []string{host + "/img/web:1"}, Version: "v1"})
	if err != nil {
		t.Fatal(err)
	}
	if m := get[spec.Manifest](t, server, "/v2/app/manifests/"+image.Digest.String()); len(m.Layers) != 1 {
		t.Errorf("the image: %+v", m)
	}
	referrers := get[spec.Index](t, server, "/v2/app/manifests/"+strings.ReplaceAll(digest, ":", "-")) // where a registry has no call for it
	if len(referrers.Manifests) != 1 {
		t.Fatalf("referrers: %+v", referrers)
	}
	index := get[spec.Index](t, server, "/v2/app/manifests/"+referrers.Manifests[0].Digest.String())
	if index.Subject == nil || index.Subject.Digest.String() != digest || len(index.Manifests) != 1 || index.Manifests[0].Digest != image.Digest ||
		index.Manifests[0].Annotations["containerd.io/distribution.source."+host] != "img/web" || index.Annotations["com.docker.compose.version"] != "v1" {
		t.Errorf("%+v", index)
	}
	if _, err := Push(t.Context(), Options{}, Publication{Ref: host + "/app:2", Layers: shopLayers, Images: []string{host + "/none:1"}}); err == nil || !strings.Contains(err.Error(), "copy image "+host+"/none:1: ") {
		t.Error(err)
	}
}

// locked is a registry that wants a password.
func locked(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, password, _ := r.BasicAuth(); name != "me" || password != "secret" {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			http.Error(w, "{}", http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func TestPushWithPassword(t *testing.T) {
	server := remotetest.Registry(locked)
	t.Cleanup(server.Close)
	host := remotetest.Host(server)
	config := filepath.Join(t.TempDir(), "config.json")
	p := Publication{Ref: host + "/shop:1", Layers: shopLayers}
	if _, err := Push(t.Context(), Options{DockerConfig: config}, p); err == nil {
		t.Error("without a password")
	}
	write(t, filepath.Dir(config), map[string]string{"config.json": `{"auths": {"` + host + `": {"auth": "bWU6c2VjcmV0"}}}`})
	if _, err := Push(t.Context(), Options{DockerConfig: config}, p); err != nil {
		t.Error(err)
	}
}

func TestCheckTarget(t *testing.T) {
	for ref, want := range map[string]string{"shop": "", "oci://example.com/shop:1": "", "example.com:5000/a/b": "", "x/UP": "lowercase", "": "invalid reference format",
		"shop@sha256:" + strings.Repeat("0", 64): "leave it out"} {
		if err := CheckTarget(ref, "1.0"); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", ref, err)
		}
	}
	if err := CheckTarget("shop", "2"); err == nil {
		t.Error("OCI version 2")
	}
}
