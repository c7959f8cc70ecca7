package docker

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// stub is an engine that answers from a table of paths, and counts.
type stub struct {
	sync.Mutex
	answers map[string]string // path without the version → JSON
	server  string
	api     string
	calls   []string
}

func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.Lock()
	defer s.Unlock()
	w.Header().Set("Server", s.server)
	w.Header().Set("Api-Version", s.api)
	w.Header().Set("Ostype", "linux")
	_, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v"), "/")
	if r.URL.Path == "/_ping" {
		path = "_ping"
	}
	s.calls = append(s.calls, r.Method+" /"+path)
	w.Header().Set("Content-Type", "application/json")
	body, ok := s.answers["/"+path]
	if !ok && path != "_ping" {
		w.WriteHeader(http.StatusNotFound)
		body = `{"message":"no such thing"}`
	}
	fmt.Fprint(w, body)
}

func (s *stub) dial(t *testing.T) *Engine { t.Helper(); return dialed(t, s) }

// dialed is what answers, over a socket.
func dialed(t *testing.T, h http.Handler) *Engine {
	t.Helper()
	path := filepath.Join(t.TempDir(), "engine.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	server.Start()
	t.Cleanup(server.Close)
	e, err := Dial(t.Context(), Options{Host: "unix://" + path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func listed(n int) string {
	var all []map[string]any
	for i := range n {
		all = append(all, map[string]any{
			"Id": fmt.Sprintf("%064d", i), "Names": []string{fmt.Sprintf("/p-web-%d/db", i), fmt.Sprintf("/p-web-%d", i)}, "State": "running", "Status": "Up 2 minutes (healthy)",
			"Labels": map[string]string{container.LabelProject: "p", container.LabelConfigHash: "made"}, "HostConfig": map[string]string{"NetworkMode": "p_default"},
			"NetworkSettings": map[string]any{"Networks": map[string]any{"p_default": map[string]string{"IPAddress": "172.18.0.2"}}},
		})
	}
	b, _ := json.Marshal(all)
	return string(b)
}

func newStub(n int, events ...string) *stub {
	return &stub{server: "Docker/20.10.24 (linux)", api: "1.41", answers: map[string]string{
		"/containers/json": listed(n), "/networks": `[{"Name":"p_default","Id":"n1"}]`, "/volumes": `{"Volumes":[{"Name":"p_data"}]}`,
		"/images/json": `[{"Id":"sha256:aa","RepoTags":["redis:latest"]},{"Id":"sha256:bb","RepoTags":["redis:7","quay.io/x/y:1"],"RepoDigests":["redis@sha256:` + strings.Repeat("c", 64) + `"]}]`,
		"/events":      strings.Join(events, "\n"),
	}}
}

// TestObserveTakesAConstantNumberOfCalls however many containers there are.
func TestObserveTakesAConstantNumberOfCalls(t *testing.T) {
	for _, n := range []int{0, 1, 20, 200} {
		s := newStub(n)
		e := s.dial(t)
		if len(s.calls) != 1 {
			t.Errorf("dialling took %v", s.calls)
		}
		s.calls = nil
		snap, err := e.Observe(t.Context(), engine.Query{
			Project: "p", Images: []string{"redis", "quay.io/x/y:1", "nobody/has:it"}, Networks: []string{"p_default"}, Volumes: []string{"p_data"},
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(s.calls)
		want := []string{"GET /containers/json", "GET /events", "GET /events", "GET /images/json", "GET /networks", "GET /volumes"}
		if !slices.Equal(s.calls, want) {
			t.Errorf("%d containers: %v", n, s.calls)
		}
		if len(snap.Containers) != n || len(snap.Images) != 2 || snap.Images["redis"].ID != "sha256:aa" || snap.Images["quay.io/x/y:1"].ID != "sha256:bb" {
			t.Errorf("%d containers, images %v", len(snap.Containers), snap.Images)
		}
		if n > 0 && (snap.Containers[0].Name != "p-web-0" || snap.Containers[0].Health != container.Healthy) {
			t.Errorf("%+v", snap.Containers[0])
		}
	}
}

// TestObservePodman: what it shows in its own way is told as of other engines.
func TestObservePodman(t *testing.T) {
	s := newStub(0)
	s.server = "Libpod/4.3.1 (linux)"
	networks := `"NetworkSettings": {"Networks": {"p_default": {"NetworkID": "p_default", "Aliases": ["web"]}}}`
	made := `"Labels": {"` + container.LabelProject + `": "p", "` + container.LabelConfigHash + `": "made"}`
	s.answers["/containers/json"] = `[
		{"Id": "1", "Names": ["/p-web-1"], "State": "stopped", "Image": "docker.io/library/redis:7",
			"Ports": [{"PrivatePort": 80, "PublicPort": 18098, "Type": "tcp"}], ` + made + `, ` + networks + `},
		{"Id": "2", "Names": ["/p-web-2"], "State": "initialized", "Image": "localhost/shop/web:1", ` + made + `},
		{"Id": "3", "Names": ["/p-web-3"], "State": "running", "Ports": [{"PrivatePort": 80, "PublicPort": 18099, "Type": "tcp"}], ` + made + `}]`
	s.answers["/containers/1/json"] = `{"Id": "1", "Name": "/p-web-1", "State": {"Status": "stopping"}, "HostConfig": {"NetworkMode": "bridge"}, ` + networks + `}`
	e := s.dial(t)
	snap, err := e.Observe(t.Context(), engine.Query{Project: "p"})
	if err != nil || len(snap.Containers) != 3 {
		t.Fatal(snap.Containers, err)
	}
	if l := snap.Containers[2]; len(l.Ports) != 1 || l.Ports[0].HostIP != "0.0.0.0" {
		t.Errorf("%+v", l)
	}
	if l := snap.Containers[0]; l.State != container.Exited || l.Image != "redis:7" || len(l.Ports) > 0 || l.Networks[0].NetworkID != "n1" {
		t.Errorf("%+v", l)
	}
	if l := snap.Containers[1]; l.State != container.Created || l.Image != "shop/web:1" {
		t.Errorf("%+v", l)
	}
	s.answers["/info"] = `{}`
	if around, err := e.Survey(t.Context()); err != nil || !slices.Equal(around.Containers[0].Networks, []string{"n1"}) {
		t.Errorf("%+v %v", around.Containers, err)
	}
	l, err := e.Inspect(t.Context(), "1")
	if err != nil || l.State != container.Running || l.Found.NetworkMode != "" || len(l.Found.Networks) != 1 || l.Networks[0].NetworkID != "" || l.Found.Networks[0].Name != "p_default" {
		t.Errorf("%+v %v", l, err)
	}
}

// TestObserveAsksFurtherOnlyForWhatIsMissing by name, by ID, or changed by hand; and who else is on a network that is not asked for.
func TestObserveAsksFurtherOnlyForWhatIsMissing(t *testing.T) {
	id := fmt.Sprintf("%064d", 7)
	s := newStub(20, `{"Type":"container","Action":"start","Actor":{"ID":"`+id+`"},"timeNano":1}`, `{"Type":"container","Action":"update","Actor":{"ID":"`+id+`"},"timeNano":2}`)
	s.answers["/containers/"+id+"/json"] = `{"Id":"` + id + `","Name":"/p-web-7","HostConfig":{"Memory":5,"NetworkMode":"p_default"},"Config":{"MacAddress":"02:42:ac:11:00:02"},"NetworkSettings":{"Networks":{"p_default":{"Aliases":["web","` + id[:12] + `"]}}}}`
	s.answers["/images/abcdef123456/json"] = `{"Id":"sha256:dd"}`
	e := s.dial(t)
	s.calls = nil
	snap, err := e.Observe(t.Context(), engine.Query{Project: "p", Images: []string{"abcdef123456"}, Networks: []string{"other"}, Volumes: []string{"other"}})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(s.calls)
	want := []string{
		"GET /containers/" + id + "/json", "GET /containers/json", "GET /containers/json", "GET /events", "GET /events", "GET /images/abcdef123456/json", "GET /images/json", // it could be a name
		"GET /networks", "GET /networks", "GET /volumes", "GET /volumes",
	}
	if !slices.Equal(s.calls, want) {
		t.Errorf("calls %v", s.calls)
	}
	for _, l := range snap.Containers {
		if (l.Found != nil) != (l.ID == id) {
			t.Errorf("%s: found %v", l.Name, l.Found)
		}
		if l.ID == id && (l.Found.Resources.Memory != 5 || l.Found.MacAddress != "02:42:ac:11:00:02" || !slices.Equal(l.Networks[0].Aliases, []string{"web"})) {
			t.Errorf("%+v %+v", l.Found, l.Networks)
		}
	}
	if snap.Images["abcdef123456"].ID != "sha256:dd" {
		t.Errorf("images %v", snap.Images)
	}
}

func TestStatusText(t *testing.T) {
	for status, want := range map[string]struct {
		health container.Health
		code   int
	}{
		"Up 3 minutes (healthy)": {container.Healthy, 0}, "Up 1 second (health: starting)": {container.Starting, 0}, "Up 2 hours (unhealthy)": {container.Unhealthy, 0},
		"Up 2 hours": {}, "Up 2 hours (Paused)": {}, "Exited (137) 2 minutes ago": {"", 137}, "Restarting (1) 5 seconds ago": {"", 1}, "Created": {}, "Dead": {}, "": {},
		"Exited (-1) now": {"", -1}, "Up Less than a second (starting)": {container.Starting, 0},
	} {
		if h, c := healthOf(status), exitCode(status); h != want.health || c != want.code {
			t.Errorf("%q: %q %d", status, h, c)
		}
	}
}

func TestReferences(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	for ref, want := range map[string]wanted{
		"redis": {tag: "redis:latest"}, "docker.io/library/redis": {tag: "redis:latest"}, "redis:7": {tag: "redis:7"}, "me/app": {tag: "me/app:latest"},
		"localhost:5000/app": {tag: "localhost:5000/app:latest"}, "redis@" + digest: {digest: "redis@" + digest}, "redis:7@" + digest: {digest: "redis@" + digest},
		strings.Repeat("a", 64): {}, digest: {}, "UPPER": {}, "abcdef": {tag: "abcdef:latest"},
	} {
		if got := parse(ref); got != want {
			t.Errorf("%s: %+v, want %+v", ref, got, want)
		}
	}
	for ref, want := range map[string]bool{"abcdef": true, digest: true, "abcde": false, "redis": false, "sha256:xyz": false} {
		if isID(ref) != want {
			t.Errorf("%s: an ID? %t", ref, !want)
		}
	}
}

// TestHistory: what recent events say of a container.
func TestHistory(t *testing.T) {
	for _, c := range []struct {
		name                       string
		events                     string
		state                      container.State
		stopped, finished, changed bool
	}{
		{"nothing", "", container.Exited, false, false, false},
		{"ended by itself", "start die", container.Exited, false, true, false},
		{"stopped", "start kill:15 die disconnect stop", container.Exited, true, false, false},
		{"killed", "start kill:9 die", container.Exited, true, false, false},
		{"asked to read its files, then ended", "start kill:1 die", container.Exited, false, true, false},
		{"stopped, started again", "start kill:15 die stop start", container.Running, false, false, false},
		{"stopped, started, ended", "start kill:15 die stop start die", container.Exited, false, true, false},
		{"being stopped", "start kill:15", container.Running, false, false, false},
		{"updated", "start update", container.Running, false, false, true},
		{"taken off a network", "start disconnect", container.Running, false, false, false}, // the list shows it
		{"taken off a network and put back", "start disconnect connect", container.Running, false, false, true},
		{"put on a network", "start connect", container.Running, false, false, false},
		{"off its networks at the end", "start die disconnect connect start", container.Running, false, false, false},
		{"off its networks at the end, newer", "start disconnect die connect start", container.Running, false, false, false},
		{"stopped, newer", "start kill:15 disconnect stop die", container.Exited, true, false, false},
		{"its start forgotten", "kill:15 die stop", container.Exited, true, false, false},
		{"Podman's words", "start died", container.Exited, false, true, false},
	} {
		var h history
		for i, word := range strings.Fields(c.events) {
			e := happening{Type: "container", TimeNano: int64(i)}
			e.Action, e.Actor.Attributes.Signal, _ = strings.Cut(word, ":")
			if e.Actor.ID = "x"; strings.HasSuffix(e.Action, "connect") {
				e.Type, e.Actor.ID, e.Actor.Attributes.Container = "network", "n", "x"
			}
			h = append(h, e)
		}
		all := []container.Live{{ID: "x", State: c.state}, {ID: "y", State: c.state}}
		changed := h.judge(all)
		if all[0].Stopped != c.stopped || all[0].Finished != c.finished || slices.Contains(changed, "x") != c.changed || all[1].Stopped || all[1].Finished {
			t.Errorf("%s: %+v, changed %v", c.name, all, changed)
		}
	}
}
