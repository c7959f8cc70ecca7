// Package bake words the builds of a project as a file for `docker buildx bake`, byte for byte as Docker Compose 2.40 prints it.
package bake

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/image"
)

// Options of File.
type Options struct {
	Services    []string // to build; none: all
	Deps        bool     // and what they depend on
	Push, Check bool
	Change      func(*image.Build)      // what the user wants to be other than in the file; may be nil
	Real        func(dir string) string // a directory without symbolic links
	Version     string                  // of what prints it
}

// file, in Docker Compose's order of fields.
type file struct {
	Groups  map[string]group  `json:"group"`
	Targets map[string]target `json:"target"`
}

type group struct {
	Targets []string `json:"targets"`
}

type target struct {
	Context          string            `json:"context,omitempty"`
	Contexts         map[string]string `json:"contexts,omitempty"`
	Dockerfile       string            `json:"dockerfile,omitempty"`
	DockerfileInline string            `json:"dockerfile-inline,omitempty"`
	Args             map[string]string `json:"args,omitempty"`
	Labels           map[string]string `json:"labels,omitempty"`
	Tags             []string          `json:"tags,omitempty"`
	CacheFrom        []string          `json:"cache-from,omitempty"`
	CacheTo          []string          `json:"cache-to,omitempty"`
	Target           string            `json:"target,omitempty"`
	Secrets          []string          `json:"secret,omitempty"`
	SSH              []string          `json:"ssh,omitempty"`
	Platforms        []string          `json:"platforms,omitempty"`
	Pull             bool              `json:"pull,omitempty"`
	NoCache          bool              `json:"no-cache,omitempty"`
	Network          string            `json:"network,omitempty"`
	NoCacheFilter    []string          `json:"no-cache-filter,omitempty"`
	ShmSize          string            `json:"shm-size,omitempty"`
	Ulimits          []string          `json:"ulimits,omitempty"`
	Call             string            `json:"call,omitempty"`
	Entitlements     []string          `json:"entitlements,omitempty"`
	ExtraHosts       map[string]string `json:"extra-hosts,omitempty"`
	Outputs          []string          `json:"output,omitempty"`
	Attest           []string          `json:"attest,omitempty"`
}

// File in JSON; nil if there is nothing to build. Lists that Docker Compose has in no order are in order of name.
func File(p desired.Project, o Options) ([]byte, error) {
	all, chosen := selected(p.Services, o)
	if len(chosen) == 0 {
		return nil, nil
	}
	names := targets(p.Services)
	out := file{Groups: map[string]group{}, Targets: map[string]target{}}
	for _, svc := range p.Services {
		if svc.Image.Build != nil && slices.Contains(all, svc.Name) {
			out.Targets[names[svc.Name]] = of(p, svc, names, o)
		}
	}
	var list []string
	for _, name := range chosen {
		list = append(list, names[name])
	}
	out.Groups["default"] = group{list}
	text, err := json.MarshalIndent(out, "", "  ")
	return append(text, '\n'), err
}

// selected are the services that there are targets for, and those of them that are built by default: in order of name.
func selected(services []desired.Service, o Options) (all, chosen []string) {
	needs, bases := &graph.Graph[string]{}, &graph.Graph[string]{}
	var built []string
	for _, svc := range services {
		needs.Add(svc.Name)
		bases.Add(svc.Name)
		for _, d := range svc.Depends {
			needs.After(svc.Name, d.Service)
		}
		if svc.Image.Build == nil {
			continue
		}
		built = append(built, svc.Name)
		for _, other := range svc.Image.Build.Services {
			needs.After(svc.Name, other)
			bases.After(svc.Name, other)
		}
	}
	if len(o.Services) == 0 {
		return built, built
	}
	all, chosen = needs.Needs(o.Services...), bases.Needs(o.Services...)
	if o.Deps {
		chosen = all
	}
	not := func(list []string) func(string) bool { return func(s string) bool { return !slices.Contains(list, s) } }
	return all, slices.DeleteFunc(built, not(chosen))
}

// targets are the services' names, as bake takes them: each its own.
func targets(services []desired.Service) map[string]string {
	out, taken := map[string]string{}, map[string]bool{}
	for _, svc := range services {
		name := strings.ReplaceAll(svc.Name, ".", "_")
		for taken[name] {
			name += "_"
		}
		out[svc.Name], taken[name] = name, true
	}
	return out
}

