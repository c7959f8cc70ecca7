package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/lint"
	"github.com/tutti-run/tutti/compose/load"
)

const noFiles = cobra.ShellCompDirectiveNoFileComp

// completeServices from the file that begin with a word, without those named already.
func (c *cli) completeServices(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	p := c.quietly(cmd.Context())
	out := slices.Clone(p.Disabled)
	for _, s := range p.Services {
		out = append(out, s.Name)
	}
	out = slices.DeleteFunc(out, func(s string) bool { return slices.Contains(args, s) || !strings.HasPrefix(s, word) })
	slices.Sort(out)
	return out, noFiles
}

// completeReplicas is for SERVICE=NUM.
func (c *cli) completeReplicas(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	names, d := c.completeServices(cmd, nil, word)
	for i := range names {
		names[i] += "="
	}
	return names, d | cobra.ShellCompDirectiveNoSpace
}

// completeService is for verbs that take one.
func (c *cli) completeService(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, noFiles
	}
	return c.completeServices(cmd, args, word)
}

// quietly loads what can be loaded: a completion says nothing of what is wrong.
func (c *cli) quietly(ctx context.Context) compose.Project {
	res, _ := load.Load(ctx, c.loadOptions())
	return res.Project
}

// completeValues of the flags that a command has.
func (c *cli) completeValues(cmd *cobra.Command) {
	values := map[string][]string{
		"ansi": {"auto", "always", "never"}, "progress": progressModes, "pull": {"always", "missing", "never", "build", "policy"},
		"rmi": {"local", "all"}, "status": statuses, "format": formats[cmd.Name()],
		"severity": severities, "fail-on": {"error", "warning", "info", "never"}, "enable": lint.IDs(), "disable": lint.IDs(),
	}
	for flag, v := range values {
		complete(cmd, flag, cobra.FixedCompletions(v, noFiles))
	}
	for _, flag := range []string{"attach", "no-attach", "exit-code-from"} {
		complete(cmd, flag, c.completeServices)
	}
	complete(cmd, "scale", c.completeReplicas)
	complete(cmd, "file", cobra.FixedCompletions([]string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt))
	complete(cmd, "project-directory", cobra.FixedCompletions(nil, cobra.ShellCompDirectiveFilterDirs))
	complete(cmd, "profile", c.completeProfiles)
	complete(cmd, "project-name", c.completeProjects)
}

var formats = map[string][]string{"config": {"yaml", "json"}, "ps": {"table", "json"}, "ls": {"table", "json"}, "images": {"table", "json"}, "volumes": {"table", "json"}, "stats": {"table", "json"}, "version": {"pretty", "json"},
	"lint": {"text", "json", "sarif"}, "timeline": {"text", "svg", "json"}, "env": {"env", "json"}, "generate": {"yaml", "json"}, "viz": {"dot", "mermaid", "svg"}}

func complete(cmd *cobra.Command, flag string, f cobra.CompletionFunc) {
	if cmd.Flags().Lookup(flag) != nil {
		_ = cmd.RegisterFlagCompletionFunc(flag, f)
	}
}

func (c *cli) completeProfiles(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	res, err := load.Load(cmd.Context(), c.loadOptions())
	if err != nil {
		return nil, noFiles
	}
	return res.Model.Profiles(), noFiles
}

// completeProjects asks the engine, but not for long.
func (c *cli) completeProjects(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), 2*time.Second)
	defer cancel()
	t, err := c.tool(ctx)
	if err != nil {
		return nil, noFiles
	}
	all, _ := t.List(ctx, compose.ListOptions{All: true})
	var out []string
	for _, p := range all {
		if strings.HasPrefix(p.Name, word) {
			out = append(out, p.Name)
		}
	}
	return out, noFiles
}
