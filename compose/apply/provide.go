package apply

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"

	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// Outside runs what no engine does. Each call goes on until that is done; info is told how it goes on, from one goroutine.
type Outside interface {
	// Provide runs a command of a service's provider.
	Provide(ctx context.Context, project string, p plan.Provide, info func(string)) (Variables, error)
	// Serve a model, after having brought it if need be.
	Serve(ctx context.Context, m plan.ServeModel, info func(string)) (Variables, error)
	// Publish the files of a project.
	Publish(ctx context.Context, s plan.PublishProject) error
}

// Variables that containers are given: Own by names that are theirs alone, Raw by names as they stand.
type Variables struct{ Own, Raw map[string]string }

var errNoOutside = errors.New("what no engine does cannot be had here")

func (r *run) provide(ctx context.Context, n plan.Node, s plan.Provide) error {
	if r.o.Outside == nil {
		return errNoOutside
	}
	vars, err := r.o.Outside.Provide(ctx, r.plan.Project, s, r.info(n))
	return r.gave(s.From(), vars, err)
}

func (r *run) serve(ctx context.Context, n plan.Node, s plan.ServeModel) error {
	if r.o.Outside == nil {
		return errNoOutside
	}
	vars, err := r.o.Outside.Serve(ctx, s, r.info(n))
	return r.gave(s.From(), vars, err)
}

func (r *run) publish(ctx context.Context, s plan.PublishProject) error {
	if r.o.Outside == nil {
		return errNoOutside
	}
	return r.o.Outside.Publish(ctx, s)
}

func (r *run) info(n plan.Node) func(string) {
	return func(text string) { r.tell(StepProgress{n, engine.Progress{Text: text}}) }
}

// gave keeps variables for the containers that come after.
func (r *run) gave(from string, vars Variables, err error) error {
	if err == nil {
		r.made.mu.Lock()
		r.given[from], r.images[from] = vars, vars.digest()
		r.made.mu.Unlock()
	}
	return err
}

// digest tells a later change, and not what they are.
func (v Variables) digest() string {
	b, _ := json.Marshal(v) // maps of texts always marshal, in order of key
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// give a container the variables that are known by now; what could not be had is missing. They go over its own, as in Docker Compose.
func (r *run) give(c *engine.NewContainer, given []plan.Given) {
	if len(given) == 0 {
		return
	}
	r.made.mu.Lock()
	defer r.made.mu.Unlock()
	env, digests := maps.Clone(c.Spec.Environment), map[string]string{}
	if env == nil {
		env = map[string]*string{}
	}
	for _, g := range given {
		vars, ok := r.given[g.From]
		if !ok {
			continue
		}
		for name, value := range vars.Own {
			if to, named := g.Names[name]; named {
				env[to] = &value
			} else {
				env[g.Prefix+name] = &value
			}
		}
		for name, value := range vars.Raw {
			env[name] = &value
		}
		digests[g.From] = r.images[g.From]
	}
	c.Spec.Environment, c.Labels[container.LabelGiven] = env, container.FormatGiven(digests)
}
