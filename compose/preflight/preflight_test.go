package preflight_test

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/compose/preflight"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/field"
	"github.com/tutti-run/tutti/host"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// port "127.0.0.1:8080:80/udp"; the host's part may be a range.
func port(text string) container.Port {
	text, protocol, _ := strings.Cut(text, "/")
	i := strings.LastIndexByte(text, ':')
	p := container.Port{Published: text[:i], Target: 80, Protocol: cmp.Or(protocol, "tcp")}
	if i := strings.LastIndexByte(p.Published, ':'); i >= 0 {
		p.HostIP, p.Published = strings.Trim(p.Published[:i], "[]"), p.Published[i+1:]
	}
	return p
}

// runs makes and starts a container of shop; how changes what it is made from.
func runs(key string, how ...func(*container.Spec)) []plan.Node {
	service, _, _ := strings.Cut(key, "-")
	s := container.Spec{Name: "shop-" + key}
	for _, h := range how {
		h(&s)
	}
	r := plan.Resource{Kind: plan.Container, Service: service, Name: s.Name}
	return []plan.Node{
		{ID: plan.ID("start " + key), Resource: r, Step: plan.StartContainer{Container: plan.Ref{Key: key}}},
		{ID: plan.ID("create " + key), Resource: r, Step: plan.CreateContainer{Container: plan.Ref{Key: key}, Name: s.Name, Spec: s}},
	}
}

func publishing(ports ...string) func(*container.Spec) {
	return func(s *container.Spec) {
		for _, p := range ports {
			s.Ports = append(s.Ports, port(p))
		}
	}
}

func called(name string) func(*container.Spec) {
	return func(s *container.Spec) { s.Name = name }
}

// starts, stops and removes a container that there is.
func starts(id, service string) []plan.Node {
	return on(service, plan.StartContainer{Container: plan.Ref{Key: id, ID: id}})
}
func stops(id string) []plan.Node {
	return on("web", plan.StopContainer{Container: plan.Ref{Key: id, ID: id}})
}
func removes(id string) []plan.Node {
	return on("web", plan.RemoveContainer{Container: plan.Ref{Key: id, ID: id}})
}
func on(service string, s plan.Step) []plan.Node {
	return []plan.Node{{ID: plan.ID(fmt.Sprint(s)), Resource: plan.Resource{Kind: plan.Container, Service: service, Name: "shop-" + service + "-1"}, Step: s}}
}

// neighbour "blog-web-1" of project blog; its id is its name.
func neighbour(name string, ports ...container.Published) engine.Neighbour {
	f := strings.Split(name, "-")
	n := engine.Neighbour{ID: name, Name: name, State: container.Running, Ports: ports}
	if len(f) == 3 {
		n.Project, n.Service = f[0], f[1]
	}
	return n
}

func published(ip string, n int) container.Published {
	return container.Published{HostIP: ip, Published: n, Target: 80, Protocol: "tcp"}
}

func socket(protocol, address string) host.Socket {
	return host.Socket{Protocol: protocol, Address: netip.MustParseAddrPort(address)}
}

func owned(p host.Process) func(host.Socket) host.Process {
	return func(host.Socket) host.Process { return p }
}

var nginx = owned(host.Process{Name: "nginx", PID: 812})

// shop is a project with three services; its file has the paths named.
func shop(paths ...string) desired.Project {
	p := desired.Project{Name: "shop", WorkingDir: "/srv/shop", Services: []desired.Service{{Name: "db"}, {Name: "job"}, {Name: "web"}}}
	p.Place = func(path string) diag.Place {
		for ; path != ""; path = path[:max(strings.LastIndexByte(path, '.'), 0)] {
			if i := slices.Index(paths, path); i >= 0 {
				return diag.Place{File: "compose.yaml", Line: i + 1}
			}
		}
		return diag.Place{}
	}
	return p
}

