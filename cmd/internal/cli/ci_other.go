//go:build !unix

package cli

import (
	"os"
	"os/exec"
)

// ownGroup: there are none here.
func ownGroup(*exec.Cmd) {}

// endGroup ends the command: it cannot be asked to.
func endGroup(p *os.Process, _ bool) { _ = p.Kill() }

func exitStatus(s *os.ProcessState) int { return s.ExitCode() }
