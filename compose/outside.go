package compose

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/extension"
)

// outside runs a project's providers, and Docker's model runner, as programs, and publishes its files.
type outside struct {
	programs extension.Programs
	publish  func(context.Context, plan.PublishProject) error
}

// outside with the tool's environment, and its engine.
func (t Tool) outside() outside {
	return outside{programs: extension.Programs{Environ: append(t.Environ[:len(t.Environ):len(t.Environ)], "DOCKER_HOST="+t.Engine.Info().Host)}, publish: t.Publish}
}

func (o outside) Provide(ctx context.Context, project string, p plan.Provide, info func(string)) (apply.Variables, error) {
	vars, err := o.programs.Provide(ctx, provider(project, p), p.Command, info)
	return apply.Variables(vars), err
}

func provider(project string, p plan.Provide) extension.Provider {
	return extension.Provider{Project: project, Service: p.Service, Type: p.Provider.Type, Options: p.Provider.Options, Config: p.Provider.Config}
}

func (o outside) Serve(ctx context.Context, s plan.ServeModel, info func(string)) (apply.Variables, error) {
	m := extension.Model{Model: s.Model.Model, ContextSize: s.Model.ContextSize, RuntimeFlags: s.Model.RuntimeFlags}
	vars, err := o.programs.Model(ctx, m, info)
	return apply.Variables(vars), err
}

func (o outside) Publish(ctx context.Context, s plan.PublishProject) error {
	if o.publish == nil {
		return errors.New("there is nothing to publish")
	}
	return o.publish(ctx, s)
}

// missing are programs that the plan needs and that are not there, or lack an option, in order of place.
func (o outside) missing(ctx context.Context, pl plan.Plan) diag.List {
	var mu sync.Mutex
	var out diag.List
	var all sync.WaitGroup
	for _, n := range pl.Nodes {
		all.Go(func() {
			if d := o.obstacle(ctx, pl.Project, n.Step); d != nil {
				mu.Lock()
				defer mu.Unlock()
				out = append(out, *d)
			}
		})
	}
	all.Wait()
	return out
}

// obstacle to a step; nil: there is none.
func (o outside) obstacle(ctx context.Context, project string, s plan.Step) *diag.Diagnostic {
	switch s := s.(type) {
	case plan.Provide:
		err := o.programs.Check(ctx, provider(project, s), s.Command)
		d := diag.Diagnostic{Severity: diag.Error, Path: "services." + s.Service + ".provider.type"}
		switch kind := s.Provider.Type; {
		case err == nil:
			return nil
		case errors.Is(err, extension.ErrNoProgram):
			d.Text = fmt.Sprintf("service %q: no program for provider %q", s.Service, kind)
			d.Hint = fmt.Sprintf("install %s in PATH, or docker-%s among the docker CLI's plugins", kind, kind)
		default:
			d.Text = fmt.Sprintf("service %q: provider %s: %v", s.Service, kind, err)
		}
		return &d
	case plan.ServeModel:
		if _, err := o.programs.Plugin("model"); err == nil {
			return nil
		}
		return &diag.Diagnostic{Severity: diag.Error, Path: "models." + s.Model.Name, Text: fmt.Sprintf("model %q needs Docker Model Runner: the docker CLI has no plugin docker-model", s.Model.Name)}
	}
	return nil
}

// stoppable are the services whose providers know how to stop them.
func (t Tool) stoppable(ctx context.Context, p Project) []string {
	return t.outside().stoppable(ctx, p.Services)
}

func (o outside) stoppable(ctx context.Context, services []desired.Service) []string {
	var out []string
	for _, s := range services {
		if s.Provider != nil && o.programs.CanStop(ctx, s.Provider.Type) {
			out = append(out, s.Name)
		}
	}
	return out
}
