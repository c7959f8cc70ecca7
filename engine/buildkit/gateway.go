package buildkit

import (
	"context"
	"slices"
	"strings"

	"github.com/moby/buildkit/client"
)

// hostGatewayLabel of the engine's BuildKit: the address at which its containers find the machine.
const hostGatewayLabel = "org.mobyproject.buildkit.worker.moby.host-gateway-ip"

// hostAlias is which of extra_hosts stands for the machine itself; -1: none.
func hostAlias(hosts []string) int {
	return slices.IndexFunc(hosts, func(h string) bool { return strings.HasSuffix(h, ":host-gateway") })
}

// hostGateway puts the machine's address in, as BuildKit takes addresses alone.
func hostGateway(ctx context.Context, c *client.Client, s *client.SolveOpt) error {
	const name = "=host-gateway"
	hosts := s.FrontendAttrs["add-hosts"]
	if !strings.Contains(hosts, name) {
		return nil
	}
	workers, err := c.ListWorkers(ctx)
	if err != nil {
		return err
	}
	for _, w := range workers {
		if address := w.Labels[hostGatewayLabel]; address != "" {
			s.FrontendAttrs["add-hosts"] = strings.ReplaceAll(hosts, name, "="+address)
			return nil
		}
	}
	return refusef("extra_hosts: the builder does not tell what host-gateway is")
}
