package load

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/paths"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

func (s *session) storage(spec *container.Spec, c types.ServiceConfig) {
	for _, v := range c.Volumes {
		spec.Mounts = append(spec.Mounts, s.mount(v))
	}
	spec.Tmpfs = c.Tmpfs
	for _, v := range c.VolumesFrom {
		if !strings.HasPrefix(v, types.ContainerPrefix) {
			v = types.ServicePrefix + v
		}
		spec.VolumesFrom = append(spec.VolumesFrom, v)
	}
	spec.Files = s.contents(c, spec.Mounts)
	spec.ShmSize = int64(c.ShmSize)
	spec.StorageOpt = c.StorageOpt
	spec.ReadOnly = c.ReadOnly
}

func (s *session) mount(v types.ServiceVolumeConfig) volume.Mount {
	m := volume.Mount{Type: volume.Type(v.Type), Source: v.Source, Target: v.Target, ReadOnly: v.ReadOnly, Consistency: v.Consistency}
	switch {
	case m.Type == volume.Volume && v.Source != "":
		m.Key, m.Source = v.Source, s.project.Volumes[v.Source].Name
	case m.Type == volume.Bind:
		m.CreateHostPath = v.Bind == nil || bool(v.Bind.CreateHostPath)
	}
	if b := v.Bind; b != nil {
		m.Propagation, m.Recursive, m.SELinux = b.Propagation, b.Recursive, b.SELinux
	}
	if o := v.Volume; o != nil {
		m.NoCopy, m.Subpath, m.Labels = o.NoCopy, o.Subpath, o.Labels
	}
	if o := v.Image; o != nil {
		m.Subpath = o.SubPath
	}
	if o := v.Tmpfs; o != nil {
		m.TmpfsSize, m.TmpfsMode = int64(o.Size), o.Mode
	}
	return m
}

// contents are the configs and secrets of a service; a mount of its own at the same target comes first.
func (s *session) contents(c types.ServiceConfig, mounts []volume.Mount) []container.File {
	var out []container.File
	add := func(kind string, ref types.FileReferenceConfig, def types.FileObjectConfig) {
		f := s.content(kind, ref, def)
		taken := slices.ContainsFunc(mounts, func(m volume.Mount) bool { return m.Target == f.Target })
		if !taken {
			out = append(out, f)
		}
	}
	for _, ref := range c.Configs {
		add("config", types.FileReferenceConfig(ref), types.FileObjectConfig(s.project.Configs[ref.Source]))
	}
	for _, ref := range c.Secrets {
		add("secret", types.FileReferenceConfig(ref), types.FileObjectConfig(s.project.Secrets[ref.Source]))
	}
	return out
}

func (s *session) content(kind string, ref types.FileReferenceConfig, def types.FileObjectConfig) container.File {
	f := container.File{Kind: kind, Source: ref.Source, Target: target(kind, ref), UID: ref.UID, GID: ref.GID}
	if ref.Mode != nil {
		m := uint32(*ref.Mode)
		f.Mode = &m
	}
	switch {
	case def.File != "":
		f.HostPath = def.File
		f.Digest = digestFile(def.File)
	case def.Content != "":
		f.Content = []byte(def.Content)
		f.Digest = digest(f.Content)
	case def.Environment != "":
		f.Content = []byte(s.env[def.Environment])
		f.Digest = digest(f.Content)
	}
	return f
}

