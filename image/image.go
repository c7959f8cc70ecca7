// Package image holds where a service's image comes from (a pull policy, a build) and what the engine has of it.
package image

import (
	"strings"
	"time"
)

// Policy says when an image is pulled (Compose specification, 05-services, pull_policy).
type Policy string

// The pull policies.
const (
	Missing Policy = "missing" // as if the file says nothing, but for the verb pull
	Always  Policy = "always"
	Never   Policy = "never"
	Rebuild Policy = "build"   // build even if there is one
	Refresh Policy = "refresh" // pull when older than Spec.RefreshAfter
)

// Spec is an image that services want.
type Spec struct {
	Ref          string // as the service names it, or "project-service" for a built one without a name
	Platform     string // os/arch[/variant]
	Policy       Policy
	RefreshAfter time.Duration // for Refresh
	Build        *Build        // nil: it can only be pulled
}

// Buildable tells whether it can be built: a reference that says what the image holds, by its digest, can only be pulled.
func (s Spec) Buildable() bool { return s.Build != nil && !strings.Contains(s.Ref, "@") }

// Build says how an image is built (Compose specification, build).
type Build struct {
	Context          string // absolute directory, or a URL that the engine fetches
	Dockerfile       string // path within the context or absolute; "" is Dockerfile
	DockerfileInline string
	Args             map[string]*string // nil: taken from nowhere
	Target           string
	CacheFrom        []string
	Labels           map[string]string
	Network          string
	ExtraHosts       []string
	ShmSize          int64 // bytes
	Ulimits          map[string][2]int64
	Isolation        string
	NoCache          bool
	Pull             bool
	Tags             []string // further references
	Platforms        []string
	Memory           int64 // bytes that a step may use; 0: no limit. Only the classic builder knows it

	// What is below needs BuildKit.
	CacheTo       []string
	Contexts      map[string]string // further contexts by name: an absolute directory, a URL, docker-image://REF
	Bases         []string          // references among Contexts that the project builds, too: they come first
	Services      map[string]string // of Contexts, those that are the image of another service of the project
	Secrets       []Secret
	SSH           []SSH
	Entitlements  []string
	NoCacheFilter []string // stages that are built anew
	Provenance    string   // attestation of how it was built: "", "true", "false", or what it holds: "mode=max"
	SBOM          string   // attestation of what is in it: "", "true", "false", or how: "generator=REF"
	Builder       string   // name of a builder, or its address; "": the user's
	Push          bool     // the image is to be pushed then: a builder that no engine can take it from does so itself
	BuildKitOnly  []string // the keys of these that the file has
}

// Secret that the steps of a build can read. It is in no image.
type Secret struct {
	ID    string
	File  string // absolute path; "": Value is it
	Env   string // the variable that Value is from; "": none
	Value []byte `json:"-"` // kept out of what is told of a plan
}

// SSH agent, or keys, that the steps of a build can use.
type SSH struct {
	ID   string
	Path string // of a socket or a key; "" is the user's agent
}

// Listed is an image as a list shows it.
type Listed struct {
	ID      string   // sha256:…
	Tags    []string // repository:tag
	Labels  map[string]string
	Created time.Time
	Size    int64 // bytes
}

// Live is an image that the engine has.
type Live struct {
	ID      string    // sha256:…
	Digests []string  // repository@sha256:…
	Created time.Time // when it was built
	Tagged  time.Time // when it last got its tag here, zero if not known
	Size    int64     // bytes, 0 until the image was inspected
	// Platform is os/arch[/variant], "" until the image was inspected.
	Platform string
	// Defaults is what containers inherit; nil until the image was inspected.
	Defaults *Defaults
}

// Defaults is the part of an image's config that containers inherit.
type Defaults struct {
	Env              []string
	Cmd, Entrypoint  []string
	Labels           map[string]string
	User, WorkingDir string
	StopSignal       string
	Volumes, Exposed []string
	HasHealthcheck   bool
	Healthcheck      *Healthcheck // nil: it has none
}

// Healthcheck of an image, as the Engine API has it: see container.Healthcheck.
type Healthcheck struct {
	Test                                          []string
	Interval, Timeout, StartPeriod, StartInterval time.Duration
	Retries                                       int
}

// Registry that a reference names: its host, "docker.io" where it names none (as the distribution project's references have it).
func Registry(ref string) string {
	host, _, below := strings.Cut(ref, "/")
	if !below || !strings.ContainsAny(host, ".:") && host != "localhost" && host == strings.ToLower(host) {
		return "docker.io"
	}
	return host
}

// Latest tells whether a reference is of the tag latest, by its name or because it names none.
func Latest(ref string) bool {
	if strings.Contains(ref, "@") {
		return false
	}
	tag := strings.LastIndexByte(ref, ':')
	return tag < strings.LastIndexByte(ref, '/') || tag < 0 || ref[tag:] == ":latest"
}
