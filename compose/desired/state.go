package desired

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/field"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// Options of Build.
type Options struct {
	Scale   map[string]int // --scale, by service
	Version string         // of the tool, for the version label
}

// State is what should exist.
type State struct {
	Project  Project
	version  string
	replicas map[string]int
	services map[string]Service
}

// Replica is one container of a service as it should be.
type Replica struct {
	Service string
	Number  int    // from 1
	Key     string // "web-1"
	Spec    container.Spec
	Labels  map[string]string // all but the image's, which is known once the image is
}

// Build says what a project should be. The diagnostics hold what cannot be: an unknown service scaled, a fixed name for several replicas.
func Build(p Project, o Options) (State, diag.List) {
	s := State{Project: p, version: o.Version, replicas: map[string]int{}, services: map[string]Service{}}
	var wrong diag.List
	for _, svc := range p.Services {
		s.services[svc.Name] = svc
		s.replicas[svc.Name] = svc.Replicas
		if n, ok := o.Scale[svc.Name]; ok {
			s.replicas[svc.Name] = n
		}
		if svc.ContainerName != "" && s.replicas[svc.Name] > 1 {
			wrong = append(wrong, diag.Diagnostic{Severity: diag.Error, Path: "services." + svc.Name + ".container_name",
				Text: fmt.Sprintf("service %q has container_name %q and cannot have %d replicas", svc.Name, svc.ContainerName, s.replicas[svc.Name]),
				Hint: "remove container_name to scale it"})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Scale)) {
		if _, ok := s.services[name]; !ok {
			wrong = append(wrong, diag.Diagnostic{Severity: diag.Error, Text: "no such service: " + name})
		}
	}
	return s, wrong
}

// Service of that name.
func (s State) Service(name string) (Service, bool) {
	svc, ok := s.services[name]
	return svc, ok
}

// Replicas is how many containers of a service there should be.
func (s State) Replicas(service string) int { return s.replicas[service] }

// Images are the images that the services want, once each, in order of reference. Of those that can only be pulled the policy holds that pulls most.
func (s State) Images(services []string) []image.Spec {
	byRef := map[string]image.Spec{}
	for _, name := range services {
		for _, img := range s.services[name].Images() {
			had, ok := byRef[img.Ref]
			switch {
			case !ok, had.Build == nil && (img.Build != nil || pulls(img) > pulls(had)):
				byRef[img.Ref] = img
			case had.Build == nil && pulls(img) == pulls(had):
				had.RefreshAfter = min(had.RefreshAfter, img.RefreshAfter)
				byRef[img.Ref] = had
			}
		}
	}
	var out []image.Spec
	for _, ref := range slices.Sorted(maps.Keys(byRef)) {
		if ref != "" {
			out = append(out, byRef[ref])
		}
	}
	return out
}

// pulls tells how readily a policy pulls an image.
func pulls(img image.Spec) int {
	return slices.Index([]image.Policy{image.Never, image.Rebuild, image.Missing, "", image.Refresh, image.Always}, img.Policy)
}

// Bases are the images of the project that an image is built from, by name.
func (s State) Bases(img image.Spec) []image.Spec {
	var out []image.Spec
	for _, svc := range s.Project.Services {
		if img.Build != nil && svc.Image.Build != nil && slices.Contains(img.Build.Bases, svc.Image.Ref) {
			out = append(out, svc.Image)
		}
	}
	return out
}

// Replica is container number n of a service.
func (s State) Replica(service string, n int) Replica {
	svc := s.services[service]
	spec := svc.Container
	spec.Name = s.containerName(svc, n)
	spec.Image = svc.Image.Ref
	spec.PreStart = preStartDigests(svc)
	spec.Networks = slices.Clone(spec.Networks)
	for i, a := range spec.Networks {
		names := []string{spec.Name, service}
		if a.Unnamed {
			names = names[:1]
		}
		spec.Networks[i].Aliases = unique(append(names, a.Aliases...))
		spec.Networks[i].Links = s.Links(svc)
	}
	r := Replica{Service: service, Number: n, Key: Key(service, n), Spec: spec}
	r.Labels = s.labels(svc, n)
	maps.Copy(r.Labels, spec.Labels)
	r.Labels[container.LabelFields] = spec.Fields().Digests().String()
	return r
}

// Links of a service to the containers of others, under the names that Docker Compose gives them: "container:alias".
func (s State) Links(svc Service) []string {
	var out []string
	for _, l := range svc.Container.Links {
		service, alias, ok := strings.Cut(l, ":")
		if !ok {
			alias = service
		}
		for n := 1; n <= s.Replicas(service); n++ {
			name := s.containerName(s.services[service], n)
			out = append(out, name+":"+alias, name+":"+Key(service, n), name+":"+name)
		}
	}
	for _, l := range svc.Container.ExternalLinks {
		name, alias, ok := strings.Cut(l, ":")
		if !ok {
			alias = name
		}
		out = append(out, name+":"+alias)
	}
	return unique(out)
}

