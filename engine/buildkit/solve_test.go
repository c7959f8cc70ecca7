package buildkit

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/image"
)

// directoryWith a Dockerfile.
func directoryWith(t *testing.T) string {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestSolve: what a build says reaches BuildKit.
func TestSolve(t *testing.T) {
	value, dir := "b", directoryWith(t)
	s, err := solveOf("shop-web", image.Build{
		Context: dir, Args: map[string]*string{"A": &value, "B": nil}, Target: "stage", Labels: map[string]string{"l": "m"}, Network: "host",
		ExtraHosts: []string{"h:1.1.1.1", "six:::1"}, ShmSize: 9, Ulimits: map[string][2]int64{"nofile": {1, 2}}, Pull: true, Tags: []string{"extra"},
		Platforms: []string{"linux/amd64", "linux/arm64"}, CacheFrom: []string{"c", "type=local,src=d"}, CacheTo: []string{"type=inline"},
		Contexts: map[string]string{"more": dir, "base": "docker-image://b"}, Entitlements: []string{"network.host"}, NoCacheFilter: []string{"x", "y"},
		Provenance: "mode=max", SBOM: "true",
		Secrets: []image.Secret{{ID: "s", Value: []byte("v")}}, SSH: []image.SSH{{ID: "key", Path: socket(t)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"filename": "Dockerfile", "build-arg:A": "b", "target": "stage", "label:l": "m", "force-network-mode": "host", "add-hosts": "h=1.1.1.1,six=::1",
		"shm-size": "9", "ulimit": "nofile=1:2", "image-resolve-mode": "pull", "platform": "linux/amd64,linux/arm64", "no-cache": "x,y",
		"context:more": "local:more", "context:base": "docker-image://b",
		"attest:provenance": "mode=max",
	} {
		if got := s.FrontendAttrs[key]; got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if how, ok := s.FrontendAttrs["attest:sbom"]; !ok || how != "" {
		t.Errorf("sbom is made by %q, %v", how, ok)
	}
	if _, ok := s.FrontendAttrs["build-arg:B"]; ok {
		t.Error("an argument without a value is passed")
	}
	for name, ok := range map[string]bool{
		"name and tags": s.Exports[0].Attrs["name"] == "shop-web,extra", "entitlements": slices.Equal(s.AllowedEntitlements, []string{"network.host"}),
		"cache_from": s.CacheImports[0].Attrs["ref"] == "c" && s.CacheImports[1].Type == "local" && s.CacheImports[1].Attrs["src"] == "d",
		"cache_to":   s.CacheExports[0].Type == "inline", "secrets and ssh": len(s.Session) == 2, "directories": len(s.LocalMounts) == 3,
	} {
		if !ok {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

func TestSolveRefuses(t *testing.T) {
	dir := directoryWith(t)
	for name, b := range map[string]image.Build{
		"no directory":  {Context: filepath.Join(dir, "absent")},
		"no Dockerfile": {Context: dir, Dockerfile: "absent"},
		"no cache type": {Context: dir, CacheTo: []string{"dest=x"}},
		"no pair":       {Context: dir, CacheFrom: []string{"type=local,src"}},
		"no context":    {Context: dir, Contexts: map[string]string{"x": "oci-layout://x"}},
		"no secret":     {Context: dir, Secrets: []image.Secret{{ID: "s", File: filepath.Join(dir, "absent")}}},
	} {
		if _, err := solveOf("x", b); !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("%s: %v, want it refused", name, err)
		}
	}
}

// TestRefusal: a refusal says what is wrong in our own words alone.
func TestRefusal(t *testing.T) {
	if err := refusef("no %s", "way"); err.Error() != "no way" || !errors.Is(err, engine.ErrInvalid) {
		t.Errorf("%q", err)
	}
	wrapped := errors.New("failed to solve: rpc error: code = Unknown desc = failed to solve with frontend dockerfile.v0: failed to build LLB: no such: file")
	if got := plain(wrapped); got != "no such: file" {
		t.Errorf("%q", got)
	}
}

func TestRemoteContext(t *testing.T) {
	const url = "https://example.test/repo.git#main:dir"
	s, err := solveOf("x", image.Build{Context: url, Dockerfile: "other"})
	if err != nil || s.FrontendAttrs["context"] != url || s.FrontendAttrs["filename"] != "other" || len(s.LocalMounts) != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	s, err = solveOf("x", image.Build{Context: url, DockerfileInline: "FROM scratch"})
	if err != nil || s.FrontendAttrs["dockerfilekey"] != "dockerfile" || s.LocalMounts["dockerfile"] == nil {
		t.Errorf("with a Dockerfile of ours: %+v, %v", s, err)
	}
}

// TestOldEngines: what their BuildKit would leave out is refused.
func TestOldEngines(t *testing.T) {
	if modern("1.41") || !modern("1.42") || !modern("1.51") {
		t.Error("engines of API 1.42 and newer are modern")
	}
	for _, b := range []image.Build{{Contexts: map[string]string{"a": "b"}}, {ShmSize: 1, BuildKitOnly: []string{"secrets"}},
		{Ulimits: map[string][2]int64{"a": {}}, BuildKitOnly: []string{"ssh"}}, {Context: "git://example.test/r#main:dir", BuildKitOnly: []string{"ssh"}}} {
		if refused(b, true) == nil || refused(b, false) != nil {
			t.Errorf("%+v is to be refused by old engines only", b)
		}
	}
}
