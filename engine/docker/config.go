package docker

import (
	"cmp"
	"maps"
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	apicontainer "github.com/moby/moby/api/types/container"
	apinetwork "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/network"
)

// recipe is a container in the API's words: what create takes at once and what has to be connected afterwards.
type recipe struct {
	options client.ContainerCreateOptions
	mac     string // for engines that take it for the container and not for the endpoint (API below 1.44)
	connect []network.Attachment
}

// recipeOf translates; specOf is its inverse.
func (c *conn) recipeOf(n engine.NewContainer) (recipe, error) {
	config, err := configOf(n)
	if err != nil {
		return recipe{}, err
	}
	host, err := c.hostConfigOf(n)
	if err != nil {
		return recipe{}, err
	}
	config.ExposedPorts, host.PortBindings, err = portsFor(n.Spec)
	if err != nil {
		return recipe{}, err
	}
	r := recipe{options: client.ContainerCreateOptions{
		Config: config, HostConfig: host, Name: n.Name, Platform: platformOf(n.Spec.Platform),
	}}
	return r, c.attach(&r, n)
}

func configOf(n engine.NewContainer) (*apicontainer.Config, error) {
	s := n.Spec
	return &apicontainer.Config{
		Image: s.Image, Hostname: s.Hostname, Domainname: s.Domainname, User: s.User, WorkingDir: s.WorkingDir,
		Tty: s.TTY, OpenStdin: s.StdinOpen, StdinOnce: s.StdinOnce, Env: envOf(s.Environment), Cmd: s.Command, Entrypoint: s.Entrypoint, Labels: n.Labels,
		StopSignal: s.StopSignal, StopTimeout: seconds(s.StopTimeout), Healthcheck: healthConfigOf(s.Healthcheck),
	}, nil
}

// envOf is in order; a name alone takes away what the image sets.
func envOf(env map[string]*string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(env)) {
		if v := env[k]; v != nil {
			out = append(out, k+"="+*v)
		} else {
			out = append(out, k)
		}
	}
	return out
}

// seconds are rounded up: a grace period is not to be cut short.
func seconds(d *time.Duration) *int {
	if d == nil {
		return nil
	}
	n := int(math.Ceil(d.Seconds()))
	return &n
}

func healthConfigOf(h *container.Healthcheck) *apicontainer.HealthConfig {
	if h == nil {
		return nil
	}
	if h.Disabled() {
		return &apicontainer.HealthConfig{Test: []string{"NONE"}}
	}
	return &apicontainer.HealthConfig{
		Test: h.Test, Interval: h.Interval, Timeout: h.Timeout, StartPeriod: h.StartPeriod, StartInterval: h.StartInterval, Retries: h.Retries,
	}
}

// platformOf "linux/arm64/v8"; nil lets the engine choose.
func platformOf(text string) *ocispec.Platform {
	if text == "" {
		return nil
	}
	parts := append(strings.Split(text, "/"), "", "")
	return &ocispec.Platform{OS: parts[0], Architecture: parts[1], Variant: parts[2]}
}

// portsFor gives what is exposed and what is published. A host range for one port leaves the choice to the engine.
func portsFor(s container.Spec) (apinetwork.PortSet, apinetwork.PortMap, error) {
	exposed, published := apinetwork.PortSet{}, apinetwork.PortMap{}
	for _, e := range s.Expose {
		r, err := apinetwork.ParsePortRange(e)
		if err != nil {
			return nil, nil, invalid("expose %q: %w", e, err)
		}
		for p := range r.All() {
			exposed[p] = struct{}{}
		}
	}
	for _, p := range s.Ports {
		port, ok := apinetwork.PortFrom(uint16(p.Target), apinetwork.IPProtocol(cmp.Or(p.Protocol, "tcp")))
		ip, err := address(p.HostIP)
		if !ok || err != nil {
			return nil, nil, invalid("publish %s: not a port", p)
		}
		exposed[port] = struct{}{}
		published[port] = append(published[port], apinetwork.PortBinding{HostIP: ip, HostPort: p.Published})
	}
	return exposed, published, nil
}

// address of a text that may be empty.
func address(text string) (netip.Addr, error) {
	if text == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return a, invalid("%w", err)
	}
	return a, nil
}

