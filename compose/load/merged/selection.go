package merged

import (
	"maps"
	"path/filepath"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// Matching are the enabled services that a name stands for, which may be a pattern.
func Matching(p *types.Project, name string) []string {
	if _, ok := p.Services[name]; ok {
		return []string{name}
	}
	if !strings.ContainsAny(name, `*?[\`) {
		return nil
	}
	var out []string
	for n := range p.Services {
		if ok, _ := filepath.Match(name, n); ok {
			out = append(out, n)
		}
	}
	return out
}

// Selection is the project with only the named services and what they depend on, and only the resources that these use, unless unused ones are
// asked for.
func Selection(p *types.Project, names []string, unused bool) *types.Project {
	out := *p
	if len(names) > 0 {
		out.Services = types.Services{}
		for n := range closure(p, names) {
			out.Services[n] = p.Services[n]
		}
		for n, c := range out.Services {
			c.DependsOn = maps.Clone(c.DependsOn)
			maps.DeleteFunc(c.DependsOn, func(dep string, _ types.ServiceDependency) bool {
				_, ok := out.Services[dep]
				return !ok
			})
			out.Services[n] = c
		}
	}
	if unused {
		return &out
	}
	return prune(&out)
}

func closure(p *types.Project, names []string) map[string]bool {
	in := map[string]bool{}
	var todo []string
	for _, n := range names {
		todo = append(todo, Matching(p, n)...)
	}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if in[n] {
			continue
		}
		in[n] = true
		for dep := range p.Services[n].DependsOn {
			if _, ok := p.Services[dep]; ok {
				todo = append(todo, dep)
			}
		}
	}
	return in
}

// prune leaves out networks, volumes, configs, secrets and models that no service uses.
func prune(p *types.Project) *types.Project {
	networks, volumes, configs, secrets, models := set{}, set{}, set{}, set{}, set{}
	for _, c := range p.Services {
		for k := range c.Networks {
			networks[k] = true
		}
		for _, v := range c.Volumes {
			if v.Type == types.VolumeTypeVolume {
				volumes[v.Source] = true
			}
		}
		for _, r := range c.Configs {
			configs[r.Source] = true
		}
		for _, r := range c.Secrets {
			secrets[r.Source] = true
		}
		if c.Build != nil {
			for _, r := range c.Build.Secrets {
				secrets[r.Source] = true
			}
		}
		for k := range c.Models {
			models[k] = true
		}
	}
	p.Networks, p.Volumes = only(p.Networks, networks), only(p.Volumes, volumes)
	p.Configs, p.Secrets, p.Models = only(p.Configs, configs), only(p.Secrets, secrets), only(p.Models, models)
	return p
}

type set map[string]bool

func only[M ~map[string]T, T any](all M, keep set) M {
	out := M{}
	for k, v := range all {
		if keep[k] {
			out[k] = v
		}
	}
	return out
}
