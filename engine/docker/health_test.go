package docker

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// ailing is Podman with one container, which is well once its healthcheck has been run a second time.
type ailing struct {
	bySystemd bool // runs it by itself, each time that somebody looks
	began     atomic.Int64
	asked     atomic.Int64 // how often it was told to run it
}

func (a *ailing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "Libpod/4.3.1 (linux)")
	w.Header().Set("Api-Version", "1.41")
	w.Header().Set("Content-Type", "application/json")
	switch _, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v"), "/"); path {
	case "events":
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	case "containers/json":
		fmt.Fprint(w, `[{"Id": "1", "Names": ["/web"], "State": "running", "Labels": {"com.docker.compose.project": "p", "com.docker.compose.config-hash": "made"}}]`)
	case "containers/1/json":
		if a.bySystemd {
			a.began.Add(1)
		}
		n, health := a.began.Load(), "starting"
		if n >= 2 {
			health = "healthy"
		}
		fmt.Fprintf(w, `{"Id": "1", "Name": "/web", "Config": {"Healthcheck": {"Test": ["CMD", "ask"], "Interval": 1000000}},
			"State": {"Status": "running", "Health": {"Status": %q, "Log": [{"Start": "2026-11-29T13:10:22.%09dZ"}]}}}`, health, n)
	case "libpod/containers/1/healthcheck":
		a.asked.Add(1)
		a.began.Add(1)
		fmt.Fprint(w, "{}")
	}
}

// TestHealthOfPodman: it is told as on other engines, and the healthcheck run where nobody does.
func TestHealthOfPodman(t *testing.T) {
	for _, bySystemd := range []bool{false, true} {
		a := &ailing{bySystemd: bySystemd}
		events, _, err := dialed(t, a).Subscribe(t.Context(), "p")
		if err != nil {
			t.Fatal(err)
		}
		if ev := <-events; ev.Kind != engine.EventHealth || ev.Health != container.Healthy || ev.Container != "1" || ev.Name != "web" {
			t.Errorf("by systemd %v: %+v", bySystemd, ev)
		}
		if asked := a.asked.Load(); (asked > 0) == bySystemd {
			t.Errorf("by systemd %v: told %d times to run it", bySystemd, asked)
		}
	}
}
