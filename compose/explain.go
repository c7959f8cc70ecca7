package compose

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/field"
	"github.com/tutti-run/tutti/image"
)

// Explanation of one service: what `up` would do to it and why, what it waits for, and where its variables come from.
type Explanation struct {
	Project, Service string
	Image            string             // reference
	ImageHere        bool               // the engine has it
	Plan             plan.Plan          // what `up` would do to the project
	Containers       []container.Live   // of the service, in order of name
	WaitsFor         []Wait             // in order of service
	AwaitedBy        []Wait             // in order of service
	Variables        []desired.Variable // in order of name
}

// Wait of one service for another.
type Wait struct {
	desired.Dependency                  // Service is the other one of the two
	Containers         []container.Live // of the other one, in order of name; none: there is none
}

// Explain one service. Values of its variables that look secret are masked, as they are where they are put into others.
func (t Tool) Explain(ctx context.Context, p Project, service string) (Explanation, error) {
	svc, ok := p.Service(service)
	if !ok {
		return Explanation{}, NoServiceError{service}
	}
	e := Explanation{Project: p.Name, Service: service, Image: svc.Image.Ref}
	var err error
	if e.Plan, err = t.Plan(ctx, p, UpOptions{IgnoreOrphans: true}); err != nil {
		return e, err
	}
	if err := t.look(ctx, p, &e); err != nil {
		return e, err
	}
	defaults, err := t.defaults(ctx, svc.Image.Ref)
	if err != nil {
		return e, err
	}
	e.ImageHere = defaults != nil
	if p.Variables != nil {
		e.Variables = p.Variables(service)
	}
	e.Variables = withImage(e.Variables, defaults)
	e.mask()
	return e, nil
}

// Changes of the service's containers and of its image.
func (e Explanation) Changes() []plan.Change {
	return slices.DeleteFunc(e.Plan.Changes(), func(c plan.Change) bool {
		switch c.Resource.Kind {
		case plan.Container:
			return c.Resource.Service != e.Service
		case plan.Image:
			return c.Resource.Name != e.Image
		}
		return true
	})
}

// Kept are the containers of the service that `up` leaves as they are: those that run, and those that have ended well.
func (e Explanation) Kept() []container.Live {
	changes := e.Changes()
	return slices.DeleteFunc(slices.Clone(e.Containers), func(l container.Live) bool {
		return slices.ContainsFunc(changes, func(c plan.Change) bool { return c.Resource.Name == l.Name })
	})
}

// Warnings of the plan about the service.
func (e Explanation) Warnings() diag.List {
	return slices.DeleteFunc(slices.Clone(e.Plan.Warnings), func(d diag.Diagnostic) bool {
		return !strings.HasPrefix(d.Path+".", "services."+e.Service+".")
	})
}

// look at the containers that there are: the service's own, and those of the services that it waits for and that wait for it.
func (t Tool) look(ctx context.Context, p Project, e *Explanation) error {
	all, err := t.Engine.ListContainers(ctx, p.Name)
	if err != nil {
		return err
	}
	of := func(service string) []container.Live {
		return slices.DeleteFunc(slices.Clone(all), func(l container.Live) bool { return l.OneOff() || l.Service() != service })
	}
	e.Containers = of(e.Service)
	for _, s := range p.Services {
		for _, d := range s.Depends {
			if s.Name == e.Service {
				e.WaitsFor = append(e.WaitsFor, Wait{d, of(d.Service)})
			}
			if d.Service == e.Service {
				d.Service = s.Name
				e.AwaitedBy = append(e.AwaitedBy, Wait{d, of(s.Name)})
			}
		}
	}
	return nil
}

// defaults of an image; nil if the engine does not have it.
func (t Tool) defaults(ctx context.Context, ref string) (*image.Defaults, error) {
	live, err := t.Engine.InspectImage(ctx, ref)
	if errors.Is(err, engine.ErrNotFound) {
		return nil, nil
	}
	return live.Defaults, err
}

// withImage adds what the image sets beneath all else.
func withImage(all []desired.Variable, d *image.Defaults) []desired.Variable {
	if d == nil {
		return all
	}
	for _, e := range d.Env {
		name, value, _ := strings.Cut(e, "=")
		i := slices.IndexFunc(all, func(v desired.Variable) bool { return v.Name == name })
		if i < 0 {
			i, all = len(all), append(all, desired.Variable{Name: name})
		}
		all[i].Sources = append(all[i].Sources, desired.Source{Kind: desired.FromImage, Value: value})
	}
	slices.SortFunc(all, func(a, b desired.Variable) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// mask what looks secret by its name, or by that of what is put into it, wherever it is told.
func (e *Explanation) mask() {
	hidden := map[string]bool{} // by path
	for i, v := range e.Variables {
		path := "environment." + v.Name
		e.Variables[i].Sources = slices.Clone(v.Sources)
		for j, s := range v.Sources {
			masked, holds := maskSource(path, s)
			e.Variables[i].Sources[j] = masked
			hidden[path] = hidden[path] || holds
		}
	}
	for _, n := range e.Plan.Nodes {
		for j, r := range n.Reasons {
			n.Reasons[j] = hide(r, hidden)
		}
	}
}

// maskSource also tells whether a secret was put into its value.
func maskSource(path string, s desired.Source) (masked desired.Source, holds bool) {
	s.Value, holds = withoutSecrets(s)
	s.Value = field.Change{Path: path, New: s.Value}.Mask().New
	s.From = slices.Clone(s.From)
	for k := range s.From {
		s.From[k].Value = ""
	}
	return s, holds
}

// withoutSecrets is a value without the secrets that were put into it, and whether there are any.
func withoutSecrets(s desired.Source) (value string, holds bool) {
	value = s.Value
	for _, i := range s.From {
		if i.Value != "" && field.Secret("environment."+i.Name) {
			value, holds = strings.ReplaceAll(value, i.Value, field.Hidden), true
		}
	}
	return value, holds
}

// hide the values of a reason that tells of a hidden field.
func hide(r plan.Reason, hidden map[string]bool) plan.Reason {
	switch r := r.(type) {
	case plan.FieldChanged:
		if hidden[r.Change.Path] {
			return plan.FieldChanged{Change: r.Change.Hide()}
		}
	case plan.Drifted:
		if hidden[r.Change.Path] {
			return plan.Drifted{Change: r.Change.Hide()}
		}
	}
	return r
}
