package load

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/load/merged"
	"github.com/tutti-run/tutti/compose/load/source"
)

// check does on the merged model what compose-go's consistency check does, in linear time, and goes on where that stops.
func (s *session) check() {
	p := s.project
	for _, name := range slices.Sorted(maps.Keys(p.Services)) {
		c := p.Services[name]
		s.checkSource(c)
		s.checkBuild(c)
		s.checkReferences(c)
		s.checkDependencies(c)
		s.checkAmounts(c)
		s.checkTargets(c)
		s.checkDetails(c)
		s.unsupported(c)
	}
	s.checkContents()
	s.checkContainerNames()
	s.checkCycle()
	s.checkHostPorts()
	s.unsupportedTop()
}

func (s *session) service404(name string) source.Spot { return s.Nearest("services", name) }

// excused tells whether something under path was taken out as a mistake: what follows from that is no news.
func (s *session) excused(path ...string) bool {
	prefix := strings.Join(path, ".")
	for b := range s.form.Dropped {
		if b == prefix || strings.HasPrefix(b, prefix+".") || strings.HasPrefix(prefix, b+".") {
			return true
		}
	}
	return false
}

func (s *session) checkSource(c types.ServiceConfig) {
	if c.Build == nil && c.Image == "" && c.Provider == nil && !s.excused("services", c.Name) {
		d := s.Complain(s.service404(c.Name), "service %q has neither an image nor a build context specified", c.Name)
		d.Hint = "give it image: or build:"
	}
}

func (s *session) checkBuild(c types.ServiceConfig) {
	b := c.Build
	if b == nil {
		return
	}
	at := func(path ...string) source.Spot {
		return s.Nearest(append([]string{"services", c.Name, "build"}, path...)...)
	}
	if b.DockerfileInline != "" && b.Dockerfile != "" {
		s.Complain(at("dockerfile_inline"), "service %q: build has both dockerfile and dockerfile_inline", c.Name)
	}
	if len(b.Platforms) > 0 && c.Platform != "" && !slices.Contains(b.Platforms, c.Platform) {
		s.Complain(at("platforms"), "service %q: build.platforms lacks the service's platform %q", c.Name, c.Platform)
	}
	for _, name := range slices.Sorted(maps.Keys(b.AdditionalContexts)) {
		target, ok := strings.CutPrefix(b.AdditionalContexts[name], types.ServicePrefix)
		if !ok {
			continue
		}
		other, ok := s.anyService(target)
		if !ok {
			d := s.Complain(at("additional_contexts", name), "service %q: additional context %q is of unknown service %q", c.Name, name, target)
			d.Hint = diag.DidYouMean(target, merged.Services(s.project))
		} else if other.Build == nil {
			s.Complain(at("additional_contexts", name), "service %q: additional context %q is of service %q, which is not built", c.Name, name, target)
		}
	}
	for _, ref := range b.Secrets {
		checkReference(s, c, "build.secrets", "secret", ref.Source, s.project.Secrets)
	}
	for _, key := range merged.BuildKitOnly(b) {
		s.Warn(at(key), "service %q: build.%s needs BuildKit", c.Name, key)
	}
}

func (s *session) anyService(name string) (types.ServiceConfig, bool) {
	if c, ok := s.project.Services[name]; ok {
		return c, true
	}
	c, ok := s.project.DisabledServices[name]
	return c, ok
}

