package cli

import (
	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/cmd/internal/plugin"
	"github.com/tutti-run/tutti/cmd/internal/table"
)

// versionOptions of version.
type versionOptions struct {
	*cli
	format string
	short  bool
}

func (c *cli) version() *cobra.Command {
	o := &versionOptions{cli: c}
	cmd := &cobra.Command{
		Use: "version [OPTIONS]", Short: "Print the version of tutti", Args: noArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(*cobra.Command, []string) error { return o.run() },
	}
	cmd.Flags().StringVarP(&o.format, "format", "f", "", "print as `kind`: pretty, json")
	cmd.Flags().BoolVar(&o.short, "short", false, "the number only")
	return cmd
}

func (o versionOptions) run() error {
	v := table.VersionInfo{Program: "tutti", Version: o.Version}
	if o.AsCompose {
		v = table.VersionInfo{Program: "Docker Compose", Version: plugin.ComposeVersion}
	}
	return table.Version(o.Stdout, v, o.format, o.short)
}
