// Package plan decides what has to be done so that the engine has what is wanted, and says why. It is pure: values in, values out.
package plan

import (
	"slices"
	"time"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/field"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// Plan is what will be done: nothing else changes the world.
type Plan struct {
	Project  string
	Nodes    []Node     // in an order that respects After
	Kept     []Resource // containers that run and stay as they are
	Warnings diag.List
	Found    []container.Live      // the project's containers when it was made
	Atomic   bool                  // if a step fails, all is undone; see UndoAll
	Services []string              // that Build brings about, each behind what it depends on
	Images   map[string]image.Live // that references of the project stand for when the plan is carried out, as far as known before
	// Reserved addresses of networks by name, for containers that have to keep theirs: see CreateContainer.
	Reserved map[string]network.Reserved
	// Rollbacks says of each service that is rolled out how it gets back.
	Rollbacks map[string]desired.Rollout
}

// ID of a node, unique in its plan and the same whenever the plan is built again: "start web-1".
type ID string

// Node is one step, why it is needed, and the steps it comes after.
type Node struct {
	ID       ID
	Step     Step
	Resource Resource
	Reasons  []Reason
	After    []ID // only if these were done
	AfterAny []ID // once these have ended, whatever came of them
	// Unless all of these hold by then: the step is done without doing anything. Empty: it is always carried out.
	Unless []SameImage
	// Unit names the hand-over that the step is part of: "web-1". If any step of a unit does not get done, what was done of it is undone at
	// once; see Undo. "": what was done stays.
	Unit string
	// Late: it gives up what an undo of the whole run would need, so that an atomic plan does it when all else is done.
	Late bool
}

// SameImage: a reference, once pulled or built, still stands for the image that a container was made from. For variables that are given, Ref is
// what gives them and ID their digest.
type SameImage struct{ Ref, ID string }

// Kind of a resource.
type Kind string

// The kinds of resources.
const (
	Network   Kind = "network"
	Volume    Kind = "volume"
	Image     Kind = "image"
	Container Kind = "container"
	Provider  Kind = "provider" // brings a service about
	Model     Kind = "model"
	Artefact  Kind = "artefact" // in a registry
	Service   Kind = "service"  // of steps that change nothing by themselves
)

// Resource that a step works on.
type Resource struct {
	Kind    Kind
	Service string // of containers and images
	Name    string // in the engine, as it will be in the end: "shop-web-1"
}

// Step is one change of the world, mostly one engine call. The set is closed.
type Step interface{ step() }

// Optional tells a step whose failure only is a warning: what comes after it can do without.
func Optional(s Step) bool {
	switch s := s.(type) {
	case WaitContainer:
		return !s.Required
	case PullImage:
		return s.Else == GoWithout || s.Else == BuildInstead
	case PushImage:
		return s.Optional
	}
	return false
}

// Ref names a container: by its id if it exists, by Key if an earlier step of the plan makes it.
type Ref struct {
	Key string // "web-1", or "web-1 (old)" for one that is replaced
	ID  string // empty: made in this plan
}

// Fallback is what a pull that fails comes to.
type Fallback string

// The fallbacks.
const (
	NoFallback   Fallback = ""       // it has failed
	GoWithout    Fallback = "ignore" // it is only told, as the user asked
	BuildInstead Fallback = "build"  // a step that builds the image comes after it
	UseLocal     Fallback = "local"  // the image that is here stays
)

// The steps.
type (
	// CheckImage asks the registry whether an image that will be pulled can be had. Nothing is made before.
	CheckImage struct{ Image image.Spec }
	// PullImage brings an image from its registry. Was is the ID of what its reference stood for; "" if nothing.
	PullImage struct {
		Image image.Spec
		Was   string
		Else  Fallback
	}
	// PushImage brings an image to its registry.
	PushImage struct {
		Ref      string
		Optional bool // failing only warns
	}
	// BuildImage builds an image and gives it its references; Was as of PullImage.
	BuildImage struct {
		Image    image.Spec
		Was      string
		Unpulled bool     // only if it was not pulled
		For      []string // only if one of these was not pulled; none: whatever was
	}
	// TagImage makes a reference stand for another image that is here; Was as of PullImage.
	TagImage struct{ Ref, ID, Was string }
	// RemoveImage takes a reference away, and the image if that was the last one.
	RemoveImage struct{ Ref string }

	// Provide runs a command of the program that brings a service about: "up", "down" or "stop".
	Provide struct {
		Service, Command string
		Provider         desired.Provider
	}
	// ServeModel brings a model, where it is not there, and has it served.
	ServeModel struct{ Model desired.Model }

	// PublishProject puts the files of the project into a registry.
	PublishProject struct {
		Ref    string
		Files  []string // by the names that they have there
		Pin    bool     // and the digests of the images
		Images []string // copied along
	}

	// CreateNetwork makes a network with these labels.
	CreateNetwork struct {
		Network network.Spec
		Labels  map[string]string
		Subnets []string // chosen for it, in CIDR form: the first that is still free when it is made; none: what Network says
	}
	// RemoveNetwork removes a network. Was is what it is made anew from if that is undone; nil: it is not.
	RemoveNetwork struct {
		ID, Name string
		Was      *CreateNetwork
	}

	// CreateVolume makes a volume with these labels. A mark holds nothing: it says something by its labels while it is there.
	CreateVolume struct {
		Volume volume.Spec
		Labels map[string]string
		Mark   bool
	}
	// RemoveVolume removes a volume and what is in it. Was is what it is made anew from if that is undone, and From the volume that keeps what
	// was in it, "" if nothing was; nil: it is not undone.
	RemoveVolume struct {
		Name string
		Was  *CreateVolume
		From string
	}
	// TryVolume sees whether a volume of this definition can be mounted. It goes again: its name is nobody's.
	TryVolume struct {
		Volume volume.Spec
		Labels map[string]string
	}
	// SnapshotVolume makes another volume, with these labels, that holds what this one does.
	SnapshotVolume struct {
		Name, Snapshot string
		Labels         map[string]string
	}
	// FillVolume with what another holds, unless it holds something already; Over: whatever it holds.
	FillVolume struct {
		Name, From string
		Over       bool
	}

	// CreateContainer makes a container, without starting it.
	CreateContainer struct {
		Container Ref
		Name      string // Spec.Name, or a temporary one while a predecessor holds that
		Spec      container.Spec
		Labels    map[string]string
		// ImageID is what Spec.Image stands for; empty if an earlier step of the plan brings it.
		ImageID string
		Peers   map[string]Ref   // by "service:NAME", as NetworkMode, IPC, PID and VolumesFrom name them
		Links   []string         // "container:alias"
		Inherit []volume.Mounted // anonymous volumes of the predecessor
		Reserve bool             // it asks for reserved addresses, where its networks have some
		Given   []Given          // variables that are known once steps before it are done
		// HashWith is the config hash for the label, given the ids of the peers; nil: it is in Labels.
		HashWith func(container func(service string) string) string `json:"-"`
	}
	// StartContainer starts it, and runs its post_start hooks.
	StartContainer struct {
		Container Ref
		Hooks     Hooks
	}
	// StopContainer runs its pre_stop hooks, and stops it; Timeout nil takes the container's own grace.
	StopContainer struct {
		Container Ref
		Timeout   *time.Duration
		Hooks     Hooks
	}
	// KillContainer sends it a signal.
	KillContainer struct {
		Container Ref
		Signal    string
	}
	// PauseContainer freezes its processes.
	PauseContainer struct{ Container Ref }
	// UnpauseContainer lets them go on.
	UnpauseContainer struct{ Container Ref }
	// RemoveContainer removes it, with its anonymous volumes if Volumes is set. It is stopped by then, unless Force. If Stop is set, one that
	// somebody has started since the plan was made – a run that was killed may have left its request with the engine – is stopped again.
	// Was is what it is made anew from if that is undone; nil: it is not. Contents are volumes that hold nothing but its configs and secrets.
	RemoveContainer struct {
		Container Ref
		Contents  []string
		Volumes   bool
		Force     bool
		Stop      bool
		Timeout   *time.Duration // of that stop; nil is the container's own
		Was       *CreateContainer
	}
	// RenameContainer gives it another name than From.
	RenameContainer struct {
		Container  Ref
		Name, From string
	}
	// UpdateContainer changes limits and restart policy of a container in place to those of Spec; Was are those it had, nil if not known.
	UpdateContainer struct {
		Container Ref
		Spec      container.Spec
		Was       *container.Spec
	}
	// ReloadContainer puts the contents of configs and secrets into a container, and if it runs sends it signals. Was are those of before.
	ReloadContainer struct {
		Container  Ref
		Files, Was []container.File
		Signals    []string
	}
	// ConnectNetwork attaches a container to a network.
	ConnectNetwork struct {
		Container  Ref
		Attachment network.Attachment
		Keep       bool // at the address that it had before DisconnectNetwork, where the network lets it
	}
	// DisconnectNetwork takes a container off a network, where it is as Was says.
	DisconnectNetwork struct {
		Container Ref
		Network   string // name in the engine
		Was       network.Attachment
		Keep      bool // it comes back at its address: see ConnectNetwork
	}
	// WaitContainer waits until a container reaches a condition, or cannot any more.
	WaitContainer struct {
		Container Ref
		Until     Until
		For       string        // the service that waits, "" for --wait
		Required  bool          // false: failing only warns
		Monitor   time.Duration // UntilWell: how long it has to stay so
		Unprobed  time.Duration // the same, of one that has no healthcheck to tell
		// Probe is how often the wait runs the healthcheck itself during its start period, beside the engine; 0: it does not.
		Probe time.Duration
	}
	// Verify fails if more than Allowed of the hand-overs that end with these steps did not get done.
	Verify struct {
		Service  string
		Units    []ID
		Of       int // all that are replaced in the end
		Allowed  int
		Rollback bool // if it fails, those that got done are undone as well
	}
	// Pause lets time pass between one batch of replicas and the next.
	Pause struct{ For time.Duration }
	// Commit does nothing. In an atomic plan all that can be undone comes before it, and what cannot after it.
	Commit struct{}
)

// Given are variables that a provider or a model gives to a container.
type Given struct {
	From   string            // "provider database", "model llm"
	Prefix string            // of their names
	Names  map[string]string // names in the container, where they are not prefix and name
}

// Hooks of a service that run when its containers start and stop.
type Hooks struct{ PostStart, PreStop []container.Hook }

// Until is what WaitContainer waits for.
type Until string

// What can be waited for.
const (
	UntilHealthy   Until = "healthy"
	UntilCompleted Until = "completed"          // exited with 0
	UntilUp        Until = "running or healthy" // or exited with 0: what --wait asks for
	UntilWell      Until = "well"               // running, and healthy if it has a healthcheck, and that for a while; or exited with 0
)

func (CheckImage) step()        {}
func (PullImage) step()         {}
func (PushImage) step()         {}
func (PublishProject) step()    {}
func (BuildImage) step()        {}
func (TagImage) step()          {}
func (RemoveImage) step()       {}
func (Provide) step()           {}
func (ServeModel) step()        {}
func (CreateNetwork) step()     {}
func (RemoveNetwork) step()     {}
func (CreateVolume) step()      {}
func (RemoveVolume) step()      {}
func (TryVolume) step()         {}
func (SnapshotVolume) step()    {}
func (FillVolume) step()        {}
func (CreateContainer) step()   {}
func (StartContainer) step()    {}
func (StopContainer) step()     {}
func (KillContainer) step()     {}
func (PauseContainer) step()    {}
func (UnpauseContainer) step()  {}
func (RemoveContainer) step()   {}
func (RenameContainer) step()   {}
func (UpdateContainer) step()   {}
func (ReloadContainer) step()   {}
func (ConnectNetwork) step()    {}
func (DisconnectNetwork) step() {}
func (WaitContainer) step()     {}
func (Verify) step()            {}
func (Pause) step()             {}
func (Commit) step()            {}

// Action is what happens to a resource, and its sign.
type Action string

// The actions and their signs.
const (
	Create  Action = "+"
	Update  Action = "~"
	Replace Action = "-/+"
	Remove  Action = "-"
)

// Change is all that a plan does to one resource.
type Change struct {
	Resource    Resource
	Action      Action
	Verbs       []string // "pull", "build", "start", "stop", "restart", "connect", "update limits" …: how, where the sign does not say it
	Reasons     []Reason
	Destructive bool // data is lost that the engine cannot bring back
	Steps       []ID
}

// changes tells whether a step changes anything, rather than look or wait.
func changes(s Step) bool {
	switch s.(type) {
	case WaitContainer, CheckImage, TryVolume, Verify, Pause, Commit:
		return false
	}
	return true
}

// Empty tells whether there is nothing to do. Waiting alone is nothing to do.
func (p Plan) Empty() bool { return len(p.Changes()) == 0 }

// Changes are the plan's steps by resource, in order of kind (networks, volumes, images, containers), service and name.
func (p Plan) Changes() []Change {
	at := map[Resource]int{}
	var out []Change
	for _, n := range p.Nodes {
		if !changes(n.Step) {
			continue
		}
		i, ok := at[n.Resource]
		if !ok {
			i = len(out)
			at[n.Resource] = i
			out = append(out, Change{Resource: n.Resource})
		}
		out[i].add(n)
	}
	for i := range out {
		out[i].settle()
	}
	slices.SortFunc(out, func(a, b Change) int { return a.Resource.compare(b.Resource) })
	return out
}

// Counts are how many resources are made, updated, replaced and removed.
func (p Plan) Counts() (create, update, replace, remove int) {
	for _, c := range p.Changes() {
		switch c.Action {
		case Create:
			create++
		case Update:
			update++
		case Replace:
			replace++
		case Remove:
			remove++
		}
	}
	return
}

// Node of that id.
func (p Plan) Node(id ID) (Node, bool) {
	i := slices.IndexFunc(p.Nodes, func(n Node) bool { return n.ID == id })
	if i < 0 {
		return Node{}, false
	}
	return p.Nodes[i], true
}

// Fields of all reasons that name one.
func (c Change) Fields() []field.Change {
	var out []field.Change
	for _, r := range c.Reasons {
		switch r := r.(type) {
		case FieldChanged:
			out = append(out, r.Change)
		case Drifted:
			out = append(out, r.Change)
		}
	}
	return out
}
