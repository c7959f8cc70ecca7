// Package engine holds what tutti needs of a container engine: small ports, a snapshot of what was found, capabilities, and kinds of errors.
package engine

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// Kinds of errors. Adapters wrap the engine's own error in one of them, once; tell by errors.Is.
var (
	ErrNotFound    = errors.New("not found")
	ErrConflict    = errors.New("conflict")           // the name is taken, the resource is in use
	ErrInvalid     = errors.New("invalid")            // the engine refuses the request as it stands
	ErrUnavailable = errors.New("engine unreachable") // nothing answers, or it went away
	ErrBusy        = errors.New("registry busy")      // a registry cannot answer now (429, 5xx, a broken connection): it may a little later
)

// Unreachable is the cause of an ErrUnavailable when an engine is dialled.
type Unreachable struct{ Host, Cause string }

func (u Unreachable) Error() string { return u.Cause + "; is it running?" }

// Capabilities say what a target can do. Filled once, when it is dialled.
type Capabilities struct {
	Engine        string // "docker", "podman"
	Version       string // of the engine; may be empty until asked for
	APIVersion    string // negotiated, "1.41"
	OS, Arch      string // as the engine names them
	StartInterval bool   // healthcheck.start_interval, API 1.44
	MultiNetwork  bool   // several networks at create, API 1.44
	Annotations   bool   // API 1.43
	Subpath       bool   // volume subpath, API 1.45
	EndpointMAC   bool   // a MAC address for each network, API 1.44
	GwPriority    bool   // API 1.48
	InterfaceName bool   // API 1.49
	EnableIPv4    bool   // API 1.47
	IPv6Pools     bool   // it finds IPv6 subnets by itself, API 1.46
	ImageMounts   bool   // API 1.48
	BuildKit      bool
	Socket        string // path of the Unix socket where it was reached; "": it was reached otherwise
	Update        bool   // ContainerUpdate works (not on Podman 4)
}

// Query tells what to look for.
type Query struct {
	Project  string
	Images   []string // references whose images matter
	Networks []string // names in the engine of networks wanted, external ones too
	External []string // of Networks, those that must be there
	Volumes  []string // names in the engine of volumes wanted, external ones too
}

// Snapshot is what the engine has of a project, in order of name. It is a value: nothing in it changes afterwards.
type Snapshot struct {
	Project    string
	Containers []container.Live
	Networks   []network.Live        // of the project, and those asked for by name
	Volumes    []volume.Live         // of the project, and those asked for by name
	Images     map[string]image.Live // by reference asked for; absent if the engine has none
	Caps       Capabilities
	Swarm      bool // the engine is a node of a Swarm: known only if an external network was not found
}

// Observer reads the world.
type Observer interface {
	// Observe takes a constant number of calls, whatever the project's size.
	Observe(ctx context.Context, q Query) (Snapshot, error)
	// ListContainers gives a project's containers in order of name, in one call: without what only events tell (Stopped, Finished).
	ListContainers(ctx context.Context, project string) ([]container.Live, error)
	// Inspect gives one container with Found filled.
	Inspect(ctx context.Context, id string) (container.Live, error)
	// InspectImage gives one image with Defaults filled.
	InspectImage(ctx context.Context, ref string) (image.Live, error)
}

// NewContainer is what CreateContainer takes beside the spec.
type NewContainer struct {
	Name   string // may be a temporary one
	Spec   container.Spec
	Labels map[string]string // all of them, the user's and ours
	// Peers are container ids by "service:NAME" as Spec.NetworkMode, IPC, PID and VolumesFrom name them, and by "container:NAME" as Links do.
	Peers map[string]string
	// Links are "container-name:alias", resolved.
	Links []string
	// Inherit are anonymous volumes to take over.
	Inherit []volume.Mounted
	// Warn is told what the engine does not do although it makes the container, in its own words. It may be nil.
	Warn func(text string)
}

