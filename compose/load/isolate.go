package load

import "github.com/tutti-run/tutti/compose/load/isolate"

// HostPorts are those in use on the engine's machine.
type HostPorts = isolate.HostPorts

// PublishedPort of a container that runs.
type PublishedPort = isolate.Published

// Isolated is the rule of what Load warns of as being otherwise than the files say, or shared still, for Options.Isolate.
const Isolated = isolate.Rule

// isolate the project from other copies, and tell where the files have what becomes otherwise.
func (s *session) isolate() {
	for _, d := range isolate.Apply(s.project, s.o.HostPorts) {
		d.Place = s.PlaceOf(d.Path)
		s.AddOnce(d)
	}
}
