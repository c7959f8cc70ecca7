package cli

import (
	"context"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load"
)

// generateOptions of generate.
type generateOptions struct {
	*cli
	load.GenerateOptions
	format, out string
}

func (c *cli) generate() *cobra.Command {
	o := &generateOptions{cli: c}
	cmd := &cobra.Command{
		Use: "generate [OPTIONS] [CONTAINER...]", Short: "Write a Compose file of containers that are there",
		Long: "Write a Compose file that asks for containers as those that are named are, or as all of the project that -p names.\n" +
			"What their images give is left out. The values of their variables are in the file.",
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	fs := cmd.Flags()
	fs.StringVar(&o.format, "format", "yaml", "yaml or json")
	fs.StringVar(&o.Name, "name", "", "`name` of the project")
	fs.StringVar(&o.Dir, "project-dir", "", "`directory` of the project: paths in it are written as from there")
	fs.StringVarP(&o.out, "output", "o", "", "write to a `file`")
	return cmd
}

func (o *generateOptions) run(ctx context.Context, containers []string) error {
	ctx, cancel := o.gentle(ctx)
	defer cancel()
	switch {
	case o.format != "yaml" && o.format != "json":
		return usagef("--format must be yaml or json, not %q", o.format)
	case len(containers) == 0 && o.g.name == "":
		return usagef("at least one container must be specified, or a project with -p")
	}
	if o.Dir != "" {
		dir, err := filepath.Abs(o.path(o.Dir))
		if err != nil {
			return err
		}
		o.Dir = dir
	}
	t, err := o.tool(ctx)
	if err != nil {
		return err
	}
	var file load.Generated
	if len(containers) > 0 {
		file, err = t.Generate(ctx, containers, o.GenerateOptions)
	} else {
		file, err = t.GenerateOf(ctx, o.g.name, o.GenerateOptions)
	}
	if err != nil {
		return err
	}
	var notes diag.List
	for _, n := range file.Notes {
		notes = append(notes, diag.Diagnostic{Severity: diag.Warning, Text: n})
	}
	o.warn(notes)
	text, err := file.YAML()
	if o.format == "json" {
		text, err = file.JSON()
	}
	if err != nil {
		return err
	}
	return o.output(o.out, func(w io.Writer) error { _, err := w.Write(text); return err })
}
