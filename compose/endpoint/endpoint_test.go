package endpoint

import (
	"slices"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/engine/container"
)

func service(name string, ports ...container.Port) desired.Service {
	return desired.Service{Name: name, Container: container.Spec{Ports: ports}}
}

func live(service, number string, state container.State, ports ...container.Published) container.Live {
	return container.Live{State: state, Ports: ports, Labels: map[string]string{container.LabelService: service, container.LabelNumber: number}}
}

func TestOutside(t *testing.T) {
	p := desired.Project{Services: []desired.Service{
		service("db", container.Port{Published: "5432", Target: 5432, Protocol: "tcp"}, container.Port{Target: 9, Protocol: "udp"}, container.Port{Published: "7000-7009", Target: 7, Protocol: "tcp"}),
		service("web", container.Port{Published: "8443", Target: 443, Protocol: "tcp"}, container.Port{Target: 80, Protocol: "tcp"}),
	}}
	oneOff := live("web", "", container.Running, container.Published{HostIP: "0.0.0.0", Published: 1, Target: 443, Protocol: "tcp"})
	oneOff.Labels[container.LabelOneOff] = "True"
	all := []container.Live{
		oneOff,
		live("web", "2", container.Running, container.Published{HostIP: "0.0.0.0", Published: 2, Target: 80, Protocol: "tcp"}),
		live("web", "1", container.Running, container.Published{Target: 8, Protocol: "tcp"}, container.Published{HostIP: "127.0.0.1", Published: 40080, Target: 80, Protocol: "tcp"},
			container.Published{HostIP: "::", Published: 40443, Target: 443, Protocol: "tcp"}, container.Published{HostIP: "0.0.0.0", Published: 40444, Target: 443, Protocol: "tcp"}),
		live("db", "1", container.Exited),
		live("gone", "1", container.Running, container.Published{HostIP: "::", Published: 40001, Target: 1, Protocol: "udp"}),
	}
	got, unknown := Outside(p, all, "unix:///var/run/docker.sock")
	want := []Endpoint{{"db", "127.0.0.1", 5432, 5432, "tcp"}, {"gone", "::1", 40001, 1, "udp"}, {"web", "127.0.0.1", 40444, 443, "tcp"}, {"web", "127.0.0.1", 40080, 80, "tcp"}}
	if !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
	if len(unknown) != 2 || unknown[0].Path != "services.db.ports" || !strings.Contains(unknown[0].Text, "9/udp") || !strings.Contains(unknown[1].Text, "7/tcp") {
		t.Error(unknown)
	}
	for host, want := range map[string]string{"tcp://ci:2375": "ci", "ssh://me@far": "far", "tcp://[fd00::1]:2375": "fd00::1", "npipe:////./pipe/docker": "127.0.0.1"} {
		if got, _ := Outside(p, all, host); got[0].Host != want || got[3].Host != "127.0.0.1" {
			t.Errorf("of %s: %v", host, got)
		}
	}
	if in := Inside(got); in[2] != (Endpoint{"web", "web", 443, 443, "tcp"}) || got[2] != want[2] {
		t.Errorf("%v inside, of %v", in, got)
	}
}

func text(all []Variable) string {
	var out []string
	for _, v := range all {
		out = append(out, v.String())
	}
	return strings.Join(out, " ")
}

func texts(l diag.List) string {
	var out []string
	for _, d := range l {
		out = append(out, d.Text)
	}
	return strings.Join(out, "\n")
}

func TestVariables(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []Endpoint
		want string
		told string
	}{
		{"none", nil, "", ""},
		{"several ports", []Endpoint{{"web", "127.0.0.1", 1, 80, "tcp"}, {"web", "10.0.0.7", 2, 53, "udp"}, {"web", "127.0.0.1", 3, 443, "tcp"}},
			"WEB_HOST=127.0.0.1 WEB_PORT=1 WEB_PORT_80=1 WEB_HOST_53_UDP=10.0.0.7 WEB_PORT_53_UDP=2 WEB_PORT_443=3", ""},
		{"names for shells", []Endpoint{{"3.my-db", "h", 1, 2, "tcp"}}, "_3_MY_DB_HOST=h _3_MY_DB_PORT=1 _3_MY_DB_PORT_2=1", ""},
		{"one name for two", []Endpoint{{"a-b", "h", 1, 80, "tcp"}, {"a_b", "h", 2, 81, "tcp"}, {"c", "h", 3, 80, "tcp"}},
			"A_B_PORT_80=1 A_B_PORT_81=2 C_HOST=h C_PORT=3 C_PORT_80=3", "services a-b and a_b would have the same variables, which are left out: A_B_HOST, A_B_PORT"},
		{"one name by chance", []Endpoint{{"web", "h", 1, 80, "tcp"}, {"web", "i", 2, 81, "tcp"}, {"web-host", "j", 3, 1, "tcp"}, {"web_port", "k", 4, 80, "tcp"}},
			"WEB_HOST=h WEB_PORT=1 WEB_PORT_80=1 WEB_HOST_81=i WEB_PORT_81=2 WEB_HOST_HOST=j WEB_HOST_PORT=3 WEB_HOST_PORT_1=3 WEB_PORT_HOST=k WEB_PORT_PORT=4 WEB_PORT_PORT_80=4", ""},
		{"the engine's", []Endpoint{{"docker", "h", 1, 2375, "tcp"}}, "DOCKER_PORT=1 DOCKER_PORT_2375=1", `variable DOCKER_HOST of service "docker" is left out, as programs find an engine by it`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, told := Variables(c.in)
			if text(got) != c.want || texts(told) != c.told {
				t.Errorf("%s\ntold %q", text(got), texts(told))
			}
		})
	}
}
