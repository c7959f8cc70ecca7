package isolate

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"pgregory.net/rapid"
)

const name = "shop-1a2b3c4d"

func project(t *testing.T, text string) *types.Project {
	t.Helper()
	details := types.ConfigDetails{WorkingDir: t.TempDir(), ConfigFiles: []types.ConfigFile{{Filename: "compose.yaml", Content: []byte(text)}},
		Environment: types.Mapping{"COMPOSE_PROJECT_NAME": name}}
	p, err := loader.LoadWithContext(context.Background(), details, func(o *loader.Options) {
		o.SkipValidation = true
		o.SetProjectName(name, true)
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ports of a service after Apply, as "published:target/protocol".
func ports(p *types.Project, service string) []string {
	var out []string
	for _, e := range p.Services[service].Ports {
		out = append(out, fmt.Sprintf("%s:%d/%s", e.Published, e.Target, e.Protocol))
	}
	return out
}

func TestName(t *testing.T) {
	a, b := Name("shop", "/srv/a"), Name("shop", "/srv/b")
	if a == b || !regexp.MustCompile(`^shop-[0-9a-f]{8}$`).MatchString(a) || a != Name("shop", "/srv/a") {
		t.Errorf("%s and %s", a, b)
	}
	if again := Name(a, "/srv/a"); again != a {
		t.Errorf("%s of %s", again, a)
	}
	if other := Name(a, "/srv/b"); other == b || !strings.HasPrefix(other, a) {
		t.Errorf("%s of %s", other, a)
	}
	for text, want := range map[string]bool{a: true, "shop": false, "shop-1234567": false, "shop-1234567g": false, "-12345678": false} {
		if Named(text) != want {
			t.Errorf("%q is a copy's: %t", text, !want)
		}
	}
}

func TestPortsAreReplaced(t *testing.T) {
	const text = `{services: {
		web: {image: a, ports: ["8080:80", "127.0.0.1:8443:443", "8443:443/udp", "9000-9003:90", "70", "0:71"]},
		api: {image: a, ports: ["8080:80"]}}}`
	p := project(t, text)
	if found := Apply(p, HostPorts{}); len(found) > 0 {
		t.Error(found)
	}
	got := ports(p, "web")
	if !regexp.MustCompile(`^\[(2\d|3[0-2])\d{3}:80/tcp (\d{5}):443/tcp (\d{5}):443/udp \d{5}-\d{5}:90/tcp :70/tcp 0:71/tcp\]$`).MatchString(fmt.Sprint(got)) {
		t.Errorf("%v", got)
	}
	if p.Services["web"].Ports[1].Published != p.Services["web"].Ports[2].Published {
		t.Errorf("one port of the file is two: %v", got)
	}
	if got[0] == ports(p, "api")[0] {
		t.Errorf("two services have %s", got[0])
	}
	again := project(t, text)
	if Apply(again, HostPorts{}); !slices.Equal(ports(again, "web"), got) {
		t.Errorf("first %v, then %v", got, ports(again, "web"))
	}
	other := project(t, text)
	other.Name = "shop-5e6f7a8b"
	Apply(other, HostPorts{})
	if ports(other, "web")[0] == got[0] {
		t.Errorf("two copies have %s", got[0])
	}
}

func TestTakenPortsArePassedOver(t *testing.T) {
	const text = `{services: {web: {image: a, ports: ["8080:80", "9000-9003:90"]}}}`
	p := project(t, text)
	Apply(p, HostPorts{})
	var one, first, last int
	if _, err := fmt.Sscanf(p.Services["web"].Ports[0].Published+" "+p.Services["web"].Ports[1].Published, "%d %d-%d", &one, &first, &last); err != nil {
		t.Fatal(err)
	}
	p = project(t, text)
	Apply(p, HostPorts{Listening: []int{one, last}, Published: []Published{{Port: one + 1}, {Project: "shop", Service: "web", Port: one + 2, Target: 80, Protocol: "tcp"}}})
	if got, want := ports(p, "web"), []string{fmt.Sprintf("%d:80/tcp", one+3), fmt.Sprintf("%d-%d:90/tcp", last+1, last+4)}; !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
	all := make([]int, Last-First+1)
	for i := range all {
		all[i] = First + i
	}
	p = project(t, text)
	found := Apply(p, HostPorts{Listening: all})
	if got := ports(p, "web"); !slices.Equal(got, []string{"8080:80/tcp", "9000-9003:90/tcp"}) || len(found) != 2 {
		t.Errorf("%v, %v", got, found)
	}
}

func TestWhatAContainerHasStays(t *testing.T) {
	const text = `{services: {web: {image: a, ports: ["127.0.0.1:8080:80", "8081:80", "9000-9003:90", "8053:53/udp"]}}}`
	mine := func(ip string, port, target int, protocol string) Published {
		return Published{Project: name, Service: "web", HostIP: ip, Port: port, Target: target, Protocol: protocol}
	}
	in := HostPorts{Published: []Published{mine("127.0.0.1", 20011, 80, "tcp"), mine("0.0.0.0", 20012, 80, "tcp"), mine("::", 20012, 80, "tcp"),
		mine("", 20022, 90, "tcp"), mine("0.0.0.0", 8053, 53, "udp")}, Listening: []int{20011, 20012, 20022}}
	p := project(t, text)
	Apply(p, in)
	got := ports(p, "web")
	if want := []string{"20011:80/tcp", "20012:80/tcp", "20020-20023:90/tcp"}; !slices.Equal(got[:3], want) || got[3] == "8053:53/udp" {
		t.Errorf("%v, not %v and a port of a copy", got, want)
	}
}

// TestPortsStayUntilTheyAreGone: whatever listens elsewhere meanwhile, a project whose containers run gets the ports that they have; no two
// needs share one, and none is somebody else's. (Ranges of several lengths for one port of a service cannot be told apart by a port.)
func TestPortsStayUntilTheyAreGone(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p := &types.Project{Name: name, Services: types.Services{}}
		lengths := map[int]int{81: rapid.IntRange(1, 9).Draw(r, "short range"), 82: rapid.IntRange(10, 400).Draw(r, "long range")}
		for _, s := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 3, rapid.ID).Draw(r, "services") {
			var list []types.ServicePortConfig
			for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 9), 1, 6, rapid.ID).Draw(r, "ports") {
				published := fmt.Sprint(8000 + n)
				target := rapid.IntRange(80, 82).Draw(r, "target")
				if length := lengths[target]; length > 0 {
					published += fmt.Sprint("-", 8000+n+length)
				}
				list = append(list, types.ServicePortConfig{Target: uint32(target), Published: published, Protocol: "tcp"})
			}
			p.Services[s] = types.ServiceConfig{Name: s, WorkloadSpec: types.WorkloadSpec{Ports: list}}
		}
		taken := rapid.SliceOf(rapid.IntRange(First, Last)).Draw(r, "taken")
		first := applied(p, HostPorts{Listening: taken})
		in := HostPorts{Listening: rapid.SliceOf(rapid.IntRange(First, Last)).Draw(r, "taken later")}
		seen := map[int]bool{}
		for service, list := range first {
			for _, e := range list {
				var from, to int
				if n, _ := fmt.Sscanf(e.Published, "%d-%d", &from, &to); n == 1 {
					to = from
				}
				if from < First || to > Last {
					r.Fatalf("port %s", e.Published)
				}
				for i := from; i <= to; i++ {
					if seen[i] || slices.Contains(taken, i) {
						r.Fatalf("port %d is taken", i)
					}
					seen[i] = true
				}
				in.Published = append(in.Published, Published{Project: name, Service: service, Port: rapid.IntRange(from, to).Draw(r, "of range"), Target: int(e.Target), Protocol: "tcp"})
			}
		}
		for service, list := range applied(p, in) {
			if !slices.EqualFunc(sorted(list), sorted(first[service]), func(a, b types.ServicePortConfig) bool { return a.Published == b.Published && a.Target == b.Target }) {
				r.Fatalf("service %s: %v, then %v", service, first[service], list)
			}
		}
	})
}

