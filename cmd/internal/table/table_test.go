package table

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

var update = flag.Bool("update", false, "write the golden files anew")

var t0 = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	time.Local = time.UTC // what users read is in their time zone
	flag.Parse()
	os.Exit(m.Run())
}

// golden compares with testdata/NAME.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (write it with -update): -want +got\n%s", name, diff)
	}
}

func live(service string, n int, image, command, status string, state container.State, ports ...container.Published) container.Live {
	return container.Live{
		ID: strings.Repeat(fmt.Sprintf("%x", len(service)+n), 64), Name: fmt.Sprintf("rlshop-%s-%d", service, n), Image: image, Command: command, Status: status, State: state,
		Created: t0.Add(-time.Duration(n) * time.Minute), Ports: ports,
		Labels:   map[string]string{container.LabelProject: "rlshop", container.LabelService: service, container.LabelNumber: fmt.Sprint(n), "team": "<shop>"},
		Networks: []network.Endpoint{{Name: "rlshop_default"}},
	}
}

func published(ip string, out, in int) container.Published {
	return container.Published{HostIP: ip, Published: out, Target: in, Protocol: "tcp"}
}

// shop is what Docker Compose 2.40.3 was asked about for the expected output.
func shop() []container.Live {
	db := live("db", 1, "redis:alpine", "docker-entrypoint.sh redis-server", "Up 2 seconds (healthy)", container.Running, published("", 0, 6379))
	db.Health = container.Healthy
	db.Mounts = []volume.Mounted{{Type: volume.Volume, Name: "rlshop_data_of_the_store", Driver: "local"}, {Type: volume.Bind, Source: "/etc/x"}}
	job := live("job", 1, "alpine:latest", "sh -c 'echo hi; exit 3'", "Exited (3) 2 seconds ago", container.Exited)
	job.ExitCode = 3
	udp := container.Published{HostIP: "127.0.0.1", Published: 18100, Target: 100, Protocol: "udp"}
	return []container.Live{job, db, live("api", 1, "alpine:latest", "sh -c 'echo hello from the api; sleep 10000'", "Up Less than a second", container.Running,
		published("::", 18080, 80), published("0.0.0.0", 18080, 80), published("0.0.0.0", 18090, 90), udp)}
}

func TestPs(t *testing.T) {
	for name, o := range map[string]PsOptions{
		"table":    {},
		"no-trunc": {NoTrunc: true},
		"json":     {Format: "json"},
		"quiet":    {Quiet: true},
		"services": {Services: true},
		"name":     {Format: "{{.Name}}"},
		"two":      {Format: `table {{.Name}}\t{{.Status}}`},
		"funcs":    {Format: `{{upper .Name}} {{json .Ports}} {{.Label "com.docker.compose.service"}} {{join (split .Image ":") "/"}} {{truncate .Name 3}}`},
		"titles":   {Format: `table {{.ID}}\t{{.Label "com.docker.compose.service"}}\t{{.Health}}\t{{.ExitCode}}\t{{.Mounts}}\t{{.LocalVolumes}}\t{{.CreatedAt}}\t{{upper .State}}`},
		"raw":      {Format: "raw"},
	} {
		var b bytes.Buffer
		o.Now = t0
		if err := Ps(&b, shop(), o); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		golden(t, "ps-"+name+".txt", b.String())
	}
}

func TestPsOfNothing(t *testing.T) {
	for o, want := range map[PsOptions]string{
		{}:               "NAME      IMAGE     COMMAND   SERVICE   CREATED   STATUS    PORTS\n",
		{Format: "json"}: "", {Quiet: true}: "", {Format: "{{.ID}}"}: "", {Services: true}: "\n",
	} {
		var b bytes.Buffer
		if err := Ps(&b, nil, o); err != nil || b.String() != want {
			t.Errorf("%+v: %q, %v", o, b.String(), err)
		}
	}
}

func TestPsBadTemplate(t *testing.T) {
	for _, f := range []string{"{{.Name", "{{.NoSuch}}", "{{nofunc .Name}}"} {
		err := Ps(&bytes.Buffer{}, shop(), PsOptions{Format: f})
		if err == nil || !strings.Contains(err.Error(), "template parsing error: ") {
			t.Errorf("%s: %v", f, err)
		}
	}
}

// As `docker ps` does it: neighbours are merged when they are the same inside and outside.
func TestPorts(t *testing.T) {
	for want, in := range map[string][]container.Published{
		"":         nil,
		"6379/tcp": {published("", 0, 6379)},
		"0.0.0.0:80-82->80-82/tcp, [::]:80-82->80-82/tcp": {published("0.0.0.0", 81, 81), published("::", 81, 81), published("0.0.0.0", 80, 80), published("::", 80, 80), published("::", 82, 82), published("0.0.0.0", 82, 82)},
		"0.0.0.0:8090->90/tcp, 0.0.0.0:8091->91/tcp":      {published("0.0.0.0", 8091, 91), published("0.0.0.0", 8090, 90)},
		"80-81/tcp, 90/tcp":                               {published("", 0, 80), published("", 0, 81), published("", 0, 90)},
	} {
		if got := ports(in); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestProjects(t *testing.T) {
	rows := []engine.Project{
		{Name: "zoo", States: map[container.State]int{container.Running: 3}, ConfigFiles: "/srv/zoo/compose.yaml,/srv/zoo/compose.override.yaml"},
		{Name: "shop", States: map[container.State]int{container.Running: 2, container.Exited: 1, container.Dead: 0}, ConfigFiles: "/srv/shop/compose.yaml"},
	}
	var b bytes.Buffer
	for _, format := range []string{"", "table", "json"} {
		if err := Projects(&b, rows, format, false); err != nil {
			t.Fatal(err)
		}
	}
	if err := Projects(&b, rows, "", true); err != nil {
		t.Fatal(err)
	}
	_ = Projects(&b, nil, "json", false)
	golden(t, "projects.txt", b.String())
	if err := Projects(&b, rows, "bogus", false); err == nil {
		t.Error("no error for an unknown format")
	}
}

func TestVersion(t *testing.T) {
	v := VersionInfo{Program: "tutti", Version: "v0.1.0"}
	e := VersionInfo{Program: "tutti", Version: "v0.1.0", Engine: &engine.Info{Host: "unix:///var/run/docker.sock", Caps: engine.Capabilities{Engine: "docker", Version: "20.10.24", APIVersion: "1.41"}}}
	for _, c := range []struct {
		v      VersionInfo
		format string
		short  bool
		want   string
	}{
		{v, "", false, "tutti version v0.1.0\n"},
		{v, "", true, "0.1.0\n"},
		{v, "json", false, `{"version":"v0.1.0"}` + "\n"},
		{e, "pretty", false, "tutti version v0.1.0\ndocker 20.10.24, API 1.41, at unix:///var/run/docker.sock\n"},
		{e, "json", false, `{"version":"v0.1.0","engine":{"name":"docker","version":"20.10.24","api":"1.41","host":"unix:///var/run/docker.sock"}}` + "\n"},
	} {
		var b bytes.Buffer
		if err := Version(&b, c.v, c.format, c.short); err != nil || b.String() != c.want {
			t.Errorf("%q, %v; want %q", b.String(), err, c.want)
		}
	}
	if Version(&bytes.Buffer{}, v, "bogus", false) == nil {
		t.Error("no error for an unknown format")
	}
}
