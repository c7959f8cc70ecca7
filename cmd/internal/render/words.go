package render

import (
	"reflect"

	"github.com/tutti-run/tutti/compose/plan"
)

// words tell of a step while it runs, once it is done, and when it was not.
type words struct{ doing, done, undone string }

var allWords = map[reflect.Type]words{
	reflect.TypeFor[plan.CheckImage]():        {"", "", "cannot be had"},
	reflect.TypeFor[plan.PullImage]():         {"Pulling", "Pulled", "was not pulled"},
	reflect.TypeFor[plan.PushImage]():         {"Pushing", "Pushed", "was not pushed"},
	reflect.TypeFor[plan.BuildImage]():        {"Building", "Built", "was not built"},
	reflect.TypeFor[plan.PublishProject]():    {"Publishing", "Published", "was not published"},
	reflect.TypeFor[plan.TagImage]():          {"Tagging", "Tagged", "was not tagged"},
	reflect.TypeFor[plan.RemoveImage]():       {"Removing", "Removed", "was not removed"},
	reflect.TypeFor[plan.TryVolume]():         {"", "", "cannot be mounted as the file wants it"},
	reflect.TypeFor[plan.CreateVolume]():      {"Creating", "Created", "was not created"},
	reflect.TypeFor[plan.SnapshotVolume]():    {"Copying", "Copied", "could not be made"},
	reflect.TypeFor[plan.FillVolume]():        {"Filling", "Filled", "was not filled"},
	reflect.TypeFor[plan.RemoveVolume]():      {"Removing", "Removed", "was not removed"},
	reflect.TypeFor[plan.CreateNetwork]():     {"Creating", "Created", "was not created"},
	reflect.TypeFor[plan.ConnectNetwork]():    {"Connecting", "Connected", "was not connected"},
	reflect.TypeFor[plan.DisconnectNetwork](): {"Disconnecting", "Disconnected", "was not disconnected"},
	reflect.TypeFor[plan.RemoveNetwork]():     {"Removing", "Removed", "was not removed"},
	reflect.TypeFor[plan.CreateContainer]():   {"Creating", "Created", "was not created"},
	reflect.TypeFor[plan.StartContainer]():    {"Starting", "Started", "did not start"},
	reflect.TypeFor[plan.StopContainer]():     {"Stopping", "Stopped", "did not stop"},
	reflect.TypeFor[plan.KillContainer]():     {"Killing", "Killed", "was not killed"},
	reflect.TypeFor[plan.PauseContainer]():    {"Pausing", "Paused", "was not paused"},
	reflect.TypeFor[plan.UnpauseContainer]():  {"Unpausing", "Unpaused", "was not unpaused"},
	reflect.TypeFor[plan.RenameContainer]():   {"Renaming", "Renamed", "was not renamed"},
	reflect.TypeFor[plan.UpdateContainer]():   {"Updating", "Updated", "was not updated"},
	reflect.TypeFor[plan.ReloadContainer]():   {"Reloading", "Reloaded", "did not get its configs and secrets"},
	reflect.TypeFor[plan.WaitContainer]():     {"Waiting", "Healthy", ""},
	reflect.TypeFor[plan.RemoveContainer]():   {"Removing", "Removed", "was not removed"},
	reflect.TypeFor[plan.ServeModel]():        {"Configuring", "Configured", "is not served"},
}

var providerWords = map[string]words{
	"up":   {"Creating", "Created", "was not provided"},
	"down": {"Removing", "Removed", "was not provided"},
	"stop": {"Stopping", "Stopped", "was not provided"},
}

// wordsOf a step: doing and done, Docker Compose's where it has any, are empty for one that is not drawn.
func wordsOf(s plan.Step) words {
	of := allWords[reflect.TypeOf(s)]
	switch s := s.(type) {
	case plan.Provide:
		return providerWords[s.Command]
	case plan.CreateVolume:
		if s.Mark {
			return words{undone: of.undone}
		}
	case plan.RemoveVolume:
		if s.Mark() {
			return words{undone: of.undone}
		}
	case plan.WaitContainer:
		switch s.Until {
		case plan.UntilWell:
			return words{undone: of.undone}
		case plan.UntilCompleted:
			of.done = "Exited"
		}
	}
	return of
}