func of(p desired.Project, svc desired.Service, names map[string]string, o Options) target {
	b := *svc.Image.Build
	if o.Change != nil {
		o.Change(&b)
	}
	out := target{
		Context: b.Context, Contexts: contexts(b, names), Dockerfile: dockerfile(b, o.Real), DockerfileInline: literal(b.DockerfileInline),
		Args: args(b.Args), Labels: desired.ImageLabels(p.Name, svc.Name, o.Version, b.Labels), Tags: append(slices.Clone(b.Tags), svc.Image.Ref),
		CacheFrom: b.CacheFrom, CacheTo: b.CacheTo, Target: b.Target, Secrets: secrets(b.Secrets), SSH: ssh(b.SSH), Platforms: b.Platforms,
		Pull: b.Pull, NoCache: b.NoCache, Network: b.Network, NoCacheFilter: b.NoCacheFilter, Ulimits: ulimits(b.Ulimits),
		Entitlements: b.Entitlements, ExtraHosts: hosts(b.ExtraHosts), Attest: attestations(b),
	}
	if b.ShmSize != 0 {
		out.ShmSize = strconv.FormatInt(b.ShmSize, 10)
	}
	if o.Check {
		out.Call = "lint"
	} else {
		out.Outputs = []string{output(b, o.Push && svc.Image.Ref != p.ImageOf(svc.Name))}
	}
	return out
}

func output(b image.Build, push bool) string {
	switch {
	case len(b.Platforms) > 1:
		return fmt.Sprintf("type=image,push=%t", push)
	case push:
		return "type=registry"
	}
	return "type=docker"
}

func contexts(b image.Build, names map[string]string) map[string]string {
	out := maps.Clone(b.Contexts)
	for name, service := range b.Services {
		out[name] = "target:" + names[service]
	}
	return out
}

func dockerfile(b image.Build, real func(string) string) string {
	path := b.DockerfilePath()
	if path == "" && b.DockerfileInline == "" {
		return b.Dockerfile // within a remote context
	}
	i := strings.LastIndexByte(path, '/')
	if i <= 0 {
		return path
	}
	return strings.TrimSuffix(real(path[:i]), "/") + path[i:]
}

// literal keeps bake from filling in its own variables.
func literal(text string) string { return strings.ReplaceAll(text, "${", "$${") }

func args(all map[string]*string) map[string]string {
	out := map[string]string{}
	for name, value := range all {
		if value != nil {
			out[name] = literal(*value)
		}
	}
	return out
}

// secrets that are in files or variables: bake knows no others.
func secrets(all []image.Secret) []string {
	var out []string
	for _, s := range all {
		switch {
		case s.Env != "":
			out = append(out, fmt.Sprintf("id=%s,type=env,env=%s", s.ID, s.Env))
		case s.File != "":
			out = append(out, fmt.Sprintf("id=%s,type=file,src=%s", s.ID, s.File))
		}
	}
	return out
}

func ssh(all []image.SSH) []string {
	var out []string
	for _, k := range all {
		out = append(out, k.ID+"="+k.Path)
	}
	return out
}

func ulimits(all map[string][2]int64) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if l := all[name]; l[0] == l[1] {
			out = append(out, fmt.Sprintf("%s=%d", name, l[0]))
		} else {
			out = append(out, fmt.Sprintf("%s=%d:%d", name, l[0], l[1]))
		}
	}
	return out
}

func hosts(all []string) map[string]string {
	out := map[string]string{}
	for _, h := range all {
		name, address, _ := strings.Cut(h, ":")
		if had, ok := out[name]; ok {
			address = had + "," + address
		}
		out[name] = address
	}
	return out
}

func attestations(b image.Build) []string {
	var out []string
	for _, a := range []struct{ kind, value string }{{"provenance", b.Provenance}, {"sbom", b.SBOM}} {
		switch a.value {
		case "", "false":
		case "true":
			out = append(out, "type="+a.kind)
		default:
			out = append(out, "type="+a.kind+","+a.value)
		}
	}
	return out
}
