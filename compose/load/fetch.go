package load

import (
	"context"
	"os"
	"path/filepath"

	"github.com/compose-spec/compose-go/v2/cli"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/remote"
)

// fetch the files that are kept elsewhere. If the first file is one, relative paths start from where its copy is, unless
// the user says from where.
func (s *session) fetch(ctx context.Context) error {
	s.Remote = remote.New(remote.Options{Dir: s.cache(), DockerConfig: s.dockerConfig(), Insecure: s.o.Insecure, Names: cli.DefaultFileNames,
		Getenv: func(name string) string { return s.env[name] },
		Warn:   func(text string) { s.AddOnce(diag.Diagnostic{Severity: diag.Warning, Text: text}) }})
	first := s.first()
	for i, ref := range s.paths {
		if !remote.Is(ref) {
			continue
		}
		path, err := s.Remote.Fetch(ctx, ref)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			s.AddOnce(diag.Diagnostic{Severity: diag.Error, Text: err.Error()})
			continue
		}
		s.paths[i] = path
		if ref == first && s.o.ProjectDirectory == "" {
			s.dir = filepath.Dir(path)
		}
	}
	return s.outcome()
}

// cache is where files from elsewhere are kept; "" if there is no place for them.
func (s *session) cache() string {
	dir := s.shell["XDG_CACHE_HOME"]
	if !filepath.IsAbs(dir) {
		var err error
		if dir, err = os.UserCacheDir(); err != nil {
			return ""
		}
	}
	return filepath.Join(dir, "tutti", "remote")
}

func (s *session) dockerConfig() string {
	dir := s.shell["DOCKER_CONFIG"]
	if dir == "" {
		home, _ := os.UserHomeDir()
		dir = filepath.Join(home, ".docker")
	}
	return filepath.Join(dir, "config.json")
}

// resources lead compose-go to the copies.
type resources struct{ store *remote.Store }

func (resources) Accept(path string) bool { return remote.Is(path) }

func (r resources) Load(ctx context.Context, ref string) (string, error) {
	return r.store.Fetch(ctx, ref)
}

// Dir of a reference, of a copy, or a directory that an include gives.
func (r resources) Dir(path string) string {
	if at, ok := r.store.Known(path); ok {
		path = at
	}
	if filepath.IsAbs(path) {
		return filepath.Dir(path)
	}
	return path
}
