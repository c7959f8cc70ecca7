package load

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"strings"
	"sync"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/load/merged"
	"github.com/tutti-run/tutti/compose/load/origin"
	"github.com/tutti-run/tutti/compose/load/source"
)

// resolveEnvironment puts env files and the project's environment into the services, as `up` sees them.
func (s *session) resolveEnvironment() {
	rawFormat()
	s.fromEnvFile, s.hooks = map[string]map[string]string{}, map[string]merged.Hooks{}
	s.unresolved = maps.Clone(s.project.Services)
	for name, c := range s.project.Services {
		told := len(s.Diags)
		at := []string{"services", name}
		s.fromEnvFile[name] = s.resolveContainer(&c.ContainerSpec, at)
		if len(s.Diags) == told { // else the hooks, which have the service's files, would tell the same
			s.hooks[name] = s.resolveHooks(c, at)
		}
		s.project.Services[name] = c
	}
}

// resolveContainer reads the files of a service or an init container, which stands at path. It returns which variable is
// from which env file.
func (s *session) resolveContainer(c *types.ContainerSpec, path []string) map[string]string {
	c.Environment = s.given(c.Environment)
	var from map[string]string
	if len(c.EnvFiles) > 0 && !s.o.NoEnvResolution {
		from = s.readServiceEnv(c, path)
	}
	if len(c.LabelFiles) > 0 {
		s.readLabels(c, path)
	}
	if !s.o.NoEnvResolution {
		c.EnvFiles = nil
	}
	return from
}

// given are the variables with those that have no value taken from the project's environment.
func (s *session) given(env types.MappingWithEquals) types.MappingWithEquals {
	return maps.Clone(env).Resolve(s.lookup)
}

func (s *session) lookup(name string) (string, bool) {
	v, ok := s.env[name]
	return v, ok
}

// readServiceEnv reads the env files in order. What the service sets itself wins, also over values of earlier names.
func (s *session) readServiceEnv(c *types.ContainerSpec, path []string) map[string]string {
	own := c.Environment
	values := map[string]string(own.ToMapping())
	from := map[string]string{}
	s.envFilesOf(c, func(f types.EnvFile, next map[string]string, err error) {
		if err != nil {
			s.unread(path, "env_file", f.Path, err)
			return
		}
		for k, v := range next {
			if old, ok := values[k]; !ok || old != v {
				from[k] = f.Path
			}
		}
		values = next
	})
	for k := range own {
		delete(from, k)
	}
	c.Environment = types.Mapping(values).ToMappingWithEquals().OverrideBy(own)
	return from
}

// envFilesOf a service in order, with all that is set once each is read. Those that need not be there and are not, are left out.
func (s *session) envFilesOf(c *types.ContainerSpec, each func(f types.EnvFile, values map[string]string, err error)) {
	values := map[string]string(c.Environment.ToMapping())
	resolve := func(name string) (string, bool) {
		if v, ok := s.env[name]; ok {
			return v, true
		}
		if v := c.Environment[name]; v != nil {
			return *v, true
		}
		return "", false
	}
	for _, f := range c.EnvFiles {
		next := maps.Clone(values)
		err := readValues(f.Path, f.Format, next, resolve)
		if err == nil {
			values = next
		} else if errors.Is(err, fs.ErrNotExist) && !bool(f.Required) {
			continue
		}
		each(f, values, err)
	}
}

// variablesOf a service, with where they come from: the env files are read once more.
func (s *session) variablesOf(service string) []desired.Variable {
	c, ok := s.unresolved[service]
	if !ok {
		return nil
	}
	in := origin.Input{Files: s.Files, Service: service, Final: s.project.Services[service].Environment}
	c.Environment = s.given(c.Environment)
	s.envFilesOf(&c.ContainerSpec, func(f types.EnvFile, values map[string]string, err error) {
		if err == nil {
			in.EnvFiles = append(in.EnvFiles, origin.EnvFile{Path: f.Path, Raw: f.Format == "raw", Values: values})
		}
	})
	return origin.Variables(in)
}

// readLabels reads the label files in order; the service's own labels win.
func (s *session) readLabels(c *types.ContainerSpec, at []string) {
	labels := types.Labels{}
	for _, path := range c.LabelFiles {
		values := map[string]string{}
		err := readValues(path, "", values, func(name string) (string, bool) { v, ok := labels[name]; return v, ok })
		if err != nil {
			s.unread(at, "label_file", path, err)
			continue
		}
		maps.Copy(labels, values)
	}
	maps.Copy(labels, c.Labels)
	c.Labels = labels
}

// unread tells why a file of the service or hook that stands at in could not be read.
func (s *session) unread(in []string, key, path string, err error) {
	at := s.Item(append(in, key), path)
	service, kind := in[1], strings.ReplaceAll(key, "_", " ")
	if errors.Is(err, fs.ErrNotExist) {
		s.Complain(at, "service %q: %s %s not found", service, kind, s.Display(path)).Rule = "missing-file"
		return
	}
	s.Complain(at, "service %q: read %s %s: %s", service, kind, s.Display(path), discreet(err)).Rule = "unreadable-file"
}

// discreet is what an error about an env file says, without the part of the file that it repeats: that may be a secret.
func discreet(err error) string {
	text, _, _ := strings.Cut(err.Error(), " near ")
	if rest, ok := strings.CutPrefix(text, "failed to read "); ok {
		_, text, _ = strings.Cut(rest, ": ")
	}
	return text
}

func readValues(path, format string, into map[string]string, lookup dotenv.LookupFn) error {
	if err := source.ReadEnv(path, format, into, lookup); err != nil {
		return err
	}
	for name := range into {
		if strings.Contains(name, "\x00") {
			return errors.New("a name holds a zero byte")
		}
	}
	if _, nameless := into[""]; nameless {
		return errors.New("a value has no name before its \"=\"")
	}
	return nil
}

// rawFormat teaches compose-go `format: raw`, lines as `docker run --env-file` takes them.
var rawFormat = sync.OnceFunc(func() {
	dotenv.RegisterFormat("raw", func(r io.Reader, name string, into map[string]string, lookup func(string) (string, bool)) error {
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			key, value, ok := strings.Cut(strings.TrimLeft(lines.Text(), " \t"), "=")
			if key == "" && !ok || strings.HasPrefix(key, "#") {
				continue
			}
			if key == "" || strings.ContainsAny(key, " \t") {
				return fmt.Errorf("%s: variable %q is not a name", name, key)
			}
			if !ok {
				if value, ok = lookup(key); !ok {
					continue
				}
			}
			into[key] = value
		}
		return lines.Err()
	})
})

// defaultPlatform is the variable with the platform of what names none.
const defaultPlatform = "DOCKER_DEFAULT_PLATFORM"

// applyPlatform gives built services the default platform.
func (s *session) applyPlatform() {
	s.platforms = map[string]string{}
	for name, c := range s.project.Services {
		s.platforms[name] = c.Platform
	}
	platform := s.env[defaultPlatform]
	if platform == "" {
		return
	}
	for _, services := range []map[string]types.ServiceConfig{s.project.Services, s.unresolved} {
		for name, c := range services {
			if c.Build != nil && c.Platform == "" {
				c.Platform = platform
				services[name] = c
			}
		}
	}
}
