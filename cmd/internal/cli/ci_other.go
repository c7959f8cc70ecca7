//go:build !unix

package cli

import (
	"os"
	"os/exec"
)

// ownSession: there are none here.
func ownSession(*exec.Cmd) {}

// signalGroup ends the command: it cannot be asked to.
func signalGroup(p *os.Process, _ os.Signal) { _ = p.Kill() }

func exitStatus(s *os.ProcessState) int { return s.ExitCode() }
