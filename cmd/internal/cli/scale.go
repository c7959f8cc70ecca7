package cli

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// scale is up -d with numbers of replicas, of these services alone.
func (c *cli) scale_() *cobra.Command {
	o := &upOptions{cli: c, detach: true, selection: selection{pull: "policy"}}
	cmd := &cobra.Command{
		Use: "scale [SERVICE=REPLICAS...]", Short: "Run as many replicas of services", Args: needs(1),
		ValidArgsFunction: c.completeReplicas,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd); err != nil {
				return err
			}
			var err error
			if o.replicas, err = replicas(args); err != nil {
				return err
			}
			o.services, o.scale = slices.Sorted(maps.Keys(o.replicas)), args
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&o.noDeps, "no-deps", false, "leave out what the services depend on")
	c.noWaitFlag(cmd.Flags())
	return cmd
}

// replicas reads "web=3".
func replicas(args []string) (map[string]int, error) {
	out := map[string]int{}
	for _, text := range args {
		name, num, ok := strings.Cut(text, "=")
		n, err := strconv.Atoi(num)
		switch {
		case !ok || name == "" || strings.Contains(num, "="):
			return nil, usageError{text: "invalid scale specifier: " + text, hint: "it takes SERVICE=REPLICAS: web=3"}
		case err != nil || n < 0:
			return nil, usageError{text: "invalid scale specifier: can't parse replica value as int: " + text}
		}
		out[name] = n
	}
	return out, nil
}
