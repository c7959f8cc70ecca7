// Package docker speaks the Docker Engine API (1.40 and up; Podman serves it too) and is the only importer of its client.
package docker

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/moby/moby/client"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"

	"github.com/tutti-run/tutti/engine"
)

// Engine is one engine that was dialled. All its methods may be called at the same time.
type Engine struct {
	observer
	containers
	networks
	volumes
	data
	contents
	images
	archives
	marks
	execs
	streams
	paths
	filesystems
	monitor
	surveyor
	events
	logs
	doctor
	projects
	c *conn
}

var _ engine.Engine = (*Engine)(nil)

// conn is what all parts of Engine share.
type conn struct {
	api  *client.Client
	raw  *http.Client          // for what the client has no words for; see raw.go
	calm func() *client.Client // for streams that pour in
	host string
	caps engine.Capabilities
	auth credentials

	proxies knownProxies
}

// Dial finds the engine as Options say, agrees on an API version, and fills the capabilities: one ping.
// An engine that does not answer is engine.ErrUnavailable, and the error tells what was tried.
func Dial(ctx context.Context, o Options) (*Engine, error) {
	target, err := o.find()
	if err != nil {
		return nil, err
	}
	api, server, err := target.client(o.env("DOCKER_API_VERSION"))
	if err != nil {
		return nil, fmt.Errorf("use engine at %s: %w", target.host, err)
	}
	c := &conn{api: api, raw: rawClient(api), host: target.host, auth: credentials{dir: o.configDir(), env: o.env}}
	if err := c.ping(ctx, target, server); err != nil {
		c.close()
		return nil, err
	}
	c.calm = sync.OnceValue(func() *client.Client { return c.calmClient(target) })
	if wanted, err := strconv.ParseBool(o.env("DOCKER_BUILDKIT")); err == nil && !wanted {
		c.caps.BuildKit = false
	}
	return &Engine{
		observer: observer{c}, containers: containers{c}, networks: networks{c}, volumes: volumes{c}, data: data{c}, contents: contents{c}, images: images{c},
		archives: archives{c}, marks: marks{c}, execs: execs{c}, streams: streams{c}, paths: paths{c}, filesystems: filesystems{c},
		monitor: monitor{c}, surveyor: surveyor{c}, events: events{c}, logs: logs{c}, doctor: doctor{c},
		projects: projects{c}, c: c,
	}, nil
}

// client makes the API client. The server's name and version are kept from whatever it answers first.
func (t target) client(version string) (*client.Client, *atomic.Pointer[string], error) {
	server := &atomic.Pointer[string]{}
	pool := &http.Transport{
		TLSClientConfig: t.tls, MaxIdleConns: 64, MaxIdleConnsPerHost: 64, IdleConnTimeout: 90 * time.Second,
		// The API is HTTP/1.1. Left to itself the transport prepares for HTTP/2 and makes the client think that there is TLS.
		TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
	}
	opts := []client.Opt{
		client.WithHTTPClient(&http.Client{Transport: pool, CheckRedirect: client.CheckRedirect}),
		client.WithHost(t.clientHost()),
		client.WithUserAgent("tutti"),
		client.WithAPIVersion(version),
		// Tracing that nobody reads: the filter takes its work away from every request.
		client.WithTraceOptions(otelhttp.WithFilter(func(*http.Request) bool { return false })),
		client.WithHTTPResponseHook(func(r *http.Response) {
			if server.Load() == nil {
				s := r.Header.Get("Server")
				server.Store(&s)
			}
		}),
	}
	if t.dial != nil {
		opts = append(opts, client.WithDialContext(t.dial))
	}
	api, err := client.New(opts...)
	return api, server, err
}

// calmClient is the client over connections that are calm where they can be.
func (c *conn) calmClient(t target) *client.Client {
	path, unix := strings.CutPrefix(t.host, "unix://")
	if !unix || t.dial != nil || runtime.GOOS == "windows" {
		return c.api
	}
	t.dial = func(ctx context.Context, _, _ string) (net.Conn, error) { return dialCalm(ctx, path) }
	api, _, err := t.client(c.caps.APIVersion)
	if err != nil {
		return c.api
	}
	return api
}

// ping agrees on the version and learns what the engine is.
func (c *conn) ping(ctx context.Context, t target, server *atomic.Pointer[string]) error {
	ctx, cancel := context.WithTimeoutCause(ctx, t.patience(), errNoAnswer)
	defer cancel()
	p, err := c.api.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true})
	if err != nil {
		return t.unreachable(cmp.Or(context.Cause(ctx), err))
	}
	name, version := "", ""
	if s := server.Load(); s != nil {
		name, version = serverName(*s)
	}
	c.caps = capabilities(name, version, c.api.ClientVersion(), p.OSType)
	c.caps.Socket, _ = strings.CutPrefix(t.host, "unix://")
	if c.caps.Socket == t.host {
		c.caps.Socket = ""
	}
	if t.local() {
		c.caps.Arch = runtime.GOARCH
	}
	return nil
}

var errNoAnswer = fmt.Errorf("no answer in time")

// serverName reads the Server header: "Docker/20.10.24+dfsg1 (linux)", "Libpod/4.3.1 (linux)".
func serverName(header string) (name, version string) {
	product, _, _ := strings.Cut(header, " ")
	name, version, _ = strings.Cut(product, "/")
	if name == "Libpod" {
		return "podman", version
	}
	return "docker", version
}

// capabilities of an engine at an API version (Engine API, version history).
func capabilities(name, version, api, osName string) engine.Capabilities {
	at := func(v string) bool { return apiAtLeast(api, v) }
	podman := name == "podman"
	major, _, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(major)
	return engine.Capabilities{
		Engine: name, Version: version, APIVersion: api, OS: osName,
		StartInterval: at("1.44"), MultiNetwork: at("1.44"), Annotations: at("1.43"), Subpath: at("1.45"), EndpointMAC: at("1.44") || podman, GwPriority: at("1.48"),
		InterfaceName: at("1.49"), EnableIPv4: at("1.47"), IPv6Pools: at("1.46") || podman, ImageMounts: at("1.48"), BuildKit: !podman && osName != "windows",
		Update: !podman || n >= 5,
	}
}

// apiAtLeast compares API versions, "1.41".
func apiAtLeast(have, want string) bool {
	h, w := apiNumber(have), apiNumber(want)
	return h >= w
}

func apiNumber(v string) int {
	major, minor, _ := strings.Cut(v, ".")
	a, _ := strconv.Atoi(major)
	b, _ := strconv.Atoi(minor)
	return a*1000 + b
}

func (c *conn) at(version string) bool { return apiAtLeast(c.caps.APIVersion, version) }

func (c *conn) podman() bool { return c.caps.Engine == "podman" }

func (c *conn) close() error {
	c.raw.CloseIdleConnections()
	if c.calm != nil {
		_ = c.calm().Close()
	}
	return c.api.Close()
}

// Info tells where the engine was reached and what it can do.
func (e *Engine) Info() engine.Info { return engine.Info{Host: e.c.host, Caps: e.c.caps} }

// Close lets go of idle connections. Calls under way end by their contexts.
func (e *Engine) Close() error { return e.c.close() }

// Upgrade opens a connection on which another protocol than the API is spoken from then on: BuildKit's are at /grpc and /session.
func (e *Engine) Upgrade(ctx context.Context, path, protocol string, header map[string][]string) (net.Conn, error) {
	return e.c.api.DialHijack(ctx, path, protocol, header)
}
