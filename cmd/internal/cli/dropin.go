package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tutti-run/tutti/cmd/internal/render"
	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
)

// itsName is what Docker Compose is called in all that it says.
const itsName = "docker compose"

// dropin marks a root in its form.
const dropin = "dropin"

// asCompose gives the help, and the name in front of verbs, the form of Docker Compose's.
func asCompose(root *cobra.Command) {
	root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: itsName, dropin: "yes"}
	root.Use = "compose [OPTIONS] COMMAND"
	root.Short = "Define and run multi-container applications with Docker"
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetUsageTemplate(composeUsage)
	root.SetHelpTemplate("{{.UsageString}}")
	for _, verb := range root.Commands() {
		verb.Use = called(verb.Use)
		verb.Flags().VisitAll(func(f *pflag.Flag) { f.Usage = called(f.Usage) })
	}
	verbs := root.Commands()
	slices.SortFunc(verbs, func(a, b *cobra.Command) int { return strings.Compare(a.Name(), b.Name()) })
	root.ResetCommands()
	root.AddCommand(verbs...)
}

// unknownToCompose is what Docker Compose says, below its help.
func unknownToCompose(above *cobra.Command, word string) error {
	_ = above.Help()
	return usageError{text: fmt.Sprintf("unknown docker command: %q", strings.TrimPrefix(above.CommandPath(), "docker ")+" "+word)}
}

var ownName = regexp.MustCompile("(^|['` (:])tutti( [-a-zA-Z])")

// called is a text in which the user is told what to type, with Docker Compose's name.
func called(text string) string { return ownName.ReplaceAllString(text, "${1}"+itsName+"${2}") }

// inItsName are diagnostics whose hints name what the user types.
func inItsName(list diag.List) diag.List {
	out := slices.Clone(list)
	for i := range out {
		out[i].Hint = called(out[i].Hint)
	}
	return out
}

// inItsWords is the one error that scripts look for by Docker's words: that no engine answers.
func inItsWords(err error) error {
	u, ok := errors.AsType[engine.Unreachable](err)
	if !ok {
		return err
	}
	sought := ""
	if i, ok := errors.AsType[seeking](err); ok {
		sought = fmt.Sprintf("unable to get image '%s': ", i.image)
	}
	return fmt.Errorf("%sCannot connect to the Docker daemon at %s. Is the docker daemon running?", sought, u.Host) //nolint:staticcheck // Docker's capital
}

// seeking is an error of a verb that in Docker Compose looks for the services' images before all else.
type seeking struct {
	error
	image string
}

func (e seeking) Unwrap() error { return e.error }

// toolFor the images of a project.
func (c *cli) toolFor(ctx context.Context, p compose.Project) (compose.Tool, error) {
	t, err := c.tool(ctx)
	if i := slices.IndexFunc(p.Services, func(s desired.Service) bool { return s.Image.Ref != "" }); err != nil && i >= 0 {
		err = seeking{err, p.Services[i].Image.Ref}
	}
	return t, err
}

// pretend shows on stderr that a plan is carried out, each line marked as Docker Compose marks them when it changes nothing.
func (c *cli) pretend(p plan.Plan) error {
	v := render.NewPretence(c.status())
	show := silence{}.events(v)
	show(apply.Planned{Plan: p})
	for _, n := range p.Nodes {
		show(apply.StepStarted{Node: n})
		show(apply.StepEnded{Node: n, Outcome: graph.Done})
	}
	return v.Close()
}

const composeUsage = `Usage:  {{.UseLine}}

{{or .Long .Short | trimTrailingWhitespaces}}{{if .Aliases}}

Aliases:
  {{.CommandPath}}{{range .Aliases}}, {{$.Parent.CommandPath}} {{.}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Options:
{{flags .LocalFlags | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableSubCommands}}{{$managed := false}}{{range .Commands}}{{if and .IsAvailableCommand .HasAvailableSubCommands}}{{if not $managed}}{{$managed = true}}

Management Commands:{{end}}
  {{rpad .Name 14}} {{.Short}}{{end}}{{end}}

Commands:{{range .Commands}}{{if and .IsAvailableCommand (not .HasAvailableSubCommands)}}
  {{rpad .Name 14}} {{.Short}}{{end}}{{end}}

Run '{{.CommandPath}} COMMAND --help' for more information on a command.{{end}}
`
