package compose

import (
	"context"
	"fmt"
	"slices"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine/container"
)

// PsOptions of Ps.
type PsOptions struct {
	Services []string // none: all
	All      bool     // stopped ones too, and those that `run` made
	Orphans  bool     // those of services that the file does not have
	Status   []string // states to show; any makes All
}

// Ps lists the containers of a project in order of name, by one list call.
func (t Tool) Ps(ctx context.Context, p Project, o PsOptions) ([]container.Live, error) {
	if err := CheckServices(p, o.Services); err != nil {
		return nil, err
	}
	all, err := t.Engine.ListContainers(ctx, p.Name)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(l container.Live) bool { return !o.shows(p, l) }), nil
}

func (o PsOptions) shows(p Project, l container.Live) bool {
	_, declared := p.Service(l.Service())
	switch {
	case len(o.Services) > 0 && !slices.Contains(o.Services, l.Service()):
		return false
	case !o.Orphans && !nameOnly(p) && !declared:
		return false
	case len(o.Status) > 0:
		return slices.Contains(o.Status, string(l.State))
	}
	return o.All || l.Up() && !l.OneOff()
}

// nameOnly tells that no file was loaded.
func nameOnly(p Project) bool { return len(p.Files) == 0 && len(p.Services) == 0 }

// NoServiceError names a service that the file does not have.
type NoServiceError struct{ Service string }

func (e NoServiceError) Error() string { return "no such service: " + e.Service }

// CheckServices is a NoServiceError if the file has not all of these services; of a project without a file anything may be asked.
func CheckServices(p Project, services []string) error {
	for _, s := range services {
		if _, ok := p.Service(s); !ok && !nameOnly(p) {
			return NoServiceError{s}
		}
	}
	return nil
}

// CheckContainers is an error if there is none to work on: in the whole project, or of one of the services, unless any of the project's is enough.
func (t Tool) CheckContainers(ctx context.Context, p Project, services []string, enough bool) error {
	all, err := t.Engine.ListContainers(ctx, p.Name)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, container.Live.OneOff)
	if len(all) == 0 && nameOnly(p) {
		return fmt.Errorf("no container found for project %q: not found", p.Name)
	}
	if s, missing := toMake(p, services, all); missing && !(enough && len(all) > 0) {
		return fmt.Errorf("service %q has no container to start", s)
	}
	return nil
}

// toMake is the first of these services, or of all, that has no container and should; those it depends on come before it.
func toMake(p Project, services []string, all []container.Live) (service string, missing bool) {
	var without []string
	for _, s := range services {
		if !made(s, all) {
			without = append(without, s)
		}
	}
	for _, s := range p.Services {
		if len(services) == 0 && s.Replicas > 0 && s.Provider == nil && !made(s.Name, all) {
			without = append(without, s.Name)
		}
	}
	for _, name := range without {
		s, _ := p.Service(name)
		if !slices.ContainsFunc(s.Depends, func(d desired.Dependency) bool { return slices.Contains(without, d.Service) }) {
			return name, true
		}
	}
	return "", false
}

func made(service string, all []container.Live) bool {
	return slices.ContainsFunc(all, func(l container.Live) bool { return l.Service() == service })
}
