package load

import (
	"context"
	"maps"
	"strings"

	"github.com/compose-spec/compose-go/v2/interpolation"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/override"
	"github.com/compose-spec/compose-go/v2/transform"
	"github.com/compose-spec/compose-go/v2/tree"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/load/source"
)

// treeOf is what compose-go's loader makes of files before it finishes them. Of files that refer to nothing but themselves its
// passes are called here, one by one and on what they can change only: each compares each node with each of its patterns.
func (s *session) treeOf(ctx context.Context, details types.ConfigDetails) (map[string]any, error) {
	if dict, ok, err := s.ownTree(details); ok {
		return dict, err
	}
	return loader.LoadModelWithContext(ctx, details, s.loaderOptions, withoutFinish)
}

// ownTree is not ok where compose-go has more to do than that, or something to say.
func (s *session) ownTree(details types.ConfigDetails) (dict map[string]any, ok bool, err error) {
	if s.o.NoInterpolate || !s.separable() || s.form.Keys["x-develop"] || s.form.Keys["x-initialSync"] {
		return nil, false, nil
	}
	all := s.casts(loader.ToOptions(&details, nil).Interpolate.TypeCastMapping)
	values := &values{casts: branches(all), lookup: details.LookupEnv}
	dict = map[string]any{}
	for _, f := range details.ConfigFiles {
		file, ok := values.tree(f.Config)
		if !ok || f.Config == nil || !mappings(file["services"]) || !mappings(file["jobs"]) {
			return nil, false, nil
		}
		if dict, err = override.Merge(dict, file); err != nil {
			return nil, true, err
		}
		if err := canonical(dict); err != nil {
			return nil, true, err
		}
	}
	loader.ResolveEnvironment(dict, details.Environment)
	return dict, len(dict) > 0, nil
}

// mappings tells whether a section holds nothing but mappings, or is not there.
func mappings(section any) bool {
	all, ok := section.(map[string]any)
	for _, v := range all {
		if _, isMap := v.(map[string]any); !isMap {
			return false
		}
	}
	return ok || section == nil
}

// canonical makes long forms of short ones, and one of entries that say the same.
func canonical(dict map[string]any) error {
	services, _ := dict["services"].(map[string]any)
	part := map[string]any{}
	for name, c := range services {
		part[name] = changeable(c.(map[string]any))
	}
	some := maps.Clone(dict)
	if services != nil {
		some["services"] = part
	}
	some, err := passes(some)
	if err != nil {
		return err
	}
	delete(some, "services")
	maps.Copy(dict, some)
	for name, c := range part {
		maps.Copy(services[name].(map[string]any), c.(map[string]any))
	}
	return nil
}

func passes(dict map[string]any) (map[string]any, error) {
	dict, err := override.EnforceUnicity(dict)
	if err != nil {
		return nil, err
	}
	if dict, err = transform.Canonical(dict, false); err != nil {
		return nil, err
	}
	return override.EnforceUnicity(loader.OmitEmpty(dict))
}

// changeable are the attributes of a service that the passes may change.
func changeable(service map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range service {
		_, list := v.([]any)
		if !fixed[k] && (list || !fixedMapping[k]) {
			out[k] = v
		}
	}
	return out
}

// fixed are attributes of services that no pass changes, fixedMapping those of which they change lists only.
var fixed, fixedMapping = words(`attach blkio_config cgroup cgroup_parent command container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period
	cpu_rt_runtime cpu_shares cpus cpuset credential_spec domainname entrypoint extra_hosts group_add healthcheck hostname image init ipc
	isolation logging mac_address mem_limit mem_reservation mem_swappiness memswap_limit network_mode oom_kill_disable oom_score_adj pid
	pids_limit platform privileged pull_policy read_only restart runtime scale security_opt shm_size stdin_open stop_grace_period
	stop_signal storage_opt tty user userns_mode uts volumes_from working_dir`), words(`annotations environment labels sysctls`)

func words(text string) map[string]bool {
	all := map[string]bool{}
	for _, k := range strings.Fields(text) {
		all[k] = true
	}
	return all
}

// values puts variables in, and makes numbers and booleans of text where an attribute is one.
type values struct {
	casts  *reach[interpolation.Cast]
	lookup func(string) (string, bool)
}

func (s *values) tree(m map[string]any) (map[string]any, bool) {
	out, ok := s.of(m, s.casts)
	tree, _ := out.(map[string]any)
	return tree, ok
}

// of a node is a copy of it; not ok where compose-go would complain.
func (s *values) of(v any, at *reach[interpolation.Cast]) (any, bool) {
	switch v := v.(type) {
	case string:
		return s.text(v, at)
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			value, ok := s.of(e, at.to(k))
			if !ok {
				return nil, false
			}
			out[k] = value
		}
		return out, true
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			value, ok := s.of(e, at.to(tree.PathMatchList))
			if !ok {
				return nil, false
			}
			out[i] = value
		}
		return out, true
	case map[any]any:
		return nil, false
	}
	return v, true
}

func (s *values) text(v string, at *reach[interpolation.Cast]) (any, bool) {
	text, err := source.Substitute(v, s.lookup)
	if err != nil || at == nil || at.do == nil {
		return text, err == nil
	}
	value, err := at.do(text)
	return value, err == nil
}
