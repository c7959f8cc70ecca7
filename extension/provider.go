package extension

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"sync"
)

// Provider of a service (Docker Compose, docs/extension.md).
type Provider struct {
	Project string
	Service string
	Type    string
	Options map[string][]string
	Config  []byte // the service in canonical JSON, for providers that ask for it
}

// The commands of providers.
const (
	Up   = "up"
	Down = "down"
	Stop = "stop"
)

// Metadata is what a provider tells of its commands. Most tell nothing.
type Metadata struct {
	Description string   `json:"description"`
	Up          Command  `json:"up"`
	Down        Command  `json:"down"`
	Stop        *Command `json:"stop"`
}

// Command of a provider.
type Command struct {
	Parameters []Parameter `json:"parameters"`
}

// Parameter of a command.
type Parameter struct {
	Name     string `json:"name"`
	Required bool   `json:"required"`
}

// told tells whether there was any metadata.
func (m Metadata) told() bool {
	return m.Description != "" || m.Up.Parameters != nil || m.Down.Parameters != nil
}

func (m Metadata) command(name string) (Command, bool) {
	switch {
	case name == Up:
		return m.Up, true
	case name == Down:
		return m.Down, true
	case m.Stop != nil:
		return *m.Stop, true
	}
	return Command{}, false
}

func (c Command) has(name string) bool {
	return slices.ContainsFunc(c.Parameters, func(p Parameter) bool { return p.Name == name })
}

// Metadata asks a provider. One that does not know the question has none.
func (p Programs) Metadata(ctx context.Context, kind string) (Metadata, error) {
	path, err := p.Provider(kind)
	if err != nil {
		return Metadata{}, err
	}
	var m Metadata
	out, err := p.output(ctx, path, "compose", "metadata")
	if err == nil && json.Unmarshal(out, &m) != nil {
		m = Metadata{}
	}
	return m, ctx.Err()
}

// CanStop tells whether a provider knows how to stop a service.
func (p Programs) CanStop(ctx context.Context, kind string) bool {
	m, err := p.Metadata(ctx, kind)
	return err == nil && m.Stop != nil
}

// Check tells, without doing anything, what is in the way of a command.
func (p Programs) Check(ctx context.Context, r Provider, command string) error {
	m, err := p.Metadata(ctx, r.Type)
	if err != nil {
		return err
	}
	c, _ := m.command(command)
	for _, param := range c.Parameters {
		if _, given := r.Options[param.Name]; param.Required && !given && m.told() {
			return fmt.Errorf("option %q is required", param.Name)
		}
	}
	return nil
}

// Provide runs a provider's command to its end: info is told what it says meanwhile. One that cannot stop has nothing to do for that.
func (p Programs) Provide(ctx context.Context, r Provider, command string, info func(string)) (Variables, error) {
	path, err := p.Provider(r.Type)
	if err != nil {
		return Variables{}, fmt.Errorf("provider %s: %w", r.Type, err)
	}
	m, err := p.Metadata(ctx, r.Type)
	if err != nil {
		return Variables{}, fmt.Errorf("provider %s: %w", r.Type, err)
	}
	about, known := m.command(command)
	if !known {
		return Variables{}, nil
	}
	cmd, said := p.command(ctx, path, r.arguments(command, func(name string) bool { return !m.told() || about.has(name) })...)
	out, err := converse(cmd, r.Config, info)
	if err == nil {
		return out, nil
	}
	if told, is := errors.AsType[*Refused](err); is {
		return Variables{}, fmt.Errorf("provider %s: %w", r.Type, told)
	}
	return Variables{}, said.explain("provider "+r.Type, err)
}

// arguments of a command; options in order of name.
func (r Provider) arguments(command string, takes func(option string) bool) []string {
	out := []string{"compose", "--project-name=" + r.Project, command}
	for _, name := range slices.Sorted(maps.Keys(r.Options)) {
		for _, value := range r.Options[name] {
			if takes(name) {
				out = append(out, "--"+name+"="+value)
			}
		}
	}
	return append(out, r.Service)
}

// Refused is what a provider says went wrong.
type Refused struct{ Said string }

func (r *Refused) Error() string { return r.Said }

// message of a provider, one a line.
type message struct{ Type, Message string }

// converse with a provider that is started: it writes messages, and is answered if it asks. One that says what makes no sense is ended.
func converse(cmd *exec.Cmd, config []byte, info func(string)) (Variables, error) {
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return Variables{}, err
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return Variables{}, err
	}
	if err := cmd.Start(); err != nil {
		return Variables{}, err
	}
	a := &answers{to: stdin, text: append(slices.Clone(config), '\n')}
	out, err := listen(stdout, a.give, info)
	if err != nil {
		_ = cmd.Process.Kill()
	}
	ended := cmd.Wait() // closes stdin, so that no answer is stuck
	a.all.Wait()
	return out, firstError(err, ended)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// answers to a provider that asks for the service's configuration. They are written beside: it may not read before it has written all it has.
type answers struct {
	to   io.Writer
	text []byte
	mu   sync.Mutex
	all  sync.WaitGroup
}

func (a *answers) give() {
	a.all.Go(func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		_, _ = a.to.Write(a.text) // who does not read gets none
	})
}

// listen to a provider until it has no more to say.
func listen(r io.Reader, asked func(), info func(string)) (Variables, error) {
	out := Variables{Own: map[string]string{}, Raw: map[string]string{}}
	for d := json.NewDecoder(r); ; {
		var m message
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return out, fmt.Errorf("read what it says: %w", err)
		}
		if err := out.hear(m, asked, info); err != nil {
			return out, err
		}
	}
}

func (v Variables) hear(m message, asked func(), info func(string)) error {
	switch m.Type {
	case "error":
		return &Refused{m.Message}
	case "info":
		info(m.Message)
	case "debug":
	case "setenv":
		return set(v.Own, m.Message)
	case "rawsetenv":
		return set(v.Raw, m.Message)
	case "get-service-config":
		asked()
	default:
		return fmt.Errorf("it says %q, which is none of the messages", m.Type)
	}
	return nil
}

func set(vars map[string]string, text string) error {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return errors.New("it sets a variable without a value") // the text may be a secret
	}
	vars[name] = value
	return nil
}