// Containers changes containers. Each method is one engine call, but CreateContainer on engines that take one network at create,
// and when the spec has files to put in.
type Containers interface {
	CreateContainer(ctx context.Context, c NewContainer) (id string, err error)
	StartContainer(ctx context.Context, id string) error
	// StopContainer sends the stop signal and kills after the timeout; nil takes the container's own.
	StopContainer(ctx context.Context, id string, timeout *time.Duration) error
	KillContainer(ctx context.Context, id, signal string) error
	// RemoveContainer removes also a running one if force is set, and its anonymous volumes if volumes is.
	RemoveContainer(ctx context.Context, id string, force, volumes bool) error
	RenameContainer(ctx context.Context, id, name string) error
	UpdateContainer(ctx context.Context, id string, s container.Spec) error
}

// Pausing freezes containers.
type Pausing interface {
	// PauseContainer freezes all processes of a running container; one that does not run, or is frozen, is ErrConflict.
	PauseContainer(ctx context.Context, id string) error
	// UnpauseContainer lets them go on; one that is not frozen is ErrConflict.
	UnpauseContainer(ctx context.Context, id string) error
}

// Networks changes networks.
type Networks interface {
	CreateNetwork(ctx context.Context, s network.Spec, labels map[string]string) (id string, err error)
	RemoveNetwork(ctx context.Context, id string) error
	ConnectNetwork(ctx context.Context, networkName, containerID string, a network.Attachment) error
	DisconnectNetwork(ctx context.Context, networkName, containerID string) error
}

// Volumes changes volumes.
type Volumes interface {
	CreateVolume(ctx context.Context, s volume.Spec, labels map[string]string) error
	RemoveVolume(ctx context.Context, name string) error
}

// Data moves what volumes hold. Nothing is run for it; a volume that cannot be mounted is the engine's error.
type Data interface {
	// CopyVolume puts all that volume from holds into volume to, over what is there, and reads that back: an error unless every file has arrived,
	// byte for byte. Owners, modes and times come along, as far as an archive of the engine has them; sockets do not.
	CopyVolume(ctx context.Context, from, to string, progress func(Progress)) error
	// VolumeEmpty tells whether a volume holds nothing.
	VolumeEmpty(ctx context.Context, name string) (bool, error)
}

// Contents are files in containers, whether they run or not.
type Contents interface {
	// PutFiles that are not mounted, over those that are there. ErrConflict where the container is read-only.
	PutFiles(ctx context.Context, id string, files []container.File) error
	// ReadFile gives what a regular file holds; ErrNotFound if there is none, or no such container.
	ReadFile(ctx context.Context, id, path string) ([]byte, error)
}

// Progress of a pull, a build or a copy.
type Progress struct {
	Layer   string // "" for the whole; of a build, a step
	Over    bool   // no more comes of the layer
	Text    string // "Downloading", "Step 2/5 : RUN make"
	Current int64  // bytes; 0 when not known
	Total   int64
}

// Images brings images.
type Images interface {
	// ResolveImage asks the registry what an image is: the digest of its manifest, "" if the engine cannot tell.
	ResolveImage(ctx context.Context, ref string) (digest string, err error)
	// PullImage calls progress from one goroutine, until it returns.
	PullImage(ctx context.Context, ref, platform string, progress func(Progress)) (id string, err error)
	// PushImage sends an image to the registry that its reference names. ErrNotFound if there is no such image here.
	PushImage(ctx context.Context, ref string, progress func(Progress)) error
	BuildImage(ctx context.Context, ref string, b image.Build, progress func(Progress)) (id string, err error)
	RemoveImage(ctx context.Context, ref string) error
	// ListImages with a label, "key=value", the newest first.
	ListImages(ctx context.Context, label string) ([]image.Listed, error)
	// RemoveUntagged removes the image of that ID if no reference names it. One that is named, used or gone is fine.
	RemoveUntagged(ctx context.Context, id string) error
}

// BuildCheck is what is found in a build that is looked at and not run.
type BuildCheck struct {
	Text  string // lines, as Docker's buildx prints them
	Clean bool   // there is nothing to find fault with
}

