// Package facts tells lint what a project holds: the attributes that rules ask for, each with the place where a file has it.
package facts

import (
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/lint"
	"github.com/tutti-run/tutti/compose/load/source"
)

// Input is what facts are taken from.
type Input struct {
	*source.Files
	Project *types.Project // as merged; nil if the files could not be
}

// Facts are the project as rules see it.
func (in Input) Facts() *lint.Project {
	if in.Project == nil {
		return nil
	}
	p := &lint.Project{}
	all := in.Project.AllServices()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p.Services = append(p.Services, in.service(all[name]))
	}
	p.Networks = resources(in, "networks", in.Project.Networks, func(n types.NetworkConfig) bool { return bool(n.External) })
	p.Volumes = resources(in, "volumes", in.Project.Volumes, func(v types.VolumeConfig) bool { return bool(v.External) })
	p.Secrets = resources(in, "secrets", in.Project.Secrets, func(s types.SecretConfig) bool { return bool(s.External) })
	p.Configs = resources(in, "configs", in.Project.Configs, func(c types.ConfigObjConfig) bool { return bool(c.External) })
	return p
}

func resources[T any](in Input, section string, all map[string]T, external func(T) bool) []lint.Resource {
	var out []lint.Resource
	for _, name := range slices.Sorted(maps.Keys(all)) {
		key, _ := in.At(section, name)
		r := lint.Resource{Name: name, At: key.Place(), External: external(all[name])}
		if from, to, ok := in.Lines(section, name); ok {
			r.Entry = &lint.Range{From: from, To: to}
		}
		if _, old := in.At(section, name, "external", "name"); old.Found() {
			r.Outdated = in.text(old)
		}
		out = append(out, r)
	}
	return out
}

// text of a scalar in a file.
func (in Input) text(at source.Spot) lint.Text {
	t := lint.Text{Value: at.File.Interpolate(at.Node.Value), At: at.Place()}
	t.Span = span(at)
	return t
}

func span(at source.Spot) *lint.Range {
	from, to, ok := at.Span()
	if !ok {
		return nil
	}
	return &lint.Range{From: from, To: to}
}

// value of an attribute, where it is written or, failing that, where what it is in is.
func (in Input) value(v string, path ...string) lint.Text {
	if v == "" {
		return lint.Text{}
	}
	at := in.Nearest(path...)
	return lint.Text{Value: v, At: at.Place()}
}

func (in Input) service(c types.ServiceConfig) lint.Service {
	at := func(path ...string) []string { return append([]string{"services", c.Name}, path...) }
	_, enabled := in.Project.Services[c.Name]
	s := lint.Service{
		Name: c.Name, Off: !enabled, At: in.Nearest(at()...).Place(), Builds: c.Build != nil, MountsOthers: len(c.VolumesFrom) > 0,
		Image: in.value(c.Image, at("image")...), ContainerName: in.value(c.ContainerName, at("container_name")...),
		NetworkMode: in.value(c.NetworkMode, at("network_mode")...), Healthcheck: in.healthcheck(c), Restart: in.restart(c),
		Environment: in.environment(c.Name), BuildArgs: in.buildArgs(c), Ports: in.ports(c), Mounts: in.mounts(c), Depends: in.depends(c),
		CapAdd: in.list(c.Name, "cap_add", c.CapAdd), SecurityOpt: in.list(c.Name, "security_opt", c.SecurityOpt), Links: in.list(c.Name, "links", c.Links),
		Namespaces: in.namespaces(c), Addresses: in.addresses(c), MemoryLimited: memoryLimited(c), Shell: shell(c.Entrypoint), Program: program(c),
	}
	if c.Privileged {
		s.Privileged = in.value("true", at("privileged")...)
	}
	if _, v := in.At(at("command")...); v.Found() && len(c.Command) > 0 && isText(v) {
		s.Command = in.text(v)
	}
	in.uses(&s, c)
	return s
}

