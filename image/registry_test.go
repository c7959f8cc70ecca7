package image_test

import (
	"testing"

	"github.com/tutti-run/tutti/image"
)

func TestRegistry(t *testing.T) {
	for ref, want := range map[string]string{
		"redis":                          "docker.io",
		"library/redis:8":                "docker.io",
		"redis:8":                        "docker.io",
		"docker.io/library/redis":        "docker.io",
		"ghcr.io/a/b:1@sha256:0123":      "ghcr.io",
		"localhost/a":                    "localhost",
		"localhost:5000/a":               "localhost:5000",
		"[::1]:5000/a":                   "[::1]:5000",
		"registry/a":                     "docker.io",
		"Registry/a":                     "Registry", // no repository has capitals
		"a.example/b/c@sha256:0123":      "a.example",
		"user/repository.with.dots:v1.2": "docker.io",
	} {
		if got := image.Registry(ref); got != want {
			t.Errorf("%s: %s, want %s", ref, got, want)
		}
	}
}

func TestLatest(t *testing.T) {
	for ref, want := range map[string]bool{
		"redis": true, "redis:latest": true, "localhost:5000/redis": true, "localhost:5000/redis:latest": true,
		"redis:7": false, "localhost:5000/redis:7": false, "redis@sha256:0123": false, "redis:latest@sha256:0123": false,
	} {
		if got := image.Latest(ref); got != want {
			t.Errorf("%s: got %t", ref, got)
		}
	}
}