// BuildChecker looks at builds. It is a port of its own: an engine that builds without BuildKit cannot.
type BuildChecker interface {
	CheckBuild(ctx context.Context, b image.Build) (BuildCheck, error)
}

// Exec is a command to run in a running container (Engine API, ContainerExec).
type Exec struct {
	Command     []string
	User        string // "" is the container's
	Privileged  bool
	WorkingDir  string   // "" is the container's
	Environment []string // KEY=VALUE, over the container's
}

// Execs runs commands in containers.
type Execs interface {
	// Exec runs a command to its end and gives its exit code; line is called for each line that it writes, from one goroutine.
	// A container that is not there is ErrNotFound, one that does not run ErrConflict.
	Exec(ctx context.Context, id string, e Exec, line func(LogLine)) (code int, err error)
}

// Streaming says how to be connected with a process.
type Streaming struct {
	TTY        bool // it has a terminal: one output, and a size
	Stdin      bool // connect its input, too
	Cols, Rows int  // of its terminal; 0: not known
}

// Stream is our end of a process's input and output.
type Stream interface {
	io.Writer          // of its input
	CloseWrite() error // ends its input
	// Copy what it writes, until it ends or the stream is closed. What has a terminal writes to stdout alone.
	Copy(stdout, stderr io.Writer) error
	Resize(ctx context.Context, cols, rows int) error
	Close() error
}

// Command is a command in a container that we are connected with.
type Command interface {
	Stream
	// Code it exited with, once its output has ended.
	Code(ctx context.Context) (int, error)
}

// Streams connects us with processes in containers. A container that is not there is ErrNotFound, one that does not run ErrConflict.
type Streams interface {
	OpenExec(ctx context.Context, id string, e Exec, s Streaming) (Command, error)
	// StartExec leaves the command to itself.
	StartExec(ctx context.Context, id string, e Exec, tty bool) error
	// AttachContainer connects with a container's own process; also before it is started.
	AttachContainer(ctx context.Context, id string, s Streaming) (Stream, error)
}

// PathStat is what is at a path in a container.
type PathStat struct {
	Name       string
	Mode       fs.FileMode
	LinkTarget string // of a symbolic link
}

// Paths are files and directories in containers, as tar archives, whether those run or not. ErrNotFound if there is no such path, or container.
type Paths interface {
	StatPath(ctx context.Context, id, path string) (PathStat, error)
	// GetPath gives an archive whose entries begin with the path's last name. The caller closes it.
	GetPath(ctx context.Context, id, path string) (io.ReadCloser, PathStat, error)
	// PutPath unpacks an archive in a directory that is there; owners: with user and group, by number. No file takes the place of a directory, nor
	// the other way round.
	PutPath(ctx context.Context, id, dir string, archive io.Reader, owners bool) error
}

// Commit says what image to make of a container.
type Commit struct {
	Ref             string // "" gives it none
	Author, Message string
	Changes         []string // instructions of a Dockerfile: "ENV A=1"
	Pause           bool     // freeze the container meanwhile
}

// Filesystems are what containers have written, with what their images gave them.
type Filesystems interface {
	// ExportContainer gives all of it as a tar archive. The caller closes it.
	ExportContainer(ctx context.Context, id string) (io.ReadCloser, error)
	// CommitContainer makes an image of it, and gives its ID.
	CommitContainer(ctx context.Context, id string, c Commit) (imageID string, err error)
}

// Usage of the machine by a container, at a moment.
type Usage struct {
	CPU            float64 // per cent of one CPU
	Memory, Limit  uint64  // bytes, without what is only cached
	Received, Sent uint64  // bytes over networks, since it was started
	Read, Written  uint64  // bytes of block devices, since it was started
	Processes      uint64
}

// Happening is an event of a container as the engine words it.
type Happening struct {
	Action     string // "start", "exec_create: ls", "health_status: healthy"
	Container  string // id
	Time       time.Time
	Attributes map[string]string // its name, image and labels, and what the action brings with it
}

