// Package desired says what should exist: services, replicas, names, labels and the digests that tell a later change.
package desired

import (
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// Project is a Compose file as it was loaded: merged, interpolated, profiles applied, paths absolute. compose/load makes it.
type Project struct {
	Name       string
	WorkingDir string
	Files      []string       // absolute
	EnvFiles   []string       // of --env-file, absolute
	Underscore bool           // names of containers and images are joined with "_", as the first Docker Compose did, and not with "-"
	Unused     bool           // networks and volumes that no service uses are wanted, too
	Services   []Service      // enabled ones, in order of name
	Disabled   []string       // services that no active profile enables, in order of name
	Networks   []network.Spec // those that an enabled service uses, or with Unused all, in order of key
	Volumes    []volume.Spec  // all that the file declares, in order of key
	Models     []Model        // all that the file declares, in order of name
	// Place tells where the files have a path of the model: "services.web.ports". nil: there are no files.
	Place func(path string) diag.Place `json:"-"`
	// Variables of a service's containers, in order of name, with where they come from; the image's are not among them. nil: there are no
	// files.
	Variables func(service string) []Variable `json:"-"`
}

// ImageOf a service that is built and whose image has no name in the file.
func (p Project) ImageOf(service string) string { return p.join(service) }

func (p Project) join(parts ...string) string {
	sep := "-"
	if p.Underscore {
		sep = "_"
	}
	return strings.Join(append([]string{p.Name}, parts...), sep)
}

// Service of a project.
type Service struct {
	Name          string
	Container     container.Spec // template: Name and project labels are not filled in
	ContainerName string         // container_name
	Replicas      int            // scale or deploy.replicas
	Image         image.Spec
	Depends       []Dependency // in order of service; what links, network_mode and the like imply is in it
	ConfigHash    string       // what `docker compose config --hash` prints
	// HashWith is the hash of a service that shares namespaces or volumes with others, given the ids of their containers: what Docker Compose
	// puts in the label then. nil: the label holds ConfigHash.
	HashWith func(container func(service string) string) string `json:"-"`
	NoAttach bool                                               // attach: false
	Profiles []string                                           // that it belongs to, in the file's order

	PreStart  []PreStart       // containers that run to completion before the service starts, in order
	PostStart []container.Hook // run in each container after it has started, in order
	PreStop   []container.Hook // run in each container before it is stopped, in order

	Watch []WatchRule // what is done when files change, in the file's order

	// Provider brings the service about instead of containers; nil: none does.
	Provider *Provider
	Models   []ModelUse // in order of the models' names

	Update   *Rollout // deploy.update_config; nil: there is none
	Rollback *Rollout // deploy.rollback_config; nil: there is none
	// RestartWindow is deploy.restart_policy.window: how long a container must run to count as started; 0: the file does not say.
	RestartWindow time.Duration
}

// Provider of a service: a program beside the engine (Compose specification, provider).
type Provider struct {
	Type    string
	Options map[string][]string
	Config  []byte // the service in canonical JSON, for providers that ask for it
}

// Model that is served beside the engine (Compose specification, models).
type Model struct {
	Name         string // key in the file
	Model        string // reference
	ContextSize  int
	RuntimeFlags []string
}

// ModelUse is a model that a service's containers are told of, in these variables.
type ModelUse struct {
	Name             string // of the model
	URLVar, ModelVar string
}

// Model of that name.
func (p Project) Model(name string) (Model, bool) {
	i := slices.IndexFunc(p.Models, func(m Model) bool { return m.Name == name })
	if i < 0 {
		return Model{}, false
	}
	return p.Models[i], true
}

// Images that the service's containers and its init containers are made from.
func (s Service) Images() []image.Spec {
	var out []image.Spec
	for _, img := range append([]image.Spec{s.Image}, s.initImages()...) {
		if img.Ref != "" {
			out = append(out, img)
		}
	}
	return out
}

func (s Service) initImages() []image.Spec {
	var out []image.Spec
	for _, h := range s.PreStart {
		out = append(out, h.Image)
	}
	return out
}

// PreStart is a container that runs to completion before its service starts (Compose specification, pre_start).
type PreStart struct {
	Container  container.Spec // template, as of a service; what it does not say it has from its service
	Image      image.Spec
	PerReplica bool // once per replica instead of once per service
}

// Rollout says how the replicas of a service are replaced (Compose Deploy Specification, update_config and rollback_config).
type Rollout struct {
	Parallelism     int           // how many at a time; 0: all
	Delay           time.Duration // between one batch and the next
	FailureAction   string        // "", pause, continue, rollback
	Monitor         time.Duration // how long a new container must stay well to count
	MaxFailureRatio float64       // of the service's replicas that may fail
	Order           string        // "", stop-first, start-first
}

// WatchAction is what a rule asks for (Compose Develop Specification, action).
type WatchAction string

// The actions.
const (
	Sync        WatchAction = "sync"
	Rebuild     WatchAction = "rebuild"
	Restart     WatchAction = "restart"
	SyncRestart WatchAction = "sync+restart"
	SyncExec    WatchAction = "sync+exec"
)

// Syncs tells whether files are copied into containers.
func (a WatchAction) Syncs() bool { return a == Sync || a == SyncRestart || a == SyncExec }

// WatchRule says what is done when files change (Compose Develop Specification, watch).
type WatchRule struct {
	Action          WatchAction
	Path            string   // absolute, of a file or of a directory with all that is in it
	Target          string   // in the containers
	Include, Ignore []string // patterns as in a .dockerignore, from Path
	InitialSync     bool
	Exec            container.Hook // SyncExec: run in each container
}

// Condition that a dependency must reach before the dependent starts.
type Condition string

// The conditions (Compose specification, 05-services, depends_on).
const (
	Started   Condition = "service_started"
	IsHealthy Condition = "service_healthy"
	Completed Condition = "service_completed_successfully"
)

// Dependency of a service on another.
type Dependency struct {
	Service   string
	Condition Condition
	Required  bool   // false: if it is absent or fails, go on with a warning
	Restart   bool   // restart the dependent when the dependency is restarted or replaced
	Namespace string // the attribute by which it shares a namespace or volumes with the dependency, or is linked to its container: replaced together
	Via       string // what asks for it: depends_on, links, network_mode, volumes_from, ipc, pid
}

// Awaited are the services that some other waits for to complete: one-shots.
func (p Project) Awaited() map[string]bool {
	out := map[string]bool{}
	for _, s := range p.Services {
		for _, d := range s.Depends {
			if d.Condition == Completed {
				out[d.Service] = true
			}
		}
	}
	return out
}

// Service of that name.
func (p Project) Service(name string) (Service, bool) {
	i, found := sort.Find(len(p.Services), func(i int) int { return strings.Compare(name, p.Services[i].Name) })
	if !found {
		return Service{}, false
	}
	return p.Services[i], true
}
