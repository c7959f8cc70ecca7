package docker

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	"github.com/moby/moby/api/types/blkiodev"
	apicontainer "github.com/moby/moby/api/types/container"
	apimount "github.com/moby/moby/api/types/mount"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/volume"
)

// hostConfigOf all but ports and networks.
func (c *conn) hostConfigOf(n engine.NewContainer) (*apicontainer.HostConfig, error) {
	s := n.Spec
	h := &apicontainer.HostConfig{
		RestartPolicy: restartOf(s.Restart),
		LogConfig:     apicontainer.LogConfig{Type: s.Logging.Driver, Config: s.Logging.Options},
		CapAdd:        s.CapAdd, CapDrop: s.CapDrop, Privileged: s.Privileged, ReadonlyRootfs: s.ReadOnly,
		ExtraHosts: s.ExtraHosts, DNSSearch: s.DNSSearch, DNSOptions: s.DNSOpts,
		CgroupnsMode: apicontainer.CgroupnsMode(s.Cgroup), UTSMode: apicontainer.UTSMode(s.UTS), UsernsMode: apicontainer.UsernsMode(s.UserNS),
		GroupAdd: s.GroupAdd, OomScoreAdj: s.OOMScoreAdj, Runtime: s.Runtime, Isolation: apicontainer.Isolation(s.Isolation),
		ShmSize: s.ShmSize, Sysctls: s.Sysctls, StorageOpt: s.StorageOpt, Init: s.Init, AutoRemove: s.AutoRemove, Tmpfs: tmpfsOf(s.Tmpfs),
		Resources: resourcesOf(s.Resources),
	}
	if c.caps.Annotations {
		h.Annotations = s.Annotations
	}
	h.CgroupParent, h.DeviceCgroupRules = s.CgroupParent, s.DeviceCgroupRules
	h.Devices, h.DeviceRequests = devicesOf(s)
	for _, u := range s.Ulimits {
		h.Ulimits = append(h.Ulimits, &units.Ulimit{Name: u.Name, Soft: u.Soft, Hard: u.Hard})
	}
	h.Binds, h.Mounts = c.mountsFor(n)
	return h, firstError(
		setBlkio(&h.Resources, s.Resources.BlkioDevices),
		setSecurity(h, c.withCredentialSpec(s)),
		into(&h.DNS, addresses, s.DNS),
		peerInto(&h.IpcMode, s.IPC, n.Peers),
		peerInto(&h.PidMode, s.PID, n.Peers),
		func() (err error) { h.VolumesFrom, err = volumesFrom(s.VolumesFrom, n.Peers); return }(),
	)
}

func into[T any](to *T, parse func([]string) (T, error), texts []string) (err error) {
	*to, err = parse(texts)
	return err
}

func peerInto[T ~string](to *T, mode string, peers map[string]string) error {
	m, err := peerMode(mode, peers)
	*to = T(m)
	return err
}

func restartOf(r container.Restart) apicontainer.RestartPolicy {
	return apicontainer.RestartPolicy{Name: apicontainer.RestartPolicyMode(r.Name), MaximumRetryCount: r.MaxRetries}
}

func resourcesOf(r container.Resources) apicontainer.Resources {
	out := apicontainer.Resources{
		Memory: r.Memory, MemoryReservation: r.MemoryReservation, MemorySwap: r.MemorySwap, MemorySwappiness: r.MemorySwappiness,
		NanoCPUs: r.NanoCPUs, CPUShares: r.CPUShares, CPUPeriod: r.CPUPeriod, CPUQuota: r.CPUQuota,
		CPURealtimePeriod: r.CPURTPeriod, CPURealtimeRuntime: r.CPURTRuntime, CpusetCpus: r.CPUSet,
		CPUCount: r.CPUCount, CPUPercent: r.CPUPercent, BlkioWeight: uint16(r.BlkioWeight),
	}
	if r.OOMKillDisable {
		out.OomKillDisable = &r.OOMKillDisable
	}
	if r.PidsLimit != 0 {
		out.PidsLimit = &r.PidsLimit
	}
	return out
}

// setBlkio reads "weight_device /dev/sda 300", "device_read_bps /dev/sda 1048576".
func setBlkio(r *apicontainer.Resources, lines []string) error {
	for _, l := range lines {
		f := strings.Fields(l)
		if len(f) != 3 {
			return invalid("blkio_config %q", l)
		}
		n, err := strconv.ParseUint(f[2], 10, 64)
		if err != nil {
			return invalid("blkio_config %q: %w", l, err)
		}
		if f[0] == "weight_device" {
			r.BlkioWeightDevice = append(r.BlkioWeightDevice, &blkiodev.WeightDevice{Path: f[1], Weight: uint16(n)})
			continue
		}
		list, ok := throttles(r)[f[0]]
		if !ok {
			return invalid("blkio_config %q", l)
		}
		*list = append(*list, &blkiodev.ThrottleDevice{Path: f[1], Rate: n})
	}
	return nil
}

func throttles(r *apicontainer.Resources) map[string]*[]*blkiodev.ThrottleDevice {
	return map[string]*[]*blkiodev.ThrottleDevice{
		"device_read_bps": &r.BlkioDeviceReadBps, "device_write_bps": &r.BlkioDeviceWriteBps,
		"device_read_iops": &r.BlkioDeviceReadIOps, "device_write_iops": &r.BlkioDeviceWriteIOps,
	}
}