// lines of a list: "error compose.yaml:1 text; hint".
func lines(l diag.List) string {
	var out []string
	for _, d := range l {
		line := fmt.Sprintf("%s %s %s", d.Severity, cmp.Or(d.Place.String(), "-"), d.Text)
		if d.Hint != "" {
			line += "; " + d.Hint
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

type test struct {
	name string
	in   preflight.Input
	want string // lines
}

func run(t *testing.T, tests []test) {
	t.Helper()
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			if c.in.Project.Name == "" {
				c.in.Project = shop("services.web.ports")
			}
			if got := lines(preflight.Check(c.in)); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			slices.Reverse(c.in.Plan.Nodes)
			if got := lines(preflight.Check(c.in)); got != c.want {
				t.Errorf("depends on the order of nodes: got\n%s", got)
			}
		})
	}
}

func nodes(all ...[]plan.Node) plan.Plan {
	return plan.Plan{Project: "shop", Nodes: slices.Concat(all...)}
}

func beside(all ...engine.Neighbour) engine.Surroundings { return engine.Surroundings{Containers: all} }

func TestPortsOfOtherContainers(t *testing.T) {
	web := runs("web-1", publishing("8080:80"))
	blog := neighbour("blog-web-1", published("0.0.0.0", 8080), published("::", 8080))
	other := blog
	other.Name, other.ID = "front", "front"
	lone := blog
	lone.Project, lone.Service = "", ""
	stopped := blog
	stopped.State = container.Exited
	own, orphan := blog, blog
	own.Project, own.Name, own.ID, own.Service = "shop", "shop-db-1", "db", "db"
	orphan.Project, orphan.Name, orphan.ID, orphan.Service = "shop", "shop-old-1", "old", "old"
	first := own
	first.Service, first.Name, first.ID = "web", "shop-web-1", "web"
	run(t, []test{
		{"of another project", preflight.Input{Plan: nodes(web), Surroundings: beside(blog)},
			"error compose.yaml:1 port 8080 is taken by container blog-web-1 (project blog); " +
				"publish another port, or stop it: docker stop blog-web-1, or its project: tutti -p blog down"},
		{"whose name does not tell", preflight.Input{Plan: nodes(web), Surroundings: beside(other)},
			"error compose.yaml:1 port 8080 is taken by container front (project blog, service web); " +
				"publish another port, or stop it: docker stop front, or its project: tutti -p blog down"},
		{"of no project", preflight.Input{Plan: nodes(web), Surroundings: beside(lone)},
			"error compose.yaml:1 port 8080 is taken by container blog-web-1; publish another port, or stop it: docker stop blog-web-1"},
		{"that is down", preflight.Input{Plan: nodes(web), Surroundings: beside(stopped)}, ""},
		{"that the plan stops", preflight.Input{Plan: nodes(web, stops("blog-web-1")), Surroundings: beside(blog)}, ""},
		{"that the plan removes", preflight.Input{Plan: nodes(web, removes("blog-web-1")), Surroundings: beside(blog)}, ""},
		{"of another service of the project", preflight.Input{Plan: nodes(web), Surroundings: beside(own)},
			"error compose.yaml:1 port 8080 is taken by container shop-db-1 (project shop); publish another port, or stop it: docker stop shop-db-1"},
		{"of no service any more", preflight.Input{Plan: nodes(web), Surroundings: beside(orphan)},
			"error compose.yaml:1 port 8080 is taken by container shop-old-1 (project shop); " +
				"publish another port, or remove what the file does not have any more: --remove-orphans"},
		{"of another replica", preflight.Input{Plan: nodes(runs("web-2", publishing("8080:80"))), Surroundings: beside(first)},
			"error compose.yaml:1 port 8080 is taken by container shop-web-1 (project shop); publish another port, or none, or a range"},
		{"of itself, started meanwhile", preflight.Input{Plan: nodes(web), Surroundings: beside(first)}, ""},
		{"in a plan that does not start", preflight.Input{Plan: nodes(web[1:]), Surroundings: beside(blog)}, ""},
		{"on the host's network", preflight.Input{Plan: nodes(runs("web-1", publishing("8080:80"), func(s *container.Spec) { s.NetworkMode = "host" })),
			Surroundings: beside(blog)}, ""},
		{"in another container's network", preflight.Input{Plan: nodes(runs("web-1", publishing("8080:80"), func(s *container.Spec) { s.NetworkMode = "service:db" })),
			Surroundings: beside(blog)}, ""},
	})
}

