package buildkit

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/moby/buildkit/client"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/image"
)

// loader is an engine that takes images in.
type loader struct {
	Host
	got string
	err error
}

func (l *loader) LoadImage(_ context.Context, archive io.Reader) error {
	if l.err != nil {
		return l.err
	}
	data, err := io.ReadAll(archive)
	l.got = string(data)
	return err
}

func (l *loader) PushImage(context.Context, string, func(engine.Progress)) error {
	return errors.New("pushed")
}

// load an archive as a build sends it, which ends in an error or not.
func load(t *testing.T, h *loader, failed error) error {
	t.Helper()
	l := &loading{ctx: t.Context(), into: h}
	w, err := l.open(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(w, "image")
	return l.wait(failed)
}

func TestLoading(t *testing.T) {
	h := &loader{}
	if err := load(t, h, nil); err != nil || h.got != "image" {
		t.Errorf("%q, %v", h.got, err)
	}
	full := errors.New("disk full")
	if err := load(t, &loader{err: full}, nil); !errors.Is(err, full) {
		t.Errorf("%v, want %v", err, full)
	}
	if err := load(t, &loader{}, errors.New("step failed")); err != nil {
		t.Errorf("a build that failed is told twice: %v", err)
	}
	if err := (&loading{}).wait(nil); err != nil {
		t.Errorf("nothing was sent: %v", err)
	}
}

func TestUnreached(t *testing.T) {
	p := place{builder: "far"}
	err := p.unreached(errors.New(`failed to get status: rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp 192.0.2.1:1: refused"`))
	if err.Error() != "builder far does not answer: dial tcp 192.0.2.1:1: refused" || !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("%q", err)
	}
	other := errors.New("other")
	if p.unreached(other) != other || p.unreached(nil) != nil {
		t.Error("other errors stay as they are")
	}
}

// TestDialer: how each kind of place is reached.
func TestDialer(t *testing.T) {
	b := &builder{builders: Builders{Context: host}, clients: map[string]*client.Client{}}
	for _, c := range []struct {
		at      place
		address string
		options int
	}{
		{place{}, "", 2},
		{place{address: "tcp://far:1"}, "tcp://far:1", 0},
		{place{address: "tcp://far:1", tls: &tlsFiles{ca: "/ca", cert: "/cert"}}, "tcp://far:1", 2},
		{place{address: "docker-container://b", elsewhere: "default"}, "", 1},
		{place{address: "docker-container://b", elsewhere: host}, "", 1},
	} {
		opts, address, err := b.dialer(c.at)
		if err != nil || address != c.address || len(opts) != c.options {
			t.Errorf("%+v: %q with %d options, %v", c.at, address, len(opts), err)
		}
	}
	if _, _, err := b.dialer(place{address: "docker-container://b", elsewhere: "far"}); !errors.Is(err, engine.ErrInvalid) {
		t.Errorf("a container on another engine: %v", err)
	}
}

// TestPushedByTheBuilder: the engine does not push what it does not have.
func TestPushedByTheBuilder(t *testing.T) {
	b := &builder{Host: &loader{}, pushed: map[string]bool{}}
	b.keep(image.Build{Push: true}, "a,b")
	b.keep(image.Build{}, "c")
	for ref, byEngine := range map[string]bool{"a": false, "b": false, "c": true} {
		if err := b.PushImage(t.Context(), ref, nil); (err != nil) != byEngine {
			t.Errorf("%s: pushed by the engine: %t", ref, err != nil)
		}
	}
}

// talk is a process that says what it is told.
type talk struct {
	engine.Command
	heard chan []byte
}

func (c *talk) Write(p []byte) (int, error) {
	c.heard <- append([]byte(nil), p...)
	return len(p), nil
}

func (c *talk) Copy(stdout, _ io.Writer) error {
	for p := range c.heard {
		if _, err := stdout.Write(p); err != nil {
			return err
		}
	}
	return nil
}

func (c *talk) Close() error {
	close(c.heard)
	return nil
}

func TestStdio(t *testing.T) {
	conn := newStdio(&talk{heard: make(chan []byte, 1)})
	if _, err := io.WriteString(conn, "hello"); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if _, err := io.CopyN(&got, conn, 5); err != nil || got.String() != "hello" {
		t.Errorf("%q, %v", got.String(), err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a closed connection is read")
	}
}
