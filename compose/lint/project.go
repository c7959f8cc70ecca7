package lint

import "github.com/tutti-run/tutti/compose/diag"

// Project is what rules look at: what the files come to, each value with its place. compose/load makes it.
type Project struct {
	Services []Service // all, those that no profile enables too, in order of name
	Networks []Resource
	Volumes  []Resource
	Secrets  []Resource
	Configs  []Resource

	byName map[string]int // of Services; nil until asked for
}

// service of that name.
func (p *Project) service(name string) (Service, bool) {
	i, ok := p.index()[name]
	if !ok {
		return Service{}, false
	}
	return p.Services[i], true
}

func (p *Project) index() map[string]int {
	if p.byName == nil {
		p.byName = map[string]int{}
		for i, s := range p.Services {
			p.byName[s.Name] = i
		}
	}
	return p.byName
}

// Text is a value, interpolated, and where it stands.
type Text struct {
	Value string
	At    diag.Place
	Span  *Range // its characters in the file, without quotes; nil: they are not the value as it reads
}

// Range of a file; To is behind its last character.
type Range struct{ From, To diag.Place }

// Resource that the top level declares.
type Resource struct {
	Name     string
	At       diag.Place
	External bool
	Outdated Text   // external.name, which name replaces
	Entry    *Range // what to remove to undeclare it; nil: it does not stand on lines of its own
}

// Service with its attributes, as far as rules ask for them.
type Service struct {
	Name          string
	Off           bool // no active profile enables it
	At            diag.Place
	Image         Text
	Builds        bool
	BuildArgs     []Variable
	ContainerName Text
	Command       Text   // as one text, for a shell that is not there; "" where it is a list
	Program       string // that the file has it run instead of the image's: the first word of its entrypoint, else of its command
	Shell         bool   // its entrypoint is a shell that takes what the command says
	Environment   []Variable
	Ports         []Port
	Mounts        []Mount
	MountsOthers  bool // volumes_from
	Depends       []Dependency
	Healthcheck   Healthcheck
	Restart       Text // always, unless-stopped, on-failure, no; "": it does not say
	NetworkMode   Text
	Networks      []string
	Addresses     []Text // static ones
	Namespaces    []Namespace
	Privileged    Text // "true", or nothing
	CapAdd        []Text
	SecurityOpt   []Text
	Links         []Text
	MemoryLimited bool
	Volumes       []string // that it and its hooks use
	Secrets       []string
	Configs       []string
}

// Variable of a container's environment, or of a build.
type Variable struct {
	Name   string
	Text        // of its value; At is where the name stands
	Given  bool // the file gives the value itself, no variable does
	Listed bool // written as NAME=value, so that quotes are part of the value
	Twice  bool // the same list names it more than once
}

// Port that is published.
type Port struct {
	At                          diag.Place
	HostIP, Published, Protocol string
	Target                      int
	Local                       []Edit // what would publish it on 127.0.0.1 only
}

// Mount of a volume or path.
type Mount struct {
	At             diag.Place
	Type           string // bind, volume, tmpfs, …
	Source, Target string // the source of a bind is absolute
	Shown          string // the source as the user would write it
	ReadOnly       bool
	Missing        bool // the source of a bind is not there
	Outside        bool // the file leaves the project's directory with ../
}

// Dependency on another service, in depends_on.
type Dependency struct {
	At                 diag.Place
	Service, Condition string
	Said               bool // the file says the condition; else it is started
}

// Healthcheck of a service.
type Healthcheck struct {
	At       diag.Place
	Given    bool // it has a test
	Disabled bool
	Test     []string
}

// Namespace of the host, or of another container, that a service shares: pid, ipc, uts, userns_mode, cgroup.
type Namespace struct {
	Key string
	Text
}
