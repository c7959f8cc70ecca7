package load

import (
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/paths"
	"github.com/compose-spec/compose-go/v2/transform"
	"github.com/compose-spec/compose-go/v2/tree"
	"github.com/compose-spec/compose-go/v2/types"
)

// withoutFinish leaves to finish what compose-go does last, and at length: it compares each node of the tree with each default
// and each path.
func withoutFinish(lo *loader.Options) {
	lo.SkipDefaultValues, lo.ResolvePaths, lo.SkipNormalization = true, false, true
}

// finish does the same where there is something to do.
func (s *session) finish(dict map[string]any) (map[string]any, error) {
	if _, err := setDefaults(branches(transform.DefaultValues), dict, ""); err != nil {
		return nil, err
	}
	if !s.o.NoPathResolution {
		if err := paths.ResolveRelativePaths(withPaths(dict), s.dir, nil); err != nil {
			return nil, err
		}
	}
	if s.o.NoNormalize {
		return dict, nil
	}
	dict["name"] = s.name
	env := types.Mapping(s.env)
	if s.o.NoInterpolate {
		env = nil
	}
	return loader.Normalize(dict, env)
}

// reach is a node of a tree of patterns like services.*.ports.*: what is done at a path, or where it goes on.
type reach[F any] struct {
	do   F
	next map[string]*reach[F]
}

func branches[F any](patterns map[tree.Path]F) *reach[F] {
	root := &reach[F]{}
	for path, do := range patterns {
		at := root
		for _, p := range path.Parts() {
			if at.next == nil {
				at.next = map[string]*reach[F]{}
			}
			if at.next[p] == nil {
				at.next[p] = &reach[F]{}
			}
			at = at.next[p]
		}
		at.do = do
	}
	return root
}

// to where a key leads, nil if nothing is done there or below.
func (r *reach[F]) to(key string) *reach[F] {
	if r == nil {
		return nil
	}
	if n := r.next[key]; n != nil {
		return n
	}
	return r.next[tree.PathMatchAll]
}

func setDefaults(r *reach[transform.Func], v any, at tree.Path) (out any, err error) {
	if r.do != nil {
		return r.do(v, at, false)
	}
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if next := r.to(k); next != nil {
				if v[k], err = setDefaults(next, e, at.Next(k)); err != nil {
					return nil, err
				}
			}
		}
	case []any:
		if next := r.to(tree.PathMatchList); next != nil {
			for i, e := range v {
				if v[i], err = setDefaults(next, e, at.Next(tree.PathMatchList)); err != nil {
					return nil, err
				}
			}
		}
	}
	return v, nil
}

// withPaths is the tree without attributes of services that hold no path. Maps and lists below are the same.
func withPaths(dict map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range dict {
		out[k] = v
	}
	all, ok := dict["services"].(map[string]any)
	if !ok {
		return out
	}
	services := map[string]any{}
	for name, c := range all {
		services[name] = withPathsOf(c)
	}
	out["services"] = services
	return out
}

func withPathsOf(service any) any {
	c, ok := service.(map[string]any)
	if !ok {
		return service
	}
	out := map[string]any{}
	for k, v := range c {
		if !pathless[k] {
			out[k] = v
		}
	}
	return out
}

// pathless are the attributes of services that hold no path on the host. Others may.
var pathless = func() map[string]bool {
	all := map[string]bool{}
	for _, k := range strings.Fields(`annotations cap_add cap_drop command configs container_name cpus depends_on deploy dns dns_opt dns_search
		domainname entrypoint environment expose extra_hosts group_add healthcheck hostname image init labels links logging mem_limit
		network_mode networks ports privileged profiles pull_policy read_only restart scale secrets security_opt shm_size stdin_open
		stop_grace_period stop_signal sysctls tmpfs tty ulimits user working_dir`) {
		all[k] = true
	}
	return all
}()