func TestPortsByAddressAndProtocol(t *testing.T) {
	const hint = "; publish another port, or stop it: docker stop x"
	for _, c := range []struct {
		wanted, ip, protocol string
		taken                string // "" or the text of the port
	}{
		{"8080:80", "127.0.0.1", "tcp", "8080"},
		{"8080:80", "::1", "tcp", "8080"},
		{"8080:80", "0.0.0.0", "udp", ""},
		{"8080:80/udp", "0.0.0.0", "udp", "8080/udp"},
		{"127.0.0.1:8080:80", "0.0.0.0", "tcp", "127.0.0.1:8080"},
		{"127.0.0.1:8080:80", "127.0.0.1", "tcp", "127.0.0.1:8080"},
		{"127.0.0.1:8080:80", "127.0.0.2", "tcp", ""},
		{"127.0.0.1:8080:80", "::", "tcp", ""},
		{"0.0.0.0:8080:80", "10.0.0.1", "tcp", "0.0.0.0:8080"},
		{"[::1]:8080:80", "0.0.0.0", "tcp", ""},
		{"[::1]:8080:80", "::", "tcp", "[::1]:8080"},
		{"8081:80", "0.0.0.0", "tcp", ""},
		{":80", "0.0.0.0", "tcp", ""},
		{"0:80", "0.0.0.0", "tcp", ""},
	} {
		p := published(c.ip, 8080)
		p.Protocol = c.protocol
		in := preflight.Input{Project: shop(), Plan: nodes(runs("web-1", publishing(c.wanted))), Surroundings: beside(neighbour("x", p))}
		want := ""
		if c.taken != "" {
			want = "error - port " + c.taken + " is taken by container x" + hint
		}
		if got := lines(preflight.Check(in)); got != want {
			t.Errorf("%s beside %s/%s:\n%s\nwant\n%s", c.wanted, c.ip, c.protocol, got, want)
		}
	}
}

func TestPortRangesAndReplicas(t *testing.T) {
	two := []engine.Neighbour{neighbour("x", published("0.0.0.0", 8000)), neighbour("y", published("0.0.0.0", 8001))}
	run(t, []test{
		{"one of the range is free", preflight.Input{Plan: nodes(runs("web-1", publishing("8000-8001:80"))), Surroundings: beside(two[0])}, ""},
		{"all are taken", preflight.Input{Plan: nodes(runs("web-1", publishing("8000-8001:80"))), Surroundings: beside(two...)},
			"error compose.yaml:1 ports 8000-8001 are all taken, 8000 by container x; publish another port, or stop it: docker stop x"},
		{"a range for each replica", preflight.Input{Plan: nodes(runs("web-1", publishing("8000-8001:80")), runs("web-2", publishing("8000-8001:80")))}, ""},
		{"a range beside a fixed port", preflight.Input{Plan: nodes(runs("db-1", publishing("8000-8001:80")), runs("web-1", publishing("8000:80")))}, ""},
	})
	in := preflight.Input{Project: shop("services.web.ports", "services.web.ports.8080"),
		Plan: nodes(runs("web-1", publishing("8080:80")), runs("web-2", publishing("8080:80")))}
	want := "error compose.yaml:2 port 8080 is taken by shop-web-1, which is to be started too; publish another port, or none, or a range"
	if got := lines(preflight.Check(in)); got != want {
		t.Errorf("two replicas on one port:\n%s", got)
	}
}