func sorted(list []types.ServicePortConfig) []types.ServicePortConfig {
	return slices.SortedFunc(slices.Values(list), func(a, b types.ServicePortConfig) int {
		return strings.Compare(fmt.Sprint(a.Target, a.Published), fmt.Sprint(b.Target, b.Published))
	})
}

func applied(p *types.Project, in HostPorts) map[string][]types.ServicePortConfig {
	q := *p
	q.Services = types.Services{}
	for k, v := range p.Services {
		q.Services[k] = v
	}
	Apply(&q, in)
	out := map[string][]types.ServicePortConfig{}
	for k, v := range q.Services {
		out[k] = v.Ports
	}
	return out
}

func TestNames(t *testing.T) {
	p := project(t, `
services:
  web: {image: a, container_name: web, networks: {front: {aliases: [x]}, outer: {}}, depends_on: [db]}
  db: {image: a, container_name: "${COMPOSE_PROJECT_NAME}-db"}
  side: {image: a, network_mode: "container:web", volumes_from: ["container:web:ro", db], external_links: ["web:w", "far"], ipc: "container:far"}
  old: {image: a, container_name: old, profiles: [off]}
  host: {image: a, network_mode: host}
networks:
  front: {name: front}
  own: {name: "${COMPOSE_PROJECT_NAME}_x"}
  outer: {external: true, name: outer}
volumes:
  data: {name: data}
  plain: {}
  outer: {external: true, name: outer}
`)
	var paths []string
	for _, d := range Apply(p, HostPorts{}) {
		paths = append(paths, d.Path)
	}
	if want := []string{"services.web.container_name", "services.side.network_mode", "services.side.volumes_from", "services.side.external_links",
		"networks.front.name", "volumes.data.name", "services.host.network_mode"}; !slices.Equal(paths, want) {
		t.Errorf("told of %q, not %q", paths, want)
	}
	web := p.Services["web"]
	if web.ContainerName != "" || p.DisabledServices["old"].ContainerName != "" || p.Services["db"].ContainerName != name+"-db" {
		t.Errorf("container names %q, %q, %q", web.ContainerName, p.DisabledServices["old"].ContainerName, p.Services["db"].ContainerName)
	}
	if got := web.Networks["front"].Aliases; !slices.Equal(got, []string{"x", "web"}) {
		t.Errorf("aliases %q", got)
	}
	if n := web.Networks["outer"]; n != nil && len(n.Aliases) > 0 {
		t.Errorf("aliases where other copies are: %q", n.Aliases)
	}
	got := []string{p.Networks["front"].Name, p.Networks["own"].Name, p.Networks["outer"].Name, p.Volumes["data"].Name, p.Volumes["plain"].Name, p.Volumes["outer"].Name}
	if want := []string{name + "_front", name + "_x", "outer", name + "_data", name + "_plain", "outer"}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}

