// Package container holds what a container should be (Spec), what the engine has (Live), and how the two differ (Diff).
package container

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tutti-run/tutti/engine/field"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// Spec is all that a container is made from (Compose specification, 05-services; Engine API, ContainerCreate).
// Of a service it is the template; of a replica, Name and Labels are filled in.
type Spec struct {
	Name  string // in the engine
	Image string // reference as in the Compose file

	Platform   string
	Command    []string // nil: the image's; empty: none
	Entrypoint []string // nil: the image's; empty: none
	// Environment is name → value; a nil value unsets what the image sets.
	Environment map[string]*string
	WorkingDir  string
	User        string
	Hostname    string
	Domainname  string
	TTY         bool
	StdinOpen   bool
	StdinOnce   bool // its input ends with that of the first who attaches to it
	StopSignal  string
	StopTimeout *time.Duration // grace before SIGKILL
	Healthcheck *Healthcheck
	Expose      []string // "80", "80/tcp", "3000-3005"
	Ports       []Port
	Labels      map[string]string // the user's own
	Annotations map[string]string

	Mounts      []volume.Mount
	Tmpfs       []string // "/run" or "/run:size=1m"
	VolumesFrom []string // "service:NAME[:ro]" or "container:NAME[:ro]"
	Files       []File   // configs and secrets put into the container before it starts
	// APISocket gives it the engine's socket, and the user's credentials for registries as they are when it is made.
	APISocket bool

	NetworkMode   string // "", bridge, host, none, "service:NAME", "container:NAME"
	Networks      []network.Attachment
	Links         []string // "service" or "service:alias"
	ExternalLinks []string // "container" or "container:alias"
	ExtraHosts    []string // "name:address"
	DNS           []string
	DNSSearch     []string
	DNSOpts       []string
	MacAddress    string

	Restart   Restart
	Resources Resources

	CapAdd            []string
	CapDrop           []string
	Privileged        bool
	ReadOnly          bool
	SecurityOpt       []string
	Devices           []Device
	DeviceCgroupRules []string
	DeviceRequests    []DeviceRequest
	Ulimits           []Ulimit
	Sysctls           map[string]string
	ShmSize           int64 // bytes
	Init              *bool
	AutoRemove        bool // the engine removes it when it has ended; no field that could change
	IPC               string
	PID               string
	UTS               string
	UserNS            string
	Cgroup            string
	CgroupParent      string
	GroupAdd          []string
	Runtime           string
	Isolation         string
	CredentialSpec    string // Windows: "file://NAME", "registry://NAME", or "raw://" and the content
	OOMScoreAdj       int
	StorageOpt        map[string]string
	Logging           Logging

	// PreStart are digests of the containers that run before this one starts.
	PreStart []string

	// Origin is field path → where its value comes from, for reasons: "environment.COLOR" → "web.env".
	Origin map[string]string
}

// Where a container with APISocket finds the engine's socket, and the directory that holds the credentials (as Docker Compose has it).
const (
	SocketTarget   = "/var/run/docker.sock"
	CredentialsDir = "/run/secrets/docker"
)

// Healthcheck of a container; Test as the Engine API takes it: ["CMD", …], ["CMD-SHELL", line] or ["NONE"].
type Healthcheck struct {
	Test                                          []string      // nil: the image's
	Interval, Timeout, StartPeriod, StartInterval time.Duration // zero: the engine's default
	Retries                                       int
}

// Disabled tells whether the check is switched off.
func (h *Healthcheck) Disabled() bool { return h != nil && len(h.Test) > 0 && h.Test[0] == "NONE" }

// Port published on the host.
type Port struct {
	HostIP    string
	Published string // host port, a range "8000-8010", or "" for any
	Target    int
	Protocol  string // tcp, udp, sctp
	Mode      string // host, ingress
}

// String is the short form: "127.0.0.1:8080:80/tcp".
func (p Port) String() string {
	s := fmt.Sprintf("%s:%d/%s", p.Published, p.Target, p.Protocol)
	if p.HostIP == "" {
		return s
	}
	if strings.Contains(p.HostIP, ":") {
		return "[" + p.HostIP + "]:" + s
	}
	return p.HostIP + ":" + s
}

// File is a config or secret of a container (Compose specification, 08-configs and 09-secrets).
type File struct {
	Kind     string // config or secret
	Source   string // its key in the Compose file
	Target   string // absolute path in the container
	Content  []byte `json:"-"`
	HostPath string // that the content is from; "": it is from the Compose file or the environment
	Copied   bool   // although it has a path on the host: a mounted file has the owner, the mode and the content of that
	Digest   string // of the content
	UID, GID string
	Mode     *uint32
	OnChange string // signal that a running container gets when the content changes; "": it is made anew
}

// Mounted tells whether the file on the host itself is in the container; else its content is put in before the container starts.
func (f File) Mounted() bool { return f.HostPath != "" && !f.Copied }