// Monitor watches containers at work.
type Monitor interface {
	// Processes of a running container as ps lists them, a row each, and the titles of the columns. ErrConflict if it does not run.
	Processes(ctx context.Context, id string) (titles []string, rows [][]string, err error)
	// Usage calls sample every second, or once, until the container ends, ctx does, or sample returns an error.
	Usage(ctx context.Context, id string, once bool, sample func(Usage) error) error
	// Happenings calls tell for what happens to a project's containers: from since, "" is now, up to until, "" is without end. Both are times, or
	// how long ago.
	Happenings(ctx context.Context, project, since, until string, tell func(Happening)) error
}

// Tags gives images names.
type Tags interface {
	// TagImage makes ref stand for the image of that ID, whatever it stood for before. ErrNotFound if there is no such image.
	TagImage(ctx context.Context, id, ref string) error
}

// Archives keeps files in the engine, as images of one layer that is never run. Unlike labels, files are not shown in lists and events.
type Archives interface {
	// ImportArchive keeps files by name (slash-separated, below the root) under an image reference, and gives the image's ID. What the reference
	// stood for before is removed if nothing else names it. Labels have one line each.
	ImportArchive(ctx context.Context, ref string, labels map[string]string, files map[string][]byte) (id string, err error)
	// ExportArchive gives what was kept; ErrNotFound if nothing is.
	ExportArchive(ctx context.Context, ref string) (files map[string][]byte, err error)
}

// Marks are volumes that hold nothing and say something by their labels. Making one is atomic: that is what a lock needs.
type Marks interface {
	// Mark makes one and gives the labels that it has: another's, if it was there before.
	Mark(ctx context.Context, name string, labels map[string]string) (found map[string]string, err error)
	// Unmark removes it; one that is gone already is fine.
	Unmark(ctx context.Context, name string) error
	// WatchMarks tells of marks whose names begin with prefix that are made and removed from now on; engines may tell once more of one that is
	// there when somebody tries to make it. The channel is closed when ctx ends or the engine goes away; then errc holds the reason (nil for
	// the former).
	WatchMarks(ctx context.Context, prefix string) (marks <-chan MarkEvent, errc <-chan error, err error)
}

// MarkEvent tells of a mark that was made or removed.
type MarkEvent struct {
	Name    string
	Removed bool
}

// Surroundings are what there is beside a project: what it may run into.
type Surroundings struct {
	Containers []Neighbour        // of all projects and of none, in order of name; also those that do not run
	Networks   []NeighbourNetwork // in order of name
	Memory     int64              // bytes that the engine's machine has; 0: not known
	CPUs       int                // 0: not known
	Runtimes   []string           // that it can start containers with, in order of name; none: not known
	Swarm      SwarmRole
	Drivers    []string      // of networks, in order of name: those that are built in, and plugins that can be seen; none: not known
	Pools      []AddressPool // where automatic subnets come from; the engine's defaults if it does not tell
	// Local: the engine shares this machine's network and files, so that its ports and paths are ours.
	Local bool
}

// SwarmRole of an engine: "" if it is in no Swarm.
type SwarmRole string

// The roles. Only managers make overlay networks.
const (
	Worker  SwarmRole = "worker"
	Manager SwarmRole = "manager"
)

// Neighbour is a container beside the project, or of it.
type Neighbour struct {
	ID, Name         string
	Project, Service string // "" without label
	OneOff           bool   // it was made by `run`
	WorkingDir       string // of the project, by label
	State            container.State
	Ports            []container.Published
	Volumes          []string // that it mounts, by name
	Networks         []string // ids
}

// NeighbourOf is a container as a list shows it.
func NeighbourOf(l container.Live) Neighbour {
	n := Neighbour{
		ID: l.ID, Name: l.Name, Project: l.Labels[container.LabelProject], Service: l.Service(), WorkingDir: l.Labels[container.LabelWorkingDir],
		OneOff: l.OneOff(), State: l.State, Ports: l.Ports,
	}
	for _, m := range l.Mounts {
		if m.Name != "" {
			n.Volumes = append(n.Volumes, m.Name)
		}
	}
	for _, e := range l.Networks {
		n.Networks = append(n.Networks, e.NetworkID)
	}
	return n
}

