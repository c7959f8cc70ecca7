package timeline

import "github.com/tutti-run/tutti/compose/plan"

// Phase is what kind of work a step is. The set is closed.
type Phase string

// The phases.
const (
	Pull    Phase = "pull"
	Build   Phase = "build"
	Create  Phase = "create"
	Start   Phase = "start"
	Healthy Phase = "healthy" // waiting for a container to be so, to run or to end
	Stop    Phase = "stop"
	Remove  Phase = "remove"
	Change  Phase = "change" // of what is there
	Look    Phase = "look"   // changes nothing
)

// Phases in the order in which a container goes through them.
var Phases = []Phase{Pull, Build, Create, Start, Healthy, Stop, Remove, Change, Look}

func phaseOf(s plan.Step) Phase {
	switch s.(type) {
	case plan.PullImage:
		return Pull
	case plan.BuildImage:
		return Build
	case plan.CreateNetwork, plan.CreateVolume, plan.CreateContainer, plan.SnapshotVolume, plan.FillVolume:
		return Create
	case plan.StartContainer, plan.UnpauseContainer, plan.ServeModel:
		return Start
	case plan.WaitContainer:
		return Healthy
	case plan.StopContainer, plan.KillContainer, plan.PauseContainer:
		return Stop
	case plan.RemoveNetwork, plan.RemoveVolume, plan.RemoveContainer, plan.RemoveImage:
		return Remove
	case plan.CheckImage, plan.TryVolume, plan.Verify, plan.Pause, plan.Commit:
		return Look
	}
	return Change
}