// preStartDigests tell a later change of the service's init containers: then they have to run again.
func preStartDigests(svc Service) []string {
	var out []string
	for _, h := range svc.PreStart {
		spec := h.Container
		spec.Image = h.Image.Ref
		out = append(out, field.Digest("pre_start", spec.Fields().Digests().String()))
	}
	return out
}

// InitLabels are the labels of a service's init containers: it is known whose they are, and they are not counted among its containers.
func (s State) InitLabels(service string) map[string]string {
	svc, _ := s.Project.Service(service)
	return map[string]string{
		container.LabelProject: s.Project.Name, container.LabelService: service, container.LabelVersion: s.version, container.LabelConfigHash: svc.ConfigHash,
		container.LabelOneOff: "True", container.LabelHook: "pre_start",
	}
}

// BuiltFor is the first service for which an image is built.
func (s State) BuiltFor(ref string) string {
	first := slices.IndexFunc(s.Project.Services, func(svc Service) bool { return svc.Image.Ref == ref && svc.Image.Build != nil })
	if first < 0 {
		return ""
	}
	return s.Project.Services[first].Name
}

// Unnamed tells an image that the file gives no name: it is built here, and in no registry.
func (s State) Unnamed(img image.Spec) bool {
	return img.Build != nil && img.Ref == s.Project.ImageOf(s.BuiltFor(img.Ref))
}

// Labelled is an image as it is built.
func (s State) Labelled(img image.Spec) image.Spec {
	b := *img.Build
	b.Labels = ImageLabels(s.Project.Name, s.BuiltFor(img.Ref), s.version, b.Labels)
	img.Build = &b
	return img
}

// ImageLabels are the labels of an image that is built for a service, the user's and ours, as Docker Compose puts them. What runs from it by hand has
// them too: a container is a project's by its config-hash.
func ImageLabels(project, service, version string, own map[string]string) map[string]string {
	l := maps.Clone(own)
	if l == nil {
		l = map[string]string{}
	}
	l[container.LabelProject], l[container.LabelService], l[container.LabelVersion] = project, service, version
	return l
}

// Key of a replica within its project: "web-1".
func Key(service string, n int) string { return service + "-" + strconv.Itoa(n) }

func (s State) containerName(svc Service, n int) string {
	if svc.ContainerName != "" {
		return svc.ContainerName
	}
	return s.Project.join(svc.Name, strconv.Itoa(n))
}

func unique(in []string) []string {
	var out []string
	for _, e := range in {
		if !slices.Contains(out, e) {
			out = append(out, e)
		}
	}
	return out
}

// labels of a container, as Docker Compose puts them.
func (s State) labels(svc Service, n int) map[string]string {
	l := map[string]string{
		container.LabelProject:     s.Project.Name,
		container.LabelService:     svc.Name,
		container.LabelNumber:      strconv.Itoa(n),
		container.LabelOneOff:      "False",
		container.LabelConfigHash:  svc.ConfigHash,
		container.LabelVersion:     s.version,
		container.LabelWorkingDir:  s.Project.WorkingDir,
		container.LabelConfigFiles: strings.Join(s.Project.Files, ","),
		container.LabelDependsOn:   dependsOn(svc.Depends),
	}
	if len(s.Project.EnvFiles) > 0 {
		l[container.LabelEnvironmentFile] = strings.Join(s.Project.EnvFiles, ",")
	}
	return l
}

// dependsOn is the label from which `down` without a file knows the order: "db:service_healthy:false".
func dependsOn(deps []Dependency) string {
	var out []string
	for _, d := range deps {
		out = append(out, fmt.Sprintf("%s:%s:%t", d.Service, d.Condition, d.Restart))
	}
	return strings.Join(out, ",")
}

// ParseDependsOn reads that label; what it cannot read it leaves out.
func ParseDependsOn(label string) []Dependency {
	var out []Dependency
	for part := range strings.SplitSeq(label, ",") {
		f := strings.Split(part, ":")
		if len(f) == 3 && f[0] != "" {
			out = append(out, Dependency{Service: f[0], Condition: Condition(f[1]), Required: true, Restart: f[2] == "true", Via: "depends_on"})
		}
	}
	return out
}

// NetworkLabels are the labels of a network, the user's and ours.
func (s State) NetworkLabels(n network.Spec) map[string]string {
	l := maps.Clone(n.Labels)
	return s.resourceLabels(l, n.ConfigHash, container.LabelNetwork, n.Key, n.Fields().Digests().String())
}

// VolumeLabels are the labels of a volume, the user's and ours.
func (s State) VolumeLabels(v volume.Spec) map[string]string {
	l := maps.Clone(v.Labels)
	return s.resourceLabels(l, v.ConfigHash, container.LabelVolume, v.Key, v.Fields().Digests().String())
}

func (s State) resourceLabels(l map[string]string, hash, label, key, digests string) map[string]string {
	if l == nil {
		l = map[string]string{}
	}
	l[container.LabelProject] = s.Project.Name
	l[container.LabelVersion] = s.version
	l[label] = key
	l[container.LabelFields] = digests
	if hash != "" {
		l[container.LabelConfigHash] = hash
	}
	return l
}