// uses of what the top level declares, by the service, its build and its hooks.
func (in Input) uses(s *lint.Service, c types.ServiceConfig) {
	specs := []types.ContainerSpec{c.ContainerSpec}
	for _, h := range c.PreStart {
		specs = append(specs, h.ContainerSpec)
	}
	for _, spec := range specs {
		s.Networks = append(s.Networks, slices.Sorted(maps.Keys(spec.Networks))...)
		for _, v := range spec.Volumes {
			if v.Type == types.VolumeTypeVolume && v.Source != "" {
				s.Volumes = append(s.Volumes, v.Source)
			}
		}
		for _, r := range spec.Secrets {
			s.Secrets = append(s.Secrets, r.Source)
		}
		for _, r := range spec.Configs {
			s.Configs = append(s.Configs, r.Source)
		}
	}
	if c.Build != nil {
		for _, r := range c.Build.Secrets {
			s.Secrets = append(s.Secrets, r.Source)
		}
	}
}

// list of texts that a service has, each where it stands.
func (in Input) list(service, key string, values []string) []lint.Text {
	if len(values) == 0 {
		return nil
	}
	items := in.Items(service, key)
	var out []lint.Text
	for _, v := range values {
		t := in.value(v, "services", service, key)
		for _, it := range items {
			if it.File.Interpolate(it.Node.Value) == v {
				t = in.text(it)
				break
			}
		}
		out = append(out, t)
	}
	return out
}

func (in Input) healthcheck(c types.ServiceConfig) lint.Healthcheck {
	h := c.HealthCheck
	if h == nil {
		return lint.Healthcheck{}
	}
	none := len(h.Test) > 0 && h.Test[0] == "NONE"
	return lint.Healthcheck{
		At: in.Nearest("services", c.Name, "healthcheck", "test").Place(), Given: len(h.Test) > 0 && !none, Disabled: h.Disable || none, Test: h.Test,
	}
}

func (in Input) restart(c types.ServiceConfig) lint.Text {
	if c.Deploy != nil && c.Deploy.RestartPolicy != nil && c.Restart == "" {
		name := c.Deploy.RestartPolicy.Condition
		if name == "" || name == "any" {
			name = "always"
		}
		return in.value(name, "services", c.Name, "deploy", "restart_policy")
	}
	name, _, _ := strings.Cut(c.Restart, ":")
	return in.value(name, "services", c.Name, "restart")
}

func (in Input) depends(c types.ServiceConfig) []lint.Dependency {
	var out []lint.Dependency
	for _, name := range slices.Sorted(maps.Keys(c.DependsOn)) {
		if key, _ := in.At("services", c.Name, "depends_on", name); key.Found() { // else links and the like imply it
			d := lint.Dependency{At: key.Place(), Service: name, Condition: c.DependsOn[name].Condition}
			if _, v := in.At("services", c.Name, "depends_on", name, "condition"); v.Found() {
				d.At, d.Said = v.Place(), true
			}
			out = append(out, d)
		}
	}
	return out
}

func (in Input) namespaces(c types.ServiceConfig) []lint.Namespace {
	var out []lint.Namespace
	for _, n := range []struct{ key, value string }{{"pid", c.Pid}, {"ipc", c.Ipc}, {"uts", c.Uts}, {"userns_mode", c.UserNSMode}, {"cgroup", c.Cgroup}} {
		if n.value != "" {
			out = append(out, lint.Namespace{Key: n.key, Text: in.value(n.value, "services", c.Name, n.key)})
		}
	}
	return out
}

func (in Input) addresses(c types.ServiceConfig) []lint.Text {
	var out []lint.Text
	for _, name := range slices.Sorted(maps.Keys(c.Networks)) {
		n := c.Networks[name]
		if n == nil {
			continue
		}
		for _, a := range []struct{ key, value string }{{"ipv4_address", n.Ipv4Address}, {"ipv6_address", n.Ipv6Address}} {
			if a.value != "" {
				out = append(out, in.value(a.value, "services", c.Name, "networks", name, a.key))
			}
		}
	}
	return out
}

func memoryLimited(c types.ServiceConfig) bool {
	return c.MemLimit > 0 || c.Deploy != nil && c.Deploy.Resources.Limits != nil && c.Deploy.Resources.Limits.MemoryBytes > 0
}

// shell tells whether an entrypoint runs what the command says as a script.
func shell(entrypoint []string) bool {
	return len(entrypoint) > 0 && slices.Contains(entrypoint, "-c")
}

func program(c types.ServiceConfig) string {
	for _, line := range [][]string{c.Entrypoint, c.Command} {
		if len(line) > 0 {
			return line[0]
		}
	}
	return ""
}

// exists tells whether something is there; where that cannot be told, it is.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !os.IsNotExist(err)
}
