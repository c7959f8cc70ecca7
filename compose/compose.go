// Package compose holds the use cases: plans for up, down, start, stop and restart, carrying one out, ps, logs, ls, attach.
// It is also the Go API that others import.
package compose

import (
	"context"
	"time"

	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
)

// Tool carries out use cases on one engine.
type Tool struct {
	Engine engine.Engine
	// Events is told how a run goes on; may be nil.
	Events func(apply.Event)
	// Stop, once closed, lets running steps finish, but for builds, and begins no new ones; may be nil.
	Stop <-chan struct{}
	// Parallel limits how many container operations run at once; 0 is the default.
	Parallel int
	// Environ is that of the programs which it runs, providers and Docker's model runner: KEY=VALUE.
	Environ []string
	// Publish the files of a project, as a plan says; nil: there are none. Publisher gives it.
	Publish func(context.Context, plan.PublishProject) error
}

// Recreate says when containers that exist are replaced.
type Recreate string

// The ways to decide it.
const (
	IfChanged Recreate = ""      // what differs from the file
	Always    Recreate = "force" // --force-recreate
	Never     Recreate = "never" // --no-recreate
)

// UpOptions of Plan and Up, in the words of the command line.
type UpOptions struct {
	Services           []string       `json:"services,omitempty"` // none: all
	NoDeps             bool           `json:"noDeps,omitempty"`
	Rerun              []string       `json:"rerun,omitempty"` // services whose one-shots run again although they have ended well
	Recreate           Recreate       `json:"recreate,omitempty"`
	AlwaysRecreateDeps bool           `json:"alwaysRecreateDeps,omitempty"`
	RemoveOrphans      bool           `json:"removeOrphans,omitempty"`
	IgnoreOrphans      bool           `json:"ignoreOrphans,omitempty"` // COMPOSE_IGNORE_ORPHANS: no warning either
	Scale              map[string]int `json:"scale,omitempty"`
	Timeout            *time.Duration `json:"timeout,omitempty"`          // -t
	RenewAnonVolumes   bool           `json:"renewAnonVolumes,omitempty"` // -V
	RecreateVolumes    bool           `json:"recreateVolumes,omitempty"`
	NoStart            bool           `json:"noStart,omitempty"`
	Pull               string         `json:"pull,omitempty"`  // --pull: always, missing, never, build; "" is the file's policy
	Build              bool           `json:"build,omitempty"` // --build
	NoBuild            bool           `json:"noBuild,omitempty"`
	Wait               bool           `json:"wait,omitempty"`
	Atomic             bool           `json:"atomic,omitempty"` // all of it or nothing
}

// DownOptions of Down.
type DownOptions struct {
	Services      []string // none: all
	Volumes       bool
	Anonymous     bool   // anonymous volumes alone
	Images        string // --rmi: "", local, all
	RemoveOrphans bool
	IgnoreOrphans bool
	Timeout       *time.Duration
}

// LifecycleOptions of Start, Stop and Restart.
type LifecycleOptions struct {
	Services []string
	Timeout  *time.Duration
	NoDeps   bool // Restart: dependents with restart: true stay as they are
	Wait     bool // Start
}

// RunOptions of Run.
type RunOptions struct {
	WaitTimeout time.Duration // ends all waits, counted from when the images are there; 0 is never
}

// Project as loaded, or only its name when there is no file.
type Project = desired.Project
