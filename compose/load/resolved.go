package load

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/load/convert"
	"github.com/tutti-run/tutti/compose/load/merged"
)

// Resolved is a loaded project as it can be kept and loaded again, whatever has become of its files and of the environment
// since. It holds the values of secrets, as far as they are not in files too large to keep.
type Resolved struct {
	Name        string
	YAML        string // all enabled services, interpolated, their env files read; "$" is doubled as in a Compose file
	WorkingDir  string
	Files       []string           // that it was loaded from
	EnvFiles    []string           // of --env-file
	Disabled    []string           // services that no active profile enabled
	Environment map[string][]byte  // the variables that configs and secrets are made of
	Contents    map[string]Content // the files that configs and secrets are from, by path

	Hashes map[string]string   // of each service, as Docker Compose labels it: what that hashed cannot be had from the YAML
	Hashed map[string][]string // what is hashed of services that share with others: text, then the name of a service, in turn
}

// Content of a file that a config or secret is from.
type Content = convert.Content

// MaxContent is the size in bytes up to which the content of a file is kept.
const MaxContent = convert.MaxContent

// Resolved is the project as it can be loaded again. It needs a load with interpolation.
func (r Result) Resolved() (Resolved, error) {
	if r.resolved == nil {
		return Resolved{}, errors.New("resolve project: it is not loaded")
	}
	return r.resolved()
}

func (s *session) resolved() (Resolved, error) {
	if s.project == nil {
		return Resolved{}, errors.New("resolve project: it is not interpolated")
	}
	d := s.desired
	out := Resolved{
		Name: d.Name, WorkingDir: d.WorkingDir, Files: d.Files, EnvFiles: d.EnvFiles, Disabled: d.Disabled,
		Environment: s.variables(), Contents: convert.Contents(d), Hashes: map[string]string{}, Hashed: map[string][]string{},
	}
	in := s.input()
	for _, svc := range d.Services {
		out.Hashes[svc.Name] = svc.ConfigHash
		if svc.HashWith != nil {
			out.Hashed[svc.Name] = hashed(in, svc.Name)
		}
	}
	text, err := s.canonical()
	out.YAML = string(text)
	return out, err
}

// nul stands in a hashed text round the names of services. JSON writes it so, and YAML cannot hold it.
const nul = `\u0000`

func hashed(in convert.Input, service string) []string {
	text := in.WithPeers(service, func(name string) string { return "\x00" + name + "\x00" }).Text()
	return strings.Split(string(text), nul)
}

// variables are those that the configs and secrets of enabled services are made of, and the one that says how names are joined.
func (s *session) variables() map[string][]byte {
	out := map[string][]byte{}
	if merged.Compatible(s.project) {
		out[merged.Compatibility] = []byte("true")
	}
	used := func(def types.FileObjectConfig) {
		if v, ok := s.env[def.Environment]; ok && def.Environment != "" {
			out[def.Environment] = []byte(v)
		}
	}
	for _, c := range s.project.Services {
		specs := []types.ContainerSpec{c.ContainerSpec}
		for _, h := range c.PreStart {
			specs = append(specs, h.ContainerSpec)
		}
		if c.Build != nil {
			specs = append(specs, types.ContainerSpec{Secrets: c.Build.Secrets})
		}
		for _, spec := range specs {
			for _, ref := range spec.Configs {
				used(types.FileObjectConfig(s.project.Configs[ref.Source]))
			}
			for _, ref := range spec.Secrets {
				used(types.FileObjectConfig(s.project.Secrets[ref.Source]))
			}
		}
	}
	return out
}

// canonical is the project in one file that names no other.
func (s *session) canonical() ([]byte, error) {
	p := *s.project
	p.Services = types.Services{}
	for _, svc := range s.desired.Services {
		p.Services[svc.Name] = s.alone(svc)
	}
	text, err := p.MarshalYAML()
	if err != nil {
		return nil, fmt.Errorf("encode project: %w", err)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, fmt.Errorf("encode project: %w", err)
	}
	double(&root)
	return yaml.Dump(&root, yaml.WithV3Defaults(), yaml.WithIndent(2), yaml.WithLineWidth(-1))
}

// alone is a service with all put in that it has from elsewhere: files, profiles, the project's name.
func (s *session) alone(svc desired.Service) types.ServiceConfig {
	c := s.project.Services[svc.Name]
	h := s.hooks[svc.Name]
	c.PreStart, c.PostStart, c.PreStop = slices.Clone(h.PreStart), h.PostStart, h.PreStop
	c.Image = svc.Image.Ref
	c.SecurityOpt = svc.Container.SecurityOpt
	for i := range c.PreStart {
		c.PreStart[i].LabelFiles, c.PreStart[i].SecurityOpt = nil, svc.PreStart[i].Container.SecurityOpt
	}
	c.LabelFiles, c.Profiles, c.Build = nil, nil, spelled(c.Build)
	c.DependsOn = maps.Clone(c.DependsOn)
	for name := range merged.Implied(c) { // is implied again when it is loaded
		if !s.Declares("services", c.Name, "depends_on", name) {
			delete(c.DependsOn, name)
		}
	}
	return c
}

// spelled is a build whose SSH keys are written as they are read: compose-go has its own spelling of "ID=PATH", which it does not take.
func spelled(b *types.BuildConfig) *types.BuildConfig {
	if b == nil || len(b.SSH) == 0 {
		return b
	}
	out := *b
	out.SSH = nil
	for _, k := range b.SSH {
		if k.Path != "" {
			k = types.SSHKey{ID: k.ID + "=" + k.Path}
		}
		out.SSH = append(out.SSH, k)
	}
	return &out
}

// double doubles "$" in all values, but not in keys, which are not interpolated. Nothing in it is an alias.
func double(n *yaml.Node) {
	for i, e := range n.Content {
		switch key := n.Kind == yaml.MappingNode && i%2 == 0; {
		case e.Kind != yaml.ScalarNode:
			double(e)
		case !key:
			e.Value = strings.ReplaceAll(e.Value, "$", "$$")
		}
	}
}
