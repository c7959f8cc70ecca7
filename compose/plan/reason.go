package plan

import (
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/field"
)

// Reason is why a step is in a plan. The set is closed; Text is the only place that words it.
type Reason interface {
	Text() string
	reason()
}

// The reasons.
type (
	// Absent: there is none yet.
	Absent struct{}
	// FieldChanged: the file asks for another value than the resource was made with.
	FieldChanged struct{ Change field.Change }
	// ContentChanged: a config or secret has the same name but other content.
	ContentChanged struct{ Kind, Name, File string }
	// Drifted: the value was changed on the running container, not in the file.
	Drifted struct{ Change field.Change }
	// ImageChanged: the reference stands for another image than the container was made from.
	ImageChanged struct{ Ref, From, To string }
	// ProvidedBy a program of that type: only it knows whether there is something to do.
	ProvidedBy struct{ Type string }
	// Serves a model, which is brought if it is not there.
	Serves struct{ Model string }
	// GivenAnew: an earlier step of the plan asks anew for variables that the container was given.
	GivenAnew struct{ From string }
	// ImageRenewed: an earlier step of the plan pulls or builds the image anew.
	ImageRenewed struct{ Ref string }
	// ImageAbsent: the engine does not have the image.
	ImageAbsent struct{ Ref string }
	// PullPolicy asks for it.
	PullPolicy struct{ Policy string }
	// NotRunning: it is there but not up.
	NotRunning struct {
		State    container.State
		ExitCode int
		ByHand   bool
	}
	// NetworkLost: it is not attached to the network any more.
	NetworkLost struct{ Network string }
	// AliasLost: it is attached, but cannot be found by these names.
	AliasLost struct {
		Network string
		Aliases []string
	}
	// LabelLost: a label of the container is not what it should be.
	LabelLost struct{ Label string }
	// VolumeLost: it does not mount the volume that the file names.
	VolumeLost struct{ Target string }
	// VolumeReplaced: a volume that it mounts is made anew.
	VolumeReplaced struct{ Volume string }
	// Keeps what a volume holds that is made anew.
	Keeps struct{ Volume string }
	// FilledFrom another volume, if it is empty.
	FilledFrom struct{ Volume string }
	// Interrupted: a run was cut off while a volume was made anew.
	Interrupted struct{ Volume string }
	// NetworkReplaced: a network that it is on is made anew.
	NetworkReplaced struct{ Network string }
	// Asked: the user wants it.
	Asked struct{ By string } // "--force-recreate", "down", "--volumes"
	// DependencyReplaced: what it depends on is replaced or restarted.
	DependencyReplaced struct {
		Service string
		Because string // "shares its network_mode", "restart: true"
	}
	// Leftover: an interrupted run left it.
	Leftover struct{ Of string }
	// PutAside: it is the new container of a replacement that was undone.
	PutAside struct{ Of string }
	// RunsBefore: it runs to completion before the service starts.
	RunsBefore struct{ Service string }
	// Undone: a hand-over that did not get done is taken back; Unit "": all that was done is.
	Undone struct{ Unit string }
	// StopsFirst: the old container stops before the new one starts, although the file asks for start-first.
	StopsFirst struct{ Because string }
	// Unfinished: it never ran, and whether its configs and secrets are in it nobody knows.
	Unfinished struct{}
	// SecondNetwork: the engine has two of that name.
	SecondNetwork struct{}
	// SubnetChosen: the engine's own choice would fail.
	SubnetChosen struct {
		Subnet string
		Keep   bool // for containers to keep their addresses, not for want of others
	}
	// IPv6Chosen: the engine has no IPv6 subnets of its own.
	IPv6Chosen struct{ Subnet string }
	// NetworkRenamed: the file has it under another name.
	NetworkRenamed struct{ To string }
	// OrphanNetwork: the file does not have it.
	OrphanNetwork struct{ Key string }
	// Scaled: there are more replicas than wanted.
	Scaled struct{ From, To int }
	// Orphan: no service of the file owns it.
	Orphan struct{ Service string }
	// Forgotten: nothing is left of the project that its history is of.
	Forgotten struct{}
	// DependsOn does not decide anything; it tells what a wait is for.
	DependsOn struct {
		Service   string
		Condition string
	}
)

func (Absent) reason()             {}
func (FieldChanged) reason()       {}
func (ContentChanged) reason()     {}
func (Drifted) reason()            {}
func (ImageChanged) reason()       {}
func (ImageRenewed) reason()       {}
func (ProvidedBy) reason()         {}
func (Serves) reason()             {}
func (GivenAnew) reason()          {}
func (ImageAbsent) reason()        {}
func (PullPolicy) reason()         {}
func (NotRunning) reason()         {}
func (NetworkLost) reason()        {}
func (AliasLost) reason()          {}
func (LabelLost) reason()          {}
func (VolumeLost) reason()         {}
func (VolumeReplaced) reason()     {}
func (Keeps) reason()              {}
func (FilledFrom) reason()         {}
func (Interrupted) reason()        {}
func (NetworkReplaced) reason()    {}
func (Asked) reason()              {}
func (DependencyReplaced) reason() {}
func (Leftover) reason()           {}
func (PutAside) reason()           {}
func (RunsBefore) reason()         {}
func (Undone) reason()             {}
func (StopsFirst) reason()         {}
func (Unfinished) reason()         {}
func (SecondNetwork) reason()      {}
func (SubnetChosen) reason()       {}
func (IPv6Chosen) reason()         {}
func (NetworkRenamed) reason()     {}
func (OrphanNetwork) reason()      {}
func (Scaled) reason()             {}
func (Orphan) reason()             {}
func (Forgotten) reason()          {}
func (DependsOn) reason()          {}

