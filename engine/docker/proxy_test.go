package docker

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
)

func TestProxied(t *testing.T) {
	dir := t.TempDir()
	const config = `{"proxies": {"default": {"httpProxy": "http://p", "noProxy": "local"}, "tcp://far:1": {"httpsProxy": "http://q", "allProxy": "a", "ftpProxy": "f"}}}`
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	own := "own"
	for host, want := range map[string]map[string]string{
		"unix:///here": {"HTTP_PROXY": "own", "http_proxy": "http://p", "NO_PROXY": "local", "no_proxy": "local", "A": ""},
		"tcp://far:1": {"HTTP_PROXY": "own", "HTTPS_PROXY": "http://q", "https_proxy": "http://q", "ALL_PROXY": "a", "all_proxy": "a",
			"FTP_PROXY": "f", "ftp_proxy": "f", "A": ""},
	} {
		c := &conn{host: host, auth: credentials{dir: dir}}
		b, err := c.proxied(image.Build{Args: map[string]*string{"HTTP_PROXY": &own, "A": nil}})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for name, v := range b.Args {
			if got[name] = ""; v != nil {
				got[name] = *v
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", host, d)
		}
	}
	none := &conn{auth: credentials{dir: filepath.Join(dir, "absent")}}
	if b, err := none.proxied(image.Build{}); err != nil || b.Args != nil {
		t.Errorf("%v, %v", b.Args, err)
	}
}

// remembering is an engine that makes one container, and shows it.
type remembering struct {
	sync.Mutex
	env []string
}

func (m *remembering) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.Lock()
	defer m.Unlock()
	w.Header().Set("Api-Version", "1.44")
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(r.URL.Path, "/containers/create"):
		var asked struct{ Env []string }
		json.NewDecoder(r.Body).Decode(&asked)
		m.env = asked.Env
		w.WriteHeader(http.StatusCreated)
		w.Write([]byte(`{"Id": "x"}`))
	case strings.HasSuffix(r.URL.Path, "/containers/x/json"):
		json.NewEncoder(w).Encode(map[string]any{"Id": "x", "Name": "/x", "Config": map[string]any{"Image": "web", "Env": m.env}})
	}
}

// TestProxiesOfContainers: under what the spec says, and no difference when the container is looked at. The config is read once.
func TestProxiesOfContainers(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	path := filepath.Join(dir, "config.json")
	const config = `{"proxies": {"default": {"httpProxy": "http://p", "httpsProxy": "http://s"}}}`
	m := &remembering{}
	e := dialed(t, m)
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	own := "own"
	spec := container.Spec{Name: "x", Image: "web", Environment: map[string]*string{"HTTP_PROXY": &own, "https_proxy": nil, "A": &own}}
	for range 2 {
		if _, err := e.CreateContainer(t.Context(), engine.NewContainer{Name: "x", Spec: spec}); err != nil {
			t.Fatal(err)
		}
		if want := []string{"A=own", "HTTPS_PROXY=http://s", "HTTP_PROXY=own", "http_proxy=http://p", "https_proxy"}; !slices.Equal(m.env, want) {
			t.Errorf("sent %q", m.env)
		}
		l, err := e.Inspect(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		if d := container.Diff(spec, "", l, nil); !d.Empty() {
			t.Errorf("differs: %+v", d)
		}
		if env := l.Asked(nil).Environment; env["HTTPS_PROXY"] != nil || env["HTTP_PROXY"] == nil || env["A"] == nil {
			t.Errorf("asked for %v", env)
		}
		os.Remove(path)
	}
	if len(spec.Environment) != 3 {
		t.Errorf("the spec was changed: %v", spec.Environment)
	}
}

// TestProxiesOfABrokenConfig are none: that is told, and the container made.
func TestProxiesOfABrokenConfig(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"proxies": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	m, told := &remembering{}, ""
	e := dialed(t, m)
	_, err := e.CreateContainer(t.Context(), engine.NewContainer{Name: "x", Spec: container.Spec{Image: "web"}, Warn: func(text string) { told += text }})
	if err != nil || len(m.env) > 0 || !strings.HasPrefix(told, "no proxies are set: read "+dir) {
		t.Errorf("%v, %q, told %q", err, m.env, told)
	}
	if l, err := e.Inspect(t.Context(), "x"); err != nil || l.Proxies != nil {
		t.Errorf("%v, %v", l.Proxies, err)
	}
	if _, err := e.Proxied(image.Build{}); err == nil {
		t.Error("a build goes on")
	}
}
