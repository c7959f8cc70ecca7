package dock

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Proxy stands between a client and the engine, counts calls, and may be told what to do after each.
type Proxy struct {
	Host string // for DOCKER_HOST
	// After is called when the engine has answered and the client does not know yet; may be nil. One call at a time.
	After func(Call)

	mu     sync.Mutex
	calls  []Call
	stop   func()
	once   sync.Once
	closed chan struct{}
	begun  sync.WaitGroup // calls that change something
}

// Call of the engine.
type Call struct {
	Method string
	Path   string // without the version in front
	Status int
	At     time.Time // when it was asked
}

// Changes tells whether the call can have changed the engine.
func (c Call) Changes() bool {
	switch c.Method {
	case http.MethodPost, http.MethodPut, http.MethodDelete:
		return !strings.HasSuffix(c.Path, "/wait") && c.Path != "/auth" && c.Path != "/session"
	}
	return false
}

type asked struct{}

var version = regexp.MustCompile(`^/v\d+\.\d+/`)

func unversioned(r *http.Request) string { return version.ReplaceAllString(r.URL.Path, "/") }

// NewProxy listens on a socket in dir until Close.
func NewProxy(e *Engine, dir string) (*Proxy, error) {
	path := filepath.Join(dir, "engine.sock")
	if len(path) > 100 { // sun_path holds 108 bytes
		short, err := os.MkdirTemp("", "tutti")
		if err != nil {
			return nil, err
		}
		path = filepath.Join(short, "engine.sock")
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	p := &Proxy{Host: "unix://" + path, closed: make(chan struct{})}
	through := &httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: "engine"}) },
		Transport:      &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return e.dial(ctx) }},
		FlushInterval:  -1,
		ModifyResponse: p.answered,
		ErrorHandler:   func(w http.ResponseWriter, _ *http.Request, _ error) { panic(http.ErrAbortHandler) },
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), asked{}, time.Now())
		if (Call{Method: r.Method, Path: unversioned(r)}).Changes() {
			// An engine ends what it has begun, whoever asked. The proxy would cancel by other means if it could not by context.
			var cancel context.CancelFunc
			ctx, cancel = context.WithCancel(context.WithoutCancel(ctx))
			defer cancel()
			p.begun.Add(1)
			defer p.begun.Done()
		}
		through.ServeHTTP(w, r.WithContext(ctx))
	})}
	go server.Serve(l)
	p.stop = func() { server.Close(); os.Remove(path) }
	return p, nil
}

func (p *Proxy) answered(r *http.Response) error {
	c := Call{Method: r.Request.Method, Path: unversioned(r.Request), Status: r.StatusCode}
	c.At, _ = r.Request.Context().Value(asked{}).(time.Time)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, c)
	if p.After != nil {
		p.After(c)
	}
	return nil
}

// Calls since the last time that Calls was asked.
func (p *Proxy) Calls() []Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := p.calls
	p.calls = nil
	return out
}

// Close cuts all connections; whoever comes next finds nobody.
func (p *Proxy) Close() { p.once.Do(func() { p.stop(); close(p.closed) }) }

// Closed tells when all connections are cut.
func (p *Proxy) Closed() <-chan struct{} { return p.closed }

// Quiet returns when the engine has ended all changes that it was asked for, also by clients that are gone.
func (p *Proxy) Quiet() { p.begun.Wait() }
