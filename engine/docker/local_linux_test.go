package docker

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// info of this machine, as an engine on it tells it.
func info(t *testing.T) map[string]any {
	t.Helper()
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"Name": name, "KernelVersion": strings.TrimSpace(string(kernel)), "MemTotal": 1 << 30, "NCPU": 2}
}

// TestLocal: the stub is this process, so all that can differ is what it says, and who listens.
func TestLocal(t *testing.T) {
	for what, change := range map[string]struct {
		key   string
		local bool
	}{"as it is": {"", true}, "another name": {"Name", false}, "another kernel": {"KernelVersion", false}} {
		s, says := newStub(0), info(t)
		if change.key != "" {
			says[change.key] = "other"
		}
		text, _ := json.Marshal(says)
		s.answers["/info"] = string(text)
		got, err := s.dial(t).Survey(t.Context())
		if err != nil || got.Local != change.local {
			t.Errorf("%s: local %t, %v", what, got.Local, err)
		}
	}
}

func TestWhoListens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "engine.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if pid := listener(conn); pid != os.Getpid() {
		t.Errorf("pid %d, want %d", pid, os.Getpid())
	}
	other := path + "-other"
	if err := os.Symlink(path, other); err != nil {
		t.Fatal(err)
	}
	if !listensHere(path) || !listensHere(other) {
		t.Error("the socket is not seen")
	}
	l.Close()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if listensHere(path) {
		t.Error("seen although it is gone")
	}
	if !sameRoot(os.Getpid()) || sameRoot(0) {
		t.Error("roots are confused")
	}
}
