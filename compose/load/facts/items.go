package facts

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/format"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/lint"
	"github.com/tutti-run/tutti/compose/load/source"
)

func isText(at source.Spot) bool {
	return at.Node.Kind == yaml.ScalarNode && at.Node.ShortTag() != "!!null"
}

// environment of a service as the files give it; env files are not looked into.
func (in Input) environment(service string) []lint.Variable {
	all := in.Environment(service)
	twice := in.twice(service, len(all))
	var out []lint.Variable
	for _, name := range slices.Sorted(maps.Keys(all)) {
		w := all[name][0]
		v := lint.Variable{Name: name, Text: lint.Text{Value: w.Value, At: w.Place()}, Given: !w.Bare && len(w.Uses()) == 0}
		if v.Listed = strings.Contains(w.Node.Value, "="); v.Listed {
			v.Span = span(w.Spot)
		}
		if first, ok := twice[name]; ok {
			v.Twice, v.At = true, first.Place()
		}
		out = append(out, v)
	}
	return out
}

// twice are variables that one list sets more than once, each with the last place that does.
func (in Input) twice(service string, names int) map[string]source.Spot {
	if names == 0 {
		return nil
	}
	out := map[string]source.Spot{}
	for _, l := range in.Layers(service) {
		list := source.Child(l.Node, "environment")
		if list == nil || list.Kind != yaml.SequenceNode {
			continue
		}
		seen := map[string]bool{}
		for _, n := range source.Texts(list) {
			name, _, _ := strings.Cut(n.Value, "=")
			if seen[name] {
				out[name] = l.File.Spot(n)
			}
			seen[name] = true
		}
	}
	return out
}

func (in Input) buildArgs(c types.ServiceConfig) []lint.Variable {
	if c.Build == nil {
		return nil
	}
	var out []lint.Variable
	for _, name := range slices.Sorted(maps.Keys(c.Build.Args)) {
		v := lint.Variable{Name: name, Text: lint.Text{Value: "given by the shell", At: in.Item([]string{"services", c.Name, "build", "args"}, name).Place()}}
		if given := c.Build.Args[name]; given != nil {
			v.Value = *given
		}
		out = append(out, v)
	}
	return out
}

func (in Input) ports(c types.ServiceConfig) []lint.Port {
	if len(c.Ports) == 0 {
		return nil
	}
	written := map[portKey]source.Spot{}
	for _, it := range slices.Backward(in.Items(c.Name, "ports")) {
		for _, p := range parsePorts(it) {
			written[keyOf(p)] = it
		}
	}
	var out []lint.Port
	for _, p := range c.Ports {
		l := lint.Port{HostIP: p.HostIP, Published: p.Published, Protocol: p.Protocol, Target: int(p.Target), At: in.Nearest("services", c.Name, "ports").Place()}
		if it, ok := written[keyOf(p)]; ok {
			l.At, l.Local = it.Place(), local(it)
		}
		out = append(out, l)
	}
	return out
}

// portKey tells a port from others.
type portKey struct {
	ip, published, protocol string
	target                  uint32
}

func keyOf(p types.ServicePortConfig) portKey {
	return portKey{p.HostIP, p.Published, p.Protocol, p.Target}
}

func parsePorts(it source.Spot) []types.ServicePortConfig {
	if it.Node.Kind == yaml.ScalarNode {
		all, _ := types.ParsePortConfig(it.File.Interpolate(it.Node.Value))
		return all
	}
	get := func(key string) string {
		if n := source.Child(it.Node, key); n != nil {
			return it.File.Interpolate(n.Value)
		}
		return ""
	}
	p, err := types.ParsePortConfig(get("target"))
	if err != nil || len(p) != 1 {
		return nil
	}
	p[0].HostIP, p[0].Published = get("host_ip"), get("published")
	if proto := get("protocol"); proto != "" {
		p[0].Protocol = proto
	}
	return p
}

// local are the edits that publish a port on 127.0.0.1 only.
func local(it source.Spot) []lint.Edit {
	if it.Node.Kind != yaml.ScalarNode {
		return localLong(it)
	}
	s := span(it)
	if s == nil {
		return nil
	}
	text := it.Node.Value
	for _, all := range []string{"0.0.0.0:", "[::]:"} {
		if strings.HasPrefix(text, all) {
			to := s.From
			to.Column += len(all)
			return []lint.Edit{{From: s.From, To: to, Text: "127.0.0.1:"}}
		}
	}
	if !strings.Contains(text, ":") { // only the container's port: any port of the host
		return []lint.Edit{{From: s.From, To: s.From, Text: "127.0.0.1::"}}
	}
	return []lint.Edit{{From: s.From, To: s.From, Text: "127.0.0.1:"}}
}

func localLong(it source.Spot) []lint.Edit {
	ip := source.Child(it.Node, "host_ip")
	if ip == nil {
		return nil
	}
	s := span(it.File.Spot(ip))
	if s == nil {
		return nil
	}
	return []lint.Edit{{From: s.From, To: s.To, Text: "127.0.0.1"}}
}

func (in Input) mounts(c types.ServiceConfig) []lint.Mount {
	written := map[string]source.Spot{}
	for _, it := range slices.Backward(in.Items(c.Name, "volumes")) {
		written[targetOf(it)] = it
	}
	var out []lint.Mount
	for _, v := range c.Volumes {
		m := lint.Mount{At: in.Nearest("services", c.Name, "volumes").Place(), Type: v.Type, Source: v.Source, Target: v.Target, ReadOnly: v.ReadOnly}
		it, ok := written[v.Target]
		if ok {
			m.At = it.Place()
		}
		if v.Type == types.VolumeTypeBind {
			m.Source, m.Shown = filepath.Clean(v.Source), in.Display(v.Source)
			m.Missing = !exists(v.Source)
			m.Outside = ok && strings.HasPrefix(sourceOf(it), "..")
		}
		out = append(out, m)
	}
	for _, t := range c.Tmpfs {
		path, _, _ := strings.Cut(t, ":")
		out = append(out, lint.Mount{At: in.Nearest("services", c.Name, "tmpfs").Place(), Type: "tmpfs", Target: path})
	}
	return out
}

// targetOf a volume as it is written.
func targetOf(it source.Spot) string {
	if it.Node.Kind != yaml.ScalarNode {
		if n := source.Child(it.Node, "target"); n != nil {
			return filepath.Clean(it.File.Interpolate(n.Value))
		}
		return ""
	}
	v, _ := format.ParseVolume(it.File.Interpolate(it.Node.Value))
	return v.Target
}

// sourceOf a volume as it is written, variables and all.
func sourceOf(it source.Spot) string {
	if it.Node.Kind == yaml.ScalarNode {
		return it.Node.Value
	}
	if n := source.Child(it.Node, "source"); n != nil {
		return n.Value
	}
	return ""
}
