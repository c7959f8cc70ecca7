package served

import (
	"archive/tar"
	"cmp"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	apievents "github.com/moby/moby/api/types/events"
	apinetwork "github.com/moby/moby/api/types/network"

	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

func (s *Server) listNetworks(w http.ResponseWriter, r *http.Request) error {
	f, err := filtersOf(r)
	if err != nil {
		return err
	}
	all, err := s.fake.AllNetworks(r.Context())
	if err != nil {
		return err
	}
	out := []apinetwork.Network{}
	for _, n := range all {
		if f.labelled(n.Labels) && f.one("name", func(want string) bool { return strings.Contains(n.Name, want) }) && f.one("id", func(want string) bool { return strings.HasPrefix(n.ID, want) }) {
			out = append(out, networkOf(n))
		}
	}
	return reply(w, out)
}

func networkOf(n network.Live) apinetwork.Network {
	out := apinetwork.Network{
		ID: n.ID, Name: n.Name, Driver: n.Driver, Scope: "local", EnableIPv4: true, EnableIPv6: n.EnableIPv6, Internal: n.Internal, Attachable: n.Attachable,
		Options: n.Options, Labels: n.Labels, IPAM: apinetwork.IPAM{Driver: cmp.Or(n.IPAM.Driver, "default"), Options: n.IPAM.Options},
	}
	for _, p := range n.IPAM.Pools {
		out.IPAM.Config = append(out.IPAM.Config, apinetwork.IPAMConfig{Subnet: prefix(p.Subnet), IPRange: prefix(p.IPRange), Gateway: address(p.Gateway)})
	}
	return out
}

func prefix(text string) netip.Prefix {
	p, _ := netip.ParsePrefix(text) // what is none is the zero one
	return p
}

func prefixText(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

func (s *Server) createNetwork(w http.ResponseWriter, r *http.Request) error {
	var asked apinetwork.CreateRequest
	if err := read(r, &asked); err != nil {
		return err
	}
	spec := network.Spec{Name: asked.Name, Driver: asked.Driver, DriverOpts: asked.Options, Internal: asked.Internal, Attachable: asked.Attachable, EnableIPv6: asked.EnableIPv6}
	if asked.IPAM != nil {
		spec.IPAM.Driver, spec.IPAM.Options = asked.IPAM.Driver, asked.IPAM.Options
		for _, c := range asked.IPAM.Config {
			spec.IPAM.Pools = append(spec.IPAM.Pools, network.Pool{Subnet: prefixText(c.Subnet), IPRange: prefixText(c.IPRange), Gateway: text(c.Gateway)})
		}
	}
	id, err := s.fake.CreateNetwork(r.Context(), spec, asked.Labels)
	if err != nil {
		return err
	}
	return created(w, apinetwork.CreateResponse{ID: id})
}

func (s *Server) removeNetwork(w http.ResponseWriter, r *http.Request) error {
	return done(w, s.fake.RemoveNetwork(r.Context(), r.PathValue("id")))
}

func (s *Server) connect(w http.ResponseWriter, r *http.Request) error {
	var asked apinetwork.ConnectRequest
	if err := read(r, &asked); err != nil {
		return err
	}
	if err := s.fake.ConnectNetwork(r.Context(), r.PathValue("id"), asked.Container, attachmentOf("", asked.EndpointConfig)); err != nil {
		return err
	}
	return s.moved(w, r, apievents.ActionConnect, asked.Container, asked.EndpointConfig)
}

func (s *Server) disconnect(w http.ResponseWriter, r *http.Request) error {
	var asked apinetwork.DisconnectRequest
	if err := read(r, &asked); err != nil {
		return err
	}
	if err := s.fake.DisconnectNetwork(r.Context(), r.PathValue("id"), asked.Container); err != nil {
		return err
	}
	return s.moved(w, r, apievents.ActionDisconnect, asked.Container, nil)
}

// moved keeps what was asked for of an endpoint, and tells of it.
func (s *Server) moved(w http.ResponseWriter, r *http.Request, action apievents.Action, containerID string, e *apinetwork.EndpointSettings) error {
	l, err := s.fake.Inspect(r.Context(), containerID)
	if err != nil {
		return err
	}
	all, err := s.fake.AllNetworks(r.Context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(n network.Live) bool { return n.ID == r.PathValue("id") || n.Name == r.PathValue("id") })
	if i < 0 {
		return done(w, nil) // removed meanwhile
	}
	s.mu.Lock()
	if m := s.made[l.ID]; m != nil {
		if m.endpoints[all[i].Name] = e; e == nil {
			delete(m.endpoints, all[i].Name)
		}
	}
	s.mu.Unlock()
	s.told.add(message(apievents.NetworkEventType, action, all[i].ID, map[string]string{"container": l.ID, "name": all[i].Name}))
	return done(w, nil)
}

// volumeJSON as the API has it.
type volumeJSON struct {
	Name, Driver, Mountpoint, Scope string
	Labels, Options                 map[string]string
}

func volumeOf(v volume.Live) volumeJSON {
	return volumeJSON{Name: v.Name, Driver: v.Driver, Scope: "local", Mountpoint: "/var/lib/docker/volumes/" + v.Name + "/_data", Labels: v.Labels, Options: v.Options}
}

func (s *Server) listVolumes(w http.ResponseWriter, r *http.Request) error {
	f, err := filtersOf(r)
	if err != nil {
		return err
	}
	all, err := s.fake.AllVolumes(r.Context())
	if err != nil {
		return err
	}
	out := []volumeJSON{}
	for _, v := range all {
		if f.labelled(v.Labels) && f.one("name", func(want string) bool { return strings.Contains(v.Name, want) }) {
			out = append(out, volumeOf(v))
		}
	}
	return reply(w, map[string]any{"Volumes": out, "Warnings": nil})
}

// createVolume answers with the one that is there, new or old.
func (s *Server) createVolume(w http.ResponseWriter, r *http.Request) error {
	var asked struct {
		Name, Driver       string
		DriverOpts, Labels map[string]string
	}
	if err := read(r, &asked); err != nil {
		return err
	}
	if err := s.fake.CreateVolume(r.Context(), volume.Spec{Name: asked.Name, Driver: asked.Driver, DriverOpts: asked.DriverOpts}, asked.Labels); err != nil {
		return err
	}
	all, err := s.fake.AllVolumes(r.Context())
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(all, func(v volume.Live) bool { return v.Name == asked.Name }); i >= 0 {
		return created(w, volumeOf(all[i]))
	}
	return fault{http.StatusInternalServerError, "create volume " + asked.Name + ": it was removed meanwhile"}
}

func (s *Server) removeVolume(w http.ResponseWriter, r *http.Request) error {
	return done(w, s.fake.RemoveVolume(r.Context(), r.PathValue("name")))
}

// imageJSON as lists and inspects show one.
type imageJSON struct {
	ID                    string `json:"Id"`
	RepoTags, RepoDigests []string
	Labels                map[string]string
	Config, Metadata      map[string]any `json:",omitempty"`
	Os, Architecture      string
	Created               any // seconds in a list, RFC 3339 of one
}

func (s *Server) listImages(w http.ResponseWriter, r *http.Request) error {
	all, err := s.imagesByID(r)
	if err != nil {
		return err
	}
	f, err := filtersOf(r)
	if err != nil {
		return err
	}
	out := []*imageJSON{}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		named := f.one("reference", func(want string) bool { return slices.Contains(all[id].RepoTags, want) })
		if named && f.labelled(all[id].Labels) {
			out = append(out, all[id])
		}
	}
	return reply(w, out)
}

func (s *Server) imagesByID(r *http.Request) (map[string]*imageJSON, error) {
	all, err := s.fake.AllImages(r.Context())
	out := map[string]*imageJSON{}
	for _, ref := range slices.Sorted(maps.Keys(all)) {
		i := all[ref]
		if out[i.ID] == nil {
			out[i.ID] = &imageJSON{
				ID: i.ID, RepoTags: []string{}, RepoDigests: []string{}, Labels: i.Defaults.Labels, Os: s.fake.Caps.OS, Architecture: s.fake.Caps.Arch, Created: i.Created.Unix(),
			}
		}
		if ref != i.ID {
			out[i.ID].RepoTags = append(out[i.ID].RepoTags, ref)
		}
	}
	return out, err
}

func (s *Server) inspectImage(w http.ResponseWriter, r *http.Request) error {
	ref, ok := strings.CutSuffix(r.PathValue("ref"), "/json")
	if !ok {
		return fault{http.StatusNotImplemented, r.URL.Path + " is not served"}
	}
	l, err := s.fake.InspectImage(r.Context(), ref)
	if err != nil {
		return err
	}
	all, err := s.imagesByID(r)
	if err != nil {
		return err
	}
	out := all[l.ID]
	if out == nil {
		return fault{http.StatusNotFound, "No such image: " + ref}
	}
	out.Metadata, out.Created = map[string]any{"LastTagTime": l.Tagged}, l.Created
	d := l.Defaults
	volumes, ports := map[string]struct{}{}, map[string]struct{}{}
	for _, v := range d.Volumes {
		volumes[v] = struct{}{}
	}
	for _, p := range d.Exposed {
		ports[p] = struct{}{}
	}
	out.Config = map[string]any{
		"Env": d.Env, "Cmd": d.Cmd, "Entrypoint": d.Entrypoint, "Labels": d.Labels, "User": d.User, "WorkingDir": d.WorkingDir, "StopSignal": d.StopSignal,
		"Volumes": volumes, "ExposedPorts": ports,
	}
	if d.HasHealthcheck {
		out.Config["Healthcheck"] = map[string]any{"Test": []string{"CMD", "/probe"}}
	}
	return reply(w, out)
}

func (s *Server) tagImage(w http.ResponseWriter, r *http.Request) error {
	ref, ok := strings.CutSuffix(r.PathValue("ref"), "/tag")
	if !ok {
		return fault{http.StatusNotImplemented, r.URL.Path + " is not served"}
	}
	return wrote(w, s.fake.TagImage(r.Context(), ref, named(r.URL.Query().Get("repo"), r.URL.Query().Get("tag"))))
}

func wrote(w http.ResponseWriter, err error) error {
	if err == nil {
		w.WriteHeader(http.StatusCreated)
	}
	return err
}

func named(repo, tag string) string {
	if tag == "" {
		return repo
	}
	return repo + ":" + tag
}

func (s *Server) removeImage(w http.ResponseWriter, r *http.Request) error {
	if err := s.fake.RemoveImage(r.Context(), r.PathValue("ref")); err != nil {
		return err
	}
	return reply(w, []map[string]string{{"Untagged": r.PathValue("ref")}})
}

// importImage makes an image of an archive of files; nothing is pulled.
func (s *Server) importImage(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	if q.Get("fromSrc") != "-" {
		return fault{http.StatusNotFound, "pull access denied for " + q.Get("fromImage")}
	}
	files := map[string][]byte{}
	for t := tar.NewReader(r.Body); ; {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err == nil && h.Typeflag == tar.TypeReg {
			files[h.Name], err = io.ReadAll(t)
		}
		if err != nil {
			return fault{http.StatusBadRequest, err.Error()}
		}
	}
	labels := map[string]string{}
	for _, c := range q["changes"] { // LABEL key="value"
		if k, v, ok := strings.Cut(strings.TrimPrefix(c, "LABEL "), "="); ok {
			labels[k] = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\$`, `$`).Replace(strings.Trim(v, `"`))
		}
	}
	id, err := s.fake.ImportArchive(r.Context(), named(q.Get("repo"), q.Get("tag")), labels, files)
	if err != nil {
		return err
	}
	return reply(w, map[string]string{"status": id})
}
