package check

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/merged"
	"github.com/tutti-run/tutti/compose/load/source"
)

func (in *Input) checkReferences(c types.ServiceConfig) {
	if c.NetworkMode != "" && len(c.Networks) > 0 {
		in.Complain(in.Nearest("services", c.Name, "network_mode"), "service %q has both network_mode and networks", c.Name)
	}
	in.checkNames(c, c.ContainerSpec, "")
	for i, h := range c.PreStart {
		own := c
		own.ReadOnly = h.ReadOnly
		in.checkNames(own, ownNames(h.ContainerSpec, c.ContainerSpec), fmt.Sprintf("pre_start.%d.", i))
	}
}

// ownNames is a hook without the names that it has from its service, whose mistakes are told there.
func ownNames(h, c types.ContainerSpec) types.ContainerSpec {
	h.Networks, h.Models = maps.Clone(h.Networks), maps.Clone(h.Models)
	maps.DeleteFunc(h.Networks, func(k string, _ *types.ServiceNetworkConfig) bool { _, ok := c.Networks[k]; return ok })
	maps.DeleteFunc(h.Models, func(k string, _ *types.ServiceModelConfig) bool { _, ok := c.Models[k]; return ok })
	h.Configs = slices.DeleteFunc(slices.Clone(h.Configs), func(r types.ServiceConfigObjConfig) bool {
		return slices.ContainsFunc(c.Configs, func(s types.ServiceConfigObjConfig) bool { return s.Source == r.Source })
	})
	h.Secrets = slices.DeleteFunc(slices.Clone(h.Secrets), func(r types.ServiceSecretConfig) bool {
		return slices.ContainsFunc(c.Secrets, func(s types.ServiceSecretConfig) bool { return s.Source == r.Source })
	})
	return h
}