func target(kind string, ref types.FileReferenceConfig) string {
	base := "/"
	if kind == "secret" {
		base = "/run/secrets/"
	}
	switch t := ref.Target; {
	case t == "":
		return base + ref.Source
	case strings.HasPrefix(t, "/") || paths.IsWindowsAbs(t):
		return t
	default:
		return base + t
	}
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// digestFile is "" for what cannot be read: the check has told.
func digestFile(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return digest(b)
}

// origin tells which values come from a file beside the Compose file.
func (s *session) origin(c types.ServiceConfig) map[string]string {
	out := map[string]string{}
	for name, path := range s.fromEnvFile[c.Name] {
		out["environment."+name] = s.relative(path)
	}
	for _, ref := range c.Configs {
		if f := s.project.Configs[ref.Source].File; f != "" {
			out["configs."+ref.Source+".content"] = s.relative(f)
		}
	}
	for _, ref := range c.Secrets {
		if f := s.project.Secrets[ref.Source].File; f != "" {
			out["secrets."+ref.Source+".content"] = s.relative(f)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// relative to the project directory, for what is in it.
func (s *session) relative(path string) string {
	rel, err := filepath.Rel(s.dir, path)
	if err != nil || strings.HasPrefix(rel, "..") {
		return path
	}
	return rel
}

func (s *session) networking(spec *container.Spec, c types.ServiceConfig) {
	spec.NetworkMode = c.NetworkMode
	if c.NetworkMode == "" {
		for _, k := range c.NetworksByPriority() {
			spec.Networks = append(spec.Networks, attachment(k, s.project.Networks[k].Name, c.Networks[k]))
		}
	}
	spec.Links = c.Links
	spec.ExternalLinks = c.ExternalLinks
	spec.ExtraHosts = hosts(c.ExtraHosts)
	spec.DNS, spec.DNSSearch, spec.DNSOpts = c.DNS, c.DNSSearch, c.DNSOpts
	spec.MacAddress = c.MacAddress
}

func attachment(key, name string, n *types.ServiceNetworkConfig) network.Attachment {
	if n == nil {
		return network.Attachment{Network: key, Name: name}
	}
	return network.Attachment{
		Network: key, Name: name, Aliases: n.Aliases, IPv4Address: n.Ipv4Address, IPv6Address: n.Ipv6Address,
		LinkLocalIPs: n.LinkLocalIPs, MacAddress: n.MacAddress, DriverOpts: n.DriverOpts, Priority: n.Priority,
		GwPriority: n.GatewayPriority, InterfaceName: n.InterfaceName,
	}
}

// restart is the policy; deploy.restart_policy wins over restart, as in Docker Compose.
func restart(c types.ServiceConfig) container.Restart {
	if c.Deploy != nil && c.Deploy.RestartPolicy != nil {
		p := c.Deploy.RestartPolicy
		r := container.Restart{Name: condition(p.Condition)}
		if p.MaxAttempts != nil {
			r.MaxRetries = int(*p.MaxAttempts)
		}
		return r
	}
	name, attempts, _ := strings.Cut(c.Restart, ":")
	n, _ := strconv.Atoi(attempts) // the check has told
	return container.Restart{Name: condition(name), MaxRetries: n}
}

func condition(name string) string {
	switch name {
	case "none":
		return "no"
	case "any":
		return "always"
	}
	return name
}

// resources are the service's own limits, and over them those of deploy.resources.
func resources(c types.ServiceConfig) container.Resources {
	r := container.Resources{
		Memory:            int64(c.MemLimit),
		MemoryReservation: int64(c.MemReservation),
		MemorySwap:        int64(c.MemSwapLimit),
		OOMKillDisable:    c.OomKillDisable,
		NanoCPUs:          int64(c.CPUS * 1e9),
		CPUShares:         c.CPUShares,
		CPUPeriod:         c.CPUPeriod,
		CPUQuota:          c.CPUQuota,
		CPURTPeriod:       c.CPURTPeriod,
		CPURTRuntime:      c.CPURTRuntime,
		CPUSet:            c.CPUSet,
		CPUCount:          c.CPUCount,
		CPUPercent:        int64(c.CPUPercent * 100),
		PidsLimit:         c.PidsLimit,
	}
	if c.MemSwappiness != 0 {
		n := int64(c.MemSwappiness)
		r.MemorySwappiness = &n
	}
	blkio(&r, c.BlkioConfig)
	if c.Deploy != nil {
		deployed(&r, c.Deploy.Resources)
	}
	return r
}

func deployed(r *container.Resources, d types.Resources) {
	if l := d.Limits; l != nil {
		r.Memory = firstSet(int64(l.MemoryBytes), r.Memory)
		r.NanoCPUs = firstSet(int64(l.NanoCPUs*1e9), r.NanoCPUs)
		if l.Pids > 0 {
			r.PidsLimit = l.Pids
		}
	}
	if l := d.Reservations; l != nil {
		r.MemoryReservation = firstSet(int64(l.MemoryBytes), r.MemoryReservation)
	}
}

func firstSet(a, b int64) int64 {
	if a != 0 {
		return a
	}
	return b
}

func blkio(r *container.Resources, b *types.BlkioConfig) {
	if b == nil {
		return
	}
	r.BlkioWeight = int(b.Weight)
	for _, d := range b.WeightDevice {
		r.BlkioDevices = append(r.BlkioDevices, fmt.Sprintf("weight_device %s %d", d.Path, d.Weight))
	}
	for _, k := range []struct {
		name string
		list []types.ThrottleDevice
	}{
		{"device_read_bps", b.DeviceReadBps}, {"device_read_iops", b.DeviceReadIOps},
		{"device_write_bps", b.DeviceWriteBps}, {"device_write_iops", b.DeviceWriteIOps},
	} {
		for _, d := range k.list {
			r.BlkioDevices = append(r.BlkioDevices, fmt.Sprintf("%s %s %d", k.name, d.Path, d.Rate))
		}
	}
}

// devices of the host, and requests for devices by name, GPU and reservation.
func devices(c types.ServiceConfig) ([]container.Device, []container.DeviceRequest) {
	var devs []container.Device
	var reqs []container.DeviceRequest
	var named []string
	for _, d := range c.Devices {
		if d.Source == d.Target && cdi.MatchString(d.Source) {
			named = append(named, d.Source)
			continue
		}
		devs = append(devs, container.Device{Source: d.Source, Target: d.Target, Permissions: d.Permissions})
	}
	if c.Deploy != nil && c.Deploy.Resources.Reservations != nil {
		for _, d := range c.Deploy.Resources.Reservations.Devices {
			reqs = append(reqs, request(d))
		}
	}
	if len(named) > 0 {
		reqs = append(reqs, container.DeviceRequest{Driver: "cdi", IDs: named})
	}
	for _, g := range c.Gpus {
		g.Capabilities = append(slices.Clone(g.Capabilities), "gpu")
		reqs = append(reqs, request(g))
	}
	return devs, reqs
}

// cdi matches a device in the Container Device Interface: vendor/class=name.
var cdi = regexp.MustCompile(`^[A-Za-z][\w.-]*/[A-Za-z][\w-]*=[A-Za-z0-9][\w.:-]*$`)

func request(d types.DeviceRequest) container.DeviceRequest {
	return container.DeviceRequest{Driver: d.Driver, Count: int(d.Count), IDs: d.IDs, Capabilities: [][]string{d.Capabilities}, Options: d.Options}
}

func ulimits(all map[string]*types.UlimitsConfig) []container.Ulimit {
	var out []container.Ulimit
	for _, name := range slices.Sorted(maps.Keys(all)) {
		u := all[name]
		if u == nil {
			continue
		}
		out = append(out, container.Ulimit{Name: name, Soft: firstSet(int64(u.Soft), int64(u.Single)), Hard: firstSet(int64(u.Hard), int64(u.Single))})
	}
	return out
}

// securityOpt puts the content of a seccomp profile where its path is, which is what the engine takes.
func (s *session) securityOpt(c types.ServiceConfig) []string {
	var out []string
	for _, opt := range c.SecurityOpt {
		path, ok := seccomp(opt)
		if !ok {
			out = append(out, opt)
			continue
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(s.dir, path)
		}
		text, err := os.ReadFile(path)
		var b bytes.Buffer
		if err == nil {
			err = json.Compact(&b, text)
		}
		if err != nil {
			s.Complain(s.Item([]string{"services", c.Name, "security_opt"}, opt), "service %q: read seccomp profile: %v", c.Name, err)
			continue
		}
		out = append(out, "seccomp="+b.String())
	}
	return out
}

// seccomp is the path of the profile that an option names.
func seccomp(opt string) (string, bool) {
	for _, sep := range []string{"=", ":"} {
		if path, ok := strings.CutPrefix(opt, "seccomp"+sep); ok {
			return path, path != "unconfined" && path != "builtin"
		}
	}
	return "", false
}
