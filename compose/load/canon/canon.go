// Package canon is services as Docker Compose 2.40 writes them: what its config prints and what its hashes are made of.
package canon

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"

	"github.com/compose-spec/compose-go/v2/types"
)

// Service is one as Docker Compose 2.40 writes it: the same attributes as compose-go's, in the order that its hash of a
// service and the output of `config` were made with (compose-go 2.9). Attributes of later versions stand where their name does.
type Service struct {
	Profiles          []string                               `yaml:"profiles,omitempty" json:"profiles,omitempty"`
	Annotations       types.Mapping                          `yaml:"annotations,omitempty" json:"annotations,omitempty"`
	Attach            *bool                                  `yaml:"attach,omitempty" json:"attach,omitempty"`
	Build             *types.BuildConfig                     `yaml:"build,omitempty" json:"build,omitempty"`
	Develop           *types.DevelopConfig                   `yaml:"develop,omitempty" json:"develop,omitempty"`
	BlkioConfig       *types.BlkioConfig                     `yaml:"blkio_config,omitempty" json:"blkio_config,omitempty"`
	CapAdd            []string                               `yaml:"cap_add,omitempty" json:"cap_add,omitempty"`
	CapDrop           []string                               `yaml:"cap_drop,omitempty" json:"cap_drop,omitempty"`
	CgroupParent      string                                 `yaml:"cgroup_parent,omitempty" json:"cgroup_parent,omitempty"`
	Cgroup            string                                 `yaml:"cgroup,omitempty" json:"cgroup,omitempty"`
	CPUCount          int64                                  `yaml:"cpu_count,omitempty" json:"cpu_count,omitempty"`
	CPUPercent        float32                                `yaml:"cpu_percent,omitempty" json:"cpu_percent,omitempty"`
	CPUPeriod         int64                                  `yaml:"cpu_period,omitempty" json:"cpu_period,omitempty"`
	CPUQuota          int64                                  `yaml:"cpu_quota,omitempty" json:"cpu_quota,omitempty"`
	CPURTPeriod       int64                                  `yaml:"cpu_rt_period,omitempty" json:"cpu_rt_period,omitempty"`
	CPURTRuntime      int64                                  `yaml:"cpu_rt_runtime,omitempty" json:"cpu_rt_runtime,omitempty"`
	CPUS              float32                                `yaml:"cpus,omitempty" json:"cpus,omitempty"`
	CPUSet            string                                 `yaml:"cpuset,omitempty" json:"cpuset,omitempty"`
	CPUShares         int64                                  `yaml:"cpu_shares,omitempty" json:"cpu_shares,omitempty"`
	Command           types.ShellCommand                     `yaml:"command,omitempty" json:"command"` // null is not []
	Configs           []types.ServiceConfigObjConfig         `yaml:"configs,omitempty" json:"configs,omitempty"`
	ContainerName     string                                 `yaml:"container_name,omitempty" json:"container_name,omitempty"`
	CredentialSpec    *types.CredentialSpecConfig            `yaml:"credential_spec,omitempty" json:"credential_spec,omitempty"`
	DependsOn         types.DependsOnConfig                  `yaml:"depends_on,omitempty" json:"depends_on,omitempty"`
	Deploy            *types.DeployConfig                    `yaml:"deploy,omitempty" json:"deploy,omitempty"`
	DeviceCgroupRules []string                               `yaml:"device_cgroup_rules,omitempty" json:"device_cgroup_rules,omitempty"`
	Devices           []types.DeviceMapping                  `yaml:"devices,omitempty" json:"devices,omitempty"`
	DNS               types.StringList                       `yaml:"dns,omitempty" json:"dns,omitempty"`
	DNSOpts           []string                               `yaml:"dns_opt,omitempty" json:"dns_opt,omitempty"`
	DNSSearch         types.StringList                       `yaml:"dns_search,omitempty" json:"dns_search,omitempty"`
	Dockerfile        string                                 `yaml:"dockerfile,omitempty" json:"dockerfile,omitempty"`
	DomainName        string                                 `yaml:"domainname,omitempty" json:"domainname,omitempty"`
	Entrypoint        types.ShellCommand                     `yaml:"entrypoint,omitempty" json:"entrypoint"` // null is not []
	Provider          *types.ServiceProviderConfig           `yaml:"provider,omitempty" json:"provider,omitempty"`
	Environment       types.MappingWithEquals                `yaml:"environment,omitempty" json:"environment,omitempty"`
	EnvFiles          []*envFile                             `yaml:"env_file,omitempty" json:"env_file,omitempty"`
	Expose            types.StringOrNumberList               `yaml:"expose,omitempty" json:"expose,omitempty"`
	Extends           *types.ExtendsConfig                   `yaml:"extends,omitempty" json:"extends,omitempty"`
	ExternalLinks     []string                               `yaml:"external_links,omitempty" json:"external_links,omitempty"`
	ExtraHosts        types.HostsList                        `yaml:"extra_hosts,omitempty" json:"extra_hosts,omitempty"`
	GroupAdd          []string                               `yaml:"group_add,omitempty" json:"group_add,omitempty"`
	Gpus              []types.DeviceRequest                  `yaml:"gpus,omitempty" json:"gpus,omitempty"`
	Hostname          string                                 `yaml:"hostname,omitempty" json:"hostname,omitempty"`
	HealthCheck       *types.HealthCheckConfig               `yaml:"healthcheck,omitempty" json:"healthcheck,omitempty"`
	Image             string                                 `yaml:"image,omitempty" json:"image,omitempty"`
	Init              *bool                                  `yaml:"init,omitempty" json:"init,omitempty"`
	Ipc               string                                 `yaml:"ipc,omitempty" json:"ipc,omitempty"`
	Isolation         string                                 `yaml:"isolation,omitempty" json:"isolation,omitempty"`
	Labels            types.Labels                           `yaml:"labels,omitempty" json:"labels,omitempty"`
	LabelFiles        []string                               `yaml:"label_file,omitempty" json:"label_file,omitempty"`
	Links             []string                               `yaml:"links,omitempty" json:"links,omitempty"`
	Logging           *types.LoggingConfig                   `yaml:"logging,omitempty" json:"logging,omitempty"`
	LogDriver         string                                 `yaml:"log_driver,omitempty" json:"log_driver,omitempty"`
	LogOpt            map[string]string                      `yaml:"log_opt,omitempty" json:"log_opt,omitempty"`
	MemLimit          types.UnitBytes                        `yaml:"mem_limit,omitempty" json:"mem_limit,omitempty"`
	MemReservation    types.UnitBytes                        `yaml:"mem_reservation,omitempty" json:"mem_reservation,omitempty"`
	MemSwapLimit      types.UnitBytes                        `yaml:"memswap_limit,omitempty" json:"memswap_limit,omitempty"`
	MemSwappiness     types.UnitBytes                        `yaml:"mem_swappiness,omitempty" json:"mem_swappiness,omitempty"`
	MacAddress        string                                 `yaml:"mac_address,omitempty" json:"mac_address,omitempty"`
	Models            map[string]*types.ServiceModelConfig   `yaml:"models,omitempty" json:"models,omitempty"`
	Net               string                                 `yaml:"net,omitempty" json:"net,omitempty"`
	NetworkMode       string                                 `yaml:"network_mode,omitempty" json:"network_mode,omitempty"`
	Networks          map[string]*types.ServiceNetworkConfig `yaml:"networks,omitempty" json:"networks,omitempty"`
	OomKillDisable    bool                                   `yaml:"oom_kill_disable,omitempty" json:"oom_kill_disable,omitempty"`
	OomScoreAdj       int64                                  `yaml:"oom_score_adj,omitempty" json:"oom_score_adj,omitempty"`
	Pid               string                                 `yaml:"pid,omitempty" json:"pid,omitempty"`
	PidsLimit         int64                                  `yaml:"pids_limit,omitempty" json:"pids_limit,omitempty"`
	Platform          string                                 `yaml:"platform,omitempty" json:"platform,omitempty"`
	Ports             []types.ServicePortConfig              `yaml:"ports,omitempty" json:"ports,omitempty"`
	Privileged        bool                                   `yaml:"privileged,omitempty" json:"privileged,omitempty"`
	PullPolicy        string                                 `yaml:"pull_policy,omitempty" json:"pull_policy,omitempty"`
	PullRefreshAfter  string                                 `yaml:"pull_refresh_after,omitempty" json:"pull_refresh_after,omitempty"`
	ReadOnly          bool                                   `yaml:"read_only,omitempty" json:"read_only,omitempty"`
	Restart           string                                 `yaml:"restart,omitempty" json:"restart,omitempty"`
	Runtime           string                                 `yaml:"runtime,omitempty" json:"runtime,omitempty"`
	Scale             *int                                   `yaml:"scale,omitempty" json:"scale,omitempty"`
	Secrets           []types.ServiceSecretConfig            `yaml:"secrets,omitempty" json:"secrets,omitempty"`
	SecurityOpt       []string                               `yaml:"security_opt,omitempty" json:"security_opt,omitempty"`
	ShmSize           types.UnitBytes                        `yaml:"shm_size,omitempty" json:"shm_size,omitempty"`
	StdinOpen         bool                                   `yaml:"stdin_open,omitempty" json:"stdin_open,omitempty"`
	StopGracePeriod   *types.Duration                        `yaml:"stop_grace_period,omitempty" json:"stop_grace_period,omitempty"`
	StopSignal        string                                 `yaml:"stop_signal,omitempty" json:"stop_signal,omitempty"`
	StorageOpt        map[string]string                      `yaml:"storage_opt,omitempty" json:"storage_opt,omitempty"`
	Sysctls           types.Mapping                          `yaml:"sysctls,omitempty" json:"sysctls,omitempty"`
	Tmpfs             types.StringList                       `yaml:"tmpfs,omitempty" json:"tmpfs,omitempty"`
	Tty               bool                                   `yaml:"tty,omitempty" json:"tty,omitempty"`
	Ulimits           map[string]*types.UlimitsConfig        `yaml:"ulimits,omitempty" json:"ulimits,omitempty"`
	Umask             *uint32                                `yaml:"umask,omitempty" json:"umask,omitempty"`
	UseAPISocket      bool                                   `yaml:"use_api_socket,omitempty" json:"use_api_socket,omitempty"`
	User              string                                 `yaml:"user,omitempty" json:"user,omitempty"`
	UserNSMode        string                                 `yaml:"userns_mode,omitempty" json:"userns_mode,omitempty"`
	Uts               string                                 `yaml:"uts,omitempty" json:"uts,omitempty"`
	VolumeDriver      string                                 `yaml:"volume_driver,omitempty" json:"volume_driver,omitempty"`
	Volumes           []flatVolume                           `yaml:"volumes,omitempty" json:"volumes,omitempty"`
	VolumesFrom       []string                               `yaml:"volumes_from,omitempty" json:"volumes_from,omitempty"`
	WorkingDir        string                                 `yaml:"working_dir,omitempty" json:"working_dir,omitempty"`
	PreStart          []types.PreStartHook                   `yaml:"pre_start,omitempty" json:"pre_start,omitempty"`
	PostStart         []types.ServiceHook                    `yaml:"post_start,omitempty" json:"post_start,omitempty"`
	PreStop           []types.ServiceHook                    `yaml:"pre_stop,omitempty" json:"pre_stop,omitempty"`
	Extensions        types.Extensions                       `yaml:"#extensions,inline,omitempty" json:"-"`
}

