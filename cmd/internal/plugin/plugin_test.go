package plugin

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	for _, c := range []struct{ in, args, env string }{
		{"compose ps -q", "ps -q", ""},
		{"compose", "", ""},
		{"--context far compose up", "--context far up", ""},
		{"--context=far -D compose up", "--context far up", ""},
		{"-H unix:///x.sock compose ps", "--host unix:///x.sock ps", ""},
		{"-Hunix:///x.sock compose ps", "--host unix:///x.sock ps", ""},
		{"--config /etc/d -l debug compose ls", "ls", "DOCKER_CONFIG=/etc/d"},
		{"--tlsverify --tlscacert /c/ca.pem compose ls", "ls", "DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=/c"},
		{"--tls compose ls", "ls", "DOCKER_TLS=1"},
		{"--tls=false compose ls", "ls", ""},
		{"__complete compose ps --f", "__complete ps --f", ""},
		{"__complete --context far compose p", "__complete --context far p", ""},
		{"help compose", "help", ""},
		{"compose compose", "compose", ""},
		// not by docker
		{"-f a.yaml up", "-f a.yaml up", ""},
		{"--context far up", "--context far up", ""},
		{"run compose", "run compose", ""},
		{"__complete p", "__complete p", ""},
		{"-H", "-H", ""},
		{"", "", ""},
	} {
		l := Read(strings.Fields(c.in))
		if got := strings.Join(l.Args, " "); got != c.args {
			t.Errorf("%q: arguments %q, want %q", c.in, got, c.args)
		}
		if got := strings.Join(l.Env, " "); got != c.env {
			t.Errorf("%q: environment %q, want %q", c.in, got, c.env)
		}
	}
}

func TestCalled(t *testing.T) {
	for path, want := range map[string]bool{"/usr/libexec/docker/cli-plugins/docker-compose": true, "docker-compose": true, "docker-compose.exe": true, "/usr/bin/tutti": false, "compose": false} {
		if Called(path) != want {
			t.Errorf("%s: %v", path, !want)
		}
	}
}

func TestMetadata(t *testing.T) {
	var b bytes.Buffer
	if err := Metadata(&b); err != nil {
		t.Fatal(err)
	}
	m := map[string]string{}
	if err := json.Unmarshal(b.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	if m["SchemaVersion"] != "0.1.0" || m["Vendor"] == "" || m["Version"] != ComposeVersion || m["ShortDescription"] == "" {
		t.Errorf("metadata: %v", m)
	}
}

// TestInstall: each step, what it tells, and what is in the folder then.
func TestInstall(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cli-plugins")
	kept := "before-tutti.docker-compose"
	install := func(program string) func() (Outcome, error) {
		return func() (Outcome, error) { return Install(dir, program) }
	}
	remove := func() (Outcome, error) { return Remove(dir) }
	theirs := func() (Outcome, error) {
		return Outcome{}, os.WriteFile(filepath.Join(dir, "docker-compose"), []byte("theirs"), 0o755)
	}
	for i, s := range []struct {
		do      func() (Outcome, error)
		changed bool
		fails   string
		files   []string
		link    string
	}{
		{remove, false, "", nil, ""},
		{install("/opt/tutti"), true, "", []string{"docker-compose"}, "/opt/tutti"},
		{install("/opt/tutti"), false, "", []string{"docker-compose"}, "/opt/tutti"},
		{install("/new/tutti"), true, "", []string{"docker-compose"}, "/new/tutti"},
		{remove, true, "", nil, ""},
		{theirs, false, "", []string{"docker-compose"}, ""},
		{remove, false, "not a link to tutti", []string{"docker-compose"}, ""},
		{install("/opt/tutti"), true, "", []string{kept, "docker-compose"}, "/opt/tutti"},
		{install("/new/tutti"), true, "", []string{kept, "docker-compose"}, "/new/tutti"},
		{remove, true, "", []string{"docker-compose"}, ""},
		{install("/opt/tutti"), true, "", []string{kept, "docker-compose"}, "/opt/tutti"},
		{func() (Outcome, error) { return Outcome{}, os.Remove(filepath.Join(dir, "docker-compose")) }, false, "", []string{kept}, ""},
		{theirs, false, "", []string{kept, "docker-compose"}, ""},
		{install("/opt/tutti"), false, "is there already", []string{kept, "docker-compose"}, ""},
	} {
		o, err := s.do()
		if (err != nil) != (s.fails != "") || err != nil && !strings.Contains(err.Error(), s.fails) {
			t.Fatalf("step %d: error %v, want %q", i, err, s.fails)
		}
		if err == nil && o.Changed != s.changed {
			t.Errorf("step %d: changed %v", i, o.Changed)
		}
		var files []string
		all, _ := os.ReadDir(dir)
		for _, f := range all {
			files = append(files, f.Name())
		}
		if !slices.Equal(files, s.files) {
			t.Errorf("step %d: files %v, want %v", i, files, s.files)
		}
		if link, _ := os.Readlink(filepath.Join(dir, "docker-compose")); link != s.link {
			t.Errorf("step %d: link to %q, want %q", i, link, s.link)
		}
	}
}

func TestDir(t *testing.T) {
	env := map[string]string{"HOME": "/home/anna"}
	get := func(k string) string { return env[k] }
	if d, err := Dir(get); err != nil || d != filepath.Join("/home/anna", ".docker", "cli-plugins") {
		t.Error(d, err)
	}
	env["DOCKER_CONFIG"] = "/etc/d"
	if d, err := Dir(get); err != nil || d != filepath.Join("/etc/d", "cli-plugins") {
		t.Error(d, err)
	}
	if _, err := Dir(func(string) string { return "" }); err == nil {
		t.Error("a folder without DOCKER_CONFIG and HOME")
	}
}
