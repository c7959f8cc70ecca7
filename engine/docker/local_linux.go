package docker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"

	apisystem "github.com/moby/moby/api/types/system"
)

// shares tells whether the engine has this machine's network and files. Any doubt is a no: behind a socket there may be a tunnel, a
// virtual machine, or the machine around our container.
func (c *conn) shares(ctx context.Context, info apisystem.Info) bool {
	path, ok := strings.CutPrefix(c.host, "unix://")
	if !ok || !thisMachine(info) {
		return false
	}
	conn, err := c.api.Dialer()(ctx)
	if err != nil {
		return false
	}
	defer conn.Close()
	pid := listener(conn)
	return pid > 0 && sameNetwork(pid, path) && sameRoot(pid)
}

// thisMachine compares what the engine says of its machine with ours.
func thisMachine(info apisystem.Info) bool {
	name, err := os.Hostname()
	if err != nil || name != info.Name {
		return false
	}
	kernel, err := os.ReadFile("/proc/sys/kernel/osrelease")
	return err == nil && strings.TrimSpace(string(kernel)) == info.KernelVersion
}

// listener is the process that opened the socket on the other side, 0 if we cannot see it (unix(7), SO_PEERCRED).
func listener(conn net.Conn) int {
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return 0
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return 0
	}
	pid := 0
	_ = raw.Control(func(fd uintptr) {
		if cred, err := syscall.GetsockoptUcred(int(fd), syscall.SOL_SOCKET, syscall.SO_PEERCRED); err == nil {
			pid = int(cred.Pid)
		}
	})
	return pid
}

// sameNetwork compares network namespaces. Another user's are shown to root alone; but everybody may see the sockets that were opened in
// their own.
func sameNetwork(pid int, path string) bool {
	ours, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return false
	}
	theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
	if errors.Is(err, fs.ErrPermission) {
		return listensHere(path)
	}
	return err == nil && ours == theirs
}

// listensHere looks for the socket among those of our network namespace (proc(5), /proc/net/unix). It may be known there by another path.
func listensHere(path string) bool {
	want, err := os.Stat(path)
	if err != nil {
		return false
	}
	const accepts = 1 << 16
	return anyLine("/proc/self/net/unix", func(f []string) bool {
		if len(f) < 8 {
			return false
		}
		flags, err := strconv.ParseUint(f[3], 16, 32)
		if err != nil || flags&accepts == 0 {
			return false
		}
		got, err := os.Stat(f[7])
		return err == nil && os.SameFile(got, want)
	})
}

// sameRoot compares what is mounted at / (proc(5), mountinfo): a container has something else there.
func sameRoot(pid int) bool {
	ours := rootOf("self")
	return ours != "" && ours == rootOf(strconv.Itoa(pid))
}

// rootOf a process, as device and directory.
func rootOf(process string) string {
	root := ""
	anyLine("/proc/"+process+"/mountinfo", func(f []string) bool {
		if len(f) > 4 && f[4] == "/" {
			root = f[2] + " " + f[3] // the last one counts
		}
		return false
	})
	return root
}

// anyLine tells whether one satisfies, given its words.
func anyLine(path string, satisfies func([]string) bool) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if satisfies(strings.Fields(s.Text())) {
			return true
		}
	}
	return false
}
