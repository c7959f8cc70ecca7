package load

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v3"

	"github.com/tutti-run/tutti/compose/load/revert"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/field"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// Found is what Generate makes a file of.
type Found struct {
	Containers []container.Live           // inspected
	Defaults   map[string]*image.Defaults // of their images, by ID; of one that is gone, none
	Images     map[string]string          // by reference: the ID of the image that it stands for now
	Networks   []network.Live             // that they are on
	Volumes    []volume.Live              // that they mount
	Names      map[string]string          // by ID, of further containers whose namespaces or volumes they share
}

// GenerateOptions of Generate.
type GenerateOptions struct {
	Name string // of the project; "": that of the containers, if all are of one
	Dir  string // of the project, absolute: paths in it are written as from there. "": all are absolute
}

// Generated is a Compose file that was made of containers.
type Generated struct {
	Name     string                         `yaml:"name,omitempty"`
	Services map[string]types.ServiceConfig `yaml:"services"`
	Networks map[string]types.NetworkConfig `yaml:"networks,omitempty"`
	Volumes  map[string]types.VolumeConfig  `yaml:"volumes,omitempty"`
	Notes    []string                       `yaml:"-"` // what the file does not say, or not for sure; a line each
}

// Generate the file that asks for such containers. Those of one service become one. Networks and volumes of the project are declared with what
// they were made with, others are external.
func Generate(f Found, o GenerateOptions) Generated {
	g := generation{Found: f, GenerateOptions: o, services: map[string]string{}}
	g.out = Generated{Name: g.project(), Services: map[string]types.ServiceConfig{}, Networks: map[string]types.NetworkConfig{}, Volumes: map[string]types.VolumeConfig{}}
	for _, l := range f.Containers {
		g.services[l.ID] = g.serviceOf(l)
	}
	for _, l := range f.Containers {
		g.add(l)
	}
	return g.out
}

type generation struct {
	Found
	GenerateOptions
	services map[string]string // by container ID
	out      Generated
}

func (g *generation) note(l container.Live, format string, args ...any) {
	g.out.Notes = append(g.out.Notes, l.Name+": "+fmt.Sprintf(format, args...))
}

// project that all containers are of; "": there is none such.
func (g *generation) project() string {
	if g.Name != "" || len(g.Containers) == 0 {
		return g.Name
	}
	name := g.Containers[0].Labels[container.LabelProject]
	for _, l := range g.Containers {
		if l.Labels[container.LabelProject] != name {
			return ""
		}
	}
	return name
}

// member tells whether a container is one of its service's replicas: not one that `run` made, nor of one of several projects.
func (g *generation) member(l container.Live) bool {
	return l.Service() != "" && !l.OneOff() && !l.Hook() && !slices.ContainsFunc(g.Containers, func(o container.Live) bool {
		return o.Labels[container.LabelProject] != "" && o.Labels[container.LabelProject] != l.Labels[container.LabelProject]
	})
}

func (g *generation) serviceOf(l container.Live) string {
	if g.member(l) {
		return l.Service()
	}
	return l.Name
}

func (g *generation) add(l container.Live) {
	name := g.services[l.ID]
	s := g.asked(l)
	c, notes := revert.Service(s)
	for _, n := range notes {
		g.note(l, "%s", n)
	}
	c.ContainerName = g.ownName(l)
	c.DependsOn = g.dependencies(l)
	had, again := g.out.Services[name]
	if !again {
		g.out.Services[name] = c
		return
	}
	n := 2
	if had.Scale != nil {
		n = *had.Scale + 1
	}
	had.Scale, had.ContainerName, c.ContainerName = nil, "", ""
	if !reflect.DeepEqual(had, c) {
		g.note(l, "it is not as the other containers of service %q, which the file describes", name)
	}
	had.Scale = &n
	g.out.Services[name] = had
}

// ownName is container_name: "" if that of its project and number will do.
func (g *generation) ownName(l container.Live) string {
	if !g.member(l) {
		return l.Name
	}
	for _, sep := range []string{"-", "_"} {
		if l.Name == strings.Join([]string{l.Labels[container.LabelProject], l.Service(), fmt.Sprint(l.Number())}, sep) {
			return ""
		}
	}
	return l.Name
}

