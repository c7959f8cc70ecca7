package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/endpoint"
)

func (c *cli) env() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "env [OPTIONS]", Short: "Print where the services are reached, as variables", Args: noArgs,
		Long: "Print the project's name and where the published ports of its services are reached, as variables: WEB_HOST and WEB_PORT of the first port\n" +
			"of the service web, WEB_PORT_80 and WEB_PORT_53_UDP of each. Of what does not run yet they are what the file says.",
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "env" && format != "json" {
				return usagef("--format must be env or json, not %q", format)
			}
			return c.looking(cmd.Context(), nil, func(ctx context.Context, t compose.Tool, p compose.Project) error {
				all, err := c.endpoints(ctx, t, p)
				if err != nil {
					return err
				}
				return c.printVariables(c.variables(p, all), format)
			})
		},
	}
	cmd.Flags().StringVar(&format, "format", "env", "print as `kind`: env, lines for a shell or an env file; json")
	return cmd
}

func (c *cli) printVariables(all []endpoint.Variable, format string) error {
	if format == "json" {
		object := map[string]string{}
		for _, v := range all {
			object[v.Name] = v.Value
		}
		e := json.NewEncoder(c.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(object)
	}
	for _, v := range all {
		if _, err := fmt.Fprintf(c.Stdout, "%s=%s\n", v.Name, quoted(v.Value)); err != nil {
			return err
		}
	}
	return nil
}

// quoted for a shell, where that is needed.
func quoted(value string) string {
	if plain.MatchString(value) {
		return value
	}
	return "'" + strings.ReplaceAll(value, "'", `'\''`) + "'"
}

var plain = regexp.MustCompile(`^[-A-Za-z0-9_.:/@%+,]+$`)

// endpoints of a project; what is not known of them is told.
func (c *cli) endpoints(ctx context.Context, t compose.Tool, p compose.Project) ([]endpoint.Endpoint, error) {
	all, unknown, err := t.Endpoints(ctx, p)
	c.warn(unknown)
	return all, err
}

// variables by which other programs find the project and its services, and tutti the same copy of it.
func (c *cli) variables(p compose.Project, all []endpoint.Endpoint) []endpoint.Variable {
	out := []endpoint.Variable{{Name: "COMPOSE_PROJECT_NAME", Value: p.Name}}
	if c.g.isolate {
		out = append(out, endpoint.Variable{Name: "TUTTI_ISOLATE", Value: "1"})
	}
	found, leftOut := endpoint.Variables(all)
	for i, d := range leftOut {
		if p.Place != nil {
			leftOut[i].Place = p.Place(d.Path)
		}
	}
	c.warn(leftOut)
	return append(out, found...)
}
