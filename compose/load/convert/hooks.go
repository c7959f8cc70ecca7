package convert

import (
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
)

func hooks(all []types.ServiceHook) []container.Hook {
	var out []container.Hook
	for _, h := range all {
		out = append(out, container.Hook{
			Command: h.Command, User: h.User, Privileged: h.Privileged, WorkingDir: h.WorkingDir, Environment: h.Environment,
		})
	}
	return out
}

func (in *Input) preStart(c types.ServiceConfig) []desired.PreStart {
	var out []desired.PreStart
	for _, h := range in.Hooks[c.Name].PreStart {
		out = append(out, in.initContainer(c, h))
	}
	return out
}

// initContainer is a hook as the container that it runs in. compose-go has put in what it has from its service, but for the
// volumes. What a service alone has (ports, a healthcheck, restarts, links, limits under deploy) it does not get.
func (in *Input) initContainer(c types.ServiceConfig, h types.PreStartHook) desired.PreStart {
	spec := h.ContainerSpec
	img := in.hookImage(c, spec)
	spec.Image, spec.Platform = img.Ref, img.Platform
	spec.Volumes, spec.Tmpfs = mountsOf(c.ContainerSpec, spec)
	withoutIdentity(&spec, c.ContainerSpec)
	out := in.container(types.ServiceConfig{Name: c.Name, ContainerSpec: spec}, nil)
	out.Healthcheck = &container.Healthcheck{Test: []string{"NONE"}} // not the image's either
	out.Restart = container.Restart{Name: "no"}
	return desired.PreStart{Container: out, Image: img, PerReplica: h.PerReplica}
}

// hookImage is the service's, however that is had, unless the hook names another.
func (in *Input) hookImage(c types.ServiceConfig, h types.ContainerSpec) image.Spec {
	own := in.image(c)
	if same := h.Image == "" || h.Image == own.Ref; same && (h.Platform == "" || h.Platform == own.Platform) {
		return own
	} else if same {
		h.Image = own.Ref
	}
	out := in.image(types.ServiceConfig{Name: c.Name, ContainerSpec: h})
	if out.Policy == image.Rebuild { // of the service; nothing builds this one
		out.Policy = image.Missing
	}
	return out
}

// mountsOf a hook: its own, and those of its service at other targets. An anonymous volume belongs to one container; a
// hook that is to see it needs volumes_from once that container is there.
func mountsOf(c, h types.ContainerSpec) ([]types.ServiceVolumeConfig, types.StringList) {
	mounts, tmpfs := slices.Clone(h.Volumes), without(h.Tmpfs, c.Tmpfs)
	taken := map[string]bool{}
	for _, v := range h.Volumes {
		taken[v.Target] = true
	}
	for _, t := range tmpfs {
		taken[tmpfsTarget(t)] = true
	}
	for _, v := range c.Volumes {
		anonymous := v.Type == types.VolumeTypeVolume && v.Source == ""
		if !anonymous && !taken[v.Target] {
			mounts = append(mounts, v)
		}
	}
	for _, t := range c.Tmpfs {
		if !taken[tmpfsTarget(t)] {
			tmpfs = append(tmpfs, t)
		}
	}
	return mounts, tmpfs
}

func tmpfsTarget(t string) string {
	path, _, _ := strings.Cut(t, ":")
	return path
}

// withoutIdentity takes from a hook what only one container of the service can have, or what would let others find the hook
// in the service's place: aliases, addresses, the host name. What it says itself stays.
func withoutIdentity(h *types.ContainerSpec, c types.ContainerSpec) {
	if len(h.Networks) > 0 && h.NetworkMode == c.NetworkMode {
		h.NetworkMode = "" // the service has no networks then: these are the hook's own
	}
	h.Hostname, h.MacAddress = unlike(h.Hostname, c.Hostname), unlike(h.MacAddress, c.MacAddress)
	h.Networks = maps.Clone(h.Networks)
	for k, n := range h.Networks {
		if n == nil || c.Networks[k] == nil {
			continue
		}
		own, theirs := *n, c.Networks[k]
		own.Aliases, own.LinkLocalIPs = without(n.Aliases, theirs.Aliases), without(n.LinkLocalIPs, theirs.LinkLocalIPs)
		own.Ipv4Address, own.Ipv6Address = unlike(n.Ipv4Address, theirs.Ipv4Address), unlike(n.Ipv6Address, theirs.Ipv6Address)
		own.MacAddress = unlike(n.MacAddress, theirs.MacAddress)
		h.Networks[k] = &own
	}
}

// without is a list without what the service has too.
func without(own, theirs []string) []string {
	var out []string
	for _, e := range own {
		if !slices.Contains(theirs, e) {
			out = append(out, e)
		}
	}
	return out
}

// unlike is what differs from the service's.
func unlike(own, theirs string) string {
	if own == theirs {
		return ""
	}
	return own
}
