package image_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutti-run/tutti/image"
)

func TestDockerfileAndIgnoreFiles(t *testing.T) {
	const git = "https://example.test/repo.git"
	for name, c := range map[string]struct {
		build      image.Build
		dockerfile string
		ignore     []string
	}{
		"the default":                       {image.Build{Context: "/src"}, "/src/Dockerfile", []string{"/src/Dockerfile.dockerignore", "/src/.dockerignore"}},
		"named":                             {image.Build{Context: "/src", Dockerfile: "docker/dev"}, "/src/docker/dev", []string{"/src/docker/dev.dockerignore", "/src/.dockerignore"}},
		"above":                             {image.Build{Context: "/src", Dockerfile: "../dev"}, "/dev", []string{"/dev.dockerignore", "/src/.dockerignore"}},
		"elsewhere":                         {image.Build{Context: "/src", Dockerfile: "/etc/dev"}, "/etc/dev", []string{"/etc/dev.dockerignore", "/src/.dockerignore"}},
		"inline":                            {image.Build{Context: "/src", DockerfileInline: "FROM scratch"}, "", []string{"/src/.dockerignore"}},
		"remote":                            {image.Build{Context: git}, "", nil},
		"remote, with a Dockerfile of ours": {image.Build{Context: git, Dockerfile: "/etc/dev"}, "/etc/dev", nil},
	} {
		if got := c.build.DockerfilePath(); got != c.dockerfile {
			t.Errorf("%s: the Dockerfile is %q, want %q", name, got, c.dockerfile)
		}
		if d := cmp.Diff(c.ignore, c.build.IgnoreFiles()); d != "" {
			t.Errorf("%s: ignore files: %s", name, d)
		}
	}
}

func TestRemote(t *testing.T) {
	for context, want := range map[string]bool{
		"https://example.test/a.tar": true, "git@example.test:repo": true, "github.com/a/b": true, "ssh://git@example.test/r": true,
		"/src": false, "C:/src": false, "git": false,
	} {
		if image.Remote(context) != want {
			t.Errorf("%s: remote is %v", context, !want)
		}
	}
}