func TestPortsOfProcesses(t *testing.T) {
	web, udp := runs("web-1", publishing("8080:80")), runs("web-1", publishing("53:53/udp"))
	local := runs("web-1", publishing("127.0.0.1:8080:80"))
	blog := neighbour("blog-web-1", published("0.0.0.0", 8080), published("::", 8080))
	proxies := []host.Socket{socket("tcp", "0.0.0.0:8080"), socket("tcp", "[::]:8080")}
	any6 := []host.Socket{socket("tcp", "[::]:8080")}
	yes, no := func(host.Socket) bool { return true }, func(host.Socket) bool { return false }
	inside := owned(host.Process{Name: "nginx", PID: 812, Container: "blog-web-1"})
	const byNginx = "error compose.yaml:1 port 8080 is taken by nginx (pid 812); publish another port, or stop that process"
	hosted := engine.Snapshot{Containers: []container.Live{{ID: "old", Mode: "host"}}}
	run(t, []test{
		{"listening", preflight.Input{Plan: nodes(web), Host: preflight.Host{Sockets: []host.Socket{socket("tcp", "127.0.0.1:8080")}, Owner: nginx}}, byNginx},
		{"of somebody unknown", preflight.Input{Plan: nodes(web), Host: preflight.Host{Sockets: []host.Socket{socket("tcp", "127.0.0.1:8080")}, Owner: owned(host.Process{})}},
			"error compose.yaml:1 port 8080 is taken by a process of this machine; publish another port, or stop that process"},
		{"of another protocol", preflight.Input{Plan: nodes(web), Host: preflight.Host{Sockets: []host.Socket{socket("udp", "127.0.0.1:8080")}, Owner: nginx}}, ""},
		{"datagrams", preflight.Input{Plan: nodes(udp), Host: preflight.Host{Sockets: []host.Socket{socket("udp", "127.0.0.53:53")}, Owner: nginx}},
			"error compose.yaml:1 port 53/udp is taken by nginx (pid 812); publish another port, or stop that process"},
		{"on all addresses of both kinds", preflight.Input{Plan: nodes(local), Host: preflight.Host{Sockets: any6, Owner: nginx, OnlyIPv6: no}},
			"error compose.yaml:1 port 127.0.0.1:8080 is taken by nginx (pid 812); publish another port, or stop that process"},
		{"on all of IPv6 alone", preflight.Input{Plan: nodes(local), Host: preflight.Host{Sockets: any6, Owner: nginx, OnlyIPv6: yes}}, ""},
		{"the engine's proxies", preflight.Input{Plan: nodes(web, stops("blog-web-1")), Surroundings: beside(blog), Host: preflight.Host{Sockets: proxies, Owner: nginx}}, ""},
		{"beside the engine's proxies", preflight.Input{Plan: nodes(web, stops("blog-web-1")), Surroundings: beside(blog),
			Host: preflight.Host{Sockets: append(proxies, socket("tcp", "192.0.2.7:8080")), Owner: nginx}}, byNginx},
		{"in a container on the host's network", preflight.Input{Plan: nodes(web), Surroundings: beside(neighbour("blog-web-1")), Host: preflight.Host{Sockets: proxies, Owner: inside}},
			"error compose.yaml:1 port 8080 is taken by container blog-web-1 (project blog); " +
				"publish another port, or stop it: docker stop blog-web-1, or its project: tutti -p blog down"},
		{"in one that goes away", preflight.Input{Plan: nodes(web, stops("blog-web-1")), Surroundings: beside(neighbour("blog-web-1")),
			Host: preflight.Host{Sockets: proxies, Owner: inside}}, ""},
		{"perhaps in one that goes away", preflight.Input{Plan: nodes(web, removes("old")), Snapshot: hosted, Host: preflight.Host{Sockets: proxies, Owner: owned(host.Process{})}}, ""},
	})
}

