// Package check finds what is wrong with the project once all files are merged: what is named and not there, contradicts
// something else, or cannot be had.
package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/merged"
	"github.com/tutti-run/tutti/compose/load/source"
)

// Input is what the checks look at.
type Input struct {
	Project       *types.Project
	*source.Files                 // where things stand
	*source.Notes                 // to which what is wrong is told
	Dropped       map[string]bool // paths of what was taken out as a mistake
	Lenient       bool            // what can only fail once containers are made is a warning
}

// Project does what compose-go's consistency check does, in linear time, and goes on where that stops.
func Project(in Input) {
	defer in.As("")()
	p := in.Project
	for _, name := range slices.Sorted(maps.Keys(p.Services)) {
		for _, c := range ofService {
			in.Rule = c.rule
			c.check(&in, p.Services[name])
		}
	}
	for _, c := range ofAll {
		in.Rule = c.rule
		c.check(&in)
	}
}

// ofService are the checks of each service, with the rule that a mistake is against unless the check says which.
var ofService = []struct {
	rule  string
	check func(*Input, types.ServiceConfig)
}{
	{"no-image", (*Input).checkSource},
	{"build-conflict", (*Input).checkBuild},
	{"undefined-reference", (*Input).checkReferences},
	{"unknown-dependency", (*Input).checkDependencies},
	{"conflicting-values", (*Input).checkAmounts},
	{"duplicate-mount", (*Input).checkTargets},
	{"bad-value", (*Input).checkDetails},
	{"bad-hook", (*Input).checkHooks},
	{"bad-extension", (*Input).checkExtensions},
	{"not-supported", (*Input).unsupported},
}

// ofAll are the checks of the project as a whole.
var ofAll = []struct {
	rule  string
	check func(*Input)
}{
	{"bad-content", (*Input).checkContents},
	{"duplicate-container-name", (*Input).checkContainerNames},
	{"dependency-circle", (*Input).checkCycle},
	{"build-circle", (*Input).checkBuildCycle},
	{"duplicate-port", (*Input).checkHostPorts},
	{"not-supported", (*Input).unsupportedTop},
}

// excused tells whether something under path was taken out as a mistake: what follows from that is no news.
func (in *Input) excused(path ...string) bool {
	prefix := strings.Join(path, ".")
	for b := range in.Dropped {
		if b == prefix || strings.HasPrefix(b, prefix+".") || strings.HasPrefix(prefix, b+".") {
			return true
		}
	}
	return false
}

func (in *Input) checkSource(c types.ServiceConfig) {
	if c.Build == nil && c.Image == "" && c.Provider == nil && !in.excused("services", c.Name) {
		d := in.Complain(in.Nearest("services", c.Name), "service %q has neither an image nor a build context specified", c.Name)
		d.Hint = "give it image: or build:"
	}
}

func (in *Input) checkBuild(c types.ServiceConfig) {
	b := c.Build
	if b == nil {
		return
	}
	at := func(path ...string) source.Spot {
		return in.Nearest(append([]string{"services", c.Name, "build"}, path...)...)
	}
	if b.DockerfileInline != "" && b.Dockerfile != "" {
		in.Complain(at("dockerfile_inline"), "service %q: build has both dockerfile and dockerfile_inline", c.Name)
	}
	if len(b.Platforms) > 0 && c.Platform != "" && !slices.Contains(b.Platforms, c.Platform) {
		in.Complain(at("platforms"), "service %q: build.platforms lacks the service's platform %q", c.Name, c.Platform)
	}
	for _, name := range slices.Sorted(maps.Keys(b.AdditionalContexts)) {
		target, ok := strings.CutPrefix(b.AdditionalContexts[name], types.ServicePrefix)
		if !ok {
			continue
		}
		other, ok := in.anyService(target)
		if !ok {
			d := in.Complain(at("additional_contexts", name), "service %q: additional context %q is of unknown service %q", c.Name, name, target)
			d.Hint = diag.DidYouMean(target, merged.Services(in.Project))
		} else if other.Build == nil {
			in.Complain(at("additional_contexts", name), "service %q: additional context %q is of service %q, which is not built", c.Name, name, target)
		} else if _, disabled := in.Project.DisabledServices[target]; disabled {
			d := in.Complain(at("additional_contexts", name), "service %q: additional context %q is of service %q, which no active profile enables", c.Name, name, target)
			d.Rule = "disabled-dependency"
			d.Hint = enabling(other)
		}
	}
	for _, ref := range b.Secrets {
		checkReference(in, c, "build.secrets", "secret", ref.Source, in.Project.Secrets)
	}
}

func (in *Input) anyService(name string) (types.ServiceConfig, bool) {
	if c, ok := in.Project.Services[name]; ok {
		return c, true
	}
	c, ok := in.Project.DisabledServices[name]
	return c, ok
}

