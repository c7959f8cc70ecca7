package load

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/load/merged"
)

// Bridge is the model as Docker Compose gives it to a transformation (docker/compose, pkg/bridge): each service with its image and all ports that it
// exposes, configs and secrets with their contents; as there, that of a config which a variable holds is left out. exposed are the ports of an image: "80/tcp".
func (m *Model) Bridge(exposed map[string][]string) ([]byte, error) {
	if m.project == nil {
		return nil, errors.New("bridge: the model is not interpolated")
	}
	p := *m.project
	p.Services = maps.Clone(p.Services)
	for name, s := range p.Services {
		if s.Provider == nil {
			s.Image = merged.Image(&p, s)
		}
		s.Expose = ports(s, exposed[s.Image])
		p.Services[name] = s
	}
	var errs []error
	p.Configs, p.Secrets = maps.Clone(p.Configs), maps.Clone(p.Secrets)
	for name, c := range p.Configs {
		o, err := m.filled(types.FileObjectConfig(c))
		p.Configs[name], errs = types.ConfigObjConfig(o), append(errs, err)
	}
	for name, c := range p.Secrets {
		o, err := m.filled(types.FileObjectConfig(c))
		p.Secrets[name], errs = types.SecretConfig(o), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	text, err := p.MarshalYAML(types.WithSecretContent)
	if err != nil {
		return nil, fmt.Errorf("encode model: %w", err)
	}
	var tree map[string]any // in order of key
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, fmt.Errorf("encode model: %w", err)
	}
	return yaml.Marshal(tree)
}

// ports that a service exposes, publishes, or has from its image, without their protocols as Docker Compose has it.
func ports(s types.ServiceConfig, image []string) []string {
	out := slices.Clone([]string(s.Expose))
	for _, p := range image {
		number, _, _ := strings.Cut(p, "/")
		out = append(out, number)
	}
	for _, p := range s.Ports {
		out = append(out, strconv.Itoa(int(p.Target)))
	}
	slices.SortFunc(out, func(a, b string) int {
		x, _ := strconv.Atoi(a)
		y, _ := strconv.Atoi(b)
		return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
	})
	return slices.Compact(out)
}

// filled is a config or secret with its content.
func (m *Model) filled(o types.FileObjectConfig) (types.FileObjectConfig, error) {
	switch {
	case bool(o.External):
	case o.Environment != "":
		o.Content = m.env[o.Environment]
	case o.File != "":
		text, err := os.ReadFile(o.File)
		if err != nil {
			return o, fmt.Errorf("read %s: %w", o.Name, err)
		}
		o.Content = string(text)
	}
	return o, nil
}