func TestPortsOfAContainerThatIsStarted(t *testing.T) {
	project := shop("services.web.ports")
	spec := &project.Services[2].Container
	spec.Ports = []container.Port{port("8080:80")}
	made := map[string]string{field.Label: spec.Fields().Digests().String()}
	other := map[string]string{field.Label: container.Spec{}.Fields().Digests().String()}
	in := func(l container.Live) preflight.Input {
		l.ID = "web"
		return preflight.Input{Project: project, Plan: nodes(starts("web", "web")), Snapshot: engine.Snapshot{Containers: []container.Live{l}},
			Surroundings: beside(neighbour("x", published("0.0.0.0", 8080)))}
	}
	const taken = "error compose.yaml:1 port 8080 is taken by container x; publish another port, or stop it: docker stop x"
	run(t, []test{
		{"made as the file says", in(container.Live{Labels: made}), taken},
		{"made otherwise", in(container.Live{Labels: other}), ""},
		{"made by somebody else", in(container.Live{}), ""},
		{"looked at", in(container.Live{Found: &container.Spec{Ports: spec.Ports}}), taken},
	})
}

func TestNames(t *testing.T) {
	cache := runs("web-1", called("cache"))
	ours := neighbour("cache")
	ours.Project, ours.Service = "shop", "db"
	orphan, own := ours, ours
	orphan.Service, own.Service = "gone", "web"
	project := shop("services.web.container_name")
	down := neighbour("cache")
	down.State = container.Exited
	theirs := neighbour("cache")
	theirs.Project, theirs.Service = "blog", "redis"
	run(t, []test{
		{"of another project", preflight.Input{Project: project, Plan: nodes(cache), Surroundings: beside(theirs)},
			"error compose.yaml:1 name cache is taken by a container of project blog; remove that container: docker rm -f cache; or take its project down: tutti -p blog down"},
		{"of no project, and down", preflight.Input{Project: project, Plan: nodes(cache), Surroundings: beside(down)},
			"error compose.yaml:1 name cache is taken by a container of no project; remove that container: docker rm -f cache"},
		{"of another service", preflight.Input{Project: project, Plan: nodes(cache), Surroundings: beside(ours)},
			"error compose.yaml:1 name cache is taken by the container of service db; remove that container: docker rm -f cache"},
		{"of no service any more", preflight.Input{Project: project, Plan: nodes(cache), Surroundings: beside(orphan)},
			"error compose.yaml:1 name cache is taken by the container of service gone; remove what the file does not have any more: --remove-orphans"},
		{"of the same service", preflight.Input{Project: project, Plan: nodes(cache), Surroundings: beside(own)}, ""},
		{"that the plan removes", preflight.Input{Project: project, Plan: nodes(cache, removes("cache")), Surroundings: beside(orphan)}, ""},
		{"that the plan gives up", preflight.Input{Project: project, Plan: nodes(cache, on("db", plan.RenameContainer{Container: plan.Ref{ID: "cache"}, Name: "old"})),
			Surroundings: beside(ours)}, ""},
		{"that the plan renames to", preflight.Input{Project: project, Plan: nodes(on("web", plan.RenameContainer{Container: plan.Ref{Key: "web-1"}, Name: "cache"}), starts("web", "web")),
			Surroundings: beside(theirs)},
			"error compose.yaml:1 name cache is taken by a container of project blog; remove that container: docker rm -f cache; or take its project down: tutti -p blog down"},
	})
}

