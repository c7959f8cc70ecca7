package docker

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	apicontainer "github.com/moby/moby/api/types/container"
	apimount "github.com/moby/moby/api/types/mount"
	apinetwork "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/field"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// inspectedOf is a container as an inspect shows it, Found filled.
func inspectedOf(res client.ContainerInspectResult, caps engine.Capabilities) container.Live {
	in := res.Container
	fill(&in)
	l := container.Live{
		ID: in.ID, Name: strings.TrimPrefix(in.Name, "/"), Image: in.Config.Image, ImageID: imageID(in.Image),
		Command: strings.Join(append([]string{in.Path}, in.Args...), " "), State: stateOf(string(in.State.Status)),
		ExitCode: in.State.ExitCode, Labels: in.Config.Labels, Mounts: mountsOf(in.Mounts), Ports: publishedOf(in.NetworkSettings.Ports),
		Mode: string(in.HostConfig.NetworkMode),
	}
	l.Created, _ = time.Parse(time.RFC3339Nano, in.Created) // every engine writes it so
	if h := in.State.Health; h != nil && h.Status != apicontainer.NoHealthcheck && h.Status != "" && l.Up() {
		l.Health = container.Health(h.Status)
	}
	l.Status = statusText(l)
	l.Networks = endpointsOf(in.NetworkSettings.Networks)
	for i := range l.Networks {
		l.Networks[i].Aliases, l.Networks[i].AliasesKnown = aliasesOf(in, l.Networks[i].Name), true
	}
	s := specOf(in, configMAC(res.Raw))
	l.Found = &s
	return l
}

// fill spares the rest to look for nil.
func fill(in *apicontainer.InspectResponse) {
	if in.Config == nil {
		in.Config = &apicontainer.Config{}
	}
	if in.HostConfig == nil {
		in.HostConfig = &apicontainer.HostConfig{}
	}
	if in.State == nil {
		in.State = &apicontainer.State{}
	}
	if in.NetworkSettings == nil {
		in.NetworkSettings = &apicontainer.NetworkSettings{}
	}
}

// configMAC is where engines below API 1.52 show what was asked for; the client's type has no place for it any more.
func configMAC(raw json.RawMessage) string {
	var in struct{ Config struct{ MacAddress string } }
	_ = json.Unmarshal(raw, &in) // it was decoded before
	return in.Config.MacAddress
}

// statusText words what only lists word.
func statusText(l container.Live) string {
	switch {
	case l.State == container.Exited:
		return fmt.Sprintf("Exited (%d)", l.ExitCode)
	case l.State == container.Running && l.Health != container.NoHealth:
		return fmt.Sprintf("Up (%s)", l.Health)
	case l.State == container.Running:
		return "Up"
	}
	return string(l.State)
}

// aliasesOf leaves out what the engine adds by itself: the short id (API below 1.45), and on Podman the name.
func aliasesOf(in apicontainer.InspectResponse, networkName string) []string {
	s := in.NetworkSettings.Networks[networkName]
	if s == nil {
		return nil
	}
	var out []string
	for _, a := range s.Aliases {
		if a != short(in.ID) && a != in.ID {
			out = append(out, a)
		}
	}
	return out
}

func publishedOf(in apinetwork.PortMap) []container.Published {
	var out []container.Published
	for port, bindings := range in {
		p := container.Published{Target: int(port.Num()), Protocol: string(port.Proto())}
		if len(bindings) == 0 {
			out = append(out, p)
		}
		for _, b := range bindings {
			p.HostIP = hostIP(b.HostIP, b.HostPort != "")
			p.Published, _ = strconv.Atoi(b.HostPort)
			out = append(out, p)
		}
	}
	return sortedPorts(out)
}

