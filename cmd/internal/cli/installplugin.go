package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/cmd/internal/plugin"
)

// pluginOptions of install-plugin.
type pluginOptions struct {
	*cli
	dir             string
	besides, remove bool
}

func (c *cli) installPlugin() *cobra.Command {
	o := &pluginOptions{cli: c}
	cmd := &cobra.Command{
		Use: "install-plugin [OPTIONS]", Short: "Answer 'docker compose', or docker-compose, with tutti", Args: noArgs,
		Long: `Answer 'docker compose', or docker-compose, with tutti.

A link to tutti is put where docker looks for the user's plugins. What is there already is kept beside it, and put back by --remove.`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(*cobra.Command, []string) error { return o.run() },
	}
	cmd.Flags().StringVar(&o.dir, "dir", "", "`directory` to put the link in (default: that of docker's plugins, in $DOCKER_CONFIG or ~/.docker)")
	cmd.Flags().BoolVar(&o.besides, "docker-compose", false, "put the link beside tutti itself, as the command docker-compose")
	cmd.Flags().BoolVar(&o.remove, "remove", false, "take the link away, and put back what was there before")
	return cmd
}

func (o *pluginOptions) run() error {
	if o.dir != "" && o.besides {
		return usagef("cannot combine --dir and --docker-compose")
	}
	program, err := os.Executable()
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		return fmt.Errorf("find tutti: %w", err)
	}
	dir, err := o.directory(program)
	if err != nil {
		return err
	}
	if o.g.dryRun {
		return usagef("install-plugin has no --dry-run")
	}
	if o.remove {
		done, err := plugin.Remove(dir)
		return o.tell(done, "removed", "is not there", "put back: ", err)
	}
	done, err := plugin.Install(dir, program)
	return o.tell(done, "is now tutti", "is tutti already", "kept: ", err)
}

func (o *pluginOptions) directory(program string) (string, error) {
	switch {
	case o.besides:
		return filepath.Dir(program), nil
	case o.dir != "":
		return filepath.Abs(o.path(o.dir))
	}
	return plugin.Dir(o.getenv)
}

func (o *pluginOptions) tell(done plugin.Outcome, changed, same, kept string, err error) error {
	if err != nil {
		return err
	}
	if !done.Changed {
		changed = same
	}
	fmt.Fprintf(o.Stdout, "%s %s\n", done.Path, changed)
	if done.Kept != "" {
		fmt.Fprintf(o.Stdout, "%s%s\n", kept, done.Kept)
	}
	return nil
}