func TestDirectory(t *testing.T) {
	live := func(dir string) engine.Snapshot {
		return engine.Snapshot{Containers: []container.Live{{ID: "a", Labels: map[string]string{container.LabelWorkingDir: dir}}}}
	}
	exists := func(yes bool) func(string) bool { return func(string) bool { return yes } }
	const inUse = `error compose.yaml:1 project "shop" is in use from /srv/other: its containers would be replaced; ` +
		"use another name (-p NAME, or name: in the file), take it over with -p shop, or take it down there first"
	named, unnamed := shop("name"), shop()
	run(t, []test{
		{"the same", preflight.Input{Project: named, Plan: nodes(runs("web-1")), Snapshot: live("/srv/shop/")}, ""},
		{"another", preflight.Input{Project: named, Plan: nodes(runs("web-1")), Snapshot: live("/srv/other")}, inUse},
		{"another that is there", preflight.Input{Project: named, Plan: nodes(runs("web-1")), Snapshot: live("/srv/other"), Host: preflight.Host{Exists: exists(true)}}, inUse},
		{"the name is the directory's", preflight.Input{Project: unnamed, Plan: nodes(runs("web-1")), Snapshot: live("/srv/other")},
			strings.Replace(inUse, "compose.yaml:1", "-", 1)},
		{"moved", preflight.Input{Project: unnamed, Plan: nodes(runs("web-1")), Snapshot: live("/srv/other"), Host: preflight.Host{Exists: exists(false)}},
			`warning - project "shop" was brought up from /srv/other, which is not there any more: taken for moved`},
		{"by another path", preflight.Input{Project: named, Plan: nodes(runs("web-1")), Snapshot: live("/link"),
			Host: preflight.Host{SameDir: func(a, b string) bool { return true }}}, ""},
		{"the name is given", preflight.Input{Project: named, Plan: nodes(runs("web-1")), Snapshot: live("/srv/other"), NameGiven: true}, ""},
		{"only started", preflight.Input{Project: named, Plan: nodes(starts("a", "web")), Snapshot: live("/srv/other")}, ""},
		{"not known", preflight.Input{Project: named, Plan: nodes(runs("web-1")), Snapshot: live("")}, ""},
		{"no file", preflight.Input{Project: desired.Project{Name: "shop"}, Plan: nodes(runs("web-1")), Snapshot: live("/srv/other")}, ""},
	})
}

func TestLimits(t *testing.T) {
	with := func(change func(*container.Resources)) func(*container.Spec) {
		return func(s *container.Spec) { change(&s.Resources) }
	}
	memory := func(n int64) func(*container.Spec) { return with(func(r *container.Resources) { r.Memory = n }) }
	reserved := func(n int64) func(*container.Spec) {
		return with(func(r *container.Resources) { r.MemoryReservation = n })
	}
	cpus := func(n int64) func(*container.Spec) { return with(func(r *container.Resources) { r.NanoCPUs = n }) }
	machine := engine.Surroundings{Memory: 3 << 29, CPUs: 2}
	project := shop("services.web", "services.web.mem_limit", "services.web.deploy.resources.limits.cpus")
	deployed := shop("services.web", "services.web.deploy", "services.web.deploy.resources.limits.memory")
	kept := shop()
	kept.Services[0].Container.Resources.MemoryReservation = 1 << 30
	up := engine.Snapshot{Containers: []container.Live{{ID: "db", Name: "shop-db-1", State: container.Running, Labels: map[string]string{container.LabelService: "db"}}}}
	const tooMuch = `service "web": a limit of 2g of memory is more than the 1.5g of the engine's machine; lower it, or leave it out: the machine's memory is a limit in any case`
	const reserves = `warning - project "shop" reserves 2g of memory, more than the 1.5g of the engine's machine`
	run(t, []test{
		{"as much as there is", preflight.Input{Project: project, Plan: nodes(runs("web-1", memory(3<<29), cpus(2e9), reserved(3<<29))), Surroundings: machine}, ""},
		{"more memory", preflight.Input{Project: project, Plan: nodes(runs("web-1", memory(2<<30)), runs("web-2", memory(2<<30))), Surroundings: machine},
			"warning compose.yaml:2 " + tooMuch},
		{"more memory, by deploy", preflight.Input{Project: deployed, Plan: nodes(runs("web-1", memory(2<<30))), Surroundings: machine}, "warning compose.yaml:3 " + tooMuch},
		{"more processors", preflight.Input{Project: project, Plan: nodes(runs("web-1", cpus(25e8))), Surroundings: machine},
			`error compose.yaml:3 service "web": 2.5 cpus are more than the 2 of the engine's machine; the engine takes 0.01 to 2`},
		{"changed in place", preflight.Input{Project: project, Surroundings: machine,
			Plan: nodes(on("web", plan.UpdateContainer{Spec: container.Spec{Resources: container.Resources{Memory: 2 << 30}}}))}, "warning compose.yaml:2 " + tooMuch},
		{"not known", preflight.Input{Project: project, Plan: nodes(runs("web-1", memory(1<<50), cpus(1e12), reserved(1<<50)))}, ""},
		{"reserved together", preflight.Input{Project: project, Plan: nodes(runs("web-1", reserved(1<<30)), runs("web-2", reserved(1<<30))), Surroundings: machine}, reserves},
		{"reserved by one that stays", preflight.Input{Project: kept, Snapshot: up, Plan: nodes(runs("web-1", reserved(1<<30))), Surroundings: machine}, reserves},
		{"reserved by one that goes", preflight.Input{Project: kept, Snapshot: up, Plan: nodes(runs("web-1", reserved(1<<30)), removes("db")), Surroundings: machine}, ""},
		{"reserved by its successor", preflight.Input{Project: kept, Snapshot: up, Plan: nodes(runs("db-1", reserved(1<<30)), removes("db")), Surroundings: machine}, ""},
	})
}