// specOf is what a container was made of, read back: the inverse of recipeOf. What the engine and the image add by themselves is in it;
// container.Diff takes that out. A platform is not read back: an inspect shows only the operating system.
func specOf(in apicontainer.InspectResponse, mac string) container.Spec {
	c, h := in.Config, in.HostConfig
	s := container.Spec{
		Name: strings.TrimPrefix(in.Name, "/"), Image: c.Image, Command: c.Cmd, Entrypoint: c.Entrypoint,
		Environment: environmentOf(c.Env), WorkingDir: c.WorkingDir, User: c.User, Hostname: c.Hostname, Domainname: c.Domainname,
		TTY: c.Tty, StdinOpen: c.OpenStdin, StdinOnce: c.StdinOnce, StopSignal: c.StopSignal, StopTimeout: durationOf(c.StopTimeout),
		Healthcheck: healthcheckOf(c.Healthcheck), Labels: field.OwnLabels(c.Labels), Annotations: h.Annotations,
		Mounts: mountsBack(in), Tmpfs: tmpfsBack(h.Tmpfs), VolumesFrom: h.VolumesFrom, ExtraHosts: h.ExtraHosts,
		DNSSearch: h.DNSSearch, DNSOpts: h.DNSOptions, MacAddress: mac, ExternalLinks: linksBack(h.Links),
		Restart:   container.Restart{Name: string(h.RestartPolicy.Name), MaxRetries: h.RestartPolicy.MaximumRetryCount},
		Resources: limitsOf(h.Resources),
		CapAdd:    plainCaps(h.CapAdd), CapDrop: plainCaps(h.CapDrop), Privileged: h.Privileged, ReadOnly: h.ReadonlyRootfs,
		SecurityOpt: securityBack(h), DeviceCgroupRules: h.DeviceCgroupRules, Sysctls: h.Sysctls, ShmSize: h.ShmSize, Init: h.Init,
		IPC: string(h.IpcMode), PID: string(h.PidMode), UTS: string(h.UTSMode), UserNS: string(h.UsernsMode), Cgroup: string(h.CgroupnsMode),
		CgroupParent: h.CgroupParent, GroupAdd: h.GroupAdd, Runtime: h.Runtime, Isolation: string(h.Isolation), OOMScoreAdj: h.OomScoreAdj,
		StorageOpt: h.StorageOpt, Logging: container.Logging{Driver: h.LogConfig.Type, Options: h.LogConfig.Config},
	}
	for _, a := range h.DNS {
		s.DNS = append(s.DNS, addrText(a))
	}
	for _, u := range h.Ulimits {
		name := strings.ToLower(strings.TrimPrefix(u.Name, "RLIMIT_")) // Podman shows another form than it takes
		s.Ulimits = append(s.Ulimits, container.Ulimit{Name: name, Soft: u.Soft, Hard: u.Hard})
	}
	s.Devices, s.DeviceRequests = devicesBack(h)
	s.Expose, s.Ports = portsBack(c.ExposedPorts, h.PortBindings)
	s.NetworkMode, s.Networks = networksBack(in)
	return s
}

// securityBack adds what the engine keeps in another place: the paths that it hides are none (but of what is privileged, where they are null).
func securityBack(h *apicontainer.HostConfig) []string {
	if h.MaskedPaths == nil || len(h.MaskedPaths)+len(h.ReadonlyPaths) > 0 {
		return h.SecurityOpt
	}
	return append(slices.Clone(h.SecurityOpt), "systempaths=unconfined")
}

// linksBack are those on the engine's own network, "/db:/web/alias". Engines have them in any order.
func linksBack(in []string) []string {
	var out []string
	for _, l := range in {
		to, alias, _ := strings.Cut(strings.TrimPrefix(l, "/"), ":")
		out = append(out, to+":"+path.Base(alias))
	}
	slices.Sort(out)
	return out
}

func environmentOf(env []string) map[string]*string {
	out := make(map[string]*string, len(env))
	for _, e := range env {
		k, v, set := strings.Cut(e, "=")
		if out[k] = nil; set {
			out[k] = &v
		}
	}
	return out
}

func durationOf(seconds *int) *time.Duration {
	if seconds == nil {
		return nil
	}
	d := time.Duration(*seconds) * time.Second
	return &d
}

