package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tutti-run/tutti/compose/diag"
)

const (
	change = "change" // groups of verbs in the help
	look   = "look"
	bring  = "bring"
	inside = "inside"
	others = "others"
)

func init() {
	cobra.EnableCommandSorting = false // verbs stand in the order in which they are told of
	cobra.AddTemplateFunc("exitCodes", func() string { return exitHelp })
	cobra.AddTemplateFunc("flags", func(fs *pflag.FlagSet) string {
		cols, _, tty := size(os.Stdout)
		if !tty {
			cols = 100
		}
		return fs.FlagUsagesWrapped(cols)
	})
}

func (c *cli) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "tutti [OPTIONS] COMMAND",
		Short: "Turn a Compose file into a plan you can read, and carry out exactly that plan",
		Args:  cobra.ArbitraryArgs, DisableFlagsInUseLine: true, TraverseChildren: true, SilenceErrors: true, SilenceUsage: true,
		RunE:              c.noVerb,
		PersistentPreRunE: func(*cobra.Command, []string) error { return c.check() },
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	root.AddGroup(&cobra.Group{ID: change, Title: "Change what runs:"}, &cobra.Group{ID: bring, Title: "Images:"}, &cobra.Group{ID: inside, Title: "Work in containers:"}, &cobra.Group{ID: look, Title: "Look:"}, &cobra.Group{ID: others, Title: "Others:"})
	c.g.isolate = c.yes("TUTTI_ISOLATE")
	global := c.g.flags()
	root.Flags().AddFlagSet(global)
	root.Flags().SetInterspersed(false)
	for _, verb := range c.verbs() {
		c.equip(verb, global)
		root.AddCommand(verb)
	}
	c.completeValues(root)
	root.SetHelpCommand(c.help())
	root.SetCompletionCommandGroupID(others)
	root.SetFlagErrorFunc(flagError)
	root.SetUsageTemplate(usageTemplate)
	root.SetHelpTemplate(helpTemplate)
	root.CompletionOptions.HiddenDefaultCmd = false
	return root
}

// equip a verb, and those below it, with what all have.
func (c *cli) equip(verb *cobra.Command, global *pflag.FlagSet) {
	verb.DisableFlagsInUseLine = true
	lend(global, verb)
	c.completeValues(verb)
	for _, below := range verb.Commands() {
		c.equip(below, global)
	}
}

func (c *cli) verbs() []*cobra.Command {
	var all []*cobra.Command
	group := func(id string, verbs ...*cobra.Command) {
		for _, v := range verbs {
			v.GroupID = id
			all = append(all, v)
		}
	}
	group(change, c.up(), c.create_(), c.down(), c.start(), c.stop(), c.restart(), c.scale_(), c.kill(), c.pause(), c.unpause(), c.rm(), c.rollback(), c.ci(), c.watch_())
	group(bring, c.build(), c.pull(), c.push(), c.publish())
	group(inside, c.run_(), c.exec(), c.attach(), c.cp(), c.export(), c.commit())
	group(look, c.plan(), c.explain(), c.config(), c.generate(), c.viz(), c.lint(), c.ps(), c.logs(), c.top(), c.stats(), c.port(), c.images(), c.volumes(), c.events(), c.wait_(), c.ls(), c.history(), c.timeline(), c.env())
	group(others, c.bridge(), c.alpha(), c.installPlugin(), c.version())
	return all
}

// help of a verb, and a mistake if there is no such verb.
func (c *cli) help() *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Show help of a command", GroupID: others, DisableFlagsInUseLine: true,
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			return verbNames(cmd.Root()), noFiles
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			verb, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return unknownVerb(cmd.Root(), args[0])
			}
			return verb.Help()
		},
	}
}

// noVerb is the command line without a verb, or with one that there is not.
func (c *cli) noVerb(cmd *cobra.Command, args []string) error {
	switch {
	case c.g.showVersion:
		return versionOptions{cli: c}.run()
	case len(args) == 0:
		return cmd.Help()
	}
	return unknownVerb(cmd, args[0])
}

// unknownVerb of the root, or of one that holds others.
func unknownVerb(above *cobra.Command, word string) error {
	if above.Root().Annotations[dropin] != "" {
		return unknownToCompose(above, word)
	}
	e := usageError{text: fmt.Sprintf("unknown command: %s %s", above.CommandPath(), word), hint: fmt.Sprintf("see '%s --help'", above.CommandPath())}
	if near := diag.Nearest(word, verbNames(above)); near != "" {
		e.hint = fmt.Sprintf("did you mean %q?", near)
	}
	return e
}

func verbNames(root *cobra.Command) []string {
	var names []string
	for _, v := range root.Commands() {
		names = append(append(names, v.Name()), v.Aliases...)
	}
	return names
}

// flagError keeps Docker's words, and looks for a flag that may be meant.
func flagError(cmd *cobra.Command, err error) error {
	e := usageError{text: err.Error()}
	if word, ok := strings.CutPrefix(e.text, "unknown flag: --"); ok {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := diag.Nearest(word, names); near != "" {
			e.hint = fmt.Sprintf("did you mean \"--%s\"?", near)
		}
	}
	return e
}

// noArgs in Docker's words.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("unknown command %q for %q", args[0], cmd.CommandPath())
	}
	return nil
}

// needs as many arguments at least, in Docker's words.
func needs(n int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < n {
			return usagef("requires at least %d arg(s), only received %d", n, len(args))
		}
		return nil
	}
}

// between so many arguments and so many.
func between(least, most int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) < least || len(args) > most {
			return usagef("accepts between %d and %d arg(s), received %d", least, most, len(args))
		}
		return nil
	}
}

// one argument; Docker Compose takes no notice of what is behind it.
func one(cmd *cobra.Command, args []string) error {
	if cmd.Root().Annotations[dropin] != "" {
		return needs(1)(cmd, args)
	}
	return exactly(1)(cmd, args)
}

// exactly as many arguments, in Docker's words.
func exactly(n int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usagef("accepts %d arg(s), received %d", n, len(args))
		}
		return nil
	}
}

const usageTemplate = `Usage:  {{.UseLine}}{{if .Aliases}}
Alias: {{range .Aliases}} {{.}}{{end}}{{end}}
{{$cmd := .}}{{range .Groups}}{{$id := .ID}}
{{.Title}}
{{range $cmd.Commands}}{{if and (eq .GroupID $id) .IsAvailableCommand}}  {{rpad .Name .NamePadding}} {{.Short}}
{{end}}{{end}}{{end}}{{if and .HasAvailableSubCommands (not .Groups)}}
Commands:
{{range .Commands}}{{if .IsAvailableCommand}}  {{rpad .Name .NamePadding}} {{.Short}}
{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}
Options{{if not .HasParent}}, before or after the command{{end}}:
{{flags .LocalFlags | trimTrailingWhitespaces}}
{{end}}{{if .HasParent}}
Options that every command takes: see 'tutti --help'.
{{else}}
{{exitCodes}}
See 'tutti COMMAND --help' for the options of a command.
{{end}}`

const helpTemplate = `{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}

{{end}}{{.UsageString}}`
