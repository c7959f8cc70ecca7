package container

import (
	"maps"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/volume"
)

// Asked is what a container that was inspected was asked to be: what was found, less what its image gives (nil: that is not known), what the user's
// proxies give, and what the engine shows of every container. What was asked for and is the same as that cannot be told from it, and need not be
// asked for again.
func (l Live) Asked(d *image.Defaults) Spec {
	s := *l.Found
	s.Environment = maps.Clone(s.Environment)
	maps.DeleteFunc(s.Environment, func(k string, v *string) bool { given, ok := l.Proxies[k]; return ok && v != nil && *v == given })
	if d != nil {
		s.dropImage(*d)
	}
	s.dropEngine(l.ID)
	return s
}

// dropImage takes out what the image gives.
func (s *Spec) dropImage(d image.Defaults) {
	switch {
	case slices.Equal(s.Entrypoint, d.Entrypoint):
		s.Entrypoint = nil
		if slices.Equal(s.Command, d.Cmd) {
			s.Command = nil
		}
	case len(s.Entrypoint) == 0: // an entrypoint of the user's own takes the image's command away, too
		s.Entrypoint = []string{}
	}
	for _, e := range d.Env {
		k, v, _ := strings.Cut(e, "=")
		if have := s.Environment[k]; have != nil && *have == v {
			delete(s.Environment, k)
		}
	}
	s.Labels = maps.Clone(s.Labels)
	maps.DeleteFunc(s.Labels, func(k, v string) bool { given, ok := d.Labels[k]; return ok && given == v })
	for _, own := range []struct{ at, given *string }{{&s.User, &d.User}, {&s.WorkingDir, &d.WorkingDir}, {&s.StopSignal, &d.StopSignal}} {
		if *own.at == *own.given {
			*own.at = ""
		}
	}
	s.Mounts = slices.DeleteFunc(slices.Clone(s.Mounts), func(m volume.Mount) bool {
		return m.Type == volume.Volume && m.Source == "" && !m.ReadOnly && slices.Contains(d.Volumes, m.Target)
	})
	s.Expose = slices.DeleteFunc(slices.Clone(s.Expose), func(p string) bool { return slices.Contains(d.Exposed, p) })
	if s.Healthcheck != nil && d.Healthcheck != nil && s.Healthcheck.equal(Healthcheck(*d.Healthcheck)) {
		s.Healthcheck = nil
	}
}

func (h Healthcheck) equal(o Healthcheck) bool {
	return slices.Equal(h.Test, o.Test) && h.Interval == o.Interval && h.Timeout == o.Timeout && h.StartPeriod == o.StartPeriod &&
		h.StartInterval == o.StartInterval && h.Retries == o.Retries
}

const defaultShm = 64 << 20 // bytes (Docker Engine, default-shm-size)

// dropEngine takes out what the engine shows of every container.
func (s *Spec) dropEngine(id string) {
	drop := func(at *string, values ...string) {
		if slices.Contains(values, *at) {
			*at = ""
		}
	}
	hostname := s.Hostname // an alias on every network
	drop(&s.Hostname, id[:min(12, len(id))])
	if s.NetworkMode == "host" || strings.HasPrefix(s.NetworkMode, "container:") {
		s.Hostname, s.Domainname = "", "" // which is another's
	}
	drop(&s.StopSignal, "SIGTERM")
	drop(&s.IPC, "private")
	drop(&s.Cgroup, "private")
	drop(&s.Runtime, "runc")
	drop(&s.Isolation, "default")
	drop(&s.Restart.Name, "no")
	if s.NetworkMode == "default" {
		s.NetworkMode = "bridge"
	}
	if s.Logging.Driver == "json-file" && len(s.Logging.Options) == 0 {
		s.Logging = Logging{}
	}
	if s.ShmSize == defaultShm {
		s.ShmSize = 0
	}
	r := &s.Resources
	if r.MemorySwap == 2*r.Memory {
		r.MemorySwap = 0
	}
	if r.MemorySwappiness != nil && *r.MemorySwappiness < 0 {
		r.MemorySwappiness = nil
	}
	if s.Privileged {
		s.SecurityOpt = slices.DeleteFunc(slices.Clone(s.SecurityOpt), func(o string) bool { return o == "label=disable" })
	}
	s.Networks = slices.Clone(s.Networks)
	for i, a := range s.Networks {
		s.Networks[i].MacAddress = "" // the one that it has, whoever chose it
		own := []string{s.Name, hostname, id, id[:min(12, len(id))]}
		s.Networks[i].Aliases = slices.DeleteFunc(slices.Clone(a.Aliases), func(n string) bool { return slices.Contains(own, n) })
	}
}
