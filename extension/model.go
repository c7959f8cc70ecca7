package extension

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Model that Docker's model runner is to serve.
type Model struct {
	Model        string // reference
	ContextSize  int    // 0: its own
	RuntimeFlags []string
}

// Variables of a model.
const (
	ModelURL  = "URL"   // where it is served
	ModelName = "MODEL" // its reference
)

// flagsSince is the version of the plugin that takes runtime flags.
var flagsSince = [3]int{1, 0, 6}

// Model has a model pulled, where it is not there, and configured, and gives its variables. info is told how a pull goes on.
func (p Programs) Model(ctx context.Context, m Model, info func(string)) (Variables, error) {
	path, err := p.Plugin("model")
	if err != nil {
		return Variables{}, fmt.Errorf("docker model: %w", err)
	}
	endpoint, err := p.endpoint(ctx, path)
	if err != nil {
		return Variables{}, err
	}
	here, err := p.models(ctx, path)
	if err != nil {
		return Variables{}, err
	}
	if !slices.Contains(here, m.Model) {
		if err := p.pull(ctx, path, m.Model, info); err != nil {
			return Variables{}, err
		}
	}
	if _, err := p.output(ctx, path, m.configure(p.takesFlags(ctx, path))...); err != nil {
		return Variables{}, err
	}
	return Variables{Own: map[string]string{ModelURL: endpoint, ModelName: m.Model}}, nil
}

func (p Programs) endpoint(ctx context.Context, path string) (string, error) {
	var status struct{ Endpoint string }
	out, err := p.output(ctx, path, "status", "--json")
	if err == nil {
		err = json.Unmarshal(out, &status)
	}
	if err != nil {
		return "", fmt.Errorf("where models are served: %w", err)
	}
	return status.Endpoint, nil
}

// models that are here, by all their names.
func (p Programs) models(ctx context.Context, path string) ([]string, error) {
	var all []struct{ Tags []string }
	out, err := p.output(ctx, path, "ls", "--json")
	if err == nil {
		err = json.Unmarshal(out, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("list models: %w", err)
	}
	var tags []string
	for _, m := range all {
		tags = append(tags, m.Tags...)
	}
	return tags, nil
}

func (p Programs) pull(ctx context.Context, path, model string, info func(string)) error {
	cmd, said := p.command(ctx, path, "pull", model)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("pull model %s: %w", model, err)
	}
	for s := bufio.NewScanner(out); s.Scan(); {
		if s.Text() != "" {
			info(s.Text())
		}
	}
	_, _ = io.Copy(io.Discard, out) // of a line too long to be told
	if err := cmd.Wait(); err != nil {
		return said.explain("pull model "+model, err)
	}
	return nil
}

// configure is the command for it; flags are for newer plugins only.
func (m Model) configure(flags bool) []string {
	args := []string{"configure"}
	if m.ContextSize > 0 {
		args = append(args, "--context-size", strconv.Itoa(m.ContextSize))
	}
	args = append(args, m.Model)
	if len(m.RuntimeFlags) > 0 && flags {
		args = append(append(args, "--"), m.RuntimeFlags...)
	}
	return args
}

// takesFlags tells whether the plugin is new enough for runtime flags.
func (p Programs) takesFlags(ctx context.Context, path string) bool {
	var about struct{ Version string }
	out, err := p.output(ctx, path, "docker-cli-plugin-metadata")
	if err != nil || json.Unmarshal(out, &about) != nil {
		return false
	}
	var v [3]int
	number, _, _ := strings.Cut(strings.TrimPrefix(about.Version, "v"), "-")
	if _, err := fmt.Sscanf(number, "%d.%d.%d", &v[0], &v[1], &v[2]); err != nil {
		return false
	}
	return slices.Compare(v[:], flagsSince[:]) >= 0
}
