// Package served lets a Fake speak the Docker Engine API, as far as a project's life needs it: containers, networks, volumes, images, events, logs.
// What goes in and out of containers as archives, executions and streams is not served: such calls are answered with 501.
package served

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"

	apicontainer "github.com/moby/moby/api/types/container"
	apinetwork "github.com/moby/moby/api/types/network"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/enginetest"
)

// Server answers as an engine would whose state is the Fake's. It is an http.Handler.
type Server struct {
	fake *enginetest.Fake
	mux  *http.ServeMux
	told *log

	mu   sync.Mutex
	made map[string]*made // by container id
}

// made is what a container was made of in the API's words: an engine shows it as it was told.
type made struct {
	config    *apicontainer.Config
	host      *apicontainer.HostConfig
	endpoints map[string]*apinetwork.EndpointSettings // by the network's name
}

// New serves a Fake, from before its first call on.
func New(f *enginetest.Fake) *Server {
	s := &Server{fake: f, mux: http.NewServeMux(), told: newLog(), made: map[string]*made{}}
	f.Happened = func(ev engine.Event) { s.told.add(messageOf(ev)) }
	f.Marked = func(ev engine.MarkEvent) { s.told.add(volumeMessage(ev)) }
	for pattern, answer := range map[string]func(w http.ResponseWriter, r *http.Request) error{
		"GET /_ping":   s.ping,
		"GET /version": s.version,
		"GET /info":    s.info,
		"GET /plugins": func(w http.ResponseWriter, _ *http.Request) error { return reply(w, []struct{}{}) },
		"GET /events":  s.events,

		"GET /containers/json":          s.listContainers,
		"POST /containers/create":       s.createContainer,
		"GET /containers/{id}/json":     s.inspectContainer,
		"POST /containers/{id}/start":   s.startContainer,
		"POST /containers/{id}/stop":    s.stopContainer,
		"POST /containers/{id}/kill":    s.killContainer,
		"POST /containers/{id}/pause":   s.pauseContainer,
		"POST /containers/{id}/unpause": s.unpauseContainer,
		"POST /containers/{id}/rename":  s.renameContainer,
		"POST /containers/{id}/update":  s.updateContainer,
		"DELETE /containers/{id}":       s.removeContainer,
		"GET /containers/{id}/logs":     s.logs,

		"GET /networks":                  s.listNetworks,
		"POST /networks/create":          s.createNetwork,
		"DELETE /networks/{id}":          s.removeNetwork,
		"POST /networks/{id}/connect":    s.connect,
		"POST /networks/{id}/disconnect": s.disconnect,

		"GET /volumes":           s.listVolumes,
		"POST /volumes/create":   s.createVolume,
		"DELETE /volumes/{name}": s.removeVolume,

		"GET /images/json":        s.listImages,
		"POST /images/create":     s.importImage,
		"GET /images/{ref...}":    s.inspectImage,
		"POST /images/{ref...}":   s.tagImage,
		"DELETE /images/{ref...}": s.removeImage,
	} {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := answer(w, r); err != nil {
				refuse(w, err)
			}
		})
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, fault{http.StatusNotImplemented, r.Method + " " + r.URL.Path + " is not served"})
	})
	return s
}

var versioned = regexp.MustCompile(`^/v\d+\.\d+/`)

// ServeHTTP answers one call; an engine ends what it has begun, whether the client stays or not.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Api-Version", s.fake.Caps.APIVersion)
	w.Header().Set("Ostype", s.fake.Caps.OS)
	w.Header().Set("Server", "Docker/"+s.fake.Caps.Version+" ("+s.fake.Caps.OS+")")
	r.URL.Path = versioned.ReplaceAllString(r.URL.Path, "/")
	r.URL.RawPath = ""
	if r.Method == http.MethodPost && !strings.HasSuffix(r.URL.Path, "/stop") || r.Method == http.MethodDelete {
		r = r.WithContext(context.WithoutCancel(r.Context()))
	}
	s.mux.ServeHTTP(w, r)
}

// fault is a refusal with its status.
type fault struct {
	status int
	text   string
}

func (f fault) Error() string { return f.text }

// refuse as the API does: a status for the kind, and a message.
func refuse(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	var f fault
	switch {
	case errors.As(err, &f):
		status = f.status
	case errors.Is(err, engine.ErrNotFound):
		status = http.StatusNotFound
	case errors.Is(err, engine.ErrConflict):
		status = http.StatusConflict
	case errors.Is(err, engine.ErrInvalid):
		status = http.StatusBadRequest
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"message": err.Error()})
}

func reply(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(v)
}

// created is the answer to what makes something.
func created(w http.ResponseWriter, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	return json.NewEncoder(w).Encode(v)
}

func done(w http.ResponseWriter, err error) error {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
	}
	return err
}

func read(r *http.Request, into any) error {
	if err := json.NewDecoder(r.Body).Decode(into); err != nil && err != io.EOF {
		return fault{http.StatusBadRequest, fmt.Sprintf("read body: %v", err)}
	}
	return nil
}

// filters of a list (Engine API, filters): by key, the values, in either of its two forms.
type filters map[string][]string

func filtersOf(r *http.Request) (filters, error) {
	out := filters{}
	text := r.URL.Query().Get("filters")
	if text == "" {
		return out, nil
	}
	sets := map[string]map[string]bool{}
	if json.Unmarshal([]byte(text), &sets) == nil {
		for key, set := range sets {
			for value := range set {
				out[key] = append(out[key], value)
			}
		}
		return out, nil
	}
	if err := json.Unmarshal([]byte(text), (*map[string][]string)(&out)); err != nil {
		return nil, fault{http.StatusBadRequest, fmt.Sprintf("read filters: %v", err)}
	}
	return out, nil
}

// labelled tells whether labels are as all label filters want them: "KEY", or "KEY=VALUE".
func (f filters) labelled(labels map[string]string) bool {
	for _, want := range f["label"] {
		key, value, exact := strings.Cut(want, "=")
		if have, ok := labels[key]; !ok || exact && have != value {
			return false
		}
	}
	return true
}

// one tells whether a value is what a key's filters want; none want all.
func (f filters) one(key string, is func(want string) bool) bool {
	if len(f[key]) == 0 {
		return true
	}
	for _, want := range f[key] {
		if is(want) {
			return true
		}
	}
	return false
}

func (s *Server) ping(w http.ResponseWriter, _ *http.Request) error {
	_, err := io.WriteString(w, "OK")
	return err
}

func (s *Server) version(w http.ResponseWriter, _ *http.Request) error {
	c := s.fake.Caps
	return reply(w, map[string]string{"Version": c.Version, "ApiVersion": c.APIVersion, "MinAPIVersion": "1.24", "Os": c.OS, "Arch": c.Arch})
}

func (s *Server) info(w http.ResponseWriter, _ *http.Request) error {
	c, b := s.fake.Caps, s.fake.Beside
	return reply(w, map[string]any{
		"ServerVersion": c.Version, "OSType": c.OS, "Architecture": c.Arch, "MemTotal": b.Memory, "NCPU": b.CPUs, "Name": "simulated",
		"Plugins": map[string][]string{"Network": {"bridge", "host", "null"}, "Volume": {"local"}}, "Runtimes": map[string]any{"runc": struct{}{}},
		"Swarm": map[string]any{"LocalNodeState": "inactive"},
	})
}
