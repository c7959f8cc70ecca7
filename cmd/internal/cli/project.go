package cli

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/engine"
)

// load the project that the flags name, and warn of what is not quite right in it.
func (c *cli) load(ctx context.Context, services []string) (load.Result, error) {
	o := c.loadOptions()
	o.Services = services
	return c.loadWith(ctx, o)
}

func (c *cli) loadWith(ctx context.Context, o load.Options) (load.Result, error) {
	res, err := c.read(ctx, o)
	if err == nil {
		c.warn(res.Diags)
	}
	return res, err
}

// read the project and warn of nothing.
func (c *cli) read(ctx context.Context, o load.Options) (load.Result, error) {
	began := time.Now()
	if o.Isolate {
		var err error
		if o.HostPorts, err = c.hostPorts(ctx); err != nil {
			return load.Result{}, err
		}
	}
	res, err := stoppable(c.Stop, func() (load.Result, error) { return load.Load(ctx, o) })
	if err != nil {
		return res, err
	}
	slog.Debug("loaded", "project", res.Project.Name, "files", res.Project.Files, "services", len(res.Project.Services), "took", time.Since(began))
	return res, nil
}

// project or, where a name is enough, only that: with -p and no -f, or when there is no file and COMPOSE_PROJECT_NAME is set. Docker Compose takes
// the name of that variable even if the file is not right, or has not the services.
func (c *cli) project(ctx context.Context, services []string) (compose.Project, error) {
	if c.g.name != "" && len(c.g.files) == 0 {
		name, err := c.projectName(ctx)
		return compose.Project{Name: name}, err
	}
	o := c.loadOptions()
	o.Services = services
	res, err := c.read(ctx, o)
	if errors.Is(err, load.ErrNoFile) && c.getenv("COMPOSE_PROJECT_NAME") != "" {
		name, err := c.projectName(ctx)
		return compose.Project{Name: name}, err
	}
	if err == nil { // how a copy is made is told by those commands that make it
		c.warn(slices.DeleteFunc(res.Diags, func(d diag.Diagnostic) bool { return d.Rule == load.Isolated }))
	}
	if name, _ := c.lookup("COMPOSE_PROJECT_NAME"); c.AsCompose && name != "" && (err != nil || compose.CheckServices(res.Project, services) != nil) {
		name, err := c.projectName(ctx)
		return compose.Project{Name: name}, err
	}
	return res.Project, err
}

// hostPorts in use, by which a copy chooses its own. Whether an engine is needed is for the command to say.
func (c *cli) hostPorts(ctx context.Context) (load.HostPorts, error) {
	ctx, cancel := c.gentle(ctx)
	defer cancel()
	t, err := c.tool(ctx)
	if err == nil {
		var all load.HostPorts
		if all, err = t.HostPorts(ctx); err == nil {
			return all, nil
		}
	}
	if errors.Is(err, engine.ErrUnavailable) {
		err = nil
	}
	return load.HostPorts{}, err
}

// projectName is the name alone.
func (c *cli) projectName(ctx context.Context) (string, error) {
	return stoppable(c.Stop, func() (string, error) { return load.ProjectName(ctx, c.loadOptions()) })
}

// stoppable ends with the first interrupt, whatever do is at, which changes nothing and may wait for a file or take its time over one.
func stoppable[T any](stop <-chan struct{}, do func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := do()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-stop:
		var none T
		return none, context.Canceled
	}
}

// tool on the engine, which is dialled once.
func (c *cli) tool(ctx context.Context) (compose.Tool, error) {
	parallel, err := c.parallel()
	if err != nil {
		return compose.Tool{}, err
	}
	if c.engine == nil {
		began := time.Now()
		if c.engine, err = c.Dial(ctx, c.g.host, c.g.context); err != nil {
			c.engine = nil
			return compose.Tool{}, err
		}
		info := c.engine.Info()
		slog.Debug("engine", "host", info.Host, "engine", info.Caps.Engine, "version", info.Caps.Version, "api", info.Caps.APIVersion, "took", time.Since(began))
	}
	return compose.Tool{Engine: c.engine, Stop: c.Stop, Parallel: parallel, Environ: c.Environ}, nil
}
