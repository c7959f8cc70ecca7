package lock

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// machine is this start of this machine's kernel, and the PID namespace: in another one, as in a container, the same PID is another process.
func machine() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	space, err2 := os.Readlink("/proc/self/ns/pid")
	if err != nil || err2 != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + space
}

// started is when a process began, in clock ticks since the machine did; ok is false if there is none, or only its exit code is left (proc(5), stat).
func started(pid int) (ticks string, ok bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", false
	}
	f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])) // the name before it may have spaces
	if len(f) < 20 || f[0] == "Z" || f[0] == "X" {
		return "", false
	}
	return f[19], true
}

// runs tells whether a holder on this machine does.
func runs(h Holder) bool {
	start, ok := started(h.PID)
	return ok && start == h.Start
}

// ending is closed when a process of this machine ends. Where the kernel does not tell (before Linux 5.3), it never is: whoever waits looks now
// and then.
func ending(h Holder) (ended <-chan struct{}, stop func()) {
	const pidfdOpen = 434
	fd, _, errno := syscall.Syscall(pidfdOpen, uintptr(h.PID), 0, 0)
	if errno != 0 {
		return nil, func() {}
	}
	_ = syscall.SetNonblock(int(fd), true) // so that Go waits for it as for a socket
	f := os.NewFile(fd, "pidfd")
	out := make(chan struct{})
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, func() { f.Close() }
	}
	go func() {
		if raw.Read(func(uintptr) bool { return !runs(h) }) == nil {
			close(out)
		}
	}()
	return out, func() { f.Close() }
}