// flatVolume differs from compose-go's in Bind.
type flatVolume struct {
	Type        string                     `yaml:"type,omitempty" json:"type,omitempty"`
	Source      string                     `yaml:"source,omitempty" json:"source,omitempty"`
	Target      string                     `yaml:"target,omitempty" json:"target,omitempty"`
	ReadOnly    bool                       `yaml:"read_only,omitempty" json:"read_only,omitempty"`
	Consistency string                     `yaml:"consistency,omitempty" json:"consistency,omitempty"`
	Bind        *flatBind                  `yaml:"bind,omitempty" json:"bind,omitempty"`
	Volume      *types.ServiceVolumeVolume `yaml:"volume,omitempty" json:"volume,omitempty"`
	Tmpfs       *types.ServiceVolumeTmpfs  `yaml:"tmpfs,omitempty" json:"tmpfs,omitempty"`
	Image       *types.ServiceVolumeImage  `yaml:"image,omitempty" json:"image,omitempty"`
	Extensions  types.Extensions           `yaml:"#extensions,inline,omitempty" json:"-"`
}

// flatBind writes create_host_path when it is true; compose-go's writes it when it is false.
type flatBind struct {
	SELinux        string           `yaml:"selinux,omitempty" json:"selinux,omitempty"`
	Propagation    string           `yaml:"propagation,omitempty" json:"propagation,omitempty"`
	CreateHostPath bool             `yaml:"create_host_path,omitempty" json:"create_host_path,omitempty"`
	Recursive      string           `yaml:"recursive,omitempty" json:"recursive,omitempty"`
	Extensions     types.Extensions `yaml:"#extensions,inline,omitempty" json:"-"`
}