func (s *session) checkReferences(c types.ServiceConfig) {
	if c.NetworkMode != "" && len(c.Networks) > 0 {
		s.Complain(s.Nearest("services", c.Name, "network_mode"), "service %q has both network_mode and networks", c.Name)
	}
	for _, k := range slices.Sorted(maps.Keys(c.Networks)) {
		checkReference(s, c, "networks", "network", k, s.project.Networks)
	}
	for _, v := range c.Volumes {
		if v.Type == types.VolumeTypeVolume && v.Source != "" {
			checkReference(s, c, "volumes", "volume", v.Source, s.project.Volumes)
		}
	}
	for _, ref := range c.Configs {
		if checkReference(s, c, "configs", "config", ref.Source, s.project.Configs) {
			s.checkExternal(c, "configs", ref.Source, types.FileObjectConfig(s.project.Configs[ref.Source]))
		}
	}
	for _, ref := range c.Secrets {
		if checkReference(s, c, "secrets", "secret", ref.Source, s.project.Secrets) {
			s.checkExternal(c, "secrets", ref.Source, types.FileObjectConfig(s.project.Secrets[ref.Source]))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(c.Models)) {
		checkReference(s, c, "models", "model", k, s.project.Models)
	}
}

// checkReference tells whether what a service refers to is declared.
func checkReference[T any](s *session, c types.ServiceConfig, key, kind, name string, declared map[string]T) bool {
	if _, ok := declared[name]; ok {
		return true
	}
	if s.excused(kind+"s", name) {
		return false
	}
	path := append([]string{"services", c.Name}, strings.Split(key, ".")...)
	d := s.Complain(s.Item(path, name), "service %q refers to undefined %s %q", c.Name, kind, name)
	d.Path = strings.Join(append(path, name), ".")
	if d.Hint = diag.DidYouMean(name, slices.Collect(maps.Keys(declared))); d.Hint == "" {
		d.Hint = fmt.Sprintf("declare it under %q at the top level", kind+"s")
	}
	return false
}

func (s *session) checkExternal(c types.ServiceConfig, kind, name string, def types.FileObjectConfig) {
	at := s.Item([]string{"services", c.Name, kind}, name)
	one := strings.TrimSuffix(kind, "s")
	switch {
	case bool(def.External):
		d := s.Tell(s.atStart(), at, "service %q: unsupported external %s %q", c.Name, one, name)
		d.Hint = "only Swarm keeps " + kind + "; give it file:, environment: or content:"
	case def.Driver != "":
		s.Tell(s.atStart(), s.Nearest(kind, name, "driver"), "%s %q: driver is not supported", one, name)
	case def.TemplateDriver != "":
		s.Tell(s.atStart(), s.Nearest(kind, name, "template_driver"), "%s %q: template_driver is not supported", one, name)
	case def.File == "" && c.ReadOnly:
		s.Tell(s.atStart(), at, "service %q is read-only: %s %q must come from file:", c.Name, one, name)
	case def.File != "":
		if _, err := os.Stat(def.File); errors.Is(err, fs.ErrNotExist) {
			s.warnOnce(s.Nearest(kind, name, "file"), "%s %q: file %s does not exist", one, name, s.Display(def.File))
		}
	case def.Environment != "" && def.Content == "":
		if _, ok := s.env[def.Environment]; !ok {
			s.warnOnce(s.Nearest(kind, name, "environment"), "%s %q: variable %q is not set", one, name, def.Environment)
		}
	}
}

func (s *session) warnOnce(at source.Spot, format string, args ...any) {
	s.AddOnce(diag.Diagnostic{Severity: diag.Warning, Place: at.Place(), Text: fmt.Sprintf(format, args...)})
}

// checkDependencies checks that what the service comes after is there and enabled.
func (s *session) checkDependencies(c types.ServiceConfig) {
	implied := merged.Implied(c)
	names := map[string]bool{}
	for name := range implied {
		names[name] = true
	}
	for name := range c.DependsOn {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if _, ok := s.project.Services[name]; ok {
			continue
		}
		dep, explicit := c.DependsOn[name]
		off, disabled := s.project.DisabledServices[name]
		if disabled && explicit && !dep.Required || s.excused("services", name) {
			continue
		}
		via := "depends_on"
		if i, ok := implied[name]; ok && !s.Declares("services", c.Name, "depends_on", name) {
			via = i.Via
		}
		s.missing(c, via, name, off, disabled)
	}
	for _, name := range slices.Sorted(maps.Keys(c.DependsOn)) {
		if c.DependsOn[name].Condition == "" {
			s.Complain(s.Item([]string{"services", c.Name, "depends_on"}, name), "service %q: depends_on.%s needs \"condition\"", c.Name, name)
		}
	}
}

func (s *session) missing(c types.ServiceConfig, via, name string, off types.ServiceConfig, disabled bool) {
	path := []string{"services", c.Name, via}
	at := s.Item(path, name)
	verb := "depends on"
	if via != "depends_on" {
		verb = via + " names"
	}
	if disabled {
		d := s.Complain(at, "service %q %s %q, which no active profile enables", c.Name, verb, name)
		d.Hint = fmt.Sprintf("add --profile %s", strings.Join(off.Profiles, " or --profile "))
		d.Path = strings.Join(append(path, name), ".")
		return
	}
	d := s.Complain(at, "service %q %s %q, which is not a service", c.Name, verb, name)
	d.Hint = diag.DidYouMean(name, merged.Services(s.project))
	d.Path = strings.Join(append(path, name), ".")
}

func (s *session) checkAmounts(c types.ServiceConfig) {
	at := func(path ...string) source.Spot { return s.Nearest(append([]string{"services", c.Name}, path...)...) }
	differ := func(short, long string) {
		s.Complain(at(short), "service %q: can't set distinct values on %q and %q", c.Name, short, long)
	}
	if n := c.GetScale(); n < 0 {
		s.Complain(at("scale"), "service %q: scale must be 0 or more", c.Name)
	} else if n > 1 && c.ContainerName != "" {
		s.Complain(at("container_name"), "service %q: %d replicas can't share one container_name", c.Name, n)
	}
	if c.Deploy == nil {
		return
	}
	if r := c.Deploy.Replicas; r != nil && *r < 0 {
		s.Complain(at("deploy", "replicas"), "service %q: deploy.replicas must be 0 or more", c.Name)
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
func (s *session) checkTargets(c types.ServiceConfig) {
	seen := map[string]string{}
	taken := func(at source.Spot, what, target string) {
		if before, ok := seen[target]; ok {
			s.Complain(at, "service %q: %s mounts %s, where %s mounts already", c.Name, what, target, before)
		}
		seen[target] = what
	}
	for _, t := range c.Tmpfs {
		path, _, _ := strings.Cut(t, ":")
		taken(s.Item([]string{"services", c.Name, "tmpfs"}, t), "tmpfs", path)
	}
	for i, v := range c.Volumes {
		at := s.Nearest("services", c.Name, "volumes")
		if _, item := s.VolumeItem(c.Name, v.Target); item.Found() {
			at = item
		}
		taken(at, fmt.Sprintf("volumes.%d", i), v.Target)
	}
}

func (s *session) checkDetails(c types.ServiceConfig) {
	if h := c.HealthCheck; h != nil && len(h.Test) > 0 && !slices.Contains([]string{"CMD", "CMD-SHELL", "NONE"}, h.Test[0]) {
		d := s.Complain(s.Nearest("services", c.Name, "healthcheck", "test"), "service %q: healthcheck.test must start with CMD, CMD-SHELL or NONE", c.Name)
		d.Hint = `write it as text, or put "CMD" first`
	}
	if c.Develop != nil {
		for _, w := range c.Develop.Watch {
			if w.Target == "" && w.Action != types.WatchActionRebuild && w.Action != types.WatchActionRestart {
				s.Complain(s.Nearest("services", c.Name, "develop", "watch"), "service %q: develop.watch needs a target for %q", c.Name, w.Action)
			}
		}
	}
	requests := slices.Clone(c.Gpus)
	if c.Deploy != nil && c.Deploy.Resources.Reservations != nil {
		requests = append(requests, c.Deploy.Resources.Reservations.Devices...)
	}
	for _, r := range requests {
		if len(r.IDs) > 0 && r.Count != 0 {
			s.Complain(s.Nearest("services", c.Name, "deploy", "resources", "reservations", "devices"), "service %q: a device has both count and device_ids", c.Name)
		}
	}
	for name, u := range c.Ulimits {
		if u != nil && u.Single == 0 && u.Soft > u.Hard && u.Hard >= 0 {
			s.Complain(s.Nearest("services", c.Name, "ulimits", name), "service %q: ulimits.%s: soft limit %d is over hard limit %d", c.Name, name, u.Soft, u.Hard)
		}
	}
}

// checkContents checks what the top level declares.
func (s *session) checkContents() {
	for _, k := range slices.Sorted(maps.Keys(s.project.Secrets)) {
		s.checkContent("secrets", k, types.FileObjectConfig(s.project.Secrets[k]))
	}
	for _, k := range slices.Sorted(maps.Keys(s.project.Configs)) {
		s.checkContent("configs", k, types.FileObjectConfig(s.project.Configs[k]))
	}
	for _, k := range slices.Sorted(maps.Keys(s.project.Volumes)) {
		v := s.project.Volumes[k]
		if v.External && (v.Driver != "" || len(v.DriverOpts) > 0 || len(v.Labels) > 0) {
			s.Complain(s.Nearest("volumes", k, "external"), "volume %q is external: it takes nothing but a name", k)
		}
	}
}

func (s *session) checkContent(kind, name string, def types.FileObjectConfig) {
	if bool(def.External) || def.Driver != "" || s.excused(kind, name) {
		return
	}
	var given []string
	all := []string{"file", "environment", "content"}
	if kind == "secrets" {
		all = all[:2]
	}
	for _, k := range all {
		if s.Declares(kind, name, k) {
			given = append(given, k)
		}
	}
	switch {
	case len(given) > 1:
		s.Complain(s.Nearest(kind, name, given[1]), "%s: only one of %s can be set", source.Label([]string{kind, name}), strings.Join(given, " and "))
	case len(given) == 0 && def.File == "" && def.Environment == "" && def.Content == "":
		s.Complain(s.Nearest(kind, name), "%s needs one of %s", source.Label([]string{kind, name}), strings.Join(all, ", "))
	}
}

func (s *session) checkContainerNames() {
	first := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(s.project.Services)) {
		n := s.project.Services[name].ContainerName
		if n == "" {
			continue
		}
		if before, ok := first[n]; ok {
			s.Complain(s.Nearest("services", name, "container_name"), "service %q: container name %q is already in use by service %q", name, n, before)
			continue
		}
		first[n] = name
	}
}

// checkCycle names one cycle of dependencies, if there is any.
func (s *session) checkCycle() {
	var g graph.Graph[string]
	for _, name := range slices.Sorted(maps.Keys(s.project.Services)) {
		g.Add(name)
		c := s.project.Services[name]
		for _, dep := range slices.Sorted(maps.Keys(c.DependsOn)) {
			if _, ok := s.project.Services[dep]; ok {
				g.After(name, dep)
			}
		}
	}
	_, err := g.Order()
	var cycle *graph.CycleError[string]
	if !errors.As(err, &cycle) {
		return
	}
	nodes := inDirection(cycle.Nodes, s.project.Services)
	c := s.project.Services[nodes[0]]
	via := "depends_on"
	if i, ok := merged.Implied(c)[nodes[1]]; ok && !s.Declares("services", c.Name, "depends_on", nodes[1]) {
		via = i.Via
	}
	s.Complain(s.Item([]string{"services", c.Name, via}, nodes[1]), "services depend on each other in a circle: %s", strings.Join(nodes, " → "))
}

// inDirection turns a cycle round if need be, so that each service depends on the next, and begins with the first by name.
func inDirection(nodes []string, services types.Services) []string {
	ring := slices.Clone(nodes[:len(nodes)-1])
	if _, ok := services[nodes[0]].DependsOn[nodes[1]]; !ok {
		slices.Reverse(ring)
	}
	i := slices.Index(ring, slices.Min(ring))
	ring = slices.Concat(ring[i:], ring[:i])
	return append(ring, ring[0])
}
