package buildkit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/session"
	"github.com/moby/buildkit/session/auth"
	"github.com/moby/buildkit/session/secrets/secretsprovider"
	"github.com/moby/buildkit/session/sshforward/sshprovider"
	"github.com/tonistiigi/fsutil"
	"google.golang.org/grpc"

	"github.com/tutti-run/tutti/image"
)

// solveOf words a build as BuildKit's Dockerfile frontend takes it.
func solveOf(ref string, b image.Build) (client.SolveOpt, error) {
	s := client.SolveOpt{
		Frontend: "dockerfile.v0", FrontendAttrs: attributes(b), LocalMounts: map[string]fsutil.FS{}, SharedKey: sharedKey(b.Context),
		Exports:             []client.ExportEntry{{Type: "moby", Attrs: map[string]string{"name": strings.Join(append([]string{ref}, b.Tags...), ",")}}},
		AllowedEntitlements: entitlements(b),
	}
	if !network(b.Network) {
		return s, refusef("network %s is not supported by BuildKit: default, host and none are", b.Network)
	}
	var err error
	if s.CacheImports, err = caches(b.CacheFrom); err != nil {
		return s, err
	}
	if s.CacheExports, err = caches(b.CacheTo); err != nil {
		return s, err
	}
	if err := mainContext(&s, b); err != nil {
		return s, err
	}
	if err := furtherContexts(&s, b); err != nil {
		return s, err
	}
	s.Session, err = attachables(b)
	return s, err
}

// network modes that BuildKit knows.
func network(mode string) bool { return slices.Contains([]string{"", "default", "host", "none"}, mode) }

// entitlements of a build. One that says that all its steps are on the host's network wants them to be.
func entitlements(b image.Build) []string {
	const host = "network.host"
	if b.Network != "host" || slices.Contains(b.Entitlements, host) {
		return b.Entitlements
	}
	return append(slices.Clone(b.Entitlements), host)
}

// attributes of the frontend that are plain texts.
func attributes(b image.Build) map[string]string {
	out := map[string]string{}
	add := func(key, value string) {
		if value != "" {
			out[key] = value
		}
	}
	add("target", b.Target)
	add("platform", strings.Join(b.Platforms, ","))
	add("add-hosts", strings.Join(hosts(b.ExtraHosts), ","))
	add("ulimit", strings.Join(ulimits(b.Ulimits), ","))
	if b.Network != "default" {
		add("force-network-mode", b.Network)
	}
	if b.ShmSize > 0 {
		out["shm-size"] = strconv.FormatInt(b.ShmSize, 10)
	}
	if b.Pull {
		out["image-resolve-mode"] = "pull"
	}
	if b.NoCache {
		out["no-cache"] = ""
	} else {
		add("no-cache", strings.Join(b.NoCacheFilter, ","))
	}
	for name, v := range b.Args {
		if v != nil {
			out["build-arg:"+name] = *v
		}
	}
	for kind, how := range b.Attestations() {
		out["attest:"+kind] = how
	}
	for name, v := range b.Labels {
		out["label:"+name] = v
	}
	return out
}

// hosts as the frontend reads them: "name=address".
func hosts(list []string) []string {
	var out []string
	for _, h := range list {
		name, address, _ := strings.Cut(h, ":")
		out = append(out, name+"="+address)
	}
	return out
}

func ulimits(all map[string][2]int64) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, fmt.Sprintf("%s=%d:%d", name, all[name][0], all[name][1]))
	}
	return out
}

// sharedKey lets BuildKit send only what has changed in a directory since the last build.
func sharedKey(dir string) string {
	host, _ := os.Hostname()
	sum := sha256.Sum256([]byte(host + "\x00" + dir))
	return "tutti:" + hex.EncodeToString(sum[:12])
}

// caches are references, or "type=registry,ref=…".
func caches(list []string) ([]client.CacheOptionsEntry, error) {
	var out []client.CacheOptionsEntry
	for _, text := range list {
		e := client.CacheOptionsEntry{Attrs: map[string]string{}}
		if !strings.Contains(text, "=") {
			e.Type, e.Attrs["ref"] = "registry", text
			out = append(out, e)
			continue
		}
		for pair := range strings.SplitSeq(text, ",") {
			key, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
			switch {
			case !ok:
				return nil, refusef("cache %q: %q is no key=value", text, pair)
			case strings.EqualFold(key, "type"):
				e.Type = value
			default:
				e.Attrs[strings.ToLower(key)] = value
			}
		}
		if e.Type == "" {
			return nil, refusef("cache %q has no type", text)
		}
		out = append(out, e)
	}
	return out, nil
}

// attachables are what the steps of a build may ask us for.
func attachables(b image.Build) ([]session.Attachable, error) {
	var out []session.Attachable
	if len(b.Secrets) > 0 {
		values, err := secrets(b.Secrets)
		if err != nil {
			return nil, err
		}
		out = append(out, secretsprovider.FromMap(values))
	}
	var agents []sshprovider.AgentConfig
	for _, k := range b.SSH {
		a := sshprovider.AgentConfig{ID: k.ID}
		if k.Path != "" {
			a.Paths = []string{k.Path}
		}
		agents = append(agents, a)
	}
	if len(agents) > 0 {
		provider, err := sshprovider.NewSSHAgentProvider(agents)
		if err != nil {
			return nil, refusef("ssh: %v", err)
		}
		out = append(out, provider)
	}
	return out, nil
}

// secrets are read when the build begins, as Docker Compose does.
func secrets(all []image.Secret) (map[string][]byte, error) {
	out := map[string][]byte{}
	for _, s := range all {
		value := s.Value
		if s.File != "" {
			var err error
			if value, err = os.ReadFile(s.File); err != nil {
				return nil, refusef("secret %s: %v", s.ID, err)
			}
		}
		if len(value) > secretsprovider.MaxSecretSize {
			return nil, refusef("secret %s is larger than %d bytes", s.ID, secretsprovider.MaxSecretSize)
		}
		out[s.ID] = value
	}
	return out, nil
}

// credentials of the docker CLI's config, for registries that base images and caches are on.
type credentials struct {
	auth.UnimplementedAuthServer
	host Host
}

// Register is how a session takes it up.
func (c credentials) Register(s *grpc.Server) { auth.RegisterAuthServer(s, c) }

// Credentials that a registry wants.
func (c credentials) Credentials(ctx context.Context, r *auth.CredentialsRequest) (*auth.CredentialsResponse, error) {
	user, secret, err := c.host.Credentials(ctx, r.Host)
	return &auth.CredentialsResponse{Username: user, Secret: secret}, err
}
