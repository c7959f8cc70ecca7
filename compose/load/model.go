package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/compose-spec/compose-go/v2/template"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/tutti-run/tutti/compose/load/canon"
	"github.com/tutti-run/tutti/compose/load/merged"
	"go.yaml.in/yaml/v3" // v4 chooses other quotes
)

// Model is the canonical model, as Docker Compose 2.40 prints it with config.
type Model struct {
	name     string
	project  *types.Project           // of the selected services
	services map[string]canon.Service // as printed
	hashed   map[string]func() string // hash of each enabled service, before env files are read
	tree     map[string]any           // with NoInterpolate, instead of all that
	env      map[string]string
	all      []types.ServiceConfig // disabled ones too
}

// Hash of a service's configuration.
type Hash struct{ Service, Hash string }

// Variable that the files use.
type Variable struct {
	Name      string `json:"name"`
	Required  bool   `json:"required"`
	Default   string `json:"default"`
	Alternate string `json:"alternate"`
}

func (s *session) model() *Model {
	if s.dict != nil {
		s.trim()
		return &Model{name: s.name, tree: s.dict, env: s.env}
	}
	p := merged.Selection(s.project, s.o.Services, s.o.Unused)
	m := &Model{name: s.name, project: p, services: map[string]canon.Service{}, hashed: map[string]func() string{}, env: s.env}
	for name, c := range p.Services {
		c.LabelFiles, c.Platform = nil, s.platforms[name]
		if !s.o.NoConsistency {
			c.Deploy = scaled(c)
		}
		m.services[name] = canon.Flatten(c, s.CreatesHostPath)
	}
	p.Networks = maps.Clone(p.Networks)
	for k, n := range p.Networks {
		n.Ipam.Options = nil // Docker Compose 2.40 does not know it
		p.Networks[k] = n
	}
	for name, c := range s.unresolved {
		c.Labels, c.LabelFiles = s.project.Services[name].Labels, nil
		m.hashed[name] = func() string { return canon.Flatten(c, s.CreatesHostPath).Hash() }
	}
	for _, c := range s.project.AllServices() {
		m.all = append(m.all, c)
	}
	return m
}

// scaled is the deploy section of a service with its scale, which Docker Compose's consistency check puts there.
func scaled(c types.ServiceConfig) *types.DeployConfig {
	if c.Deploy == nil || c.Scale == nil {
		return c.Deploy
	}
	d := *c.Deploy
	d.Replicas = c.Scale
	return &d
}

// trim takes out of the tree what Docker Compose does not print: secrets' values and defaults that no file asks for.
func (s *session) trim() {
	for _, v := range section(s.dict, "secrets") {
		if m, ok := v.(map[string]any); ok {
			delete(m, types.SecretConfigXValue)
		}
	}
	for name, v := range section(s.dict, "services") {
		c, _ := v.(map[string]any)
		list, _ := c["volumes"].([]any)
		for _, e := range list {
			vol, _ := e.(map[string]any)
			bind, _ := vol["bind"].(map[string]any)
			if target, _ := vol["target"].(string); bind != nil && (vol["type"] != types.VolumeTypeBind || !s.CreatesHostPath(name, target)) {
				delete(bind, "create_host_path")
			}
		}
	}
}

func section(tree map[string]any, name string) map[string]any {
	m, _ := tree[name].(map[string]any)
	return m
}

// head and tail are the model in the order in which it is printed.
type head struct {
	Name     string                   `yaml:"name,omitempty"`
	Services map[string]canon.Service `yaml:"services"`
}

type tail struct {
	Networks   types.Networks   `yaml:"networks,omitempty"`
	Volumes    types.Volumes    `yaml:"volumes,omitempty"`
	Secrets    types.Secrets    `yaml:"secrets,omitempty"`
	Configs    types.Configs    `yaml:"configs,omitempty"`
	Models     types.Models     `yaml:"models,omitempty"`
	Extensions types.Extensions `yaml:"#extensions,inline,omitempty"`
}

// together is how many services are encoded at a time: the encoder holds all events of what it is given, which of all
// services would be more than the project itself.
const together = 50

// YAML of the model, with $ doubled as in a Compose file.
func (m *Model) YAML() ([]byte, error) {
	if m.tree != nil {
		return encoded(m.tree)
	}
	names, err := asEncoded(m.services)
	if err != nil {
		return nil, err
	}
	some := map[string]canon.Service{}
	for _, name := range names[:min(together, len(names))] {
		some[name] = m.services[name]
	}
	all, err := encoded(head{m.name, some})
	if err != nil {
		return nil, err
	}
	for names := range slices.Chunk(names[len(some):], together) {
		clear(some)
		for _, name := range names {
			some[name] = m.services[name]
		}
		b, err := encoded(head{Services: some})
		if err != nil {
			return nil, err
		}
		all = append(all, bytes.TrimPrefix(b, []byte("services:\n"))...)
	}
	p := m.project
	b, err := encoded(tail{p.Networks, p.Volumes, p.Secrets, p.Configs, p.Models, p.Extensions})
	if err != nil {
		return nil, err
	}
	return m.escape(append(all, bytes.TrimPrefix(b, []byte("{}\n"))...)), nil
}

func encoded(v any) ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(v), e.Close()); err != nil {
		return nil, fmt.Errorf("encode model: %w", err)
	}
	return b.Bytes(), nil
}

// asEncoded are the keys in the order in which the encoder writes them, which is its own.
func asEncoded[T any](all map[string]T) ([]string, error) {
	names := map[string]bool{}
	for name := range all {
		names[name] = true
	}
	var n yaml.Node
	if err := n.Encode(names); err != nil {
		return nil, fmt.Errorf("encode model: %w", err)
	}
	var out []string
	for i := 0; i < len(n.Content); i += 2 {
		out = append(out, n.Content[i].Value)
	}
	return out, nil
}