// envFile is written as its path alone where it is required.
type envFile struct {
	Path     string `yaml:"path,omitempty" json:"path,omitempty"`
	Required bool   `yaml:"required" json:"required"`
	Format   string `yaml:"format,omitempty" json:"format,omitempty"`
}

func (e *envFile) MarshalYAML() (any, error) {
	if e.Required {
		return e.Path, nil
	}
	return map[string]any{"path": e.Path, "required": false}, nil
}

func (e *envFile) MarshalJSON() ([]byte, error) {
	if e.Required {
		return json.Marshal(e.Path)
	}
	type plain envFile
	return json.Marshal(plain(*e))
}

// Flatten copies a service attribute by attribute, by name; explicit tells of the mount
// at a target whether a bind's create_host_path is written out.
func Flatten(s types.ServiceConfig, explicit func(service, target string) bool) Service {
	var out Service
	to := reflect.ValueOf(&out).Elem()
	from := reflect.ValueOf(s)
	for i, at := range flatIndex() {
		if at != nil {
			to.Field(i).Set(from.FieldByIndex(at))
		}
	}
	for _, e := range s.EnvFiles {
		out.EnvFiles = append(out.EnvFiles, &envFile{Path: e.Path, Required: bool(e.Required), Format: e.Format})
	}
	for _, v := range s.Volumes {
		out.Volumes = append(out.Volumes, flattenVolume(s.Name, v, explicit))
	}
	return out
}

