// Package revert makes compose-go's services of containers: what convert does, the other way round.
package revert

import (
	"fmt"
	"math"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// Service that asks for such a container. Networks and named volumes are named by their keys; notes tell what cannot be said in a file.
func Service(s container.Spec) (c types.ServiceConfig, notes []string) {
	c.Restart, c.Links, c.ExternalLinks = s.Restart.String(), s.Links, s.ExternalLinks
	c.ContainerSpec = types.ContainerSpec{
		Image: s.Image, Command: s.Command, Entrypoint: s.Entrypoint, Environment: s.Environment, WorkingDir: s.WorkingDir, User: s.User,
		Hostname: s.Hostname, DomainName: s.Domainname, StopSignal: s.StopSignal, StopGracePeriod: (*types.Duration)(s.StopTimeout),
		Labels: s.Labels, Annotations: s.Annotations, Tmpfs: s.Tmpfs,
		NetworkMode: s.NetworkMode, Networks: networks(s.Networks), ExtraHosts: hosts(s.ExtraHosts), DNS: s.DNS, DNSSearch: s.DNSSearch, DNSOpts: s.DNSOpts, MacAddress: s.MacAddress,
		CapAdd: s.CapAdd, CapDrop: s.CapDrop, Privileged: s.Privileged, ReadOnly: s.ReadOnly, SecurityOpt: s.SecurityOpt, DeviceCgroupRules: s.DeviceCgroupRules,
		Ulimits: ulimits(s.Ulimits), Sysctls: s.Sysctls, ShmSize: types.UnitBytes(s.ShmSize), Init: s.Init, Ipc: s.IPC, Pid: s.PID, Uts: s.UTS,
		UserNSMode: s.UserNS, Cgroup: s.Cgroup, CgroupParent: s.CgroupParent, GroupAdd: s.GroupAdd, Runtime: s.Runtime, Isolation: s.Isolation,
		OomScoreAdj: int64(s.OOMScoreAdj), StorageOpt: s.StorageOpt,
	}
	c.Tty, c.StdinOpen, c.HealthCheck, c.Expose = s.TTY, s.StdinOpen, healthcheck(s.Healthcheck), s.Expose
	for _, p := range s.Ports {
		c.Ports = append(c.Ports, types.ServicePortConfig{HostIP: p.HostIP, Published: p.Published, Target: uint32(p.Target), Protocol: p.Protocol})
	}
	for _, v := range s.VolumesFrom {
		c.VolumesFrom = append(c.VolumesFrom, strings.TrimPrefix(v, types.ServicePrefix))
	}
	for _, m := range s.Mounts {
		c.Volumes = append(c.Volumes, mount(m))
	}
	for _, d := range s.Devices {
		if d.Target == "" {
			d.Target = d.Source
		}
		c.Devices = append(c.Devices, types.DeviceMapping{Source: d.Source, Target: d.Target, Permissions: d.Permissions})
	}
	if s.Logging.Driver != "" {
		c.Logging = &types.LoggingConfig{Driver: s.Logging.Driver, Options: s.Logging.Options}
	}
	notes = append(requests(&c, s.DeviceRequests), resources(&c, s.Resources)...)
	return c, notes
}

func healthcheck(h *container.Healthcheck) *types.HealthCheckConfig {
	switch {
	case h == nil:
		return nil
	case h.Disabled():
		return &types.HealthCheckConfig{Disable: true}
	}
	out := &types.HealthCheckConfig{Test: h.Test}
	for _, d := range []struct {
		to **types.Duration
		of types.Duration
	}{{&out.Interval, types.Duration(h.Interval)}, {&out.Timeout, types.Duration(h.Timeout)}, {&out.StartPeriod, types.Duration(h.StartPeriod)}, {&out.StartInterval, types.Duration(h.StartInterval)}} {
		if d.of != 0 {
			*d.to = &d.of
		}
	}
	if h.Retries > 0 {
		n := uint64(h.Retries)
		out.Retries = &n
	}
	return out
}

func networks(all []network.Attachment) map[string]*types.ServiceNetworkConfig {
	if len(all) == 0 {
		return nil
	}
	out := map[string]*types.ServiceNetworkConfig{}
	for _, a := range all {
		out[a.Network] = &types.ServiceNetworkConfig{
			Aliases: a.Aliases, Ipv4Address: a.IPv4Address, Ipv6Address: a.IPv6Address, LinkLocalIPs: a.LinkLocalIPs, MacAddress: a.MacAddress,
			DriverOpts: a.DriverOpts, Priority: a.Priority, GatewayPriority: a.GwPriority, InterfaceName: a.InterfaceName,
		}
	}
	return out
}

func hosts(all []string) types.HostsList {
	if len(all) == 0 {
		return nil
	}
	out := types.HostsList{}
	for _, h := range all {
		name, address, _ := strings.Cut(h, ":")
		out[name] = append(out[name], address)
	}
	return out
}

func ulimits(all []container.Ulimit) map[string]*types.UlimitsConfig {
	if len(all) == 0 {
		return nil
	}
	out := map[string]*types.UlimitsConfig{}
	for _, u := range all {
		if out[u.Name] = (&types.UlimitsConfig{Soft: int(u.Soft), Hard: int(u.Hard)}); u.Soft == u.Hard {
			out[u.Name] = &types.UlimitsConfig{Single: int(u.Soft)}
		}
	}
	return out
}

func mount(m volume.Mount) types.ServiceVolumeConfig {
	out := types.ServiceVolumeConfig{Type: string(m.Type), Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly, Consistency: m.Consistency}
	if m.Key != "" {
		out.Source = m.Key
	}
	switch m.Type {
	case volume.Bind:
		if b := (types.ServiceVolumeBind{Propagation: m.Propagation, SELinux: m.SELinux, Recursive: m.Recursive, CreateHostPath: types.OptOut(m.CreateHostPath)}); m.Propagation+m.SELinux+m.Recursive != "" || !m.CreateHostPath {
			out.Bind = &b
		}
	case volume.Volume:
		if m.NoCopy || m.Subpath != "" || len(m.Labels) > 0 {
			out.Volume = &types.ServiceVolumeVolume{NoCopy: m.NoCopy, Subpath: m.Subpath, Labels: m.Labels}
		}
	case volume.Image:
		if m.Subpath != "" {
			out.Image = &types.ServiceVolumeImage{SubPath: m.Subpath}
		}
	case volume.Tmpfs:
		if m.TmpfsSize != 0 || m.TmpfsMode != 0 {
			out.Tmpfs = &types.ServiceVolumeTmpfs{Size: types.UnitBytes(m.TmpfsSize), Mode: m.TmpfsMode}
		}
	}
	return out
}

// requests for devices are reservations.
func requests(c *types.ServiceConfig, all []container.DeviceRequest) (notes []string) {
	for _, r := range all {
		if len(r.Capabilities) > 1 {
			notes = append(notes, "device requests with a choice of capabilities cannot be written: only the first is")
		}
		d := types.DeviceRequest{Driver: r.Driver, Count: types.DeviceCount(r.Count), IDs: r.IDs, Options: r.Options}
		if len(r.Capabilities) > 0 {
			d.Capabilities = r.Capabilities[0]
		}
		if c.Deploy == nil {
			c.Deploy = &types.DeployConfig{Resources: types.Resources{Reservations: &types.Resource{}}}
		}
		c.Deploy.Resources.Reservations.Devices = append(c.Deploy.Resources.Reservations.Devices, d)
	}
	return notes
}

func resources(c *types.ServiceConfig, r container.Resources) (notes []string) {
	c.MemLimit, c.MemReservation, c.MemSwapLimit = types.UnitBytes(r.Memory), types.UnitBytes(r.MemoryReservation), types.UnitBytes(r.MemorySwap)
	c.OomKillDisable, c.CPUShares, c.CPUPeriod, c.CPUQuota = r.OOMKillDisable, r.CPUShares, r.CPUPeriod, r.CPUQuota
	c.CPURTPeriod, c.CPURTRuntime, c.CPUSet, c.CPUCount, c.PidsLimit = r.CPURTPeriod, r.CPURTRuntime, r.CPUSet, r.CPUCount, r.PidsLimit
	c.CPUPercent, c.CPUS = float32(r.CPUPercent)/100, float32(float64(r.NanoCPUs)/1e9)
	if int64(c.CPUS*1e9) != r.NanoCPUs {
		notes = append(notes, fmt.Sprintf("cpus %g cannot be written exactly", float64(r.NanoCPUs)/1e9))
	}
	if m := r.MemorySwappiness; m != nil {
		if c.MemSwappiness = types.UnitBytes(*m); *m == 0 {
			notes = append(notes, "mem_swappiness: 0 is left out")
		}
	}
	if r.BlkioWeight == 0 && len(r.BlkioDevices) == 0 {
		return notes
	}
	b := &types.BlkioConfig{Weight: uint16(min(r.BlkioWeight, math.MaxUint16))}
	lists := map[string]*[]types.ThrottleDevice{"device_read_bps": &b.DeviceReadBps, "device_read_iops": &b.DeviceReadIOps, "device_write_bps": &b.DeviceWriteBps, "device_write_iops": &b.DeviceWriteIOps}
	for _, line := range r.BlkioDevices {
		var kind, path string
		var n int64
		if _, err := fmt.Sscan(line, &kind, &path, &n); err != nil {
			continue // every line has three words
		}
		if list, ok := lists[kind]; ok {
			*list = append(*list, types.ThrottleDevice{Path: path, Rate: types.UnitBytes(n)})
		} else {
			b.WeightDevice = append(b.WeightDevice, types.WeightDevice{Path: path, Weight: uint16(n)})
		}
	}
	c.BlkioConfig = b
	return notes
}