// asked is what a container was asked to be, in the words of the file.
func (g *generation) asked(l container.Live) container.Spec {
	d := g.Defaults[l.ImageID]
	if d == nil {
		g.note(l, "its image is gone, so that all that it gave is in the file")
	}
	s := l.Asked(d)
	if id := g.Images[s.Image]; id != l.ImageID {
		g.note(l, "%s is not, or not any more, the image that it was made from", s.Image)
	}
	s.NetworkMode, s.IPC, s.PID = g.peer(s.NetworkMode), g.peer(s.IPC), g.peer(s.PID)
	s.VolumesFrom = slices.Clone(s.VolumesFrom)
	for i, v := range s.VolumesFrom {
		s.VolumesFrom[i] = g.peer("container:" + v)
	}
	g.publish(l, &s)
	g.mounts(&s)
	g.attach(l, &s)
	g.contents(l)
	dropDefaults(l, &s)
	return s
}

// dropDefaults takes out what only the engine's settings gave a container of ours.
func dropDefaults(l container.Live, s *container.Spec) {
	made, _ := field.Parse(l.Labels[container.LabelFields])
	if len(made) == 0 {
		return
	}
	asked := func(path string) bool {
		for p := range made {
			if p == path || strings.HasPrefix(p, path+".") {
				return true
			}
		}
		return false
	}
	if !asked("logging") {
		s.Logging = container.Logging{}
	}
	if !asked("cgroup") {
		s.Cgroup = ""
	}
}

// peer is another container by its service, or its name.
func (g *generation) peer(mode string) string {
	who, ok := strings.CutPrefix(mode, types.ContainerPrefix)
	if !ok {
		return mode
	}
	who, how, _ := strings.Cut(who, ":")
	if how != "" {
		how = ":" + how
	}
	for _, l := range g.Containers {
		if l.ID == who || l.Name == who {
			return types.ServicePrefix + g.services[l.ID] + how
		}
	}
	if name := g.Names[who]; name != "" {
		who = name
	}
	return types.ContainerPrefix + who + how
}

// publish what the engine chose ports for without being asked for one (docker run -P).
func (g *generation) publish(l container.Live, s *container.Spec) {
	for _, p := range l.Ports {
		same := func(o container.Port) bool { return o.Target == p.Target && o.Protocol == p.Protocol }
		if p.Published > 0 && !slices.ContainsFunc(s.Ports, same) {
			s.Ports = append(s.Ports, container.Port{Target: p.Target, Protocol: p.Protocol})
		}
	}
}

func (g *generation) mounts(s *container.Spec) {
	for i, m := range s.Mounts {
		if m.Type == volume.Volume && m.Source != "" {
			s.Mounts[i].Key = g.volume(m.Source)
		}
		if rel, err := filepath.Rel(g.Dir, m.Source); m.Type == volume.Bind && g.Dir != "" && err == nil && filepath.IsLocal(rel) {
			s.Mounts[i].Source = "." + string(filepath.Separator) + rel
		}
	}
}

var notInKeys = regexp.MustCompile(`[^a-zA-Z0-9._-]`)

// declared is a resource's key in its project, if that is the one the file is of.
func (g *generation) declared(labels map[string]string, key string) (string, bool) {
	return labels[key], g.out.Name != "" && labels[key] != "" && labels[container.LabelProject] == g.out.Name
}

func (g *generation) volume(name string) string {
	i := slices.IndexFunc(g.Volumes, func(v volume.Live) bool { return v.Name == name })
	if i >= 0 {
		v := g.Volumes[i]
		if key, ok := g.declared(v.Labels, container.LabelVolume); ok {
			c := types.VolumeConfig{Name: name, DriverOpts: v.Options, Labels: own(v.Labels)}
			if v.Driver != "local" {
				c.Driver = v.Driver
			}
			g.out.Volumes[key] = c
			return key
		}
	}
	key := notInKeys.ReplaceAllString(name, "_")
	g.out.Volumes[key] = types.VolumeConfig{Name: name, External: true}
	return key
}

func own(labels map[string]string) map[string]string {
	if out := field.OwnLabels(labels); len(out) > 0 {
		return out
	}
	return nil
}

// attach to networks, under their keys; addresses that tutti chose for a hand-over are nobody's wish.
func (g *generation) attach(l container.Live, s *container.Spec) {
	made, _ := field.Parse(l.Labels[container.LabelFields])
	found := s.ExternalLinks // on the engine's own network
	s.ExternalLinks = nil
	for _, link := range found {
		g.link(s, link)
	}
	for i := range s.Networks {
		a := &s.Networks[i]
		if _, asked := made["networks."+a.Network+".ipv4_address"]; len(made) > 0 && !asked {
			a.IPv4Address = ""
		}
		a.Network = g.network(a.Name)
		a.Aliases = slices.DeleteFunc(a.Aliases, func(n string) bool { return n == g.services[l.ID] })
		for _, link := range a.Links {
			g.link(s, link)
		}
	}
}

