package plugin_test

import (
	"net"
	"path/filepath"
	"testing"

	"github.com/tutti-run/tutti/cmd/internal/plugin"
)

func TestHungUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "docker.sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ended := make(chan struct{})
	plugin.HungUp(path, func() { close(ended) })
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
		t.Fatal("ended while docker is there")
	default:
	}
	conn.Close()
	<-ended
	plugin.HungUp("", func() { t.Error("ended without docker") })
	plugin.HungUp(path+"x", func() { t.Error("ended without a socket") })
}
