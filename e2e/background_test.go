package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"sync"
	"time"
)

// background is a command that runs beside a test.
type background struct {
	cmd  *exec.Cmd
	done chan struct{}
	mu   sync.Mutex
	out  bytes.Buffer
	err  bytes.Buffer
}

// locked is a stream that the test reads while the command writes.
type locked struct {
	mu *sync.Mutex
	b  *bytes.Buffer
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func launch(cmd *exec.Cmd) (*background, error) {
	b := &background{cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = locked{&b.mu, &b.out}, locked{&b.mu, &b.err}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() { cmd.Wait(); close(b.done) }()
	return b, nil
}

func (b *background) text() (out, err string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.out.String(), b.err.String()
}

func (b *background) kill() {
	b.cmd.Process.Kill()
	<-b.done
}

// writes what matches, or has.
func (b *background) writes(pattern string) error {
	want := regexp.MustCompile("(?m)" + pattern)
	return until(func() error {
		out, text := b.text()
		if !want.MatchString(out) && !want.MatchString(text) {
			return fmt.Errorf("has not written %s; stdout:\n%s\nstderr:\n%s", pattern, out, text)
		}
		return nil
	})
}

// end waits for it.
func (b *background) end() (code int, err error) {
	select {
	case <-b.done:
		return b.cmd.ProcessState.ExitCode(), nil
	case <-time.After(patience):
		out, text := b.text()
		return 0, errors.New("has not ended; stdout:\n" + out + "\nstderr:\n" + text)
	}
}

// until there is no error any more; it gives up after a while.
func until(check func() error) error {
	for limit := time.Now().Add(patience / 2); ; time.Sleep(20 * time.Millisecond) {
		if err := check(); err == nil || time.Now().After(limit) {
			return err
		}
	}
}