func TestImagesThatAreBuilt(t *testing.T) {
	p := project(t, `
services:
  api: {image: app, build: .}
  job: {image: app, build: {context: ., target: job}}
  cron: {image: app}
  base: {image: base, build: ., pull_policy: always}
  own: {image: "x:${COMPOSE_PROJECT_NAME}", build: .}
  web: {image: web}
`)
	found := Apply(p, HostPorts{})
	var got []string
	for _, s := range []string{"api", "job", "cron", "base", "own", "web"} {
		got = append(got, p.Services[s].Image)
	}
	if want := []string{"", name + "-api", name + "-api", "base", "x:" + name, "web"}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
	if len(found) != 1 || found[0].Path != "services.api.image" {
		t.Error(found)
	}
}

func TestSubnets(t *testing.T) {
	p := project(t, `
services:
  web: {image: a, networks: {plain: {}, fixed: {ipv4_address: 10.2.0.9}, six: {}, lan: {}, named: {}}}
networks:
  plain: {ipam: {config: [{subnet: 10.1.0.0/24}]}}
  fixed: {ipam: {config: [{subnet: 10.2.0.0/24}]}}
  six: {ipam: {config: [{subnet: "fd00:1::/64"}]}}
  lan: {driver: macvlan, ipam: {config: [{subnet: 10.3.0.0/24}]}}
  named: {driver_opts: {com.docker.network.bridge.name: br7, mtu: "1400"}}
`)
	found := Apply(p, HostPorts{})
	var kept []string
	for key, n := range p.Networks {
		if len(n.Ipam.Config) > 0 {
			kept = append(kept, key)
		}
	}
	if slices.Sort(kept); !slices.Equal(kept, []string{"fixed", "lan", "six"}) {
		t.Errorf("subnets of %q are kept", kept)
	}
	if o := p.Networks["named"].DriverOpts; len(o) != 1 || o["mtu"] != "1400" {
		t.Errorf("driver_opts %v", o)
	}
	if len(found) != 5 {
		t.Errorf("%d warnings: %v", len(found), found)
	}
}
