package load

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/xhit/go-str2duration/v2"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/load/canon"
	"github.com/tutti-run/tutti/compose/load/merged"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// convert makes the desired project from what compose-go loaded.
func (s *session) convert() {
	p := s.project
	s.desired = desired.Project{
		Name: p.Name, WorkingDir: p.WorkingDir, Files: s.paths, EnvFiles: s.named,
		Disabled: slices.Sorted(maps.Keys(p.DisabledServices)),
		Networks: s.networks(), Volumes: volumes(p.Volumes),
	}
	for _, name := range slices.Sorted(maps.Keys(p.Services)) {
		s.desired.Services = append(s.desired.Services, s.service(p.Services[name]))
	}
}

func (s *session) service(c types.ServiceConfig) desired.Service {
	out := desired.Service{
		Name:          c.Name,
		Container:     s.container(c),
		ContainerName: c.ContainerName,
		Replicas:      c.GetScale(),
		Image:         s.image(c),
		Depends:       s.depends(c),
		ConfigHash:    s.canonical(c).Hash(),
		NoAttach:      c.Attach != nil && !*c.Attach,
	}
	out.HashWith = s.withPeers(out)
	return out
}

func (s *session) container(c types.ServiceConfig) container.Spec {
	spec := container.Spec{
		Image:       merged.Image(s.project, c),
		Platform:    c.Platform,
		Command:     c.Command,
		Entrypoint:  c.Entrypoint,
		Environment: c.Environment,
		WorkingDir:  c.WorkingDir,
		User:        c.User,
		Hostname:    c.Hostname,
		Domainname:  c.DomainName,
		TTY:         c.Tty,
		StdinOpen:   c.StdinOpen,
		StopSignal:  c.StopSignal,
		StopTimeout: (*time.Duration)(c.StopGracePeriod),
		Healthcheck: healthcheck(c.HealthCheck),
		Expose:      c.Expose,
		Ports:       ports(c.Ports),
		Labels:      c.Labels,
		Annotations: c.Annotations,
		Restart:     restart(c),
		Resources:   resources(c),
		Logging:     logDriver(c),
		Origin:      s.origin(c),
	}
	s.storage(&spec, c)
	s.networking(&spec, c)
	s.isolation(&spec, c)
	return spec
}

func (s *session) isolation(spec *container.Spec, c types.ServiceConfig) {
	spec.CapAdd, spec.CapDrop = c.CapAdd, c.CapDrop
	spec.Privileged = c.Privileged
	spec.SecurityOpt = s.securityOpt(c)
	spec.Devices, spec.DeviceRequests = devices(c)
	spec.DeviceCgroupRules = c.DeviceCgroupRules
	spec.Ulimits = ulimits(c.Ulimits)
	spec.Sysctls = c.Sysctls
	spec.Init = c.Init
	spec.IPC, spec.PID, spec.UTS = c.Ipc, c.Pid, c.Uts
	spec.UserNS = c.UserNSMode
	spec.Cgroup, spec.CgroupParent = c.Cgroup, c.CgroupParent
	spec.GroupAdd = c.GroupAdd
	spec.Runtime = c.Runtime
	spec.Isolation = c.Isolation
	spec.OOMScoreAdj = int(c.OomScoreAdj)
}

func healthcheck(h *types.HealthCheckConfig) *container.Healthcheck {
	if h == nil {
		return nil
	}
	if h.Disable {
		return &container.Healthcheck{Test: []string{"NONE"}}
	}
	out := &container.Healthcheck{
		Test: h.Test, Interval: span(h.Interval), Timeout: span(h.Timeout),
		StartPeriod: span(h.StartPeriod), StartInterval: span(h.StartInterval),
	}
	if h.Retries != nil {
		out.Retries = int(*h.Retries)
	}
	return out
}

func span(d *types.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return time.Duration(*d)
}

func ports(in []types.ServicePortConfig) []container.Port {
	var out []container.Port
	for _, p := range in {
		out = append(out, container.Port{HostIP: p.HostIP, Published: p.Published, Target: int(p.Target), Protocol: p.Protocol, Mode: p.Mode})
	}
	return out
}

func logDriver(c types.ServiceConfig) container.Logging {
	if c.Logging == nil {
		return container.Logging{}
	}
	return container.Logging{Driver: c.Logging.Driver, Options: c.Logging.Options}
}

func (s *session) image(c types.ServiceConfig) image.Spec {
	out := image.Spec{Ref: merged.Image(s.project, c), Platform: c.Platform, Build: build(c.Build)}
	out.Policy, out.RefreshAfter = policy(c)
	return out
}

func policy(c types.ServiceConfig) (image.Policy, time.Duration) {
	name, after, err := c.GetPullPolicy()
	if err != nil { // the schema check has told
		return image.Missing, 0
	}
	if name == types.PullPolicyIfNotPresent {
		name = types.PullPolicyMissing
	}
	if d, err := str2duration.ParseDuration(c.PullRefreshAfter); err == nil && name == types.PullPolicyRefresh && after == 0 {
		after = d
	}
	return image.Policy(name), after
}

