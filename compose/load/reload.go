package load

import (
	"context"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/load/canon"
	"github.com/tutti-run/tutti/compose/load/convert"
)

// LoadResolved loads a project that was kept. It looks at nothing but the files that configs and secrets are from, which the
// engine mounts as they are now: one that has changed since is a warning; one that is gone is replaced by what was kept of it.
func LoadResolved(ctx context.Context, r Resolved) (Result, error) {
	defer silence()()
	s := newSession(Options{})
	s.location = &location{cwd: r.WorkingDir, dir: r.WorkingDir, paths: r.Files, named: r.EnvFiles, env: map[string]string{}}
	s.name = r.Name
	for k, v := range r.Environment {
		s.env[k] = string(v)
	}
	if err := s.reload(ctx, r); err != nil {
		return s.failed(err)
	}
	model := s.model()
	for name, hash := range r.Hashes {
		model.hashed[name] = func() string { return hash }
	}
	return Result{Project: s.desired, Model: model, Diags: s.Diags, resolved: func() (Resolved, error) { return s.again(r), nil }}, nil
}

func (s *session) reload(ctx context.Context, r Resolved) (err error) {
	defer recovered(&err)
	if bad := s.Add("revision", []byte(r.YAML), r.WorkingDir, s.env); bad.HasErrors() {
		return bad
	}
	s.form.Keys = map[string]bool{}
	for _, d := range s.Main[0].Docs {
		keys(d, s.form.Keys)
	}
	if err := s.compose(ctx); err != nil {
		return s.explain(err)
	}
	s.resolveEnvironment()
	s.desired = convert.Project(s.input())
	s.desired.Disabled = r.Disabled
	for i := range s.desired.Services {
		svc := &s.desired.Services[i]
		svc.ConfigHash, svc.HashWith = r.Hashes[svc.Name], nil
		if parts := r.Hashed[svc.Name]; parts != nil {
			svc.HashWith = hashWith(parts)
		}
	}
	convert.Restore(s.desired, r.Contents, s.Notes)
	return s.outcome()
}

// hashWith is what hashed has taken apart, put together with the ids of containers.
func hashWith(parts []string) func(func(string) string) string {
	return func(id func(string) string) string {
		text := slices.Clone(parts)
		for i := 1; i < len(text); i += 2 {
			text[i] = id(text[i])
		}
		return canon.Digest([]byte(strings.Join(text, "")))
	}
}

// keys gathers all that stand in a tree.
func keys(n *yaml.Node, into map[string]bool) {
	for i, e := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			into[e.Value] = true
		} else {
			keys(e, into)
		}
	}
}

// again is what to keep of a project that was kept before: the same, with its files as they are now.
func (s *session) again(r Resolved) Resolved {
	r.Contents = maps.Clone(r.Contents)
	maps.Copy(r.Contents, convert.Contents(s.desired))
	return r
}
