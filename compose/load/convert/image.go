package convert

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/tutti-run/tutti/compose/load/merged"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/xhit/go-str2duration/v2"
)

func (in *Input) image(c types.ServiceConfig) image.Spec {
	out := image.Spec{Ref: merged.Image(in.Project, c), Platform: c.Platform, Build: in.build(c)}
	out.Policy, out.RefreshAfter = policy(c)
	return out
}

func policy(c types.ServiceConfig) (image.Policy, time.Duration) {
	name, after, err := c.GetPullPolicy()
	if err != nil { // the schema check has told
		return image.Missing, 0
	}
	if c.PullPolicy == "" && name == types.PullPolicyMissing {
		return "", 0
	}
	if name == types.PullPolicyIfNotPresent {
		name = types.PullPolicyMissing
	}
	if d, err := str2duration.ParseDuration(c.PullRefreshAfter); err == nil && name == types.PullPolicyRefresh && after == 0 {
		after = d
	}
	return image.Policy(name), after
}

func (in *Input) build(c types.ServiceConfig) *image.Build {
	b := c.Build
	if b == nil {
		return nil
	}
	contexts, bases, services := in.contexts(b)
	return &image.Build{
		Context:          b.Context,
		Dockerfile:       b.Dockerfile,
		DockerfileInline: b.DockerfileInline,
		Args:             b.Args,
		Target:           b.Target,
		CacheFrom:        b.CacheFrom,
		Labels:           b.Labels,
		Network:          b.Network,
		ExtraHosts:       hosts(b.ExtraHosts),
		ShmSize:          int64(b.ShmSize),
		Ulimits:          pairsOf(ulimits(b.Ulimits)),
		Isolation:        b.Isolation,
		NoCache:          b.NoCache,
		Pull:             b.Pull,
		Tags:             b.Tags,
		Platforms:        platforms(c),
		CacheTo:          b.CacheTo,
		Contexts:         contexts,
		Bases:            bases,
		Secrets:          in.buildSecrets(b),
		SSH:              sshKeys(b.SSH),
		Entitlements:     entitlements(b),
		Services:         services,
		NoCacheFilter:    b.NoCacheFilter,
		Provenance:       b.Provenance,
		SBOM:             b.SBOM,
		BuildKitOnly:     merged.BuildKitOnly(b),
	}
}

// platforms to build for: the service's own, if the build names none.
func platforms(c types.ServiceConfig) []string {
	if len(c.Build.Platforms) == 0 && c.Platform != "" {
		return []string{c.Platform}
	}
	return c.Build.Platforms
}

// contexts beside the main one, and the images of services among them.
func (in *Input) contexts(b *types.BuildConfig) (all map[string]string, bases []string, services map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(b.AdditionalContexts)) {
		value := b.AdditionalContexts[name]
		if service, ok := strings.CutPrefix(value, types.ServicePrefix); ok {
			other, enabled := in.Project.Services[service]
			if !enabled {
				other = in.Project.DisabledServices[service]
			}
			ref := merged.Image(in.Project, other)
			bases = append(bases, ref)
			if services == nil {
				services = map[string]string{}
			}
			services[name] = service
			value = "docker-image://" + ref
		}
		if all == nil {
			all = map[string]string{}
		}
		all[name] = value
	}
	return all, bases, services
}

// buildSecrets as their definitions are; check tells of those that there are not.
func (in *Input) buildSecrets(b *types.BuildConfig) []image.Secret {
	var out []image.Secret
	for _, ref := range b.Secrets {
		def := in.Project.Secrets[ref.Source]
		s := image.Secret{ID: cmp.Or(ref.Target, ref.Source), File: def.File, Env: def.Environment}
		if def.File == "" {
			s.Value = []byte(cmp.Or(def.Content, in.Project.Environment[def.Environment]))
		}
		out = append(out, s)
	}
	return out
}

// sshKeys in order of id: compose-go has them in none.
func sshKeys(keys types.SSHConfig) []image.SSH {
	var out []image.SSH
	keys = slices.SortedFunc(slices.Values(keys), func(a, b types.SSHKey) int { return cmp.Compare(a.ID, b.ID) })
	for _, k := range keys {
		out = append(out, image.SSH{ID: k.ID, Path: k.Path})
	}
	return out
}

// entitlements that the build is given. That it is privileged is one of them.
func entitlements(b *types.BuildConfig) []string {
	const insecure = "security.insecure"
	if b.Privileged && !slices.Contains(b.Entitlements, insecure) {
		return append(slices.Clone(b.Entitlements), insecure)
	}
	return b.Entitlements
}

func pairsOf(list []container.Ulimit) map[string][2]int64 {
	if len(list) == 0 {
		return nil
	}
	out := map[string][2]int64{}
	for _, u := range list {
		out[u.Name] = [2]int64{u.Soft, u.Hard}
	}
	return out
}
