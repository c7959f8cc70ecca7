package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// sshDialer runs the user's own ssh, so that their keys, agent, jump hosts and ~/.ssh/config count. The first connection becomes
// the master that the others share.
func sshDialer(host string) (func(context.Context, string, string) (net.Conn, error), error) {
	args, err := sshArgs(host)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		return dialCommand(ctx, "ssh", args...)
	}, nil
}

// sshArgs for ssh://[user@]host[:port][/path of the socket there].
func sshArgs(host string) ([]string, error) {
	u, err := url.Parse(host)
	if err != nil || u.Hostname() == "" {
		return nil, invalid("find engine: host %q is not ssh://[user@]host[:port]", host)
	}
	if _, has := u.User.Password(); has {
		return nil, invalid("find engine: no password can be given in an ssh address")
	}
	args := []string{"-o", "ConnectTimeout=30", "-T", "-o", "ControlMaster=auto", "-o", "ControlPath=" + controlPath(), "-o", "ControlPersist=60"}
	if u.User.Username() != "" {
		args = append(args, "-l", u.User.Username())
	}
	if u.Port() != "" {
		args = append(args, "-p", u.Port())
	}
	args = append(args, "--", u.Hostname(), "docker")
	if u.Path != "" && u.Path != "/" {
		args = append(args, "--host", "unix://"+u.Path)
	}
	return append(args, "system", "dial-stdio"), nil
}

// controlPath is in a directory that only the user can enter; a socket's path has to be short.
func controlPath() string {
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		dir = filepath.Join(os.TempDir(), "tutti-"+strconv.Itoa(os.Getuid()))
		_ = os.Mkdir(dir, 0o700) // when it cannot be made ssh says so and goes on without sharing
	}
	return filepath.Join(dir, "tutti-ssh-%C")
}

// commandConn is a connection over a process's standard input and output.
type commandConn struct {
	cmd    *exec.Cmd
	in     *os.File // what we write
	out    *os.File // what we read
	stderr *os.File
	close  sync.Once
}

func dialCommand(_ context.Context, name string, args ...string) (net.Conn, error) {
	childIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, childOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	// A file and no pipe: the master that ssh leaves behind keeps it open.
	stderr, err := os.CreateTemp("", "tutti-ssh-")
	if err != nil {
		return nil, err
	}
	os.Remove(stderr.Name())
	cmd := exec.Command(name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = childIn, childOut, stderr
	err = cmd.Start()
	childIn.Close()
	childOut.Close()
	c := &commandConn{cmd: cmd, in: in, out: out, stderr: stderr}
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("run %s: %w", name, err)
	}
	return c, nil
}

// Read tells what ssh complained of when it ends without having said anything.
func (c *commandConn) Read(p []byte) (int, error) {
	n, err := c.out.Read(p)
	if err == io.EOF {
		err = c.complained(err)
	}
	return n, err
}

// Write tells it too: ssh may have ended before we write.
func (c *commandConn) Write(p []byte) (int, error) {
	n, err := c.in.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		err = c.complained(err)
	}
	return n, err
}

// complained is what ssh said, or err if it said nothing.
func (c *commandConn) complained(err error) error {
	if said := c.complaint(); said != "" {
		return fmt.Errorf("ssh: %s", strings.TrimPrefix(said, "ssh: "))
	}
	return err
}

func (c *commandConn) complaint() string {
	b := make([]byte, 4096)
	n, _ := c.stderr.ReadAt(b, 0)
	return strings.Join(strings.Fields(string(b[:n])), " ")
}

// CloseWrite tells the other side that no more comes.
func (c *commandConn) CloseWrite() error { return c.in.Close() }

func (c *commandConn) Close() error {
	c.close.Do(func() {
		c.in.Close()
		c.out.Close()
		if c.cmd.Process != nil {
			_ = c.cmd.Process.Kill()
			_ = c.cmd.Wait()
		}
		c.stderr.Close()
	})
	return nil
}

func (c *commandConn) LocalAddr() net.Addr  { return commandAddr{} }
func (c *commandConn) RemoteAddr() net.Addr { return commandAddr{} }
func (c *commandConn) SetDeadline(t time.Time) error {
	return firstError(c.in.SetDeadline(t), c.out.SetDeadline(t))
}
func (c *commandConn) SetReadDeadline(t time.Time) error  { return c.out.SetReadDeadline(t) }
func (c *commandConn) SetWriteDeadline(t time.Time) error { return c.in.SetWriteDeadline(t) }

type commandAddr struct{}

func (commandAddr) Network() string { return "command" }
func (commandAddr) String() string  { return "command" }

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
