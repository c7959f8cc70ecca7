//go:build unix

package docker

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// calmConn is a connection for a stream that may pour in line by line, as logs do. What comes one by one is read at once; of what pours in a little is
// left to gather. A net.Conn would not do: Go's poller is woken up for each line, read or not, and that costs more than the line.
type calmConn struct {
	fd   int
	open sync.RWMutex // held while fd is in use
	over sync.Once
	last time.Time // when all that had come was read
}

// gather is how long.
const gather = time.Millisecond

// mostCalm are there at once: each that waits holds a thread.
const mostCalm = 100

var calmConns atomic.Int32

// dialCalm connects with a socket in the file system, if there are many already as everybody else does.
func dialCalm(ctx context.Context, path string) (net.Conn, error) {
	if calmConns.Add(1) > mostCalm {
		calmConns.Add(-1)
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}
	c, err := connectCalm(path)
	if err != nil {
		calmConns.Add(-1)
		return nil, &net.OpError{Op: "dial", Net: "unix", Addr: &net.UnixAddr{Name: path, Net: "unix"}, Err: err}
	}
	return c, nil
}

func connectCalm(path string) (*calmConn, error) {
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := again(func() error { return syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}) }); err != nil {
		_ = syscall.Close(fd)
		return nil, os.NewSyscallError("connect", err)
	}
	return &calmConn{fd: fd}, nil
}

// again until no signal comes in between.
func again(do func() error) error {
	for {
		if err := do(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// Read by one goroutine at a time.
func (c *calmConn) Read(p []byte) (n int, err error) {
	if time.Since(c.last) < gather {
		time.Sleep(gather)
	}
	c.open.RLock()
	defer c.open.RUnlock()
	err = again(func() (err error) { n, err = syscall.Read(c.fd, p); return err })
	if n < len(p) {
		c.last = time.Now()
	}
	switch {
	case err != nil:
		return 0, os.NewSyscallError("read", err)
	case n == 0 && len(p) > 0:
		return 0, io.EOF
	}
	return n, nil
}

func (c *calmConn) Write(p []byte) (done int, err error) {
	c.open.RLock()
	defer c.open.RUnlock()
	for done < len(p) {
		n := 0
		if err := again(func() (err error) { n, err = syscall.Write(c.fd, p[done:]); return err }); err != nil {
			return done, os.NewSyscallError("write", err)
		}
		done += n
	}
	return done, nil
}

// Close ends a Read that waits.
func (c *calmConn) Close() error {
	err := net.ErrClosed
	c.over.Do(func() {
		_ = syscall.Shutdown(c.fd, syscall.SHUT_RDWR)
		c.open.Lock()
		defer c.open.Unlock()
		err = os.NewSyscallError("close", syscall.Close(c.fd))
		c.fd = -1
		calmConns.Add(-1)
	})
	return err
}

func (c *calmConn) LocalAddr() net.Addr  { return &net.UnixAddr{Net: "unix"} }
func (c *calmConn) RemoteAddr() net.Addr { return &net.UnixAddr{Net: "unix"} }

// Deadlines nobody sets for a stream without an end.
func (c *calmConn) SetDeadline(time.Time) error      { return os.ErrNoDeadline }
func (c *calmConn) SetReadDeadline(time.Time) error  { return os.ErrNoDeadline }
func (c *calmConn) SetWriteDeadline(time.Time) error { return os.ErrNoDeadline }
