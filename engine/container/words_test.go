package container

import (
	"testing"

	"github.com/tutti-run/tutti/network"
)

// TestSameInOtherWords: what the engine words differently is no difference, and what is different stays one.
func TestSameInOtherWords(t *testing.T) {
	for _, c := range []struct {
		name        string
		want, found Spec
		same        bool
	}{
		{"peer", Spec{NetworkMode: "service:db"}, Spec{NetworkMode: "container:1234"}, true},
		{"peer or none", Spec{NetworkMode: "service:db"}, Spec{NetworkMode: "none"}, false},
		{"ipc", Spec{IPC: "service:db", PID: "service:db"}, Spec{IPC: "container:1", PID: "container:1"}, true},
		{"volumes_from", Spec{VolumesFrom: []string{"service:db:ro"}}, Spec{VolumesFrom: []string{"1234:ro"}}, true},
		{"volumes_from gone", Spec{VolumesFrom: []string{"service:db:ro"}}, Spec{}, false},
		{"capability", Spec{CapAdd: []string{"CAP_NET_ADMIN", "sys_time"}}, Spec{CapAdd: []string{"NET_ADMIN", "SYS_TIME"}}, true},
		{"other capability", Spec{CapAdd: []string{"NET_ADMIN"}}, Spec{CapAdd: []string{"SYS_TIME"}}, false},
		{"privileged", Spec{Privileged: true}, Spec{Privileged: true, SecurityOpt: []string{"label=disable"}}, true},
		{"image exposes more", Spec{Expose: []string{"80", "90-91/udp"}}, Spec{Expose: []string{"80/tcp", "90/udp", "91/udp", "6379/tcp"}}, true},
		{"exposes less", Spec{Expose: []string{"80", "81"}}, Spec{Expose: []string{"80/tcp"}}, false},
		{
			"network of another name", Spec{Networks: []network.Attachment{{Network: "back", Name: "shared", Aliases: []string{"db"}}}},
			Spec{Name: "p-db-1", Networks: []network.Attachment{{Network: "shared", Name: "shared", Aliases: []string{"p-db-1", "db"}}}}, true,
		},
		{
			"alias lost", Spec{Networks: []network.Attachment{{Network: "back", Name: "shared", Aliases: []string{"db"}}}},
			Spec{Networks: []network.Attachment{{Network: "shared", Name: "shared"}}}, false,
		},
	} {
		d := Diff(c.want, "", Live{Found: &c.found}, nil)
		if d.Empty() != c.same {
			t.Errorf("%s: %+v", c.name, d)
		}
	}
}