// checkNames checks that what a container of a service refers to is declared; prefix is where in the service it stands.
func (in *Input) checkNames(c types.ServiceConfig, spec types.ContainerSpec, prefix string) {
	for _, k := range slices.Sorted(maps.Keys(spec.Networks)) {
		checkReference(in, c, prefix+"networks", "network", k, in.Project.Networks)
	}
	for _, v := range spec.Volumes {
		if v.Type == types.VolumeTypeVolume && v.Source != "" {
			checkReference(in, c, prefix+"volumes", "volume", v.Source, in.Project.Volumes)
		}
	}
	for _, ref := range spec.Configs {
		if checkReference(in, c, prefix+"configs", "config", ref.Source, in.Project.Configs) {
			in.checkFile(c, spec, prefix+"configs", types.FileReferenceConfig(ref), types.FileObjectConfig(in.Project.Configs[ref.Source]))
		}
	}
	for _, ref := range spec.Secrets {
		if checkReference(in, c, prefix+"secrets", "secret", ref.Source, in.Project.Secrets) {
			in.checkFile(c, spec, prefix+"secrets", types.FileReferenceConfig(ref), types.FileObjectConfig(in.Project.Secrets[ref.Source]))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(spec.Models)) {
		checkReference(in, c, prefix+"models", "model", k, in.Project.Models)
	}
}

// checkReference tells whether what a service refers to is declared.
func checkReference[T any](in *Input, c types.ServiceConfig, key, kind, name string, declared map[string]T) bool {
	if _, ok := declared[name]; ok {
		return true
	}
	if in.excused(kind+"s", name) {
		return false
	}
	path := append([]string{"services", c.Name}, strings.Split(key, ".")...)
	d := in.Complain(in.Item(path, name), "service %q refers to undefined %s %q", c.Name, kind, name)
	d.Path = strings.Join(append(path, name), ".")
	if d.Hint = diag.DidYouMean(name, slices.Collect(maps.Keys(declared))); d.Hint == "" {
		d.Hint = fmt.Sprintf("declare it under %q at the top level", kind+"s")
	}
	return false
}

func (in *Input) checkExternal(c types.ServiceConfig, spec types.ContainerSpec, key, target, name string, def types.FileObjectConfig) {
	at := in.Item(append([]string{"services", c.Name}, strings.Split(key, ".")...), name)
	kind := key[strings.LastIndexByte(key, '.')+1:]
	one := strings.TrimSuffix(kind, "s")
	switch {
	case bool(def.External):
		d := in.Tell(in.atStart(), at, "service %q: unsupported external %s %q", c.Name, one, name)
		d.Hint = "only Swarm keeps " + kind + "; give it file:, environment: or content:"
	case def.Driver != "":
		in.Tell(in.atStart(), in.Nearest(kind, name, "driver"), "%s %q: driver is not supported", one, name)
	case def.TemplateDriver != "":
		in.Tell(in.atStart(), in.Nearest(kind, name, "template_driver"), "%s %q: template_driver is not supported", one, name)
	case def.File == "" && spec.ReadOnly && merged.Room(spec, target) == "" && (path.Dir(target) == "/" || hidden(spec, target) != ""):
		d := in.Tell(in.atStart(), at, "service %q is read-only: %s %q cannot be put at %s", c.Name, one, name, target)
		d.Hint = "give it a target in a directory of its own, or take it from file:"
	case def.File != "":
		if _, err := os.Stat(def.File); errors.Is(err, fs.ErrNotExist) {
			in.warnOnce("missing-file", in.Nearest(kind, name, "file"), "%s %q: file %s does not exist", one, name, in.Display(def.File))
		}
	case def.Environment != "" && def.Content == "":
		if _, ok := in.Project.Environment[def.Environment]; !ok {
			in.warnOnce("unset-variable", in.Nearest(kind, name, "environment"), "%s %q: variable %q is not set", one, name, def.Environment)
		}
	}
}

func (in *Input) warnOnce(rule string, at source.Spot, format string, args ...any) {
	in.AddOnce(diag.Diagnostic{Severity: diag.Warning, Rule: rule, Place: at.Place(), Text: fmt.Sprintf(format, args...)})
}

// checkContents checks what the top level declares.
func (in *Input) checkContents() {
	for _, k := range slices.Sorted(maps.Keys(in.Project.Secrets)) {
		in.checkContent("secrets", k, types.FileObjectConfig(in.Project.Secrets[k]))
	}
	for _, k := range slices.Sorted(maps.Keys(in.Project.Configs)) {
		in.checkContent("configs", k, types.FileObjectConfig(in.Project.Configs[k]))
	}
	for _, k := range slices.Sorted(maps.Keys(in.Project.Volumes)) {
		v := in.Project.Volumes[k]
		if v.External && (v.Driver != "" || len(v.DriverOpts) > 0 || len(v.Labels) > 0) {
			in.Complain(in.Nearest("volumes", k, "external"), "volume %q is external: it takes nothing but a name", k)
		}
	}
}

func (in *Input) checkContent(kind, name string, def types.FileObjectConfig) {
	if bool(def.External) || def.Driver != "" || in.excused(kind, name) {
		return
	}
	var given []string
	all := []string{"file", "environment", "content"}
	if kind == "secrets" {
		all = all[:2]
	}
	for _, k := range all {
		if in.Declares(kind, name, k) {
			given = append(given, k)
		}
	}
	switch {
	case len(given) > 1:
		in.Complain(in.Nearest(kind, name, given[1]), "%s: only one of %s can be set", source.Label([]string{kind, name}), strings.Join(given, " and "))
	case len(given) == 0 && def.File == "" && def.Environment == "" && def.Content == "":
		in.Complain(in.Nearest(kind, name), "%s needs one of %s", source.Label([]string{kind, name}), strings.Join(all, ", "))
	}
	in.checkStored(kind, name, def)
}

// checkStored tells of what only concerns configs and secrets that Swarm keeps.
func (in *Input) checkStored(kind, name string, def types.FileObjectConfig) {
	for _, key := range used([]use{{"driver_opts", len(def.DriverOpts) > 0}, {"labels", len(def.Labels) > 0}, {"name", in.Declares(kind, name, "name")}}) {
		in.Warn(in.Nearest(kind, name, key), "%s: %s: for %s of Swarm only, ignored", source.Label([]string{kind, name}), key, kind)
	}
}