func addresses(texts []string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, t := range texts {
		a, err := address(t)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// attach decides on the network mode and the endpoints. The primary network is of the highest priority, then the first of the spec.
func (c *conn) attach(r *recipe, n engine.NewContainer) error {
	mode, err := peerMode(n.Spec.NetworkMode, n.Peers)
	if err != nil {
		return err
	}
	host := r.options.HostConfig
	order := byPriority(n.Spec.Networks)
	if mode != "" || len(order) == 0 {
		host.NetworkMode, host.Links = apicontainer.NetworkMode(mode), linksTo(n.Links, n.Peers)
		r.mac = n.Spec.MacAddress
		return nil
	}
	primary := order[0]
	primary.MacAddress = cmp.Or(primary.MacAddress, n.Spec.MacAddress)
	host.NetworkMode = apicontainer.NetworkMode(primary.Name)
	now := []network.Attachment{primary}
	if c.caps.MultiNetwork {
		now = append(now, order[1:]...)
	} else {
		r.connect, r.mac = order[1:], primary.MacAddress
	}
	endpoints := map[string]*apinetwork.EndpointSettings{}
	for _, a := range now {
		a.Links = n.Links
		if endpoints[a.Name], err = c.endpointFor(a); err != nil {
			return err
		}
	}
	r.options.NetworkingConfig = &apinetwork.NetworkingConfig{EndpointsConfig: endpoints}
	return nil
}

func byPriority(in []network.Attachment) []network.Attachment {
	out := slices.Clone(in)
	slices.SortStableFunc(out, func(a, b network.Attachment) int {
		return cmp.Compare(b.Priority, a.Priority)
	})
	return out
}

// ifname is the driver option that names the interface in the container (API 1.49).
const ifname = "com.docker.network.endpoint.ifname"

func (c *conn) endpointFor(a network.Attachment) (*apinetwork.EndpointSettings, error) {
	s := &apinetwork.EndpointSettings{Aliases: a.Aliases, Links: a.Links, DriverOpts: maps.Clone(a.DriverOpts)}
	v4, err4 := address(a.IPv4Address)
	v6, err6 := address(a.IPv6Address)
	local, errL := addresses(a.LinkLocalIPs)
	if err := firstError(err4, err6, errL); err != nil {
		return nil, invalid("network %s: %w", a.Name, err)
	}
	if v4.IsValid() || v6.IsValid() || len(local) > 0 {
		s.IPAMConfig = &apinetwork.EndpointIPAMConfig{IPv4Address: v4, IPv6Address: v6, LinkLocalIPs: local}
	}
	if a.MacAddress != "" && c.caps.EndpointMAC {
		mac, err := net.ParseMAC(a.MacAddress)
		if err != nil {
			return nil, invalid("network %s: %w", a.Name, err)
		}
		s.MacAddress = apinetwork.HardwareAddr(mac)
	}
	if c.caps.GwPriority {
		s.GwPriority = a.GwPriority
	}
	if a.InterfaceName != "" && c.caps.InterfaceName {
		if s.DriverOpts == nil {
			s.DriverOpts = map[string]string{}
		}
		s.DriverOpts[ifname] = a.InterfaceName
	}
	return s, nil
}

// linksTo containers, which may have another name as yet: the engine keeps those links by container.
func linksTo(links []string, peers map[string]string) []string {
	var out []string
	for _, l := range links {
		name, alias, _ := strings.Cut(l, ":")
		out = append(out, cmp.Or(peers["container:"+name], name)+":"+alias)
	}
	return out
}

// peerMode makes "service:web" the "container:ID" of its peer; other modes stay.
func peerMode(mode string, peers map[string]string) (string, error) {
	if !strings.HasPrefix(mode, "service:") {
		return mode, nil
	}
	id, ok := peers[mode]
	if !ok {
		return "", invalid("%s has no container", mode)
	}
	return "container:" + id, nil
}

// volumesFrom resolves "service:web:ro" and "container:NAME:ro".
func volumesFrom(in []string, peers map[string]string) ([]string, error) {
	var out []string
	for _, v := range in {
		kind, rest, ok := strings.Cut(v, ":")
		if !ok {
			kind, rest = "service", v
		}
		name, mode, _ := strings.Cut(rest, ":")
		if kind == "service" {
			id, ok := peers["service:"+name]
			if !ok {
				return nil, invalid("volumes_from %s has no container", v)
			}
			name = id
		}
		out = append(out, strings.TrimSuffix(name+":"+mode, ":"))
	}
	return out, nil
}

// number is an id of a file's owner.
func number(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, invalid("owner %q is no number", text)
	}
	return n, nil
}
