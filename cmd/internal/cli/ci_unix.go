//go:build unix

package cli

import (
	"os"
	"os/exec"
	"syscall"
)

// ownSession makes a command the leader of a session and its process group, without a terminal.
func ownSession(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// signalGroup of a command. It may be gone by itself.
func signalGroup(p *os.Process, s os.Signal) {
	if s, ok := s.(syscall.Signal); ok {
		_ = syscall.Kill(-p.Pid, s)
	}
}

// exitStatus as shells give it: 128 and the signal of what a signal ended.
func exitStatus(s *os.ProcessState) int {
	if w, ok := s.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return s.ExitCode()
}
