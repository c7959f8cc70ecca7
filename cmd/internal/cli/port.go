package cli

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/compose"
)

func (c *cli) port() *cobra.Command {
	var o compose.PortOptions
	cmd := &cobra.Command{
		Use: "port [OPTIONS] SERVICE PRIVATE_PORT", Short: "Show where a port is published on the host", Args: needs(2),
		ValidArgsFunction: c.completeService,
		RunE: func(cmd *cobra.Command, args []string) error {
			text, protocol, given := strings.Cut(args[1], "/")
			if given {
				o.Protocol = protocol
			}
			n, err := strconv.ParseUint(text, 10, 16)
			if err != nil && c.AsCompose {
				return err // scripts know strconv's words
			} else if err != nil {
				return usagef("invalid port %q", args[1])
			}
			o.Service, o.Target, o.Protocol = args[0], int(n), strings.ToLower(o.Protocol)
			return c.looking(cmd.Context(), args[:1], func(ctx context.Context, t compose.Tool, p compose.Project) error {
				at, err := t.Port(ctx, p, o)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(c.Stdout, net.JoinHostPort(at.HostIP, strconv.Itoa(at.Published)))
				return err
			})
		},
	}
	cmd.Flags().StringVar(&o.Protocol, "protocol", "tcp", "`protocol`: tcp, udp or sctp")
	cmd.Flags().IntVar(&o.Index, "index", 0, "`number` of the container, if the service has several")
	return cmd
}
