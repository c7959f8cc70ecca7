// Package claim tells what a Compose file asks of the machine beyond containers, networks and volumes of its own: the machine's
// paths, its privileges, its programs and the user's variables.
package claim

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/compose-spec/compose-go/v2/types"
)

// Claim is one thing that a file asks for.
type Claim struct {
	Path     []string // where the file does
	Text     string   // `service "web" mounts /etc`
	Variable string   // that it takes from the environment; "" of other claims
}

// Of a file, by itself and with absolute paths. Paths that are its own are no claims.
func Of(p *types.Project, services []string, own func(path string) bool) []Claim {
	c := claims{own: own}
	for _, name := range slices.Sorted(slices.Values(services)) {
		if s, ok := p.Services[name]; ok {
			c.service(s, in{"services", name})
		}
	}
	for name, v := range each(p.Volumes) {
		if device := v.DriverOpts["device"]; filepath.IsAbs(device) {
			c.add(in{"volumes", name, "driver_opts", "device"}, "mounts %s", device)
		}
	}
	for name, n := range each(p.Networks) {
		if n.Name == "host" {
			c.add(in{"networks", name, "name"}, "is the machine's own")
		}
	}
	for name, v := range each(p.Configs) {
		c.object(types.FileObjectConfig(v), in{"configs", name})
	}
	for name, v := range each(p.Secrets) {
		c.object(types.FileObjectConfig(v), in{"secrets", name})
	}
	return c.all
}

// in is a path of the model.
type in []string

func (p in) at(keys ...string) in { return slices.Concat(p, keys) }

