package cli

import (
	"context"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/cmd/internal/render"
	"github.com/tutti-run/tutti/compose/diagram"
)

// vizOptions of viz.
type vizOptions struct {
	*cli
	diagram.Options
	format, out string
	indent      int
	spaces      bool
}

func (c *cli) viz() *cobra.Command {
	o := &vizOptions{cli: c}
	cmd := &cobra.Command{
		Use: "viz [OPTIONS] [SERVICE...]", Aliases: []string{"graph"}, Short: "Draw what needs what, as DOT, Mermaid or SVG",
		Long:              "Draw the services with what they need, and in which condition that must be, as DOT (Graphviz), Mermaid or SVG.",
		ValidArgsFunction: c.completeServices,
		RunE:              func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args) },
	}
	fs := cmd.Flags()
	fs.StringVar(&o.format, "format", "", "one of dot, mermaid and svg; by default what the file's name says, or dot")
	fs.StringVarP(&o.out, "output", "o", "", "write to a `file`")
	fs.BoolVar(&o.Image, "image", false, "show images")
	fs.BoolVar(&o.Ports, "ports", false, "show published ports")
	fs.BoolVar(&o.Networks, "networks", false, "show networks")
	fs.BoolVar(&o.Volumes, "volumes", false, "show named volumes, and who mounts them")
	fs.BoolVar(&o.Profiles, "profiles", false, "show the profiles of the services; with --profile '*' all of them are drawn")
	fs.IntVar(&o.indent, "indentation-size", 1, "indent DOT by so many `tabs` or spaces")
	fs.BoolVar(&o.spaces, "spaces", false, "indent DOT with spaces, not with tabs")
	return cmd
}

func (o *vizOptions) run(ctx context.Context, services []string) error {
	ctx, cancel := o.gentle(ctx)
	defer cancel()
	switch o.format {
	case "":
		o.format = diagramAs(o.out)
	case "dot", "mermaid", "svg":
	default:
		return usagef("--format must be dot, mermaid or svg, not %q", o.format)
	}
	if o.indent < 0 {
		return usagef("--indentation-size must not be negative")
	}
	l := o.loadOptions()
	l.Services, l.Lenient, l.NoEnvResolution = services, true, true
	res, err := o.loadWith(ctx, l)
	if err != nil {
		return err
	}
	o.Services = services
	d := diagram.Of(res.Project, o.Options)
	return o.output(o.out, func(w io.Writer) error { return o.draw(w, d) })
}

// diagramAs is what the name of a file asks for.
func diagramAs(name string) string {
	switch filepath.Ext(name) {
	case ".svg":
		return "svg"
	case ".mmd", ".mermaid":
		return "mermaid"
	}
	return "dot"
}

func (o *vizOptions) draw(w io.Writer, d diagram.Diagram) error {
	switch o.format {
	case "svg":
		return render.DiagramSVG(w, d)
	case "mermaid":
		return render.DiagramMermaid(w, d)
	}
	level := "\t"
	if o.spaces {
		level = " "
	}
	return render.DiagramDOT(w, d, strings.Repeat(level, o.indent))
}
