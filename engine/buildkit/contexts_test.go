package buildkit

import (
	"slices"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/image"
)

// layout is a directory with one image.
const (
	digestOf = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	index    = `{"schemaVersion": 2, "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": "` + digestOf + `", "size": 0}]}`
)

func TestOCILayout(t *testing.T) {
	dir := directoryWith(t)
	at := kept(t, map[string]string{"index.json": index, "oci-layout": `{"imageLayoutVersion": "1.0.0"}`})
	for given, want := range map[string]string{
		at:                      "oci-layout://base:latest@" + digestOf,
		at + ":1":               "oci-layout://base:1@" + digestOf,
		at + "@sha256:" + "abc": "oci-layout://base:latest@sha256:abc",
	} {
		s, err := solveOf("x", image.Build{Context: dir, Contexts: map[string]string{"base": "oci-layout://" + given}})
		if err != nil || s.FrontendAttrs["context:base"] != want || s.OCIStores["base"] == nil {
			t.Errorf("%s: %q, %v", given, s.FrontendAttrs["context:base"], err)
		}
	}
	if _, err := solveOf("x", image.Build{Context: dir, Contexts: map[string]string{"base": "oci-layout://" + dir}}); err == nil || !strings.Contains(err.Error(), "additional context base") {
		t.Errorf("a directory that is no layout: %v", err)
	}
}

func TestNetwork(t *testing.T) {
	dir := directoryWith(t)
	for mode, allowed := range map[string][]string{"": nil, "default": nil, "none": nil, "host": {"network.host"}} {
		s, err := solveOf("x", image.Build{Context: dir, Network: mode})
		if forced := s.FrontendAttrs["force-network-mode"]; err != nil || !slices.Equal(s.AllowedEntitlements, allowed) || forced != mode && mode != "default" {
			t.Errorf("%q: allowed %q, %v", mode, s.AllowedEntitlements, err)
		}
	}
	if _, err := solveOf("x", image.Build{Context: dir, Network: "shop"}); err == nil || !strings.Contains(err.Error(), "network shop is not supported by BuildKit") {
		t.Error(err)
	}
}

// TestClassic: which builds only the classic builder can do, on new engines and on old ones.
func TestClassic(t *testing.T) {
	for _, c := range []struct {
		of           image.Build
		always, once bool
	}{
		{image.Build{}, false, false},
		{image.Build{Network: "host"}, false, false},
		{image.Build{Network: "shop"}, true, true},
		{image.Build{Isolation: "process"}, true, true},
		{image.Build{ShmSize: 1}, false, true},
		{image.Build{Context: "git://example.test/r#main:dir"}, false, true},
		{image.Build{Context: "git://example.test/r#main"}, false, false},
		{image.Build{Context: "/a#b:c"}, false, false},
		{image.Build{ExtraHosts: []string{"a:1.1.1.1", "gw:host-gateway"}}, false, true},
	} {
		if classic(c.of, false) != c.always || classic(c.of, true) != c.once {
			t.Errorf("%+v: %t, on old engines %t", c.of, classic(c.of, false), classic(c.of, true))
		}
	}
}