func (g *generation) link(s *container.Spec, link string) {
	name, alias, _ := strings.Cut(link, ":")
	at := slices.IndexFunc(g.Containers, func(o container.Live) bool { return o.Name == name })
	list, to := &s.ExternalLinks, link
	if at >= 0 {
		o := g.Containers[at]
		if alias == name || alias == fmt.Sprintf("%s-%d", o.Service(), o.Number()) {
			return // which come by themselves
		}
		list, to = &s.Links, g.services[o.ID]+":"+alias
	}
	if !slices.Contains(*list, to) {
		*list = append(slices.Clone(*list), to)
	}
}

func (g *generation) network(name string) string {
	i := slices.IndexFunc(g.Networks, func(n network.Live) bool { return n.Name == name })
	if i >= 0 {
		n := g.Networks[i]
		if key, ok := g.declared(n.Labels, container.LabelNetwork); ok {
			g.out.Networks[key] = networkOf(n)
			return key
		}
	}
	key := notInKeys.ReplaceAllString(name, "_")
	g.out.Networks[key] = types.NetworkConfig{Name: name, External: true}
	return key
}

// networkOf with what it was asked for, as far as its label tells: the engine chooses subnets by itself.
func networkOf(n network.Live) types.NetworkConfig {
	out := types.NetworkConfig{Name: n.Name, DriverOpts: n.Options, Internal: n.Internal, Attachable: n.Attachable, Labels: own(n.Labels)}
	if n.Driver != "bridge" {
		out.Driver = n.Driver
	}
	if n.EnableIPv6 {
		out.EnableIPv6 = &n.EnableIPv6
	}
	made, _ := field.Parse(n.Labels[field.Label])
	if _, asked := made["ipam.config"]; asked {
		for _, p := range n.IPAM.Pools {
			out.Ipam.Config = append(out.Ipam.Config, &types.IPAMPool{Subnet: p.Subnet, Gateway: p.Gateway, IPRange: p.IPRange, AuxiliaryAddresses: p.Aux})
		}
	}
	return out
}

// dependencies as the label of Docker Compose has them: "db:service_healthy:true,…".
func (g *generation) dependencies(l container.Live) types.DependsOnConfig {
	out := types.DependsOnConfig{}
	known := slices.Collect(maps.Values(g.services))
	for entry := range strings.SplitSeq(l.Labels[container.LabelDependsOn], ",") {
		words := strings.Split(entry, ":")
		if len(words) == 3 && slices.Contains(known, words[0]) && g.member(l) {
			out[words[0]] = types.ServiceDependency{Condition: words[1], Restart: words[2] == "true", Required: true}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// contents that were put into a container are told of by our label alone.
func (g *generation) contents(l container.Live) {
	made, _ := field.Parse(l.Labels[container.LabelFields])
	for _, path := range slices.Sorted(maps.Keys(made)) {
		for _, kind := range []string{"config", "secret"} {
			if name, ok := strings.CutPrefix(path, kind+"s."); ok && strings.HasSuffix(name, ".content") {
				g.note(l, "%s %q is not in the file, if it was put into the container", kind, strings.TrimSuffix(name, ".content"))
			}
		}
	}
}

// YAML of the file, with what it does not say as comments at its head.
func (g Generated) YAML() ([]byte, error) {
	var b, head bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(g), e.Close()); err != nil {
		return nil, fmt.Errorf("encode file: %w", err)
	}
	for _, n := range g.Notes {
		fmt.Fprintf(&head, "# %s\n", strings.ReplaceAll(n, "\n", " "))
	}
	return append(head.Bytes(), bytes.ReplaceAll(b.Bytes(), []byte("$"), []byte("$$"))...), nil
}

// JSON of the file.
func (g Generated) JSON() ([]byte, error) {
	g.Notes = nil
	text, err := g.YAML()
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := yaml.Unmarshal(text, &tree); err != nil {
		return nil, fmt.Errorf("encode file: %w", err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err = e.Encode(tree)
	return b.Bytes(), err
}
