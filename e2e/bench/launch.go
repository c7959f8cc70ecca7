package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// sample is what one run of a command took.
type sample struct {
	Seconds float64
	CPU     float64 // seconds, of user and system
	Peak    int64   // of its resident memory, bytes
	Over    bool    // it took longer than it may, and was killed
	Failed  bool
	Lines   int `json:"-"` // that it wrote
}

// launch a command: LIMIT FOLLOW PROGRAM ARG…; a sample as JSON goes to file descriptor 3. FOLLOW, unless it is 0s, is when it is interrupted.
//
// It is a process of its own because peak memory begins, on Linux, with that of the process that started it (getrusage(2), vfork).
func launch(args []string) error {
	limit, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	follow, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	syscall.CloseOnExec(3)
	cmd := exec.Command(args[2], args[3:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	over := time.AfterFunc(limit, func() { cmd.Process.Kill() })
	if follow > 0 {
		time.AfterFunc(follow, func() { cmd.Process.Signal(os.Interrupt) })
	}
	err = cmd.Wait()
	s := sample{Seconds: time.Since(begin).Seconds(), Over: !over.Stop(), Failed: err != nil && follow == 0}
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return err
	}
	s.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	s.Peak = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	return json.NewEncoder(os.NewFile(3, "report")).Encode(s)
}