func healthcheckOf(h *apicontainer.HealthConfig) *container.Healthcheck {
	if h == nil {
		return nil
	}
	return &container.Healthcheck{
		Test: h.Test, Interval: h.Interval, Timeout: h.Timeout, StartPeriod: h.StartPeriod, StartInterval: h.StartInterval, Retries: h.Retries,
	}
}

// plainCaps takes the prefix away that the engine puts before all.
func plainCaps(in []string) []string {
	var out []string
	for _, c := range in {
		out = append(out, strings.TrimPrefix(c, "CAP_"))
	}
	return out
}

func tmpfsBack(in map[string]string) []string {
	var out []string
	for _, path := range slices.Sorted(maps.Keys(in)) {
		out = append(out, strings.TrimSuffix(path+":"+in[path], ":"))
	}
	return out
}

func limitsOf(r apicontainer.Resources) container.Resources {
	out := container.Resources{
		Memory: r.Memory, MemoryReservation: r.MemoryReservation, MemorySwap: r.MemorySwap, MemorySwappiness: r.MemorySwappiness,
		NanoCPUs: r.NanoCPUs, CPUShares: r.CPUShares, CPUPeriod: r.CPUPeriod, CPUQuota: r.CPUQuota,
		CPURTPeriod: r.CPURealtimePeriod, CPURTRuntime: r.CPURealtimeRuntime, CPUSet: r.CpusetCpus,
		CPUCount: r.CPUCount, CPUPercent: r.CPUPercent, BlkioWeight: int(r.BlkioWeight),
	}
	if r.OomKillDisable != nil {
		out.OOMKillDisable = *r.OomKillDisable
	}
	if r.PidsLimit != nil {
		out.PidsLimit = *r.PidsLimit
	}
	for _, d := range r.BlkioWeightDevice {
		out.BlkioDevices = append(out.BlkioDevices, fmt.Sprintf("weight_device %s %d", d.Path, d.Weight))
	}
	list := throttles(&r)
	for _, kind := range slices.Sorted(maps.Keys(list)) {
		for _, d := range *list[kind] {
			out.BlkioDevices = append(out.BlkioDevices, fmt.Sprintf("%s %s %d", kind, d.Path, d.Rate))
		}
	}
	return out
}

func devicesBack(h *apicontainer.HostConfig) (devices []container.Device, requests []container.DeviceRequest) {
	for _, d := range h.Devices {
		devices = append(devices, container.Device{Source: d.PathOnHost, Target: d.PathInContainer, Permissions: d.CgroupPermissions})
	}
	for _, r := range h.DeviceRequests {
		if r.Driver == "cdi" {
			for _, id := range r.DeviceIDs {
				devices = append(devices, container.Device{Source: id})
			}
			continue
		}
		requests = append(requests, container.DeviceRequest{
			Driver: r.Driver, Count: r.Count, IDs: r.DeviceIDs, Capabilities: r.Capabilities, Options: r.Options,
		})
	}
	return devices, requests
}

// portsBack: what is published is exposed too, and does not count as asked for twice.
func portsBack(exposed apinetwork.PortSet, published apinetwork.PortMap) (expose []string, ports []container.Port) {
	for p := range exposed {
		if _, ok := published[p]; !ok {
			expose = append(expose, p.String())
		}
	}
	slices.Sort(expose)
	for p, bindings := range published {
		for _, b := range bindings {
			ports = append(ports, container.Port{HostIP: addrText(b.HostIP), Published: b.HostPort, Target: int(p.Num()), Protocol: string(p.Proto())})
		}
	}
	slices.SortFunc(ports, func(a, b container.Port) int { return strings.Compare(a.String(), b.String()) })
	return expose, ports
}

// mountsBack reads mounts and binds as they were asked for, and adds the volumes that the image declares.
func mountsBack(in apicontainer.InspectResponse) []volume.Mount {
	var out []volume.Mount
	seen := map[string]bool{}
	add := func(m volume.Mount) {
		if !seen[m.Target] {
			seen[m.Target] = true
			out = append(out, m)
		}
	}
	for _, b := range in.HostConfig.Binds {
		add(bindBack(b))
	}
	for _, m := range in.HostConfig.Mounts {
		add(mountBack(m))
	}
	for _, m := range in.Mounts {
		if v := (volume.Mounted{Type: volume.Type(m.Type), Name: m.Name}); v.Anonymous() {
			add(volume.Mount{Type: volume.Volume, Target: m.Destination, ReadOnly: !m.RW})
		}
	}
	return out
}

