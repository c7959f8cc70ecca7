package docker

import (
	"reflect"
	"slices"
	"testing"

	apievents "github.com/moby/moby/api/types/events"

	"github.com/tutti-run/tutti/engine"
)

func TestSurveyTakesFourCalls(t *testing.T) {
	s := newStub(3)
	s.answers["/networks"] = `[{"Name":"b","IPAM":{"Config":[{"Subnet":"10.1.0.0/16"},{"Subnet":"fd00::/64"}]}},{"Name":"a"}]`
	s.answers["/info"] = `{"MemTotal":1024,"NCPU":2,"DefaultAddressPools":[{"Base":"10.10.0.0/16","Size":24}],
		"Plugins":{"Network":["overlay","bridge"]},"Swarm":{"LocalNodeState":"active"}}`
	s.answers["/plugins"] = `[{"Name":"acme/net:latest","Enabled":true},{"Name":"acme/off:latest"}]`
	e := s.dial(t)
	s.calls = nil
	got, err := e.Survey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if slices.Sort(s.calls); !slices.Equal(s.calls, []string{"GET /containers/json", "GET /info", "GET /networks", "GET /plugins"}) {
		t.Errorf("calls %v", s.calls)
	}
	if len(got.Containers) != 3 || got.Containers[0].Name != "p-web-0" || got.Containers[0].Project != "p" || got.Memory != 1024 || got.CPUs != 2 || got.Local {
		t.Errorf("%+v", got)
	}
	if !slices.Equal(got.Drivers, []string{"acme/net", "acme/net:latest", "bridge", "overlay"}) || got.Swarm != engine.Worker {
		t.Errorf("drivers %v, role %q", got.Drivers, got.Swarm)
	}
	s.calls = nil
	alone, err := e.Neighbours(t.Context())
	if err != nil || !reflect.DeepEqual(alone, got.Containers) || !slices.Equal(s.calls, []string{"GET /containers/json"}) {
		t.Errorf("%v %+v by %v", err, alone, s.calls)
	}
	want := []engine.NeighbourNetwork{{Name: "a"}, {Name: "b", Subnets: []string{"10.1.0.0/16", "fd00::/64"}}}
	if !reflect.DeepEqual(got.Networks, want) || !slices.Equal(got.Pools, []engine.AddressPool{{Base: "10.10.0.0/16", Size: 24}}) {
		t.Errorf("networks %+v, pools %v", got.Networks, got.Pools)
	}
}

func TestPoolsThatAreNotTold(t *testing.T) {
	for server, first := range map[string]string{"Docker/20.10.24 (linux)": "172.17.0.0/16", "Libpod/4.3.1 (linux)": "10.89.0.0/16"} {
		s := newStub(0)
		s.server, s.answers["/info"], s.answers["/plugins"] = server, `{}`, `[]`
		got, err := s.dial(t).Survey(t.Context())
		if err != nil || len(got.Pools) == 0 || got.Pools[0].Base != first {
			t.Errorf("%s: %v, %v", server, got.Pools, err)
		}
	}
}

func TestMarksOfMessages(t *testing.T) {
	volume := func(action apievents.Action, a apievents.Actor) apievents.Message {
		return apievents.Message{Type: apievents.VolumeEventType, Action: action, Actor: a}
	}
	named := apievents.Actor{Attributes: map[string]string{"name": "m"}}
	for _, c := range []struct {
		message apievents.Message
		want    engine.MarkEvent
		ok      bool
	}{
		{volume("create", apievents.Actor{ID: "m"}), engine.MarkEvent{Name: "m"}, true},
		{volume("destroy", apievents.Actor{ID: "m"}), engine.MarkEvent{Name: "m", Removed: true}, true},
		{volume("remove", named), engine.MarkEvent{Name: "m", Removed: true}, true}, // Podman
		{volume("mount", apievents.Actor{ID: "m"}), engine.MarkEvent{}, false},
		{apievents.Message{Type: apievents.ContainerEventType, Action: "create", Actor: named}, engine.MarkEvent{}, false},
	} {
		if got, ok := markOf(c.message); ok != c.ok || ok && got != c.want {
			t.Errorf("%+v: got %+v %t", c.message, got, ok)
		}
	}
}
