//go:build unix

package docker

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// pair is a calm connection, and its other end.
func pair(t *testing.T) (calm, other net.Conn) {
	t.Helper()
	dir, err := os.MkdirTemp("", "calm") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if calm, err = dialCalm(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if other, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { calm.Close(); other.Close() })
	return calm, other
}

func TestCalmReadsAll(t *testing.T) {
	calm, other := pair(t)
	if _, is := calm.(*calmConn); !is {
		t.Fatalf("%T", calm)
	}
	sent := bytes.Repeat([]byte("a line that pours in\n"), 20_000)
	go func() {
		for b := sent; len(b) > 0; {
			n := min(len(b), 50)
			_, _ = other.Write(b[:n])
			b = b[n:]
		}
		other.Close()
	}()
	if got, err := io.ReadAll(calm); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("got %d bytes of %d, %v", len(got), len(sent), err)
	}
	if n, err := calm.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("behind the end: %d, %v", n, err)
	}
}

func TestCalmWrites(t *testing.T) {
	calm, other := pair(t)
	sent := bytes.Repeat([]byte("0123456789"), 100_000) // more than a socket holds
	go func() {
		_, _ = calm.Write(sent)
		calm.Close()
	}()
	if got, err := io.ReadAll(other); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("got %d bytes of %d, %v", len(got), len(sent), err)
	}
}

// TestCalmCloseEndsRead: also one that waits for something that does not come.
func TestCalmCloseEndsRead(t *testing.T) {
	before := calmConns.Load()
	calm, _ := pair(t)
	ended := make(chan error)
	go func() {
		_, err := calm.Read(make([]byte, 10))
		ended <- err
	}()
	time.Sleep(10 * time.Millisecond) // so that it waits, most likely; either way it must end
	if err := calm.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("read from what was closed")
	}
	if err := calm.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed twice: %v", err)
	}
	if _, err := calm.Write([]byte("x")); err == nil {
		t.Error("wrote to what was closed")
	}
	if got := calmConns.Load(); got != before {
		t.Errorf("%d are open, %d before", got, before)
	}
}

// TestCalmAreNotMany: each may hold a thread.
func TestCalmAreNotMany(t *testing.T) {
	calmConns.Add(mostCalm)
	defer calmConns.Add(-mostCalm)
	if c, _ := pair(t); c.RemoteAddr() == nil {
		t.Error("no connection")
	} else if _, is := c.(*calmConn); is {
		t.Error("one too many")
	}
	if _, err := dialCalm(t.Context(), "/nowhere/s"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