// JSON of the model, with $ doubled as in a Compose file. Docker Compose puts no line break at its end.
func (m *Model) JSON() ([]byte, error) {
	var v any = m.tree
	if m.tree == nil {
		v = m.object()
	}
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode model: %w", err)
	}
	return m.escape(b), nil
}

func (m *Model) object() map[string]any {
	p := m.project
	out := map[string]any{"name": m.name, "services": m.services}
	for _, part := range []struct {
		key  string
		size int
		v    any
	}{
		{"networks", len(p.Networks), p.Networks}, {"volumes", len(p.Volumes), p.Volumes},
		{"secrets", len(p.Secrets), p.Secrets}, {"configs", len(p.Configs), p.Configs},
	} {
		if part.size > 0 {
			out[part.key] = part.v
		}
	}
	for k, v := range p.Extensions {
		out[k] = v
	}
	return out
}

func (m *Model) escape(b []byte) []byte {
	if m.tree != nil { // not interpolated: as it was written
		return b
	}
	return bytes.ReplaceAll(b, []byte("$"), []byte("$$"))
}

// Services that are enabled, in order of name.
func (m *Model) Services() []string {
	return m.keys("services", func() []string { return sorted(m.services) })
}

// Networks in use, in order of key.
func (m *Model) Networks() []string {
	return m.keys("networks", func() []string { return sorted(m.project.Networks) })
}

// Volumes in use, in order of key.
func (m *Model) Volumes() []string {
	return m.keys("volumes", func() []string { return sorted(m.project.Volumes) })
}

func (m *Model) keys(name string, of func() []string) []string {
	if m.tree == nil {
		return of()
	}
	return sorted(section(m.tree, name))
}

func sorted[M ~map[string]T, T any](all M) []string { return slices.Sorted(maps.Keys(all)) }

// Images of the services, in order of service.
func (m *Model) Images() []string {
	var out []string
	for _, name := range m.Services() {
		c := types.ServiceConfig{Name: name}
		if m.tree == nil {
			c = m.project.Services[name]
		} else {
			c.Image = imageIn(m.tree, name)
		}
		out = append(out, merged.Image(&types.Project{Name: m.name, Environment: m.env}, c))
	}
	return out
}

func imageIn(tree map[string]any, service string) string {
	text, _ := section(section(tree, "services"), service)["image"].(string)
	return text
}

// Models in use, by what they are called where they come from, in order.
func (m *Model) Models() []string {
	var out []string
	if m.tree != nil {
		for _, v := range section(m.tree, "models") {
			model, _ := v.(map[string]any)
			name, _ := model["model"].(string)
			out = append(out, name)
		}
	} else {
		for _, v := range m.project.Models {
			out = append(out, v.Model)
		}
	}
	slices.Sort(out)
	return slices.DeleteFunc(out, func(name string) bool { return name == "" })
}

// Profiles that the files name, in order.
func (m *Model) Profiles() []string {
	all := map[string]bool{}
	for _, c := range m.all {
		for _, p := range c.Profiles {
			all[p] = true
		}
	}
	return sorted(all)
}

// Hashes of services, all if none is named, in order of name. Other than in the label of a container, env files are in
// it as files.
func (m *Model) Hashes(services []string) ([]Hash, error) {
	if len(services) == 0 {
		services = sorted(m.hashed)
	}
	var out []Hash
	for _, name := range slices.Sorted(slices.Values(services)) {
		h, ok := m.hashed[name]
		if !ok {
			why := "not found"
			if slices.ContainsFunc(m.all, func(c types.ServiceConfig) bool { return c.Name == name }) {
				why = "disabled"
			}
			return nil, fault("no such service: %s: %s", name, why)
		}
		out = append(out, Hash{name, h()})
	}
	return out, nil
}

// Environment that the files are interpolated with: KEY=VALUE, in order.
func (m *Model) Environment() []string {
	out := make([]string, 0, len(m.env))
	for k, v := range m.env {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return out
}

// Variables that the files use, in order of name.
func Variables(ctx context.Context, o Options) ([]Variable, error) {
	o.NoInterpolate = true
	r, err := Load(ctx, o)
	if err != nil {
		return nil, err
	}
	all := map[string]Variable{}
	variablesIn(r.Model.tree, all)
	var out []Variable
	for _, name := range sorted(all) {
		out = append(out, all[name])
	}
	return out, nil
}

// variablesIn a tree. Of several uses of one, the first in the order of keys counts; Docker Compose takes any.
func variablesIn(node any, to map[string]Variable) {
	switch n := node.(type) {
	case map[string]any:
		for _, k := range sorted(n) {
			variablesIn(n[k], to)
		}
	case []any:
		for _, e := range n {
			variablesIn(e, to)
		}
	case string:
		for _, v := range template.ExtractVariables(map[string]any{"": n}, template.DefaultPattern) {
			if _, ok := to[v.Name]; !ok {
				to[v.Name] = Variable{v.Name, v.Required, v.DefaultValue, v.PresenceValue}
			}
		}
	}
}

// VariablesYAML as Docker Compose prints them.
func VariablesYAML(all []Variable) ([]byte, error) {
	type variable struct {
		Name, DefaultValue, PresenceValue string
		Required                          bool
	}
	out := map[string]variable{}
	for _, v := range all {
		out[v.Name] = variable{v.Name, v.Default, v.Alternate, v.Required}
	}
	return yaml.Marshal(out)
}