// NeighbourNetwork is a network beside the project, or of it.
type NeighbourNetwork struct {
	ID, Name   string
	Project    string
	Subnets    []string // CIDR
	Driver     string
	Attachable bool
}

// AddressPool is a range that subnets of Size bits are cut from (Engine API, SystemInfo.DefaultAddressPools).
type AddressPool struct {
	Base string // CIDR
	Size int
}

// Surveyor looks around.
type Surveyor interface {
	// Survey takes four calls at once: a list each of containers, networks and plugins, and the engine's information.
	Survey(ctx context.Context) (Surroundings, error)
	// Neighbours are the containers of a survey alone, in one call.
	Neighbours(ctx context.Context) ([]Neighbour, error)
}

// EventKind of an engine event, reduced to what matters.
type EventKind string

// The kinds of events.
const (
	EventCreate  EventKind = "create"
	EventStart   EventKind = "start"
	EventDie     EventKind = "die" // ExitCode is set
	EventStop    EventKind = "stop"
	EventKill    EventKind = "kill"
	EventOOM     EventKind = "oom"
	EventHealth  EventKind = "health" // Health is set
	EventDestroy EventKind = "destroy"
	EventRename  EventKind = "rename"
	EventPause   EventKind = "pause"
	EventUnpause EventKind = "unpause"
)

// Event of a container of a project.
type Event struct {
	Kind      EventKind
	Container string // id
	Name      string
	Labels    map[string]string
	ExitCode  int
	Health    container.Health
	Time      time.Time
}

// Events tells what happens from now on.
type Events interface {
	// Subscribe returns when the engine has taken the subscription: what happens afterwards will be told. The channel is closed when ctx
	// ends or the engine goes away; then errc holds the reason (nil for the former).
	Subscribe(ctx context.Context, project string) (events <-chan Event, errc <-chan error, err error)
}

// LogOptions as ContainerLogs takes them.
type LogOptions struct {
	Follow     bool
	Tail       string // "all", "" or a number
	Since      string
	Until      string
	Timestamps bool
}

// LogLine is one line that a container wrote. Text has no line end.
type LogLine struct {
	Time   time.Time
	Stderr bool
	Text   string
	More   bool // the next one has been read already, and follows at once
}

// Logs reads what containers wrote.
type Logs interface {
	// Logs calls line for each line in order, from one goroutine, until there is no more, ctx ends, or line returns an error.
	Logs(ctx context.Context, id string, o LogOptions, line func(LogLine) error) error
}

// Diagnosis is what can be learned about a container that failed.
type Diagnosis struct {
	State     container.State
	ExitCode  int
	OOMKilled bool
	Error     string // the engine's own, of a start that failed
	Health    container.Health
	Probe     string // output of the last health probe
	HasHealth bool   // it has a healthcheck
}

// Doctor looks at one container's state.
type Doctor interface {
	Diagnose(ctx context.Context, id string) (Diagnosis, error)
}

// Info is what `version` and error messages tell.
type Info struct {
	Host string // where it was reached: "unix:///var/run/docker.sock"
	Caps Capabilities
}

// Project is a line of `ls`.
type Project struct {
	Name        string
	States      map[container.State]int
	ConfigFiles string
}

// Projects lists what runs under any name.
type Projects interface {
	Projects(ctx context.Context) ([]Project, error)
}

// Engine is all of it; use cases take the parts that they need.
type Engine interface {
	Observer
	Containers
	Pausing
	Networks
	Volumes
	Data
	Contents
	Images
	Tags
	Archives
	Marks
	Execs
	Streams
	Paths
	Filesystems
	Monitor
	Surveyor
	Events
	Logs
	Doctor
	Projects
	Info() Info
	io.Closer
}
