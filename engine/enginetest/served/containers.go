package served

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	apicontainer "github.com/moby/moby/api/types/container"
	apievents "github.com/moby/moby/api/types/events"
	apimount "github.com/moby/moby/api/types/mount"
	apinetwork "github.com/moby/moby/api/types/network"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

func (s *Server) createContainer(w http.ResponseWriter, r *http.Request) error {
	var asked apicontainer.CreateRequest
	if err := read(r, &asked); err != nil {
		return err
	}
	if asked.Config == nil {
		return fault{http.StatusBadRequest, "config cannot be empty in order to create a container"}
	}
	if asked.HostConfig == nil {
		asked.HostConfig = &apicontainer.HostConfig{}
	}
	m := &made{config: asked.Config, host: asked.HostConfig, endpoints: map[string]*apinetwork.EndpointSettings{}}
	if asked.NetworkingConfig != nil {
		maps.Copy(m.endpoints, asked.NetworkingConfig.EndpointsConfig)
	}
	id, err := s.fake.CreateContainer(r.Context(), engine.NewContainer{Name: r.URL.Query().Get("name"), Spec: specOf(m), Labels: asked.Config.Labels, Links: asked.HostConfig.Links})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.made[id] = m
	s.mu.Unlock()
	return created(w, apicontainer.CreateResponse{ID: id, Warnings: []string{}})
}

// specOf is as much of what was asked for as the Fake acts upon.
func specOf(m *made) container.Spec {
	c, h := m.config, m.host
	s := container.Spec{
		Image: c.Image, Command: c.Cmd, Entrypoint: c.Entrypoint, Environment: map[string]*string{}, WorkingDir: c.WorkingDir, User: c.User, TTY: c.Tty,
		StopSignal: c.StopSignal, Labels: c.Labels, Restart: restartOf(h.RestartPolicy), AutoRemove: h.AutoRemove, IPC: string(h.IpcMode), PID: string(h.PidMode),
	}
	for _, e := range c.Env {
		k, v, set := strings.Cut(e, "=")
		if s.Environment[k] = nil; set {
			s.Environment[k] = &v
		}
	}
	if c.StopTimeout != nil {
		d := time.Duration(*c.StopTimeout) * time.Second
		s.StopTimeout = &d
	}
	if t := c.Healthcheck; t != nil {
		s.Healthcheck = &container.Healthcheck{Test: t.Test, Interval: t.Interval, Timeout: t.Timeout, StartPeriod: t.StartPeriod, StartInterval: t.StartInterval, Retries: t.Retries}
	}
	for p, bindings := range h.PortBindings {
		for _, b := range bindings {
			s.Ports = append(s.Ports, container.Port{HostIP: text(b.HostIP), Published: b.HostPort, Target: int(p.Num()), Protocol: string(p.Proto())})
		}
	}
	for _, b := range h.Binds {
		s.Mounts = append(s.Mounts, bindOf(b))
	}
	for _, m := range h.Mounts {
		s.Mounts = append(s.Mounts, volume.Mount{Type: volume.Type(m.Type), Source: m.Source, Target: m.Target, ReadOnly: m.ReadOnly})
	}
	s.NetworkMode = string(h.NetworkMode)
	if h.NetworkMode.IsUserDefined() {
		s.NetworkMode = ""
		for _, name := range slices.Sorted(maps.Keys(m.endpoints)) {
			s.Networks = append(s.Networks, attachmentOf(name, m.endpoints[name]))
		}
		if len(s.Networks) == 0 {
			s.Networks = []network.Attachment{{Name: string(h.NetworkMode)}}
		}
	}
	return s
}

func restartOf(p apicontainer.RestartPolicy) container.Restart {
	return container.Restart{Name: string(p.Name), MaxRetries: p.MaximumRetryCount}
}

// bindOf reads "source:target:options"; a source that is no path is a volume.
func bindOf(bind string) volume.Mount {
	parts := append(strings.SplitN(bind, ":", 3), "", "")
	m := volume.Mount{Type: volume.Bind, Source: parts[0], Target: parts[1], ReadOnly: slices.Contains(strings.Split(parts[2], ","), "ro")}
	if !strings.HasPrefix(m.Source, "/") {
		m.Type = volume.Volume
	}
	return m
}

func attachmentOf(name string, e *apinetwork.EndpointSettings) network.Attachment {
	a := network.Attachment{Name: name}
	if e == nil {
		return a
	}
	a.Aliases, a.Links = e.Aliases, e.Links
	if e.IPAMConfig != nil {
		a.IPv4Address, a.IPv6Address = text(e.IPAMConfig.IPv4Address), text(e.IPAMConfig.IPv6Address)
	}
	return a
}

