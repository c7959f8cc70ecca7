package load

import (
	"slices"
	"strconv"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/load/merged"
)

// resolveHooks does for the hooks of a service what was done for it. They stay apart from the service, whose hash Docker
// Compose makes with the hooks as they are written.
func (s *session) resolveHooks(c types.ServiceConfig, at []string) merged.Hooks {
	h := merged.Hooks{PreStart: slices.Clone(c.PreStart), PostStart: slices.Clone(c.PostStart), PreStop: slices.Clone(c.PreStop)}
	for i := range h.PreStart {
		spec := &h.PreStart[i].ContainerSpec
		s.resolveContainer(spec, append(at, "pre_start", strconv.Itoa(i)))
		spec.Volumes = s.hostPaths(c.Name, spec.Volumes)
	}
	for _, list := range [][]types.ServiceHook{h.PostStart, h.PreStop} {
		for i := range list {
			list[i].Environment = s.given(list[i].Environment)
		}
	}
	return h
}

// hostPaths are the volumes of a hook, create_host_path being true where no file says otherwise: compose-go sets that for
// services only.
func (s *session) hostPaths(service string, volumes []types.ServiceVolumeConfig) []types.ServiceVolumeConfig {
	out := slices.Clone(volumes)
	for i, v := range out {
		if v.Bind == nil || bool(v.Bind.CreateHostPath) || s.HookDeniesHostPath(service, v.Target) {
			continue
		}
		bind := *v.Bind
		bind.CreateHostPath = true
		out[i].Bind = &bind
	}
	return out
}