func (in *Input) checkAmounts(c types.ServiceConfig) {
	at := func(path ...string) source.Spot { return in.Nearest(append([]string{"services", c.Name}, path...)...) }
	differ := func(short, long string) {
		in.Complain(at(short), "service %q: can't set distinct values on %q and %q", c.Name, short, long)
	}
	if n := merged.Replicas(c); n < 0 {
		in.Complain(at("scale"), "service %q: scale must be 0 or more", c.Name)
	} else if n > 1 && c.ContainerName != "" {
		in.Complain(at("container_name"), "service %q: %d replicas can't share one container_name", c.Name, n).Rule = "container-name-with-replicas"
	}
	if c.Deploy == nil {
		return
	}
	if r := c.Deploy.Replicas; r != nil && *r < 0 {
		in.Complain(at("deploy", "replicas"), "service %q: deploy.replicas must be 0 or more", c.Name)
	} else if r != nil && c.Scale != nil && *r != *c.Scale {
		differ("scale", "deploy.replicas")
	}
	if l := c.Deploy.Resources.Limits; l != nil {
		if c.CPUS != 0 && l.NanoCPUs.Value() != c.CPUS {
			differ("cpus", "deploy.resources.limits.cpus")
		}
		if c.MemLimit != 0 && l.MemoryBytes != c.MemLimit {
			differ("mem_limit", "deploy.resources.limits.memory")
		}
		if c.PidsLimit != 0 && l.Pids != c.PidsLimit {
			differ("pids_limit", "deploy.resources.limits.pids")
		}
	}
	if r := c.Deploy.Resources.Reservations; r != nil && c.MemReservation != 0 && r.MemoryBytes != c.MemReservation {
		differ("mem_reservation", "deploy.resources.reservations.memory")
	}
}

// checkTargets checks that nothing is mounted twice at one place.
func (in *Input) checkTargets(c types.ServiceConfig) {
	seen := map[string]string{}
	taken := func(at source.Spot, what, target string) {
		if before, ok := seen[target]; ok {
			in.Complain(at, "service %q: %s mounts %s, where %s mounts already", c.Name, what, target, before)
		}
		seen[target] = what
	}
	for _, t := range c.Tmpfs {
		path, _, _ := strings.Cut(t, ":")
		taken(in.Item([]string{"services", c.Name, "tmpfs"}, t), "tmpfs", path)
	}
	for i, v := range c.Volumes {
		at := in.Nearest("services", c.Name, "volumes")
		if _, item := in.VolumeItem(c.Name, v.Target); item.Found() {
			at = item
		}
		taken(at, fmt.Sprintf("volumes.%d", i), v.Target)
	}
}

func (in *Input) checkDetails(c types.ServiceConfig) {
	if h := c.HealthCheck; h != nil && len(h.Test) > 0 && !slices.Contains([]string{"CMD", "CMD-SHELL", "NONE"}, h.Test[0]) {
		d := in.Complain(in.Nearest("services", c.Name, "healthcheck", "test"), "service %q: healthcheck.test must start with CMD, CMD-SHELL or NONE", c.Name)
		d.Hint = `write it as text, or put "CMD" first`
	}
	if c.Develop != nil {
		for _, w := range c.Develop.Watch {
			if w.Target == "" && w.Action != types.WatchActionRebuild && w.Action != types.WatchActionRestart {
				in.Complain(in.Nearest("services", c.Name, "develop", "watch"), "service %q: develop.watch needs a target for %q", c.Name, w.Action)
			}
		}
	}
	requests := slices.Clone(c.Gpus)
	if c.Deploy != nil && c.Deploy.Resources.Reservations != nil {
		requests = append(requests, c.Deploy.Resources.Reservations.Devices...)
	}
	for _, r := range requests {
		if len(r.IDs) > 0 && r.Count != 0 {
			in.Complain(in.Nearest("services", c.Name, "deploy", "resources", "reservations", "devices"), "service %q: a device has both count and device_ids", c.Name)
		}
	}
	for name, u := range c.Ulimits {
		if u != nil && u.Single == 0 && u.Soft > u.Hard && u.Hard >= 0 {
			in.Tell(in.atStart(), in.Nearest("services", c.Name, "ulimits", name), "service %q: ulimits.%s: soft limit %d is over hard limit %d", c.Name, name, u.Soft, u.Hard)
		}
	}
}

func (in *Input) checkContainerNames() {
	first := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(in.Project.Services)) {
		n := in.Project.Services[name].ContainerName
		if n == "" {
			continue
		}
		if before, ok := first[n]; ok {
			in.Complain(in.Nearest("services", name, "container_name"), "service %q: container name %q is already in use by service %q", name, n, before)
			continue
		}
		first[n] = name
	}
}