func text(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func address(text string) netip.Addr {
	a, _ := netip.ParseAddr(text) // what is none is the zero one
	return a
}

func (s *Server) startContainer(w http.ResponseWriter, r *http.Request) error {
	return done(w, s.fake.StartContainer(r.Context(), r.PathValue("id")))
}

func (s *Server) stopContainer(w http.ResponseWriter, r *http.Request) error {
	var timeout *time.Duration
	if n, err := strconv.Atoi(r.URL.Query().Get("t")); err == nil {
		d := time.Duration(n) * time.Second
		timeout = &d
	}
	return done(w, s.fake.StopContainer(r.Context(), r.PathValue("id"), timeout))
}

func (s *Server) killContainer(w http.ResponseWriter, r *http.Request) error {
	return done(w, s.fake.KillContainer(r.Context(), r.PathValue("id"), r.URL.Query().Get("signal")))
}

func (s *Server) pauseContainer(w http.ResponseWriter, r *http.Request) error {
	return done(w, s.fake.PauseContainer(r.Context(), r.PathValue("id")))
}

func (s *Server) unpauseContainer(w http.ResponseWriter, r *http.Request) error {
	return done(w, s.fake.UnpauseContainer(r.Context(), r.PathValue("id")))
}

func (s *Server) renameContainer(w http.ResponseWriter, r *http.Request) error {
	return done(w, s.fake.RenameContainer(r.Context(), r.PathValue("id"), strings.TrimPrefix(r.URL.Query().Get("name"), "/")))
}

func (s *Server) removeContainer(w http.ResponseWriter, r *http.Request) error {
	l, err := s.fake.Inspect(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	force, _ := strconv.ParseBool(r.URL.Query().Get("force"))
	volumes, _ := strconv.ParseBool(r.URL.Query().Get("v"))
	if err := s.fake.RemoveContainer(r.Context(), l.ID, force, volumes); err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.made, l.ID)
	s.mu.Unlock()
	return done(w, nil)
}

// updateContainer keeps what was changed, as the engine does: limits that are not named stay.
func (s *Server) updateContainer(w http.ResponseWriter, r *http.Request) error {
	var asked apicontainer.UpdateConfig
	if err := read(r, &asked); err != nil {
		return err
	}
	l, err := s.fake.Inspect(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := s.fake.UpdateContainer(r.Context(), l.ID, container.Spec{Restart: restartOf(asked.RestartPolicy)}); err != nil {
		return err
	}
	s.mu.Lock()
	h := *s.made[l.ID].host
	h.RestartPolicy = asked.RestartPolicy
	have, to := &h.Resources, asked.Resources
	have.Memory, have.MemorySwap = cmp.Or(to.Memory, have.Memory), cmp.Or(to.MemorySwap, have.MemorySwap)
	have.MemoryReservation, have.CPUShares = cmp.Or(to.MemoryReservation, have.MemoryReservation), cmp.Or(to.CPUShares, have.CPUShares)
	have.NanoCPUs, have.CPUPeriod, have.CPUQuota = cmp.Or(to.NanoCPUs, have.NanoCPUs), cmp.Or(to.CPUPeriod, have.CPUPeriod), cmp.Or(to.CPUQuota, have.CPUQuota)
	have.CpusetCpus, have.BlkioWeight, have.PidsLimit = cmp.Or(to.CpusetCpus, have.CpusetCpus), cmp.Or(to.BlkioWeight, have.BlkioWeight), cmp.Or(to.PidsLimit, have.PidsLimit)
	s.made[l.ID].host = &h
	s.mu.Unlock()
	s.told.add(message(apievents.ContainerEventType, apievents.ActionUpdate, l.ID, maps.Clone(l.Labels)))
	return reply(w, map[string][]string{"Warnings": {}})
}

// of a container, as it was made.
func (s *Server) of(id string) made {
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.made[id]; m != nil {
		return made{m.config, m.host, maps.Clone(m.endpoints)}
	}
	return made{&apicontainer.Config{}, &apicontainer.HostConfig{}, nil}
}

func (s *Server) listContainers(w http.ResponseWriter, r *http.Request) error {
	f, err := filtersOf(r)
	if err != nil {
		return err
	}
	all, err := s.fake.AllContainers(r.Context(), f.labelled)
	if err != nil {
		return err
	}
	stopped, _ := strconv.ParseBool(r.URL.Query().Get("all"))
	out := make([]apicontainer.Summary, 0, len(all))
	for _, l := range all {
		if (stopped || l.Up()) && f.container(l) {
			out = append(out, s.summary(l))
		}
	}
	return reply(w, out)
}

func (f filters) container(l container.Live) bool {
	return f.one("id", func(want string) bool { return strings.HasPrefix(l.ID, want) }) &&
		f.one("name", func(want string) bool { return strings.Contains("/"+l.Name, want) }) &&
		f.one("status", func(want string) bool { return want == string(l.State) }) &&
		f.one("network", func(want string) bool {
			return slices.ContainsFunc(l.Networks, func(e network.Endpoint) bool { return e.Name == want || e.NetworkID == want })
		})
}

func (s *Server) summary(l container.Live) apicontainer.Summary {
	out := apicontainer.Summary{
		ID: l.ID, Names: []string{"/" + l.Name}, Image: l.Image, ImageID: l.ImageID, Command: l.Command, Created: l.Created.Unix(), Labels: l.Labels,
		State: apicontainer.ContainerState(l.State), Status: l.Status, Mounts: pointsOf(l.Mounts),
		NetworkSettings: &apicontainer.NetworkSettingsSummary{Networks: s.endpoints(l)},
	}
	out.HostConfig.NetworkMode = l.Mode
	for _, p := range l.Ports {
		out.Ports = append(out.Ports, apicontainer.PortSummary{IP: address(p.HostIP), PrivatePort: uint16(p.Target), PublicPort: uint16(p.Published), Type: p.Protocol})
	}
	return out
}

func pointsOf(in []volume.Mounted) []apicontainer.MountPoint {
	out := make([]apicontainer.MountPoint, 0, len(in))
	for _, m := range in {
		out = append(out, apicontainer.MountPoint{Type: apimount.Type(m.Type), Name: m.Name, Source: m.Source, Destination: m.Target, Driver: m.Driver, RW: !m.ReadOnly})
	}
	return out
}

// endpoints as they are now, with what was asked for.
func (s *Server) endpoints(l container.Live) map[string]*apinetwork.EndpointSettings {
	asked, out := s.of(l.ID).endpoints, map[string]*apinetwork.EndpointSettings{}
	for _, e := range l.Networks {
		var is apinetwork.EndpointSettings
		if a := asked[e.Name]; a != nil {
			is = *a
		}
		is.NetworkID, is.IPAddress = e.NetworkID, address(e.IPv4Address)
		out[e.Name] = &is
	}
	return out
}

func (s *Server) inspectContainer(w http.ResponseWriter, r *http.Request) error {
	l, err := s.fake.Inspect(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	d, err := s.fake.Diagnose(r.Context(), l.ID)
	if err != nil {
		return err
	}
	m := s.of(l.ID)
	c := *m.config
	c.Cmd, c.Entrypoint, c.User, c.WorkingDir, c.StopSignal = l.Found.Command, l.Found.Entrypoint, l.Found.User, l.Found.WorkingDir, l.Found.StopSignal
	c.Env = nil
	for _, k := range slices.Sorted(maps.Keys(l.Found.Environment)) {
		if v := l.Found.Environment[k]; v != nil {
			c.Env = append(c.Env, k+"="+*v)
		}
	}
	c.Labels = maps.Clone(l.Found.Labels)
	maps.Copy(c.Labels, l.Labels)
	state := &apicontainer.State{
		Status: apicontainer.ContainerState(d.State), Running: l.Up(), Paused: d.State == container.Paused, Restarting: d.State == container.Restarting,
		OOMKilled: d.OOMKilled, ExitCode: d.ExitCode, Error: d.Error,
	}
	if d.HasHealth {
		state.Health = &apicontainer.Health{Status: apicontainer.HealthStatus(cmp.Or(d.Health, container.Starting))}
		if d.Probe != "" {
			state.Health.Log = []*apicontainer.HealthcheckResult{{Output: d.Probe}}
		}
	}
	return reply(w, apicontainer.InspectResponse{
		ID: l.ID, Name: "/" + l.Name, Created: l.Created.UTC().Format(time.RFC3339Nano), Image: l.ImageID, State: state, Config: &c, HostConfig: m.host,
		Mounts: pointsOf(l.Mounts), NetworkSettings: &apicontainer.NetworkSettings{Networks: s.endpoints(l), Ports: portMap(l.Ports)},
	})
}

func portMap(in []container.Published) apinetwork.PortMap {
	out := apinetwork.PortMap{}
	for _, p := range in {
		if port, ok := apinetwork.PortFrom(uint16(p.Target), apinetwork.IPProtocol(p.Protocol)); ok {
			out[port] = append(out[port], apinetwork.PortBinding{HostIP: address(p.HostIP), HostPort: strconv.Itoa(p.Published)})
		}
	}
	return out
}

// logs in frames, or of a container with a terminal as they are.
func (s *Server) logs(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	flag := func(name string) bool { v, _ := strconv.ParseBool(q.Get(name)); return v }
	l, err := s.fake.Inspect(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK)
	flush := func() { _ = http.NewResponseController(w).Flush() } // who is gone is noticed by the next write
	flush()
	o := engine.LogOptions{Follow: flag("follow"), Tail: q.Get("tail"), Since: rfc(q.Get("since")), Until: rfc(q.Get("until"))}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	_ = s.fake.Logs(ctx, l.ID, o, func(line engine.LogLine) error { // its end is the stream's
		if line.Stderr && !flag("stderr") || !line.Stderr && !flag("stdout") {
			return nil
		}
		text := line.Text + "\n"
		if flag("timestamps") {
			text = line.Time.UTC().Format("2006-01-02T15:04:05.000000000Z07:00") + " " + text
		}
		if !l.Found.TTY {
			head := make([]byte, 8, 8+len(text))
			if head[0] = 1; line.Stderr {
				head[0] = 2
			}
			binary.BigEndian.PutUint32(head[4:], uint32(len(text)))
			text = string(head) + text
		}
		_, err := fmt.Fprint(w, text)
		flush()
		return err
	})
	return nil
}

// rfc is a time in seconds as RFC 3339 has it.
func rfc(seconds string) string {
	if n := stamp(seconds); n > 0 {
		return time.Unix(0, n).Format(time.RFC3339Nano)
	}
	return ""
}
