package docker

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/engine"
)

// home is a docker CLI's configuration with contexts.
func home(t *testing.T, current string, contexts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(path, text string) {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("config.json", fmt.Sprintf(`{"currentContext":%q}`, current))
	for name, host := range contexts {
		id := sha256.Sum256([]byte(name))
		write("contexts/meta/"+hex.EncodeToString(id[:])+"/meta.json", fmt.Sprintf(`{"Name":%q,"Endpoints":{"docker":{"Host":%q}}}`, name, host))
	}
	return dir
}

func TestWhereTheEngineIs(t *testing.T) {
	dir := home(t, "current", map[string]string{"current": "tcp://current:1", "named": "tcp://named:1", "ssh": "ssh://me@box"})
	for _, c := range []struct {
		name string
		o    Options
		env  string
		want string
	}{
		{"a flag", Options{Host: "tcp://flag:1"}, "DOCKER_HOST=tcp://env:1 DOCKER_CONTEXT=named", "tcp://flag:1"},
		{"a flag without a scheme", Options{Host: "flag:1"}, "", "tcp://flag:1"},
		{"a context by flag", Options{Context: "named"}, "DOCKER_HOST=tcp://env:1", "tcp://named:1"},
		{"the environment", Options{}, "DOCKER_HOST=tcp://env:1 DOCKER_CONTEXT=named", "tcp://env:1"},
		{"a context by environment", Options{}, "DOCKER_CONTEXT=named", "tcp://named:1"},
		{"the current context", Options{}, "", "tcp://current:1"},
		{"a context by ssh", Options{Context: "ssh"}, "", "ssh://me@box"},
		{"both", Options{Host: "tcp://a:1", Context: "named"}, "", "invalid"},
		{"no such context", Options{Context: "nobody"}, "", "not found"},
		{"a scheme nobody knows", Options{Host: "ftp://a"}, "", "invalid"},
		{"no address", Options{Host: "unix://"}, "", "invalid"},
		{"a password for ssh", Options{Host: "ssh://me:secret@box"}, "", "invalid"},
	} {
		c.o.Env = envFrom("DOCKER_CONFIG=" + dir + " " + c.env)
		got, err := c.o.find()
		if err != nil {
			got.host = kindOf(err).Error()
		}
		if got.host != c.want {
			t.Errorf("%s: %s %v, want %s", c.name, got.host, err, c.want)
		}
	}
}

func envFrom(text string) func(string) string {
	return func(name string) string {
		for _, f := range strings.Fields(text) {
			if v, ok := strings.CutPrefix(f, name+"="); ok {
				return v
			}
		}
		return ""
	}
}

// TestOtherSockets: rootless Docker's and Podman's come after the default one.
func TestOtherSockets(t *testing.T) {
	run := t.TempDir()
	o := Options{Env: envFrom("XDG_RUNTIME_DIR=" + run + " HOME=/home/me")}
	want := []string{"/var/run/docker.sock", run + "/docker.sock", "/home/me/.docker/run/docker.sock", run + "/podman/podman.sock", "/run/podman/podman.sock"}
	if got := o.sockets(); !slices.Equal(got, want) {
		t.Errorf("got %v", got)
	}
}

func TestNoEngine(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for host, want := range map[string]string{
		"unix:///nowhere.sock": "cannot reach a container engine at unix:///nowhere.sock: no such file or directory; is it running?",
		"tcp://127.0.0.1:1":    "cannot reach a container engine at tcp://127.0.0.1:1: no connection; is it running?",
	} {
		_, err := Dial(t.Context(), Options{Host: host})
		if !errors.Is(err, engine.ErrUnavailable) || err.Error() != want {
			t.Errorf("got %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := Dial(ctx, Options{Host: "tcp://" + silent.Addr().String()}); !errors.Is(err, engine.ErrUnavailable) || time.Since(began) > 5*time.Second {
		t.Errorf("got %v after %s", err, time.Since(began))
	}
}

func TestWhatAnEngineCan(t *testing.T) {
	for _, c := range []struct {
		server, api string
		want        engine.Capabilities
	}{
		{"Docker/20.10.24+dfsg1 (linux)", "1.41", engine.Capabilities{Engine: "docker", Version: "20.10.24+dfsg1", APIVersion: "1.41", OS: "linux", BuildKit: true, Update: true}},
		{"Libpod/4.3.1 (linux)", "1.41", engine.Capabilities{Engine: "podman", Version: "4.3.1", APIVersion: "1.41", OS: "linux", IPv6Pools: true, EndpointMAC: true}},
		{"Libpod/5.4.0 (linux)", "1.41", engine.Capabilities{Engine: "podman", Version: "5.4.0", APIVersion: "1.41", OS: "linux", IPv6Pools: true, EndpointMAC: true, Update: true}},
		{"Docker/28.5.2 (linux)", "1.51", engine.Capabilities{
			Engine: "docker", Version: "28.5.2", APIVersion: "1.51", OS: "linux", StartInterval: true, MultiNetwork: true, Annotations: true,
			Subpath: true, GwPriority: true, InterfaceName: true, EnableIPv4: true, ImageMounts: true, BuildKit: true, Update: true,
			EndpointMAC: true, IPv6Pools: true,
		}},
		{"Docker/25.0.0 (linux)", "1.44", engine.Capabilities{
			Engine: "docker", Version: "25.0.0", APIVersion: "1.44", OS: "linux", StartInterval: true, MultiNetwork: true, Annotations: true, BuildKit: true, Update: true, EndpointMAC: true,
		}},
	} {
		name, version := serverName(c.server)
		if got := capabilities(name, version, c.api, "linux"); got != c.want {
			t.Errorf("%s: %+v", c.server, got)
		}
	}
}

// TestDialAgreesOnAVersion in one ping, and not below 1.40.
func TestDialAgreesOnAVersion(t *testing.T) {
	s := newStub(0)
	s.api = "1.40"
	if e := s.dial(t); e.Info().Caps.APIVersion != "1.40" || len(s.calls) != 1 {
		t.Errorf("%+v after %v", e.Info(), s.calls)
	}
	s.api = "1.24"
	server := httptest.NewServer(s)
	defer server.Close()
	if _, err := Dial(t.Context(), Options{Host: "tcp://" + server.Listener.Addr().String()}); err == nil || !strings.Contains(err.Error(), "1.24") {
		t.Errorf("got %v", err)
	}
}

func TestTLS(t *testing.T) {
	s := newStub(3)
	server := httptest.NewTLSServer(s)
	defer server.Close()
	certs := t.TempDir()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(filepath.Join(certs, "ca.pem"), ca, 0o644); err != nil {
		t.Fatal(err)
	}
	host := "tcp://" + server.Listener.Addr().String()
	e, err := Dial(t.Context(), Options{Host: host, Env: envFrom("DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=" + certs)})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if snap, err := e.Observe(t.Context(), engine.Query{Project: "p"}); err != nil || len(snap.Containers) != 3 {
		t.Errorf("%d containers, %v", len(snap.Containers), err)
	}
	if _, err := Dial(t.Context(), Options{Host: host, Env: envFrom("DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=" + t.TempDir())}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("an unknown certificate: %v", err)
	}
	if _, err := Dial(t.Context(), Options{Host: host, Env: envFrom("")}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("no TLS: %v", err)
	}
}

// TestSSH runs a program named ssh that connects its input and output to a socket, as dial-stdio does at the other end.
func TestSSH(t *testing.T) {
	path := filepath.Join(t.TempDir(), "engine.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: newStub(20)}}
	server.Start()
	defer server.Close()
	bin := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho \"$@\" >>" + bin + "/args\nexec env TUTTI_DIAL_STDIO=" + path + " " + exe + "\n"
	if err := os.WriteFile(filepath.Join(bin, "ssh"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	e, err := Dial(t.Context(), Options{Host: "ssh://me@box:2222"})
	if err != nil {
		t.Fatal(err)
	}
	snap, err := e.Observe(t.Context(), engine.Query{Project: "p"})
	if err != nil || len(snap.Containers) != 20 {
		t.Errorf("%d containers, %v", len(snap.Containers), err)
	}
	e.Close()
	args, _ := os.ReadFile(filepath.Join(bin, "args"))
	for _, want := range []string{"ControlMaster=auto", "ControlPersist=60", "-l me -p 2222 -- box docker system dial-stdio"} {
		if !strings.Contains(string(args), want) {
			t.Errorf("ssh was called with %s", args)
		}
	}
}

func TestSSHComplains(t *testing.T) {
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "ssh"), []byte("#!/bin/sh\necho 'me@box: Permission denied (publickey).' >&2\nexit 255\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	_, err := Dial(t.Context(), Options{Host: "ssh://me@box"})
	if !errors.Is(err, engine.ErrUnavailable) || !strings.Contains(err.Error(), "Permission denied (publickey).") {
		t.Errorf("got %v", err)
	}
}

// TestCredentials: from the file, from a store, from a registry's own helper.
func TestCredentials(t *testing.T) {
	bin, dir := t.TempDir(), t.TempDir()
	for name, script := range map[string]string{
		"docker-credential-one":  `echo '{"Username":"me","Secret":"s3"}'`,
		"docker-credential-tok":  `echo '{"Username":"<token>","Secret":"t0"}'`,
		"docker-credential-none": `echo 'credentials not found in native keychain'; exit 1`,
		"docker-credential-bad":  `echo 'locked'; exit 1`,
	} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\nread -r _\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	for _, c := range []struct{ config, image, want string }{
		{`{}`, "redis", ""},
		{`{"auths":{"https://index.docker.io/v1/":{"auth":"bWU6c2VjcmV0"}}}`, "redis", `{"username":"me","password":"secret","serveraddress":"https://index.docker.io/v1/"}`},
		{`{"auths":{"https://r.example/v2/":{"auth":"bWU6c2VjcmV0"}}}`, "r.example/a", `{"username":"me","password":"secret","serveraddress":"r.example"}`},
		{`{"auths":{"r.example":{}}}`, "r.example/a", ""},
		{`{"credsStore":"none"}`, "redis", ""},
		{`{"credsStore":"none","credHelpers":{"r.example":"one"}}`, "r.example/a:1", `{"username":"me","password":"s3","serveraddress":"r.example"}`},
		{`{"credsStore":"tok"}`, "r.example/a:1", `{"serveraddress":"r.example","identitytoken":"t0"}`},
		{`{"credsStore":"bad"}`, "r.example/a:1", "error"},
		{`{"auths":{"r.example":{"auth":"%%"}}}`, "r.example/a:1", "error"},
		{`{`, "r.example/a:1", "error"},
	} {
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(c.config), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := credentials{dir: dir}.forImage(t.Context(), c.image)
		if err != nil {
			got = "error"
		} else {
			got = decodeHeader(t, got)
		}
		if got != c.want {
			t.Errorf("%s for %s: %s %v", c.config, c.image, got, err)
		}
	}
}

// TestCredentialsInTheEnvironment go before the store and the file; what is wrong with them is told without them.
func TestCredentialsInTheEnvironment(t *testing.T) {
	bin, dir := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "docker-credential-one"), []byte("#!/bin/sh\nread -r _\necho '{\"Username\":\"me\",\"Secret\":\"s3\"}'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	const file = `{"auths":{"file.example":{"auth":"bWU6c2VjcmV0"},"r.example":{"auth":"bWU6c2VjcmV0"}},"credHelpers":{"asked.example":"one"}}`
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	with := func(value string) credentials {
		return credentials{dir: dir, env: envFrom("DOCKER_AUTH_CONFIG=" + value)}
	}
	const env = `{"auths":{"r.example":{"auth":"ZW52OmE6Yg=="},"https://index.docker.io/v1/":{"auth":"ZW52OmE6Yg=="},"asked.example":{"auth":"ZW52OmE6Yg=="},"file.example":{}},"credsStore":"none"}`
	for image, want := range map[string]string{
		"r.example/a":     `{"username":"env","password":"a:b","serveraddress":"r.example"}`,
		"redis":           `{"username":"env","password":"a:b","serveraddress":"https://index.docker.io/v1/"}`,
		"asked.example/a": `{"username":"env","password":"a:b","serveraddress":"asked.example"}`,
		"file.example/a":  `{"username":"me","password":"secret","serveraddress":"file.example"}`,
		"else.example/a":  "",
	} {
		got, err := with(env).forImage(t.Context(), image)
		if err != nil || decodeHeader(t, got) != want {
			t.Errorf("%s: %s, %v", image, decodeHeader(t, got), err)
		}
	}
	if got, err := with(" ").forImage(t.Context(), "asked.example/a"); err != nil || !strings.Contains(decodeHeader(t, got), "s3") {
		t.Errorf("nothing given: %s, %v", got, err)
	}
	all, err := with(`{"auths":{"new.example":{"auth":"ZW52OmE6Yg=="},"asked.example":{"auth":"ZW52OmE6Yg=="}}}`).all(t.Context())
	if err != nil || len(all) != 4 || all["new.example"].Password != "a:b" || all["asked.example"].Username != "env" || all["file.example"].Username != "me" {
		t.Errorf("all: %v, %v", all, err)
	}
	for value, told := range map[string]string{
		`hunter2`: "it is not", `12345`: "it is not", `["hunter2"]`: "it is not", `{"auths":{"r.example":"hunter2"}}`: "it is not",
		`{"auths":{"r.example":{"auth":"hunter2!"}}}`: "auth for r.example is not", `{"auths":{"r.example":{"auth":"aHVudGVyMg=="}}}`: "auth for r.example is not",
		`{"auths":{"r.example":{"auth":"Omh1bnRlcjI="}}}`: "auth for r.example is not",
	} {
		_, err := with(value).forImage(t.Context(), "r.example/a")
		if err == nil || !strings.HasPrefix(err.Error(), "read DOCKER_AUTH_CONFIG: "+told) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "123") {
			t.Errorf("%s: %v", value, err)
		}
	}
}

func decodeHeader(t *testing.T, header string) string {
	t.Helper()
	b, err := base64.URLEncoding.DecodeString(header)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