func TestPaths(t *testing.T) {
	here := preflight.Host{Exists: func(path string) bool { return strings.HasPrefix(path, "/here") }}
	bind := func(m volume.Mount) func(*container.Spec) {
		return func(s *container.Spec) { s.Mounts = append(s.Mounts, m) }
	}
	file := func(f container.File) func(*container.Spec) {
		return func(s *container.Spec) { s.Files = append(s.Files, f) }
	}
	project := shop("services.web.volumes./data", "secrets.key.file")
	absent := bind(volume.Mount{Type: volume.Bind, Source: "/srv/shop/data", Target: "/data"})
	const noSource = `error compose.yaml:1 service "web": ./data, to be mounted at /data, does not exist; make it, or let the engine make a directory: bind.create_host_path: true`
	run(t, []test{
		{"absent", preflight.Input{Project: project, Host: here, Plan: nodes(runs("web-1", absent))}, noSource},
		{"made by the engine", preflight.Input{Project: project, Host: here, Plan: nodes(runs("web-1", bind(volume.Mount{Type: volume.Bind, Source: "/nope", CreateHostPath: true})))}, ""},
		{"there", preflight.Input{Project: project, Host: here, Plan: nodes(runs("web-1", bind(volume.Mount{Type: volume.Bind, Source: "/here/a"})))}, ""},
		{"a volume", preflight.Input{Project: project, Host: here, Plan: nodes(runs("web-1", bind(volume.Mount{Type: volume.Volume, Source: "data"})))}, ""},
		{"on another machine", preflight.Input{Project: project, Plan: nodes(runs("web-1", absent))}, ""},
		{"of a secret", preflight.Input{Project: project, Host: here, Plan: nodes(runs("web-1", file(container.File{Kind: "secret", Source: "key", HostPath: "/etc/key"}), absent))},
			noSource + "\n" + `error compose.yaml:2 secret "key": file /etc/key does not exist; make it, or take the secret out of service web`},
		{"of a secret without a file", preflight.Input{Project: project, Host: here, Plan: nodes(runs("web-1", file(container.File{Kind: "secret", Source: "key", Content: []byte("x")})))}, ""},
	})
}

func TestWhatTakesALook(t *testing.T) {
	create := plan.CreateNetwork{Network: network.Spec{Name: "n"}}
	for _, c := range []struct {
		p    plan.Plan
		want bool
	}{
		{nodes(), false}, {nodes(runs("web-1")), true}, {nodes(starts("web", "web")), true}, {nodes(stops("web"), removes("web")), false},
		{nodes([]plan.Node{{Step: create}}), true}, {nodes([]plan.Node{{Step: plan.WaitContainer{}}, {Step: plan.PullImage{}}}), false},
	} {
		if got := preflight.Needed(c.p); got != c.want {
			t.Errorf("%v: %t", c.p.Nodes, got)
		}
	}
}
