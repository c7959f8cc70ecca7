// Package merged answers what is asked of the project that compose-go made of all files: which services a name stands for,
// what they need, which image they run.
package merged

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// Services are the names of all, the enabled ones first, each in order.
func Services(p *types.Project) []string {
	return slices.Concat(sorted(p.Services), sorted(p.DisabledServices))
}

func sorted(all types.Services) []string { return slices.Sorted(maps.Keys(all)) }

// Image is what the service names, else the one that is built for it.
func Image(p *types.Project, c types.ServiceConfig) string {
	if c.Image != "" {
		return c.Image
	}
	sep := "-"
	if Compatible(p) {
		sep = "_"
	}
	return p.Name + sep + c.Name
}

// Replicas is how many containers of a service there should be: one for each node, which is one here, or so many as it says.
func Replicas(c types.ServiceConfig) int {
	if c.Deploy != nil && c.Deploy.Mode == "global" {
		return 1
	}
	return c.GetScale()
}

// Compatibility is the variable that has names joined with "_".
const Compatibility = "COMPOSE_COMPATIBILITY"

// Compatible tells whether names are joined with "_", as the first Docker Compose did.
func Compatible(p *types.Project) bool {
	b, _ := strconv.ParseBool(strings.ToLower(p.Environment[Compatibility]))
	return b
}

// Hooks of a service, as they are run: their environment is read.
type Hooks struct {
	PreStart           []types.PreStartHook
	PostStart, PreStop []types.ServiceHook
}

// BuildKitOnly are the keys of a build that the classic builder cannot do.
func BuildKitOnly(b *types.BuildConfig) []string {
	var out []string
	for _, k := range []struct {
		name string
		used bool
	}{
		{"additional_contexts", len(b.AdditionalContexts) > 0},
		{"cache_to", len(b.CacheTo) > 0},
		{"entitlements", len(b.Entitlements) > 0},
		{"no_cache_filter", len(b.NoCacheFilter) > 0},
		{"platforms", len(b.Platforms) > 1},
		{"privileged", b.Privileged},
		{"provenance", b.Provenance != "" && b.Provenance != "false"},
		{"sbom", b.SBOM != "" && b.SBOM != "false"},
		{"secrets", len(b.Secrets) > 0},
		{"ssh", len(b.SSH) > 0},
	} {
		if k.used {
			out = append(out, k.name)
		}
	}
	return out
}

// BuildsFrom are the services whose images a build starts from, in order of name.
func BuildsFrom(b *types.BuildConfig) []string {
	if b == nil {
		return nil
	}
	all := map[string]bool{}
	for _, value := range b.AdditionalContexts {
		if name, ok := strings.CutPrefix(value, types.ServicePrefix); ok {
			all[name] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// Implication is why a service needs another one without saying so in depends_on.
type Implication struct {
	Via       string // the attribute: "links"
	Namespace bool   // it shares what is the other's, or holds on to its container, and follows it when that is replaced
}

// Implied are the services that other attributes than depends_on ask for.
func Implied(c types.ServiceConfig) map[string]Implication {
	out := map[string]Implication{}
	onDefault := c.NetworkMode == "bridge" || c.NetworkMode == "default" // where links are to containers, not to names
	for _, l := range c.Links {
		name, _, _ := strings.Cut(l, ":")
		out[name] = Implication{"links", onDefault}
	}
	for _, v := range c.VolumesFrom {
		if name, _, _ := strings.Cut(v, ":"); name != "container" {
			out[name] = Implication{"volumes_from", true}
		}
	}
	for _, ns := range namespaces(c.ContainerSpec) {
		if name, ok := strings.CutPrefix(ns.value, types.ServicePrefix); ok {
			out[name] = Implication{ns.key, true}
		}
	}
	for _, h := range c.PreStart {
		for _, name := range named(h.ContainerSpec) {
			if _, ok := out[name]; !ok && name != c.Name {
				out[name] = Implication{"pre_start", false}
			}
		}
	}
	return out
}

// named are the services whose namespaces or volumes a container shares.
func named(c types.ContainerSpec) []string {
	var out []string
	for _, v := range c.VolumesFrom {
		if name, _, _ := strings.Cut(v, ":"); name != "container" {
			out = append(out, name)
		}
	}
	for _, ns := range namespaces(c) {
		if name, ok := strings.CutPrefix(ns.value, types.ServicePrefix); ok {
			out = append(out, name)
		}
	}
	return out
}

// Needs are the services that a service comes after, in order of name: those of depends_on, and those that are implied.
func Needs(c types.ServiceConfig) []string {
	all := map[string]bool{}
	for name := range c.DependsOn {
		all[name] = true
	}
	for name := range Implied(c) {
		all[name] = true
	}
	return slices.Sorted(maps.Keys(all))
}

type namespace struct{ key, value string }

func namespaces(c types.ContainerSpec) []namespace {
	return []namespace{{"cgroup", c.Cgroup}, {"uts", c.Uts}, {"pid", c.Pid}, {"ipc", c.Ipc}, {"network_mode", c.NetworkMode}}
}
