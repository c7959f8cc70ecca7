package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

func (c *cli) events() *cobra.Command {
	var since, until string
	var json bool
	cmd := &cobra.Command{
		Use: "events [OPTIONS] [SERVICE...]", Short: "Show what happens to containers, as it happens",
		ValidArgsFunction: c.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			tell := c.eventText
			if json {
				tell = c.eventJSON
			}
			err := c.looking(cmd.Context(), args, func(ctx context.Context, t compose.Tool, p compose.Project) error {
				return t.Happenings(ctx, p, args, since, until, tell)
			})
			if errors.Is(err, context.Canceled) {
				return exitCode(exitInterrupted)
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&json, "json", false, "print a JSON object a line")
	cmd.Flags().StringVar(&since, "since", "", "from a `time` on, or from so long ago")
	cmd.Flags().StringVar(&until, "until", "", "up to a `time`")
	return cmd
}

// own attributes of an event: without the labels that every container of a project has.
func own(h engine.Happening) map[string]string {
	out := maps.Clone(h.Attributes)
	maps.DeleteFunc(out, func(k, _ string) bool {
		return strings.HasPrefix(k, "com.docker.compose.") || k == container.LabelFields
	})
	return out
}

func (c *cli) eventText(h engine.Happening) {
	var parts []string
	attributes := own(h)
	for _, k := range slices.Sorted(maps.Keys(attributes)) {
		parts = append(parts, k+"="+attributes[k])
	}
	fmt.Fprintf(c.Stdout, "%s container %s %s (%s)\n", h.Time.Format("2006-01-02 15:04:05.000000"), h.Action, h.Container, strings.Join(parts, ", "))
}

func (c *cli) eventJSON(h engine.Happening) {
	jsonTo(c.Stdout, map[string]any{"action": h.Action, "attributes": own(h), "id": h.Container, "service": h.Attributes[container.LabelService],
		"time": h.Time.UTC().Format(time.RFC3339Nano), "type": "container"})
}
