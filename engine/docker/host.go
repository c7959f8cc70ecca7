package docker

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tutti-run/tutti/engine"
)

// Options say where the engine is, as the docker CLI takes it.
type Options struct {
	Host    string // --host: "unix:///…", "tcp://…", "ssh://…"
	Context string // --context: a name in the docker CLI's context store
	// Env reads the environment; nil is os.Getenv. Read are DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, DOCKER_TLS, DOCKER_TLS_VERIFY,
	// DOCKER_CERT_PATH, DOCKER_API_VERSION, DOCKER_BUILDKIT, XDG_RUNTIME_DIR and HOME.
	Env func(string) string
}

// target is an engine's address.
type target struct {
	host  string // as told: "ssh://box"
	tls   *tls.Config
	dial  func(ctx context.Context, network, addr string) (net.Conn, error) // for ssh
	tried []string                                                          // sockets that were not there
}

const defaultHost = "unix:///var/run/docker.sock"

func (o Options) env(name string) string {
	if o.Env == nil {
		return os.Getenv(name)
	}
	return o.Env(name)
}

// configDir is the docker CLI's.
func (o Options) configDir() string {
	if d := o.env("DOCKER_CONFIG"); d != "" {
		return d
	}
	return filepath.Join(o.env("HOME"), ".docker")
}

// find decides on the address: flags before environment before the current context before what listens here.
func (o Options) find() (target, error) {
	if o.Host != "" && o.Context != "" {
		return target{}, invalid("find engine: --host and --context exclude each other")
	}
	if o.Host != "" {
		return o.at(o.Host)
	}
	if o.Context == "" && o.env("DOCKER_HOST") != "" {
		return o.at(o.env("DOCKER_HOST"))
	}
	if name := o.contextName(); name != "" && name != "default" {
		return o.context(name)
	}
	return o.nearest(), nil
}

// ContextName is the context of the docker CLI that Dial goes by; "" if it goes by an address.
func (o Options) ContextName() string {
	if o.Host != "" || o.Context == "" && o.env("DOCKER_HOST") != "" {
		return ""
	}
	return o.contextName()
}

func (o Options) contextName() string {
	if o.Context != "" {
		return o.Context
	}
	if name := o.env("DOCKER_CONTEXT"); name != "" {
		return name
	}
	var config struct{ CurrentContext string }
	if data, err := os.ReadFile(filepath.Join(o.configDir(), "config.json")); err == nil {
		_ = json.Unmarshal(data, &config) // a broken config is no reason not to look at the default socket
	}
	return config.CurrentContext
}

// at is a host given by flag or environment; TLS as the environment says.
func (o Options) at(host string) (target, error) {
	if !strings.Contains(host, "://") {
		host = "tcp://" + host
	}
	var conf *tls.Config
	verify := o.env("DOCKER_TLS_VERIFY") != ""
	if strings.HasPrefix(host, "tcp://") && (verify || o.env("DOCKER_TLS") != "") {
		dir := o.env("DOCKER_CERT_PATH")
		if dir == "" {
			dir = o.configDir()
		}
		var err error
		if conf, err = tlsConfig(dir, !verify); err != nil {
			return target{}, fmt.Errorf("find engine at %s: %w", host, err)
		}
	}
	return newTarget(host, conf)
}

