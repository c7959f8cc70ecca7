package desired

import (
	"slices"

	"github.com/tutti-run/tutti/engine/container"
)

// OneOff is a container that `run` makes beside those of a service.
type OneOff struct {
	Service string
	Slug    string                // 64 hexadecimal digits, of which twelve are in its name
	Name    string                // "": project-service-run-slug
	Aliases bool                  // it is found by the service's names, too
	Change  func(*container.Spec) // what the user wants to be other than in the file
}

// OneOff is what the container is to be. Its restart policy is none, for it runs once.
func (s State) OneOff(o OneOff) Replica {
	svc := s.services[o.Service]
	r := Replica{Service: o.Service, Spec: svc.Container, Labels: s.labels(svc, 0)}
	if r.Spec.Name = o.Name; o.Name == "" {
		r.Spec.Name = s.Project.join(o.Service, "run", o.Slug[:12])
	}
	r.Key = r.Spec.Name
	r.Spec.Image, r.Spec.Restart = svc.Image.Ref, container.Restart{}
	r.Spec.Networks = slices.Clone(r.Spec.Networks)
	for i, a := range r.Spec.Networks {
		aliases := []string{r.Spec.Name}
		if o.Aliases {
			aliases = append(append(aliases, o.Service), a.Aliases...)
		}
		r.Spec.Networks[i].Aliases = unique(aliases)
	}
	if o.Change != nil {
		o.Change(&r.Spec)
	}
	for k, v := range r.Spec.Labels {
		r.Labels[k] = v
	}
	delete(r.Labels, container.LabelNumber)
	r.Labels[container.LabelOneOff], r.Labels[container.LabelSlug] = "True", o.Slug
	return r
}