// devicesOf splits devices of the host from those that a driver gives: "vendor.com/class=name" is CDI's form.
func devicesOf(s container.Spec) (devices []apicontainer.DeviceMapping, requests []apicontainer.DeviceRequest) {
	for _, r := range s.DeviceRequests {
		requests = append(requests, apicontainer.DeviceRequest{
			Driver: r.Driver, Count: r.Count, DeviceIDs: r.IDs, Capabilities: r.Capabilities, Options: r.Options,
		})
	}
	for _, d := range s.Devices {
		if !strings.HasPrefix(d.Source, "/") && strings.Contains(d.Source, "=") {
			requests = append(requests, apicontainer.DeviceRequest{Driver: "cdi", DeviceIDs: []string{d.Source}})
			continue
		}
		devices = append(devices, apicontainer.DeviceMapping{
			PathOnHost: d.Source, PathInContainer: cmp.Or(d.Target, d.Source), CgroupPermissions: cmp.Or(d.Permissions, "rwm"),
		})
	}
	return devices, requests
}

// setSecurity sends a seccomp profile's content, for the engine cannot read our files, and frees the masked paths if asked to.
func setSecurity(h *apicontainer.HostConfig, opts []string) error {
	for _, o := range opts {
		key, value, _ := strings.Cut(strings.Replace(o, ":", "=", 1), "=")
		switch {
		case key == "systempaths" && value == "unconfined":
			h.MaskedPaths, h.ReadonlyPaths = []string{}, []string{}
		case key == "seccomp" && value != "unconfined" && value != "builtin" && !strings.HasPrefix(value, "{"):
			data, err := os.ReadFile(value)
			var b bytes.Buffer
			if err == nil {
				err = json.Compact(&b, data)
			}
			if err != nil {
				return invalid("read seccomp profile: %w", err)
			}
			h.SecurityOpt = append(h.SecurityOpt, "seccomp="+b.String())
		default:
			h.SecurityOpt = append(h.SecurityOpt, o)
		}
	}
	return nil
}

// withCredentialSpec are the security options with that of Windows; other engines would refuse it.
func (c *conn) withCredentialSpec(s container.Spec) []string {
	if s.CredentialSpec == "" || c.caps.OS != "windows" {
		return s.SecurityOpt
	}
	return append(slices.Clone(s.SecurityOpt), "credentialspec="+s.CredentialSpec)
}

// tmpfsOf "/run:size=1m".
func tmpfsOf(in []string) map[string]string {
	if len(in) == 0 {
		return nil
	}
	out := map[string]string{}
	for _, t := range in {
		path, options, _ := strings.Cut(t, ":")
		out[path] = options
	}
	return out
}

// mountsFor gives binds in the old form where only that makes an absent directory or labels for SELinux, and mounts for the rest.
// Anonymous volumes that are inherited take the place of what would be mounted there.
func (c *conn) mountsFor(n engine.NewContainer) (binds []string, mounts []apimount.Mount) {
	for _, m := range n.Spec.Mounts {
		inherited := slices.ContainsFunc(n.Inherit, func(v volume.Mounted) bool { return v.Target == m.Target })
		switch {
		case inherited && m.Type == volume.Volume && m.Source == "":
		case m.Type == volume.Bind && (m.CreateHostPath || m.SELinux != "") && m.Recursive == "" && !strings.Contains(m.Source, ":"):
			binds = append(binds, bindText(m))
		default:
			mounts = append(mounts, c.mountFor(m))
		}
	}
	for _, v := range n.Inherit {
		mounts = append(mounts, apimount.Mount{Type: apimount.TypeVolume, Source: v.Name, Target: v.Target, ReadOnly: v.ReadOnly})
	}
	for _, f := range n.Spec.Files {
		if f.Mounted() {
			mounts = append(mounts, apimount.Mount{Type: apimount.TypeBind, Source: f.HostPath, Target: f.Target, ReadOnly: true})
		}
	}
	return binds, mounts
}

// bindText is "source:target:options".
func bindText(m volume.Mount) string {
	var options []string
	if m.ReadOnly {
		options = append(options, "ro")
	} else {
		options = append(options, "rw")
	}
	for _, o := range []string{m.SELinux, m.Propagation} {
		if o != "" {
			options = append(options, o)
		}
	}
	return m.Source + ":" + m.Target + ":" + strings.Join(options, ",")
}

func (c *conn) mountFor(m volume.Mount) apimount.Mount {
	out := apimount.Mount{
		Type: apimount.Type(m.Type), Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly, Consistency: apimount.Consistency(m.Consistency),
	}
	switch m.Type {
	case volume.Bind:
		out.BindOptions = &apimount.BindOptions{
			Propagation: apimount.Propagation(m.Propagation), CreateMountpoint: m.CreateHostPath && c.at("1.42"),
			NonRecursive:         m.Recursive == "disabled",
			ReadOnlyNonRecursive: m.Recursive == "writable" && c.at("1.44"), ReadOnlyForceRecursive: m.Recursive == "readonly" && c.at("1.44"),
		}
	case volume.Volume:
		out.VolumeOptions = &apimount.VolumeOptions{NoCopy: m.NoCopy, Labels: m.Labels}
		if c.caps.Subpath {
			out.VolumeOptions.Subpath = m.Subpath
		}
	case volume.Image:
		out.ImageOptions = &apimount.ImageOptions{Subpath: m.Subpath}
	case volume.Tmpfs:
		out.Source = ""
		out.TmpfsOptions = &apimount.TmpfsOptions{SizeBytes: m.TmpfsSize, Mode: os.FileMode(m.TmpfsMode)}
	}
	return out
}
