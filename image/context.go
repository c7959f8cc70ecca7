package image

import (
	"cmp"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Remote tells whether a context is a URL or a Git address, which the builder fetches. All else is a directory (Compose specification, build.context).
func Remote(context string) bool {
	return slices.ContainsFunc([]string{"http://", "https://", "git://", "ssh://", "github.com/", "git@"}, func(p string) bool { return strings.HasPrefix(context, p) })
}

// Attestations that the build is asked for, by kind: how each is made.
func (b Build) Attestations() map[string]string {
	out := map[string]string{}
	for kind, value := range map[string]string{"provenance": b.Provenance, "sbom": b.SBOM} {
		if asked, err := strconv.ParseBool(value); err == nil && asked {
			out[kind] = ""
		} else if err != nil && value != "" {
			out[kind] = value
		}
	}
	return out
}

// DockerfilePath is where the Dockerfile is on this machine: "" if it is not in a file, or in a remote context.
func (b Build) DockerfilePath() string {
	path := cmp.Or(b.Dockerfile, "Dockerfile")
	switch {
	case b.DockerfileInline != "":
		return ""
	case filepath.IsAbs(path):
		return path
	case Remote(b.Context):
		return ""
	}
	return filepath.Join(b.Context, path)
}

// IgnoreFiles are the paths at which the file may be that says what of the context is left out. The first one that exists is it: the
// Dockerfile's own is before the context's. The builder reads a remote context's.
func (b Build) IgnoreFiles() []string {
	if Remote(b.Context) {
		return nil
	}
	var out []string
	if path := b.DockerfilePath(); path != "" {
		out = append(out, path+".dockerignore")
	}
	return append(out, filepath.Join(b.Context, ".dockerignore"))
}