// each of a map in order of key.
func each[M ~map[string]V, V any](m M) func(func(string, V) bool) {
	return func(yield func(string, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}

type claims struct {
	own func(path string) bool
	all []Claim
}

func (c *claims) add(at in, format string, args ...any) {
	of := fmt.Sprintf("%s %q ", strings.TrimSuffix(at[0], "s"), at[1])
	c.all = append(c.all, Claim{Path: at, Text: visible(of + fmt.Sprintf(format, args...))})
}

// visible is a text that shows on a terminal as what it is: others have written it.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// path that is not the file's own.
func (c *claims) path(at in, verb, path string) {
	if path != "" && !c.own(path) {
		c.add(at, "%s %s", verb, path)
	}
}

func (c *claims) variable(at in, name string) {
	c.all = append(c.all, Claim{Path: at, Text: Takes(name), Variable: name})
}

// Takes words the claim of a variable.
func Takes(variable string) string {
	return visible("takes the variable " + variable + " from the environment")
}

func (c *claims) object(o types.FileObjectConfig, at in) {
	c.path(at.at("file"), "reads", o.File)
	if o.Environment != "" {
		c.variable(at.at("environment"), o.Environment)
	}
}

func (c *claims) service(s types.ServiceConfig, at in) {
	c.container(s.ContainerSpec, at)
	if s.Provider != nil {
		c.add(at.at("provider"), "runs the program %q on this machine", s.Provider.Type)
	}
	if s.Build != nil {
		c.build(*s.Build, at.at("build"))
	}
	if s.Deploy != nil && s.Deploy.Resources.Reservations != nil && len(s.Deploy.Resources.Reservations.Devices) > 0 {
		c.add(at.at("deploy", "resources", "reservations", "devices"), "uses devices of the machine")
	}
	for i, h := range s.PreStart {
		c.container(h.ContainerSpec, at.at("pre_start", strconv.Itoa(i)))
	}
	for key, hooks := range each(map[string][]types.ServiceHook{"post_start": s.PostStart, "pre_stop": s.PreStop}) {
		for i, h := range hooks {
			c.hook(h, at.at(key, strconv.Itoa(i)))
		}
	}
}

func (c *claims) hook(h types.ServiceHook, at in) {
	if h.Privileged {
		c.add(at.at("privileged"), "runs a privileged hook")
	}
	c.environment(h.Environment, at.at("environment"))
}

// container of a service or an init container.
func (c *claims) container(s types.ContainerSpec, at in) {
	c.files(s, at)
	c.rights(s, at)
	c.namespaces(s, at)
	c.environment(s.Environment, at.at("environment"))
}

func (c *claims) environment(env types.MappingWithEquals, at in) {
	for name, v := range each(env) {
		if v == nil {
			c.variable(at.at(name), name)
		}
	}
}

func (c *claims) files(s types.ContainerSpec, at in) {
	for i, v := range s.Volumes {
		if v.Type == types.VolumeTypeBind || v.Type == types.VolumeTypeNamedPipe {
			c.path(at.at("volumes", strconv.Itoa(i)), "mounts", v.Source)
		}
	}
	for i, from := range s.VolumesFrom {
		if name, ok := strings.CutPrefix(from, types.ContainerPrefix); ok {
			c.add(at.at("volumes_from", strconv.Itoa(i)), "mounts what container %s has", name)
		}
	}
	for i, f := range s.EnvFiles {
		c.path(at.at("env_file", strconv.Itoa(i)), "reads", f.Path)
	}
	for i, f := range s.LabelFiles {
		c.path(at.at("label_file", strconv.Itoa(i)), "reads", f)
	}
	if s.CredentialSpec != nil && s.CredentialSpec.File != "" {
		c.add(at.at("credential_spec", "file"), "reads the credential spec %s", s.CredentialSpec.File)
	}
}

func (c *claims) rights(s types.ContainerSpec, at in) {
	if s.Privileged {
		c.add(at.at("privileged"), "runs privileged")
	}
	if s.UseAPISocket {
		c.add(at.at("use_api_socket"), "controls the engine, with your credentials")
	}
	for i, name := range s.CapAdd {
		c.add(at.at("cap_add", strconv.Itoa(i)), "adds the capability %s", name)
	}
	for i, d := range s.Devices {
		c.add(at.at("devices", strconv.Itoa(i)), "uses the device %s", d.Source)
	}
	for i, rule := range s.DeviceCgroupRules {
		c.add(at.at("device_cgroup_rules", strconv.Itoa(i)), "may use devices %q", rule)
	}
	if len(s.Gpus) > 0 {
		c.add(at.at("gpus"), "uses devices of the machine")
	}
	for i, o := range s.SecurityOpt {
		if o != "no-new-privileges" && o != "no-new-privileges:true" && o != "no-new-privileges=true" {
			c.add(at.at("security_opt", strconv.Itoa(i)), "has the security option %s", o)
		}
	}
}

// namespaces that are not the container's own.
func (c *claims) namespaces(s types.ContainerSpec, at in) {
	for _, n := range []struct{ key, mode, what string }{
		{"network_mode", s.NetworkMode, "network"}, {"pid", s.Pid, "processes"}, {"ipc", s.Ipc, "shared memory"},
		{"uts", s.Uts, "host name"}, {"userns_mode", s.UserNSMode, "users"}, {"cgroup", s.Cgroup, "control groups"},
	} {
		if n.mode == "host" {
			c.add(at.at(n.key), "shares the machine's %s", n.what)
		} else if name, ok := strings.CutPrefix(n.mode, types.ContainerPrefix); ok {
			c.add(at.at(n.key), "shares the %s of container %s", n.what, name)
		}
	}
	if _, ok := s.Networks["host"]; ok {
		c.add(at.at("networks", "host"), "shares the machine's network")
	}
}

func (c *claims) build(b types.BuildConfig, at in) {
	for _, p := range []struct{ key, path string }{{"context", b.Context}, {"dockerfile", b.Dockerfile}} {
		if filepath.IsAbs(p.path) {
			c.path(at.at(p.key), "builds from", p.path)
		}
	}
	for name, path := range each(b.AdditionalContexts) {
		if filepath.IsAbs(path) {
			c.path(at.at("additional_contexts", name), "builds from", path)
		}
	}
	if filepath.IsAbs(b.Context) && b.Dockerfile != "" && !filepath.IsAbs(b.Dockerfile) {
		c.path(at.at("dockerfile"), "builds from", filepath.Join(b.Context, b.Dockerfile))
	}
	if len(b.SSH) > 0 {
		c.add(at.at("ssh"), "builds with your SSH keys")
	}
	if b.Privileged {
		c.add(at.at("privileged"), "builds privileged")
	}
	if b.Network == "host" {
		c.add(at.at("network"), "builds on the machine's network")
	}
	for i, e := range b.Entitlements {
		c.add(at.at("entitlements", strconv.Itoa(i)), "builds with %s", e)
	}
	c.environment(b.Args, at.at("args"))
}
