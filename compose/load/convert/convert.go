// Package convert makes a desired.Project of what compose-go loaded: plain structs, nothing of compose-go left.
package convert

import (
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/load/canon"
	"github.com/tutti-run/tutti/compose/load/merged"
	"github.com/tutti-run/tutti/compose/load/source"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
)

// Input is what a project is made of.
type Input struct {
	Project       *types.Project               // with the environment of the services read
	*source.Files                              // where things stand
	*source.Notes                              // to which what cannot be read is told
	EnvFiles      []string                     // that the user named
	Platform      string                       // that images are pulled for whose service names none, "": the engine's
	Unused        bool                         // networks and volumes that no service uses, too
	FromEnvFile   map[string]map[string]string // service → variable → env file that set it
	Hooks         map[string]merged.Hooks      // of each service
}

// Project is all that the enabled services want.
func Project(in Input) desired.Project {
	p := in.Project
	out := desired.Project{
		Name: p.Name, WorkingDir: p.WorkingDir, Files: p.ComposeFiles, EnvFiles: in.EnvFiles,
		Disabled: slices.Sorted(maps.Keys(p.DisabledServices)),
		Networks: in.networks(), Volumes: volumes(p.Volumes),
		Models: models(p.Models), Underscore: merged.Compatible(p), Unused: in.Unused,
	}
	for _, name := range slices.Sorted(maps.Keys(p.Services)) {
		svc := in.service(p.Services[name])
		in.platform(&svc.Image)
		for i := range svc.PreStart {
			in.platform(&svc.PreStart[i].Image)
		}
		out.Services = append(out.Services, svc)
	}
	return out
}

// platform that an image is pulled for. Its containers do not ask for one.
func (in *Input) platform(img *image.Spec) {
	if img.Build == nil && img.Platform == "" {
		img.Platform = in.Platform
	}
}

func (in *Input) service(c types.ServiceConfig) desired.Service {
	if c.Provider != nil {
		return in.provided(c)
	}
	out := desired.Service{
		Name:          c.Name,
		Container:     in.container(c, in.FromEnvFile[c.Name]),
		ContainerName: c.ContainerName,
		Replicas:      merged.Replicas(c),
		Image:         in.image(c),
		Depends:       in.depends(c),
		ConfigHash:    canon.Flatten(c, in.CreatesHostPath).Hash(),
		NoAttach:      c.Attach != nil && !*c.Attach,
		Profiles:      c.Profiles,
		PreStart:      in.preStart(c),
		PostStart:     hooks(in.Hooks[c.Name].PostStart),
		PreStop:       hooks(in.Hooks[c.Name].PreStop),
		Models:        modelUses(c.Models),
		Watch:         watchRules(c.Develop),
	}
	deploy(&out, c.Deploy)
	out.HashWith = in.withPeers(out)
	return out
}

// container of a service; fromEnvFile tells which variables are from which env file.
func (in *Input) container(c types.ServiceConfig, fromEnvFile map[string]string) container.Spec {
	spec := container.Spec{
		Image:       merged.Image(in.Project, c),
		Platform:    c.Platform,
		Command:     c.Command,
		Entrypoint:  c.Entrypoint,
		Environment: c.Environment,
		WorkingDir:  c.WorkingDir,
		User:        c.User,
		Hostname:    c.Hostname,
		Domainname:  c.DomainName,
		TTY:         c.Tty,
		StdinOpen:   c.StdinOpen,
		StopSignal:  c.StopSignal,
		StopTimeout: (*time.Duration)(c.StopGracePeriod),
		Healthcheck: healthcheck(c.HealthCheck),
		Expose:      c.Expose,
		Ports:       Ports(c.Ports),
		Labels:      c.Labels,
		Annotations: c.Annotations,
		Restart:     restart(c),
		Resources:   in.resources(c),
		Logging:     logDriver(c),
		Origin:      in.origin(c.ContainerSpec, fromEnvFile),
	}
	in.storage(&spec, c)
	in.networking(&spec, c)
	in.isolation(&spec, c)
	spec.APISocket = c.UseAPISocket
	return spec
}

func healthcheck(h *types.HealthCheckConfig) *container.Healthcheck {
	if h == nil {
		return nil
	}
	if h.Disable {
		return &container.Healthcheck{Test: []string{"NONE"}}
	}
	out := &container.Healthcheck{
		Test: h.Test, Interval: span(h.Interval), Timeout: span(h.Timeout),
		StartPeriod: span(h.StartPeriod), StartInterval: span(h.StartInterval),
	}
	if h.Retries != nil {
		out.Retries = int(*h.Retries)
	}
	return out
}

func span(d *types.Duration) time.Duration {
	if d == nil {
		return 0
	}
	return time.Duration(*d)
}

func logDriver(c types.ServiceConfig) container.Logging {
	if c.Logging == nil {
		return container.Logging{}
	}
	return container.Logging{Driver: c.Logging.Driver, Options: c.Logging.Options}
}

// origin tells which values come from a file beside the Compose file.
func (in *Input) origin(c types.ContainerSpec, fromEnvFile map[string]string) map[string]string {
	out := map[string]string{}
	for name, path := range fromEnvFile {
		out["environment."+name] = in.relative(path)
	}
	for _, ref := range c.Configs {
		if f := in.Project.Configs[ref.Source].File; f != "" {
			out["configs."+ref.Source+".content"] = in.relative(f)
		}
	}
	for _, ref := range c.Secrets {
		if f := in.Project.Secrets[ref.Source].File; f != "" {
			out["secrets."+ref.Source+".content"] = in.relative(f)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// relative to the project directory, for what is in it.
func (in *Input) relative(path string) string {
	rel, err := filepath.Rel(in.Project.WorkingDir, path)
	if err != nil || strings.HasPrefix(rel, "..") {
		return path
	}
	return rel
}

// restart is the policy; deploy.restart_policy wins over restart, as in Docker Compose.
func restart(c types.ServiceConfig) container.Restart {
	if c.Deploy != nil && c.Deploy.RestartPolicy != nil {
		p := c.Deploy.RestartPolicy
		r := container.Restart{Name: condition(p.Condition)}
		if p.MaxAttempts != nil {
			r.MaxRetries = int(*p.MaxAttempts)
		}
		return r
	}
	name, attempts, _ := strings.Cut(c.Restart, ":")
	n, _ := strconv.Atoi(attempts) // the check has told
	return container.Restart{Name: condition(name), MaxRetries: n}
}

func condition(name string) string {
	switch name {
	case "none":
		return "no"
	case "any":
		return "always"
	}
	return name
}
