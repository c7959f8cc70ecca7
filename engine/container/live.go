package container

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tutti-run/tutti/engine/field"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// Labels that Docker Compose puts on containers, networks and volumes, and ours.
const (
	LabelProject         = "com.docker.compose.project"
	LabelService         = "com.docker.compose.service"
	LabelNumber          = "com.docker.compose.container-number"
	LabelConfigHash      = "com.docker.compose.config-hash"
	LabelOneOff          = "com.docker.compose.oneoff"
	LabelSlug            = "com.docker.compose.slug"
	LabelImage           = "com.docker.compose.image"
	LabelDependsOn       = "com.docker.compose.depends_on"
	LabelVersion         = "com.docker.compose.version"
	LabelWorkingDir      = "com.docker.compose.project.working_dir"
	LabelConfigFiles     = "com.docker.compose.project.config_files"
	LabelEnvironmentFile = "com.docker.compose.project.environment_file"
	LabelReplace         = "com.docker.compose.replace"
	LabelNetwork         = "com.docker.compose.network"
	LabelVolume          = "com.docker.compose.volume"

	LabelHook = "com.docker.compose.hook" // of an init container

	LabelFields = field.Label
	LabelGiven  = "dev.tutti.given"  // of a container: digests of variables that providers and models gave it; see FormatGiven
	LabelSubnet = "dev.tutti.subnet" // of a network: tutti chose its subnet

	// Of volumes that are made anew with what they hold. A snapshot is not labelled as a part of its project: nothing takes it away with that.
	LabelSnapshotOf   = "dev.tutti.snapshot-of"      // of a snapshot: the volume that it was taken of
	LabelSnapshotFor  = "dev.tutti.snapshot-project" // of a snapshot: the project
	LabelRestoredFrom = "dev.tutti.restored-from"    // of a volume: the snapshot that it was filled from
	LabelInherit      = "dev.tutti.inherit"          // of a mark: anonymous volumes of the containers that go, by replica
	LabelMoving       = "dev.tutti.moving"           // of a mark: the volume that is being made anew
)

// MoveSuffix ends the name of a volume's mark.
const MoveSuffix = ".moving"

const ()

// State of a container, in the engine's words.
type State string

// The states (Engine API, ContainerState.Status).
const (
	Created    State = "created"
	Running    State = "running"
	Paused     State = "paused"
	Restarting State = "restarting"
	Removing   State = "removing"
	Exited     State = "exited"
	Dead       State = "dead"
)

// Health of a container; NoHealth if it has no healthcheck.
type Health string

// The healths (Engine API, Health.Status).
const (
	NoHealth  Health = ""
	Starting  Health = "starting"
	Healthy   Health = "healthy"
	Unhealthy Health = "unhealthy"
)

// Live is a container found in the engine. What a list shows is always there; Found only after an inspect.
type Live struct {
	ID       string
	Name     string // without the leading slash
	Image    string // reference it was made from
	ImageID  string
	Command  string
	Created  time.Time
	State    State
	Status   string // as the engine words it: "Up 3 minutes (healthy)"
	Health   Health
	ExitCode int // of an exited one
	Labels   map[string]string
	Networks []network.Endpoint
	Mounts   []volume.Mounted
	Ports    []Published
	Mode     string // network mode

	// Stopped says that somebody stopped it (docker stop, docker kill) after it last started, as far as the engine's recent events tell;
	// Finished that it ended by itself.
	Stopped, Finished bool

	// Contents of files in it, by path, as far as they were asked for and there.
	Contents map[string][]byte

	// Found is what it was really made of; nil until it was inspected.
	Found *Spec

	// Proxies are the variables that the user's proxies give to every container that does not set them; known with Found.
	Proxies map[string]string
}

// Published is a port as lists show it.
type Published struct {
	HostIP    string
	Published int // 0: only exposed
	Target    int
	Protocol  string
}

// TemporaryName is that of a new container while its predecessor holds the name: "<12 digits of the predecessor's id>_<name>".
func TemporaryName(predecessor, name string) string {
	return predecessor[:min(12, len(predecessor))] + "_" + name
}

// OwnName is the name that a container has, or will have once its predecessor is gone.
func OwnName(name string) string {
	prefix, own, ok := strings.Cut(name, "_")
	if ok && len(prefix) == 12 && strings.Trim(prefix, "0123456789abcdef") == "" {
		return own
	}
	return name
}

// MadeFor tells whether a container with these labels was made for a project: what Docker Compose builds has its project as a label too, and
// whatever is run from that by hand inherits it. Such a container is nobody's service.
func MadeFor(labels map[string]string, project string) bool {
	_, made := labels[LabelConfigHash]
	return made && labels[LabelProject] == project
}

// Service it belongs to.
func (l Live) Service() string { return l.Labels[LabelService] }

// Number among the replicas of its service, from 1; 0 if it has none.
func (l Live) Number() int {
	n, err := strconv.Atoi(l.Labels[LabelNumber])
	if err != nil {
		return 0
	}
	return n
}

// OneOff tells whether it was made by `run`.
func (l Live) OneOff() bool { return strings.EqualFold(l.Labels[LabelOneOff], "true") }

// Hook tells whether it was made to run before its service starts (pre_start).
func (l Live) Hook() bool { return l.Labels[LabelHook] != "" }

// Up tells whether its process runs (also while paused or about to restart).
func (l Live) Up() bool { return l.State == Running || l.State == Paused || l.State == Restarting }

// On tells whether it is attached to the network of that name.
func (l Live) On(networkName string) bool {
	return slices.ContainsFunc(l.Networks, func(e network.Endpoint) bool { return e.Name == networkName })
}