// context reads the docker CLI's context store.
func (o Options) context(name string) (target, error) {
	id := sha256.Sum256([]byte(name))
	dir := hex.EncodeToString(id[:])
	data, err := os.ReadFile(filepath.Join(o.configDir(), "contexts", "meta", dir, "meta.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return target{}, fmt.Errorf("find engine: no context %q in %s: %w", name, o.configDir(), engine.ErrNotFound)
	}
	if err != nil {
		return target{}, fmt.Errorf("find engine: context %q: %w", name, err)
	}
	var meta struct {
		Endpoints map[string]struct {
			Host          string
			SkipTLSVerify bool
		}
	}
	if err := json.Unmarshal(data, &meta); err != nil {
		return target{}, fmt.Errorf("find engine: context %q: %w", name, err)
	}
	at, ok := meta.Endpoints["docker"]
	if !ok || at.Host == "" {
		return target{}, invalid("find engine: context %q names no docker endpoint", name)
	}
	var conf *tls.Config
	certs := filepath.Join(o.configDir(), "contexts", "tls", dir, "docker")
	if _, err := os.Stat(certs); err == nil || at.SkipTLSVerify {
		if conf, err = tlsConfig(certs, at.SkipTLSVerify); err != nil {
			return target{}, fmt.Errorf("find engine: context %q: %w", name, err)
		}
	}
	return newTarget(at.Host, conf)
}

// nearest is the first socket that answers, or the default one to complain about.
func (o Options) nearest() target {
	var tried []string
	for _, path := range o.sockets() {
		conn, err := net.DialTimeout("unix", path, time.Second)
		if err == nil {
			conn.Close()
			return target{host: "unix://" + path}
		}
		if path != o.sockets()[0] {
			tried = append(tried, path)
		}
	}
	return target{host: defaultHost, tried: tried}
}

// sockets are the default one, rootless Docker's and Podman's.
func (o Options) sockets() []string {
	out := []string{strings.TrimPrefix(defaultHost, "unix://")}
	if run := o.env("XDG_RUNTIME_DIR"); run != "" {
		out = append(out, filepath.Join(run, "docker.sock"))
	}
	if home := o.env("HOME"); home != "" {
		out = append(out, filepath.Join(home, ".docker", "run", "docker.sock"))
	}
	if run := o.env("XDG_RUNTIME_DIR"); run != "" {
		out = append(out, filepath.Join(run, "podman", "podman.sock"))
	}
	return append(out, "/run/podman/podman.sock")
}

func newTarget(host string, conf *tls.Config) (target, error) {
	t := target{host: host, tls: conf}
	scheme, rest, _ := strings.Cut(host, "://")
	switch {
	case rest == "":
		return t, invalid("find engine: host %q has no address", host)
	case scheme == "ssh":
		dial, err := sshDialer(host)
		t.dial = dial
		return t, err
	case scheme == "http" || scheme == "https":
		t.host = "tcp://" + rest
		if scheme == "https" && conf == nil {
			t.tls = &tls.Config{MinVersion: tls.VersionTLS12}
		}
	case scheme != "unix" && scheme != "tcp":
		return t, invalid("find engine: host %q: unix, tcp and ssh are known", host)
	}
	return t, nil
}

// tlsConfig from ca.pem, cert.pem and key.pem; the latter two may be missing together.
func tlsConfig(dir string, insecure bool) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecure}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err == nil {
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(ca) {
			return nil, fmt.Errorf("read %s: no certificate in it", filepath.Join(dir, "ca.pem"))
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if _, err := os.Stat(certFile); errors.Is(err, fs.ErrNotExist) {
		return conf, nil
	}
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("read client certificate: %w", err)
	}
	conf.Certificates = []tls.Certificate{cert}
	return conf, nil
}

// clientHost is what the client is told. Behind ssh it is any socket: the dialer does not look at it.
func (t target) clientHost() string {
	if t.dial != nil {
		return "unix:///ssh"
	}
	return t.host
}

// local tells whether the engine's clock is ours.
func (t target) local() bool { return strings.HasPrefix(t.host, "unix://") }

// patience with the first answer. ssh may have to ask for a passphrase.
func (t target) patience() time.Duration {
	if t.dial != nil {
		return time.Minute
	}
	return 10 * time.Second
}

// unreachable is the one line about an engine that does not answer.
func (t target) unreachable(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	more := ""
	if len(t.tried) > 0 {
		more = ", nor at " + strings.Join(t.tried, ", ")
	}
	return fault{what: "cannot reach a container engine at " + t.host + more, kind: engine.ErrUnavailable,
		err: engine.Unreachable{Host: t.host, Cause: rootCause(err)}}
}

// rootCause is the innermost sentence of an error of dialling: "connection refused".
func rootCause(err error) string {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		err = op.Err
	}
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		err = sys.Err
	}
	var request *url.Error
	if errors.As(err, &request) {
		err = request.Err
	}
	if strings.HasPrefix(err.Error(), "Cannot connect to the Docker daemon") { // the client keeps the cause to itself
		return "no connection"
	}
	return message(err)
}
