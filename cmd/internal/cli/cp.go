package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/engine/container"
)

// cpOptions of cp.
type cpOptions struct {
	*cli
	compose.CopyOptions
	from, to string
}

func (c *cli) cp() *cobra.Command {
	o := &cpOptions{cli: c}
	cmd := &cobra.Command{
		Use:   "cp [OPTIONS] SERVICE:SRC_PATH DEST_PATH|-\n        tutti cp [OPTIONS] SRC_PATH|- SERVICE:DEST_PATH",
		Short: "Copy files between containers and this machine", Args: exactly(2),
		ValidArgsFunction: c.completeCopy,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.from, o.to = args[0], args[1]
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.BoolVarP(&o.Owners, "archive", "a", false, "keep user and group, by number")
	fs.BoolVarP(&o.Follow, "follow-link", "L", false, "copy what a symbolic link at the source stands for")
	fs.IntVar(&o.Index, "index", 0, "`number` of the container, if the service has several")
	fs.BoolVar(&o.OneOffs, "all", false, "also into containers that run made")
	return cmd
}

func (o *cpOptions) run(ctx context.Context) error {
	ctx, cancel := o.gentle(ctx)
	defer cancel()
	o.From, o.To = compose.ParsePlace(o.from), compose.ParsePlace(o.to)
	o.Stdin, o.Stdout, o.Tell = o.cli.Stdin, o.cli.Stdout, o.say
	if o.From.Service == "" && o.From.Path != "-" {
		o.From.Path = o.path(o.From.Path)
	}
	if o.To.Service == "" && o.To.Path != "-" {
		o.To.Path = o.path(o.To.Path)
	}
	project, err := o.project(ctx, nil)
	if err != nil {
		return err
	}
	t, err := o.tool(ctx)
	if err != nil || o.g.dryRun {
		return err
	}
	return t.Copy(ctx, project, o.CopyOptions)
}

// say in Docker Compose's words what is copied.
func (o *cpOptions) say(l container.Live, done bool) {
	from, to, word := o.from, o.to, "Copying"
	if o.From.Service != "" {
		from = l.Name + ":" + o.From.Path
	} else {
		to = l.Name + ":" + o.To.Path
	}
	if done {
		word = "Copied"
	}
	o.tell(fmt.Sprintf(" %s copy %s to %s %s", l.Name, from, to, word))
}

// completeCopy with services, behind which a colon goes, and files.
func (c *cli) completeCopy(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 1 {
		return nil, noFiles
	}
	names, _ := c.completeServices(cmd, nil, word)
	for i := range names {
		names[i] += ":"
	}
	return names, cobra.ShellCompDirectiveNoSpace
}
