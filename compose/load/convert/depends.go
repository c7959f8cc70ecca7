package convert

import (
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/load/canon"
	"github.com/tutti-run/tutti/compose/load/merged"
)

// depends lists what the service comes after, in order of name. Dependencies that need not be there and are not, are left out.
func (in *Input) depends(c types.ServiceConfig) []desired.Dependency {
	implied := merged.Implied(c)
	all := maps.Clone(c.DependsOn)
	if all == nil {
		all = types.DependsOnConfig{}
	}
	for name, i := range implied {
		if _, ok := all[name]; !ok { // compose-go does not look into hooks, and into nothing without normalisation
			all[name] = types.ServiceDependency{Condition: types.ServiceConditionStarted, Required: true, Restart: i.Via != "volumes_from" && i.Via != "pre_start"}
		}
	}
	var out []desired.Dependency
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if _, ok := in.Project.Services[name]; !ok {
			continue
		}
		d := all[name]
		dep := desired.Dependency{Service: name, Condition: desired.Condition(d.Condition), Required: d.Required, Restart: d.Restart, Via: "depends_on"}
		if i, ok := implied[name]; ok {
			if i.Namespace {
				dep.Namespace = i.Via
			}
			if !in.Declares("services", c.Name, "depends_on", name) {
				dep.Via = i.Via
			}
		}
		out = append(out, dep)
	}
	return out
}

// withPeers is hashWith for a service that names others.
func (in *Input) withPeers(svc desired.Service) func(func(string) string) string {
	if !slices.ContainsFunc(svc.Depends, func(d desired.Dependency) bool { return d.Namespace != "" }) {
		return nil
	}
	return func(id func(string) string) string { return in.WithPeers(svc.Name, id).Hash() }
}

// WithPeers is a service whose references to other services are made references to containers, as it is hashed.
func (in *Input) WithPeers(name string, id func(service string) string) canon.Service {
	c := in.Project.Services[name]
	for _, at := range []*string{&c.NetworkMode, &c.Ipc, &c.Pid} {
		if other, ok := strings.CutPrefix(*at, types.ServicePrefix); ok {
			*at = types.ContainerPrefix + id(other)
		}
	}
	c.VolumesFrom = slices.Clone(c.VolumesFrom)
	for i, v := range c.VolumesFrom {
		if other, ok := strings.CutPrefix(v, types.ContainerPrefix); ok {
			c.VolumesFrom[i], _, _ = strings.Cut(other, ":")
			continue
		}
		other, _, _ := strings.Cut(v, ":")
		c.VolumesFrom[i] = id(other)
	}
	return canon.Flatten(c, in.CreatesHostPath)
}