func flattenVolume(service string, v types.ServiceVolumeConfig, explicit func(service, target string) bool) flatVolume {
	out := flatVolume{
		Type: v.Type, Source: v.Source, Target: v.Target, ReadOnly: v.ReadOnly, Consistency: v.Consistency,
		Volume: v.Volume, Tmpfs: v.Tmpfs, Image: v.Image, Extensions: v.Extensions,
	}
	if b := v.Bind; b != nil {
		out.Bind = &flatBind{
			SELinux: b.SELinux, Propagation: b.Propagation, Recursive: b.Recursive, Extensions: b.Extensions,
			CreateHostPath: v.Type == types.VolumeTypeBind && bool(b.CreateHostPath) && explicit(service, v.Target),
		}
	}
	return out
}

// flatIndex tells where in compose-go's struct each field of Service is; nil for those that are converted.
var flatIndex = sync.OnceValue(func() [][]int {
	f, s := reflect.TypeFor[Service](), reflect.TypeFor[types.ServiceConfig]()
	index := make([][]int, f.NumField())
	for i := range index {
		from, ok := s.FieldByName(f.Field(i).Name)
		if !ok {
			panic(fmt.Sprintf("no attribute %s in compose-go", f.Field(i).Name))
		}
		if from.Type == f.Field(i).Type {
			index[i] = from.Index
		}
	}
	return index
})

// Hash is the digest of a service that Docker Compose 2.40 labels its containers with.
func (f Service) Hash() string { return Digest(f.Text()) }

// Text is what Hash digests.
func (f Service) Text() []byte {
	f.Build, f.PullPolicy, f.Scale, f.DependsOn, f.Profiles = nil, "", nil, nil, nil
	if f.Deploy != nil {
		d := *f.Deploy
		d.Replicas = nil
		f.Deploy = &d
	}
	return text(f)
}

// NetworkHash is the digest of a network, as labelled. It leaves out ipam.options, which Docker Compose 2.40 does not know.
func NetworkHash(n types.NetworkConfig) string {
	n.Ipam.Options = nil
	return hash(n)
}

// VolumeHash is the digest of a volume, whose driver is local if it names none.
func VolumeHash(v types.VolumeConfig) string {
	if v.Driver == "" {
		v.Driver = "local"
	}
	return hash(v)
}

func hash(v any) string { return Digest(text(v)) }

func text(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // recovered by load: types that always marshal
	}
	return b
}

// Digest of a text, in hex.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