// bindBack reads "source:target:options" of HostConfig.Binds; a source that is no path is a volume's name.
func bindBack(text string) volume.Mount {
	parts := append(strings.SplitN(text, ":", 3), "", "")
	m := volume.Mount{Type: volume.Bind, Source: parts[0], Target: parts[1], CreateHostPath: true}
	if !strings.HasPrefix(m.Source, "/") {
		m.Type, m.CreateHostPath = volume.Volume, false
	}
	for o := range strings.SplitSeq(parts[2], ",") {
		switch o {
		case "ro":
			m.ReadOnly = true
		case "z", "Z":
			m.SELinux = o
		case "nocopy":
			m.NoCopy = true
		case "private", "rprivate", "shared", "rshared", "slave", "rslave":
			m.Propagation = o
		}
	}
	return m
}

func mountBack(m apimount.Mount) volume.Mount {
	out := volume.Mount{
		Type: volume.Type(m.Type), Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly, Consistency: string(m.Consistency),
	}
	if v := (volume.Mounted{Type: out.Type, Name: m.Source}); v.Anonymous() {
		out.Source = "" // one that was inherited
	}
	if o := m.BindOptions; o != nil {
		out.Propagation, out.CreateHostPath, out.Recursive = string(o.Propagation), o.CreateMountpoint, recursiveText(*o)
	}
	if o := m.VolumeOptions; o != nil {
		out.NoCopy, out.Subpath, out.Labels = o.NoCopy, o.Subpath, o.Labels
	}
	if o := m.ImageOptions; o != nil {
		out.Subpath = o.Subpath
	}
	if o := m.TmpfsOptions; o != nil {
		out.TmpfsSize, out.TmpfsMode = o.SizeBytes, uint32(o.Mode)
	}
	return out
}

func recursiveText(o apimount.BindOptions) string {
	switch {
	case o.NonRecursive:
		return "disabled"
	case o.ReadOnlyNonRecursive:
		return "writable"
	case o.ReadOnlyForceRecursive:
		return "readonly"
	}
	return ""
}

// networksBack gives attachments, or a mode where there are none to speak of.
func networksBack(in apicontainer.InspectResponse) (mode string, out []network.Attachment) {
	m := in.HostConfig.NetworkMode
	switch {
	case m == "bridge" && !onDefault(in): // Podman says so of every network
	case m == "default", m == "bridge", m == "host", m == "none", m == "", m.IsContainer():
		return string(m), nil
	}
	project := in.Config.Labels[container.LabelProject]
	for _, name := range slices.Sorted(maps.Keys(in.NetworkSettings.Networks)) {
		out = append(out, attachmentOf(in, project, name))
	}
	return "", out
}

// onDefault tells whether a container is on the engine's own network, or on none.
func onDefault(in apicontainer.InspectResponse) bool {
	n := in.NetworkSettings.Networks
	return len(n) == 0 || n["bridge"] != nil || n["podman"] != nil
}

func attachmentOf(in apicontainer.InspectResponse, project, name string) network.Attachment {
	s := in.NetworkSettings.Networks[name]
	a := network.Attachment{
		Network: strings.TrimPrefix(name, project+"_"), Name: name, Aliases: aliasesOf(in, name), MacAddress: s.MacAddress.String(),
		GwPriority: s.GwPriority, DriverOpts: maps.Clone(s.DriverOpts), InterfaceName: s.DriverOpts[ifname], Links: s.Links,
	}
	delete(a.DriverOpts, ifname)
	if c := s.IPAMConfig; c != nil {
		a.IPv4Address, a.IPv6Address = addrText(c.IPv4Address), addrText(c.IPv6Address)
		for _, l := range c.LinkLocalIPs {
			a.LinkLocalIPs = append(a.LinkLocalIPs, addrText(l))
		}
	}
	return a
}