func build(b *types.BuildConfig) *image.Build {
	if b == nil {
		return nil
	}
	return &image.Build{
		Context:          b.Context,
		Dockerfile:       b.Dockerfile,
		DockerfileInline: b.DockerfileInline,
		Args:             b.Args,
		Target:           b.Target,
		CacheFrom:        b.CacheFrom,
		Labels:           b.Labels,
		Network:          b.Network,
		ExtraHosts:       hosts(b.ExtraHosts),
		ShmSize:          int64(b.ShmSize),
		Ulimits:          pairsOf(ulimits(b.Ulimits)),
		Isolation:        b.Isolation,
		NoCache:          b.NoCache,
		Pull:             b.Pull,
		Tags:             b.Tags,
		Platforms:        b.Platforms,
		Unsupported:      merged.BuildKitOnly(b),
	}
}

func hosts(h types.HostsList) []string {
	if len(h) == 0 {
		return nil
	}
	return slices.Sorted(slices.Values(h.AsList(":")))
}

func pairsOf(list []container.Ulimit) map[string][2]int64 {
	if len(list) == 0 {
		return nil
	}
	out := map[string][2]int64{}
	for _, u := range list {
		out[u.Name] = [2]int64{u.Soft, u.Hard}
	}
	return out
}

// depends lists what the service comes after, in order of name. Dependencies that need not be there and are not, are left out.
func (s *session) depends(c types.ServiceConfig) []desired.Dependency {
	implied := merged.Implied(c)
	all := maps.Clone(c.DependsOn)
	if all == nil {
		all = types.DependsOnConfig{}
	}
	for name, i := range implied {
		if _, ok := all[name]; !ok { // only without normalisation
			all[name] = types.ServiceDependency{Condition: types.ServiceConditionStarted, Required: true, Restart: i.Via != "volumes_from"}
		}
	}
	var out []desired.Dependency
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if _, ok := s.project.Services[name]; !ok {
			continue
		}
		d := all[name]
		dep := desired.Dependency{Service: name, Condition: desired.Condition(d.Condition), Required: d.Required, Restart: d.Restart, Via: "depends_on"}
		if i, ok := implied[name]; ok {
			dep.Namespace = i.Namespace
			if !s.Declares("services", c.Name, "depends_on", name) {
				dep.Via = i.Via
			}
		}
		out = append(out, dep)
	}
	return out
}

// networks that an enabled service uses, in order of key.
func (s *session) networks() []network.Spec {
	used := map[string]bool{}
	for _, c := range s.project.Services {
		for k := range c.Networks {
			used[k] = true
		}
	}
	var out []network.Spec
	for _, k := range slices.Sorted(maps.Keys(used)) {
		n := s.project.Networks[k]
		out = append(out, network.Spec{
			Key: k, Name: n.Name, External: bool(n.External), Driver: n.Driver, DriverOpts: n.DriverOpts, IPAM: ipam(n.Ipam),
			Internal: n.Internal, Attachable: n.Attachable, EnableIPv4: n.EnableIPv4, EnableIPv6: n.EnableIPv6,
			Labels: n.Labels, ConfigHash: canon.NetworkHash(n),
		})
	}
	return out
}

func ipam(c types.IPAMConfig) network.IPAM {
	out := network.IPAM{Driver: c.Driver, Options: c.Options}
	for _, p := range c.Config {
		out.Pools = append(out.Pools, network.Pool{Subnet: p.Subnet, IPRange: p.IPRange, Gateway: p.Gateway, Aux: p.AuxiliaryAddresses})
	}
	return out
}

func volumes(all types.Volumes) []volume.Spec {
	var out []volume.Spec
	for _, k := range slices.Sorted(maps.Keys(all)) {
		v := all[k]
		out = append(out, volume.Spec{
			Key: k, Name: v.Name, External: bool(v.External), Driver: v.Driver, DriverOpts: v.DriverOpts,
			Labels: v.Labels, ConfigHash: canon.VolumeHash(v),
		})
	}
	return out
}

// applyPlatform gives built services the platform of DOCKER_DEFAULT_PLATFORM.
func (s *session) applyPlatform() {
	platform := s.env["DOCKER_DEFAULT_PLATFORM"]
	if platform == "" {
		return
	}
	for _, services := range []map[string]types.ServiceConfig{s.project.Services, s.unresolved} {
		for name, c := range services {
			if c.Build != nil && c.Platform == "" {
				c.Platform = platform
				services[name] = c
			}
		}
	}
}

// withPeers is hashWith for a service that names others.
func (s *session) withPeers(svc desired.Service) func(func(string) string) string {
	if !slices.ContainsFunc(svc.Depends, func(d desired.Dependency) bool { return d.Namespace }) {
		return nil
	}
	return func(id func(string) string) string { return s.hashWith(svc.Name, id) }
}

// hashWith is the hash of a service whose references to other services are made references to containers.
func (s *session) hashWith(name string, id func(service string) string) string {
	c := s.project.Services[name]
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
	return s.canonical(c).Hash()
}
