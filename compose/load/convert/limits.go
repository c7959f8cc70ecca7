package convert

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/source"
	"github.com/tutti-run/tutti/engine/container"
)

func (in *Input) isolation(spec *container.Spec, c types.ServiceConfig) {
	spec.CapAdd, spec.CapDrop = c.CapAdd, c.CapDrop
	spec.Privileged = c.Privileged
	spec.SecurityOpt = in.securityOpt(c)
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
	spec.CredentialSpec = in.credentialSpec(c.CredentialSpec)
	spec.OOMScoreAdj = int(c.OomScoreAdj)
}

// credentialSpec as engines on Windows take it (docs of docker run, --security-opt credentialspec). What a config holds they take as it is.
func (in *Input) credentialSpec(s *types.CredentialSpecConfig) string {
	switch {
	case s == nil:
		return ""
	case s.File != "":
		return "file://" + s.File
	case s.Registry != "":
		return "registry://" + s.Registry
	case s.Config == "":
		return ""
	}
	def := in.Project.Configs[s.Config]
	text := cmp.Or(def.Content, in.Project.Environment[def.Environment])
	if def.File != "" {
		b, _ := source.ReadFile(def.File) // the check has told
		text = string(b)
	}
	return "raw://" + text
}

// resources are the service's own limits, and over them those of deploy.resources.
func (in *Input) resources(c types.ServiceConfig) container.Resources {
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
	if c.MemSwappiness != 0 || in.Declares("services", c.Name, "mem_swappiness") { // 0 is to swap nothing
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
func (in *Input) securityOpt(c types.ServiceConfig) []string {
	var out []string
	for _, opt := range c.SecurityOpt {
		path, ok := seccomp(opt)
		if !ok {
			out = append(out, opt)
			continue
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(in.Project.WorkingDir, path)
		}
		text, err := source.ReadFile(path)
		var b bytes.Buffer
		if err == nil {
			err = json.Compact(&b, text)
		}
		if err != nil {
			at := in.Item([]string{"services", c.Name, "security_opt"}, opt)
			in.AddOnce(diag.Diagnostic{Severity: diag.Error, Rule: "unreadable-file", Place: at.Place(), Text: fmt.Sprintf("service %q: read seccomp profile: %v", c.Name, err)})
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
			inline := strings.HasPrefix(path, "{") // of a project that was loaded before
			return path, path != "unconfined" && path != "builtin" && !inline
		}
	}
	return "", false
}