// Hook is a command that runs in the container at a point of its life (Compose specification, post_start and pre_stop).
type Hook struct {
	Command     []string
	User        string
	Privileged  bool
	WorkingDir  string
	Environment map[string]*string
}

// Restart policy (Engine API, RestartPolicy).
type Restart struct {
	Name       string // "", no, always, on-failure, unless-stopped
	MaxRetries int
}

// String is the Compose file's form: "on-failure:3".
func (r Restart) String() string {
	switch {
	case r.Name == "no" || r.Name == "":
		return ""
	case r.MaxRetries > 0:
		return fmt.Sprintf("%s:%d", r.Name, r.MaxRetries)
	}
	return r.Name
}

// Resources are the limits of a container. The engine can change most on a running one (Engine API, ContainerUpdate).
type Resources struct {
	Memory            int64 // bytes
	MemoryReservation int64 // bytes
	MemorySwap        int64 // bytes, with memory; -1 unlimited
	MemorySwappiness  *int64
	OOMKillDisable    bool
	NanoCPUs          int64
	CPUShares         int64
	CPUPeriod         int64 // µs
	CPUQuota          int64 // µs
	CPURTPeriod       int64 // µs
	CPURTRuntime      int64 // µs
	CPUSet            string
	CPUCount          int64
	CPUPercent        int64
	PidsLimit         int64
	BlkioWeight       int
	BlkioDevices      []string // "weight_device /dev/sda 300", "device_read_bps /dev/sda 1048576"
}

// Device of the host in the container.
type Device struct{ Source, Target, Permissions string }

// DeviceRequest asks a driver for devices (GPUs).
type DeviceRequest struct {
	Driver       string
	Count        int // -1: all
	IDs          []string
	Capabilities [][]string
	Options      map[string]string
}

// Ulimit of a container's processes.
type Ulimit struct {
	Name       string
	Soft, Hard int64
}

// Logging driver of a container.
type Logging struct {
	Driver  string
	Options map[string]string
}

// Fields of the spec. Whatever is not here cannot be the reason for a change.
func (s Spec) Fields() field.Set {
	f := s.Updatable()
	f.Put("image", s.Image)
	f.Put("platform", s.Platform)
	f.Put("pre_start", s.PreStart)
	f.Put("container_name", s.Name)
	putCommand(f, "command", s.Command)
	putCommand(f, "entrypoint", s.Entrypoint)
	for k, v := range s.Environment {
		if v != nil {
			f["environment."+k] = *v
		}
	}
	f.Put("working_dir", s.WorkingDir)
	f.Put("user", s.User)
	f.Put("hostname", s.Hostname)
	f.Put("domainname", s.Domainname)
	f.Put("tty", s.TTY)
	f.Put("stdin_open", s.StdinOpen)
	f.Put("stop_signal", s.StopSignal)
	f.Put("stop_grace_period", s.StopTimeout)
	s.Healthcheck.put(f)
	f.PutSorted("expose", s.Expose)
	f.PutSorted("ports", texts(s.Ports, Port.String))
	f.Put("labels", s.Labels)
	f.Put("annotations", s.Annotations)
	s.putStorage(f)
	s.putNetworking(f)
	s.putIsolation(f)
	f.Put("logging.driver", s.Logging.Driver)
	f.Put("logging.options", s.Logging.Options)
	return f
}

// Updatable are the fields that the engine can change on a container without making it anew.
func (s Spec) Updatable() field.Set {
	f, r := field.Set{}, s.Resources
	f.Put("restart", s.Restart.String())
	f.Put("mem_limit", bytesText(r.Memory))
	f.Put("mem_reservation", bytesText(r.MemoryReservation))
	f.Put("memswap_limit", bytesText(r.MemorySwap))
	f.Put("cpus", nanoText(r.NanoCPUs))
	f.Put("cpu_shares", r.CPUShares)
	f.Put("cpu_period", r.CPUPeriod)
	f.Put("cpu_quota", r.CPUQuota)
	f.Put("cpu_rt_period", r.CPURTPeriod)
	f.Put("cpu_rt_runtime", r.CPURTRuntime)
	f.Put("cpuset", r.CPUSet)
	f.Put("pids_limit", r.PidsLimit)
	f.Put("blkio_config.weight", r.BlkioWeight)
	return f
}

// bytesText is exact, in the largest unit that the Compose file has for it: "64m".
func bytesText(n int64) string {
	switch {
	case n == 0:
		return ""
	case n > 0 && n%(1<<30) == 0:
		return fmt.Sprintf("%dg", n>>30)
	case n > 0 && n%(1<<20) == 0:
		return fmt.Sprintf("%dm", n>>20)
	case n > 0 && n%(1<<10) == 0:
		return fmt.Sprintf("%dk", n>>10)
	}
	return fmt.Sprint(n)
}

