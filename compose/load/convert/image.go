package convert

import (
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/tutti-run/tutti/compose/load/merged"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/xhit/go-str2duration/v2"
)

func (in *Input) image(c types.ServiceConfig) image.Spec {
	out := image.Spec{Ref: merged.Image(in.Project, c), Platform: c.Platform, Build: build(c.Build)}
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

func build(b *types.BuildConfig) *image.Build {
	if b == nil {
		return nil
	}
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
		Platforms:        b.Platforms,
		Unsupported:      merged.BuildKitOnly(b),
	}
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
