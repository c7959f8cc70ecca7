package convert

import (
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/tutti-run/tutti/image"
)

// TestBuild: what needs BuildKit is there in its terms.
func TestBuild(t *testing.T) {
	in := &Input{Project: &types.Project{
		Name: "shop", Environment: types.Mapping{"TOKEN": "t"},
		Services: types.Services{"base": {Name: "base"}},
		Secrets:  types.Secrets{"env": {Environment: "TOKEN"}, "file": {File: "/f"}, "text": {Content: "c"}},
	}}
	var c types.ServiceConfig
	c.Platform, c.Build = "linux/arm64", &types.BuildConfig{
		Privileged: true, Entitlements: []string{"network.host"}, CacheTo: []string{"type=inline"}, NoCacheFilter: []string{"x"}, Provenance: "mode=max", SBOM: "false",
		AdditionalContexts: types.Mapping{"b": "service:base", "dir": "/d"}, SSH: types.SSHConfig{{ID: "default"}},
		Secrets: []types.ServiceSecretConfig{{Source: "env", Target: "token"}, {Source: "file"}, {Source: "text"}},
	}
	b := in.build(c)
	want := &image.Build{
		Platforms: []string{"linux/arm64"}, Entitlements: []string{"network.host", "security.insecure"}, CacheTo: []string{"type=inline"}, NoCacheFilter: []string{"x"},
		Contexts: map[string]string{"b": "docker-image://shop-base", "dir": "/d"}, Bases: []string{"shop-base"}, Services: map[string]string{"b": "base"}, Provenance: "mode=max", SBOM: "false", SSH: []image.SSH{{ID: "default"}},
		Secrets:      []image.Secret{{ID: "token", Env: "TOKEN", Value: []byte("t")}, {ID: "file", File: "/f"}, {ID: "text", Value: []byte("c")}},
		BuildKitOnly: []string{"additional_contexts", "cache_to", "entitlements", "no_cache_filter", "privileged", "provenance", "secrets", "ssh"},
	}
	if d := cmp.Diff(want, b); d != "" {
		t.Error(d)
	}
}
