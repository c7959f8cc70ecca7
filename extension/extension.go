// Package extension runs the programs that give a project what no engine does: providers of services, and Docker's model runner.
package extension

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Programs are found and run with an environment.
type Programs struct {
	Environ []string // KEY=VALUE
}

// Variables that a program gives to the services which need it.
type Variables struct {
	Own map[string]string // by names that its own name is put in front of
	Raw map[string]string // by names as they are
}

// ErrNoProgram is what Find gives when there is none.
var ErrNoProgram = errors.New("not found")

// env is the value of a variable: the last one counts.
func (p Programs) env(name string) string {
	value := ""
	for _, e := range p.Environ {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}

// Plugin of the docker CLI: docker-NAME in the directories where that looks.
func (p Programs) Plugin(name string) (path string, err error) {
	for _, dir := range p.pluginDirs() {
		if path := filepath.Join(dir, "docker-"+name+suffix()); filepath.IsAbs(dir) && executable(path) {
			return path, nil
		}
	}
	return "", ErrNoProgram
}

// Provider is the program of a provider's type: a plugin of the docker CLI, or what is in PATH.
func (p Programs) Provider(kind string) (path string, err error) {
	if kind == "compose" { // it would be Docker Compose itself
		return "", errors.New("it cannot be a provider")
	}
	if path, err := p.Plugin(kind); err == nil {
		return path, nil
	}
	for _, dir := range filepath.SplitList(p.env("PATH")) {
		if path := filepath.Join(dir, kind+suffix()); filepath.IsAbs(path) && filepath.Base(path) == kind+suffix() && executable(path) {
			return path, nil
		}
	}
	return "", ErrNoProgram
}

// pluginDirs in the docker CLI's order: those that its config adds, the user's, the system's.
func (p Programs) pluginDirs() []string {
	dir := p.env("DOCKER_CONFIG")
	if dir == "" {
		dir = filepath.Join(p.env("HOME"), ".docker")
	}
	var config struct {
		ExtraDirs []string `json:"cliPluginsExtraDirs"`
	}
	if b, err := os.ReadFile(filepath.Join(dir, "config.json")); err == nil {
		_ = json.Unmarshal(b, &config) // who needs the rest of it tells what is wrong with it
	}
	return append(append(config.ExtraDirs, filepath.Join(dir, "cli-plugins")), "/usr/local/lib/docker/cli-plugins", "/usr/local/libexec/docker/cli-plugins",
		"/usr/lib/docker/cli-plugins", "/usr/libexec/docker/cli-plugins")
}

func suffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir() && (runtime.GOOS == "windows" || info.Mode()&0o111 != 0)
}

// command of a program. What it writes to stderr is kept for when it fails.
func (p Programs) command(ctx context.Context, path string, args ...string) (*exec.Cmd, *tail) {
	cmd := exec.CommandContext(ctx, path, args...)
	said := &tail{}
	cmd.Env, cmd.Stderr = p.Environ, said
	cmd.WaitDelay = goneSoon
	return cmd, said
}

// output of a program that ends by itself.
func (p Programs) output(ctx context.Context, path string, args ...string) ([]byte, error) {
	cmd, said := p.command(ctx, path, args...)
	out, err := cmd.Output()
	if err != nil {
		return nil, said.explain(fmt.Sprintf("%s %s", filepath.Base(path), args[0]), err)
	}
	return out, nil
}

// goneSoon is how long what a program has left behind may hold its output.
const goneSoon = 2 * time.Second

// tail is the end of what a program wrote.
type tail struct{ text []byte }

const tailSize = 2000

func (t *tail) Write(b []byte) (int, error) {
	t.text = append(t.text, b...)
	t.text = t.text[max(0, len(t.text)-tailSize):]
	return len(b), nil
}

// explain why a program failed.
func (t *tail) explain(what string, err error) error {
	if text := bytes.TrimSpace(t.text); len(text) > 0 {
		return fmt.Errorf("%s: %w: %s", what, err, text)
	}
	return fmt.Errorf("%s: %w", what, err)
}