func nanoText(n int64) string {
	if n == 0 {
		return ""
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.9f", float64(n)/1e9), "0"), ".")
}

func putCommand(f field.Set, path string, v []string) {
	if v != nil {
		b, _ := json.Marshal(v) // a []string always marshals
		f[path] = string(b)
	}
}

func texts[T any](in []T, text func(T) string) []string {
	out := make([]string, 0, len(in))
	for _, e := range in {
		out = append(out, text(e))
	}
	return out
}

func (h *Healthcheck) put(f field.Set) {
	if h == nil {
		return
	}
	f.Put("healthcheck.test", h.Test)
	f.Put("healthcheck.interval", h.Interval)
	f.Put("healthcheck.timeout", h.Timeout)
	f.Put("healthcheck.start_period", h.StartPeriod)
	f.Put("healthcheck.start_interval", h.StartInterval)
	f.Put("healthcheck.retries", h.Retries)
}

func (s Spec) putStorage(f field.Set) {
	for _, m := range s.Mounts {
		f["volumes."+m.Target] = m.Text()
	}
	f.PutSorted("tmpfs", s.Tmpfs)
	f.Put("volumes_from", s.VolumesFrom)
	for i, p := range s.FilePaths() {
		file := s.Files[i]
		f.Put(p+".target", file.Target)
		f.Put(p+".content", file.Digest)
		if file.Copied && file.UID == "" && file.GID == "" && file.Mode == nil {
			f[p+".on_change"] = "signal" // else the file itself is mounted
		}
		f.Put(p+".uid", file.UID)
		f.Put(p+".gid", file.GID)
		if file.Mode != nil {
			f.Put(p+".mode", fmt.Sprintf("%04o", *file.Mode))
		}
	}
	f.Put("shm_size", bytesText(s.ShmSize))
	f.Put("storage_opt", s.StorageOpt)
	f.Put("read_only", s.ReadOnly)
}

// FilePaths are the field paths of the files, in their order: "configs.app", and with its target if the service has it more than once.
func (s Spec) FilePaths() []string {
	out, seen := make([]string, len(s.Files)), map[string]bool{}
	for i, file := range s.Files {
		out[i] = file.Kind + "s." + file.Source
		if seen[out[i]] {
			out[i] += "." + file.Target
		}
		seen[out[i]] = true
	}
	return out
}

func (s Spec) putNetworking(f field.Set) {
	f.Put("network_mode", s.NetworkMode)
	for _, n := range s.Networks {
		p := "networks." + n.Network
		f[p] = n.Name
		f.PutSorted(p+".aliases", n.Aliases)
		f.Put(p+".ipv4_address", n.IPv4Address)
		f.Put(p+".ipv6_address", n.IPv6Address)
		f.PutSorted(p+".link_local_ips", n.LinkLocalIPs)
		f.Put(p+".mac_address", n.MacAddress)
		f.Put(p+".driver_opts", n.DriverOpts)
		f.Put(p+".priority", n.Priority)
		f.Put(p+".gw_priority", n.GwPriority)
		f.Put(p+".interface_name", n.InterfaceName)
	}
	f.PutSorted("links", s.Links)
	f.PutSorted("external_links", s.ExternalLinks)
	f.PutSorted("extra_hosts", s.ExtraHosts)
	f.Put("dns", s.DNS)
	f.Put("dns_search", s.DNSSearch)
	f.Put("dns_opt", s.DNSOpts)
	f.Put("mac_address", s.MacAddress)
}

func (s Spec) putIsolation(f field.Set) {
	f.PutSorted("cap_add", s.CapAdd)
	f.PutSorted("cap_drop", s.CapDrop)
	f.Put("privileged", s.Privileged)
	f.PutSorted("security_opt", s.SecurityOpt)
	f.Put("devices", texts(s.Devices, func(d Device) string { return d.Source + ":" + d.Target + ":" + d.Permissions }))
	f.Put("device_cgroup_rules", s.DeviceCgroupRules)
	f.Put("gpus", texts(s.DeviceRequests, func(d DeviceRequest) string { return fmt.Sprintf("%+v", d) }))
	for _, u := range s.Ulimits {
		f["ulimits."+u.Name] = fmt.Sprintf("%d:%d", u.Soft, u.Hard)
	}
	f.Put("sysctls", s.Sysctls)
	f.Put("init", s.Init)
	f.Put("ipc", s.IPC)
	f.Put("pid", s.PID)
	f.Put("uts", s.UTS)
	f.Put("userns_mode", s.UserNS)
	f.Put("cgroup", s.Cgroup)
	f.Put("cgroup_parent", s.CgroupParent)
	f.PutSorted("group_add", s.GroupAdd)
	f.Put("runtime", s.Runtime)
	f.Put("isolation", s.Isolation)
	f.Put("credential_spec", s.CredentialSpec)
	f.Put("use_api_socket", s.APISocket)
	f.Put("oom_score_adj", s.OOMScoreAdj)
	f.Put("oom_kill_disable", s.Resources.OOMKillDisable)
	f.Put("mem_swappiness", s.Resources.MemorySwappiness)
	f.Put("cpu_count", s.Resources.CPUCount)
	f.Put("cpu_percent", s.Resources.CPUPercent)
	f.Put("blkio_config.devices", s.Resources.BlkioDevices)
}