func (Absent) Text() string { return "does not exist" }

func (r FieldChanged) Text() string { return changeText(r.Change) }

func changeText(c field.Change) string {
	c = c.Mask()
	name := c.Path
	if c.Note != "" {
		name += " (" + c.Note + ")"
	}
	switch {
	case !c.OldKnown && c.New == "":
		return name + ": removed"
	case !c.OldKnown:
		return fmt.Sprintf("%s: now %s", name, quote(c.New))
	case c.Old == "":
		return fmt.Sprintf("%s: added %s", name, quote(c.New))
	case c.New == "":
		return fmt.Sprintf("%s: removed %s", name, quote(c.Old))
	case c.Old == c.New:
		return name + ": changed"
	}
	return fmt.Sprintf("%s: %s → %s", name, quote(c.Old), quote(c.New))
}

// quote leaves lists and single words as they are and puts other values in quotes.
func quote(v string) string {
	if v != "" && (strings.HasPrefix(v, "[") || !strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r == '"' })) {
		return v
	}
	return fmt.Sprintf("%q", v)
}

func (r ContentChanged) Text() string {
	s := fmt.Sprintf("content of %s %s changed", r.Kind, r.Name)
	if r.File != "" {
		s += " (" + r.File + ")"
	}
	return s
}

func (r Drifted) Text() string { return "drift: " + changeText(r.Change) }

func (r ImageChanged) Text() string {
	return fmt.Sprintf("image %s: %s → %s", r.Ref, short(r.From), short(r.To))
}

// short form of an image id: twelve digits.
func short(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	if len(id) > 12 {
		id = id[:12]
	}
	return id
}

func (r ProvidedBy) Text() string { return fmt.Sprintf("provided by %s", r.Type) }

func (r Serves) Text() string { return fmt.Sprintf("model %s", r.Model) }

func (r GivenAnew) Text() string { return fmt.Sprintf("what %s gives is asked for anew", r.From) }

func (r ImageRenewed) Text() string { return fmt.Sprintf("image %s is renewed", r.Ref) }
func (r ImageAbsent) Text() string  { return "the engine does not have it" }
func (r PullPolicy) Text() string   { return "pull policy " + r.Policy }

func (r NotRunning) Text() string {
	switch {
	case r.ByHand:
		return "drift: it was stopped by hand"
	case r.State == container.Paused:
		return "drift: it was paused by hand"
	case r.State == container.Exited:
		return fmt.Sprintf("it has exited with %d", r.ExitCode)
	}
	return fmt.Sprintf("it is %s", r.State)
}

func (r NetworkLost) Text() string { return "drift: it is off network " + r.Network }
func (r AliasLost) Text() string {
	return fmt.Sprintf("drift: it has lost %s on network %s", strings.Join(r.Aliases, ", "), r.Network)
}
func (r LabelLost) Text() string      { return "drift: label " + r.Label + " is not as it was made" }
func (r VolumeLost) Text() string     { return "drift: nothing is mounted at " + r.Target }
func (r VolumeReplaced) Text() string { return "volume " + r.Volume + " is made anew" }
func (r Keeps) Text() string          { return "keeps what " + r.Volume + " holds now" }
func (r FilledFrom) Text() string {
	return "gets what " + r.Volume + " holds, unless there is something in it"
}
func (r Interrupted) Text() string     { return "a run was cut off while it was made anew" }
func (r NetworkReplaced) Text() string { return "network " + r.Network + " is replaced" }
func (r Asked) Text() string           { return "asked for by " + r.By }
func (r DependencyReplaced) Text() string {
	return fmt.Sprintf("%s is replaced (%s)", r.Service, r.Because)
}
func (r Leftover) Text() string   { return "left by an interrupted replacement of " + r.Of }
func (r PutAside) Text() string   { return "put aside when the update of " + r.Of + " was undone" }
func (r RunsBefore) Text() string { return "runs before " + r.Service + " starts (pre_start)" }
func (r Undone) Text() string {
	if r.Unit == "" {
		return "a step failed, and it is all or nothing (--atomic)"
	}
	return "the replacement of " + r.Unit + " did not come to its end"
}
func (r StopsFirst) Text() string {
	return "stop-first, though start-first is asked for: " + r.Because
}
func (Unfinished) Text() string    { return "it never ran, and its configs and secrets may not be in it" }
func (SecondNetwork) Text() string { return "there are two of that name, and nothing is on this one" }
func (r SubnetChosen) Text() string {
	if r.Keep {
		return "containers are to keep their addresses while names pass from one to the next: subnet " + r.Subnet
	}
	return "the engine's own address ranges are used up: subnet " + r.Subnet
}
func (r IPv6Chosen) Text() string {
	return "this engine has no IPv6 subnets of its own: subnet " + r.Subnet
}
func (r NetworkRenamed) Text() string { return "its name is " + r.To + " now" }
func (r OrphanNetwork) Text() string  { return "no network " + r.Key + " in the file" }
func (r Scaled) Text() string         { return fmt.Sprintf("scaled from %d to %d", r.From, r.To) }
func (r Orphan) Text() string         { return fmt.Sprintf("no service %s in the file", r.Service) }
func (Forgotten) Text() string        { return "nothing is left that it is the history of" }
func (r DependsOn) Text() string      { return r.Service + " must be " + r.Condition }
