package docker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"strings"
	"time"

	apinetwork "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/network"
)

// networks changes networks.
type networks struct{ c *conn }

// CreateNetwork refuses a name that is taken, on every engine.
func (n networks) CreateNetwork(ctx context.Context, s network.Spec, labels map[string]string) (string, error) {
	what := "create network " + s.Name
	ipam, err := ipamOf(s.IPAM)
	if err != nil {
		return "", failed(err, what)
	}
	o := client.NetworkCreateOptions{
		Driver: s.Driver, EnableIPv6: s.EnableIPv6, IPAM: ipam, Internal: s.Internal, Attachable: s.Attachable, Options: s.DriverOpts, Labels: labels,
	}
	if n.c.caps.EnableIPv4 {
		o.EnableIPv4 = s.EnableIPv4
	}
	if !n.c.at("1.44") {
		id, err := n.createOld(ctx, s.Name, o)
		return id, failed(err, what)
	}
	res, err := n.c.api.NetworkCreate(ctx, s.Name, o)
	return res.ID, failed(err, what)
}

// createOld asks engines below API 1.44 to refuse a second network of one name, which they do only when asked to. The client has no
// field for it any more.
func (n networks) createOld(ctx context.Context, name string, o client.NetworkCreateOptions) (string, error) {
	body := struct {
		apinetwork.CreateRequest
		CheckDuplicate bool
	}{apinetwork.CreateRequest{
		Name: name, Driver: o.Driver, EnableIPv6: o.EnableIPv6, IPAM: o.IPAM, Internal: o.Internal, Attachable: o.Attachable,
		Options: o.Options, Labels: o.Labels,
	}, true}
	var out apinetwork.CreateResponse
	if err := n.c.post(ctx, "/networks/create", nil, body, &out); err != nil {
		return "", err
	}
	return n.onlyOne(ctx, name, out.ID, o.Labels)
}

// onlyOne settles which of two networks of one name stays: engines below API 1.44 look whether a name is free and take it in two steps, so that a
// request that a killed run left behind may slip between. Nothing is on either yet; the one of the lower id stays, whoever asks.
func (n networks) onlyOne(ctx context.Context, name, id string, labels map[string]string) (string, error) {
	found, err := observer(n).listNetworks(ctx, make(client.Filters).Add("name", name))
	if err != nil {
		return "", err
	}
	for _, l := range found {
		if l.Name != name || l.ID == id || !maps.Equal(l.Labels, labels) {
			continue
		}
		stays, goes := min(l.ID, id), max(l.ID, id)
		if err := n.RemoveNetwork(ctx, goes); err != nil && !errors.Is(err, engine.ErrNotFound) {
			return "", err
		}
		id = stays
	}
	return id, nil
}

func ipamOf(in network.IPAM) (*apinetwork.IPAM, error) {
	if in.Driver == "" && len(in.Options) == 0 && len(in.Pools) == 0 {
		return nil, nil
	}
	out := &apinetwork.IPAM{Driver: in.Driver, Options: in.Options}
	for _, p := range in.Pools {
		subnet, errS := prefix(p.Subnet)
		ips, errR := prefix(p.IPRange)
		gateway, errG := address(p.Gateway)
		if err := firstError(errS, errR, errG); err != nil {
			return nil, err
		}
		c := apinetwork.IPAMConfig{Subnet: subnet, IPRange: ips, Gateway: gateway}
		for name, text := range p.Aux {
			a, err := address(text)
			if err != nil {
				return nil, err
			}
			if c.AuxAddress == nil {
				c.AuxAddress = map[string]netip.Addr{}
			}
			c.AuxAddress[name] = a
		}
		out.Config = append(out.Config, c)
	}
	return out, nil
}

func prefix(text string) (netip.Prefix, error) {
	if text == "" {
		return netip.Prefix{}, nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, invalid("%w", err)
	}
	return p, nil
}

// RemoveNetwork removes it; one that is gone already is fine, one in use is engine.ErrConflict, but not one that only seems to be.
func (n networks) RemoveNetwork(ctx context.Context, id string) error {
	err := n.remove(ctx, id)
	if err == nil && len(id) != hexID {
		err = n.gone(ctx, id)
	}
	for left := 20; err != nil && n.miscounted(ctx, id, err); left-- {
		if left == 0 {
			err = fmt.Errorf("nobody is on it, but the engine has lost count of its endpoints, and keeps it until it is started anew: %s", message(err))
			break
		}
		select { // somebody may just be leaving
		case <-time.After(100 * time.Millisecond):
			err = n.remove(ctx, id)
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return failed(err, "remove network", short(id))
}

func (n networks) remove(ctx context.Context, id string) error {
	_, err := n.c.api.NetworkRemove(ctx, id, client.NetworkRemoveOptions{})
	if err != nil && kindOf(err) == engine.ErrNotFound {
		return nil
	}
	return err
}

// miscounted tells whether an engine takes a network to be in use that nobody is on. Engines before API 1.51 keep the number of a network's endpoints,
// and of some thousand containers that start or end at once one may get lost (moby issue 42119).
func (n networks) miscounted(ctx context.Context, id string, refusal error) bool {
	if !strings.Contains(refusal.Error(), "active endpoints") {
		return false
	}
	in, err := n.c.api.NetworkInspect(ctx, id, client.NetworkInspectOptions{})
	return err == nil && len(in.Network.Containers) == 0
}

// hexID is the length of what an engine gives ids to by itself. A Swarm's are shorter.
const hexID = 64

// gone waits until a network of a Swarm is: its manager answers at once, and lets go of the name only once its node has taken the network down.
func (n networks) gone(ctx context.Context, id string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := n.c.api.NetworkInspect(ctx, id, client.NetworkInspectOptions{})
		switch {
		case err == nil:
		case kindOf(err) == engine.ErrNotFound:
			return nil
		default:
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ConnectNetwork puts a container on a network; one that is on it already is engine.ErrConflict.
func (n networks) ConnectNetwork(ctx context.Context, networkName, containerID string, a network.Attachment) error {
	a.Name = networkName
	return failed(n.c.connect(ctx, a, containerID), "connect container", short(containerID), "to network", networkName)
}

func (c *conn) connect(ctx context.Context, a network.Attachment, containerID string) error {
	s, err := c.endpointFor(a)
	if err != nil {
		return err
	}
	_, err = c.api.NetworkConnect(ctx, a.Name, client.NetworkConnectOptions{Container: containerID, EndpointConfig: s})
	return err
}

// DisconnectNetwork takes a container off a network, also one that does not run.
func (n networks) DisconnectNetwork(ctx context.Context, networkName, containerID string) error {
	_, err := n.c.api.NetworkDisconnect(ctx, networkName, client.NetworkDisconnectOptions{Container: containerID})
	return failed(err, "disconnect container", short(containerID), "from network", networkName)
}
