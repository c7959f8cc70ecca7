package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/cmd/internal/table"
	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/compose/plan"
)

func (c *cli) bridge() *cobra.Command {
	return c.family("bridge CMD [OPTIONS]", "Make something else of the project: Kubernetes manifests, a Helm chart",
		c.bridgeConvert(), c.family("transformations CMD [OPTIONS]", "Images that do so", c.bridgeCreate(), c.bridgeList()))
}

// bridgeOptions of bridge convert.
type bridgeOptions struct {
	*cli
	images            []string
	output, templates string
	yes               bool
}

func (c *cli) bridgeConvert() *cobra.Command {
	o := &bridgeOptions{cli: c}
	cmd := &cobra.Command{
		Use: "convert [OPTIONS]", Short: "Make Kubernetes manifests, a Helm chart, or something else of the project", Args: noArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	fs.StringVarP(&o.output, "output", "o", "out", "`directory` that is filled; what it holds is removed, once that was asked")
	fs.StringVar(&o.templates, "templates", "", "`directory` with templates, in place of the image's")
	fs.StringArrayVarP(&o.images, "transformation", "t", nil, "`image` that does it, repeatable (default: "+compose.DefaultTransformation+")")
	fs.BoolVarP(&o.yes, "yes", "y", false, "empty the directory without asking")
	return cmd
}

func (o *bridgeOptions) run(ctx context.Context) error {
	res, err := o.load(ctx, nil)
	if err != nil {
		return err
	}
	if err := o.consent(ctx, res, false); err != nil {
		return err
	}
	t, err := o.tool(ctx)
	if err != nil {
		return err
	}
	if err := o.bring(ctx, t, res.Project); err != nil {
		return err
	}
	in, err := o.model(ctx, t, res)
	if err != nil {
		return err
	}
	defer os.RemoveAll(in)
	tr := compose.Transformation{In: in, User: userID()}
	if tr.Out, err = filepath.Abs(o.path(o.output)); err != nil {
		return err
	}
	if o.templates != "" {
		if tr.Template, err = filepath.Abs(o.path(o.templates)); err != nil {
			return err
		}
	}
	if err := o.empty(ctx, tr.Out); err != nil {
		return err
	}
	images := o.images
	if len(images) == 0 {
		images = []string{compose.DefaultTransformation}
	}
	for _, tr.Image = range images {
		if err := o.transform(ctx, t, tr.Project(res.Project)); err != nil {
			return err
		}
	}
	return nil
}

// userID of who runs this, by number; "" where there are none.
func userID() string {
	if id := os.Getuid(); id >= 0 {
		return strconv.Itoa(id)
	}
	return ""
}

// bring the images that are not here: what they expose is part of the model.
func (o *bridgeOptions) bring(ctx context.Context, t compose.Tool, p compose.Project) error {
	out, err := o.decide(ctx, func(ctx context.Context) (plan.Plan, error) {
		out, err := t.PlanPull(ctx, p, plan.ImageOptions{Policy: "missing", Prebuilt: true})
		out.Warnings = nil
		return out, err
	})
	if err != nil || len(out.Nodes) == 0 {
		return err
	}
	return o.carryOut(ctx, t, out, run{title: "pull"})
}

// model in a directory of its own.
func (o *bridgeOptions) model(ctx context.Context, t compose.Tool, res load.Result) (dir string, err error) {
	ports := map[string][]string{}
	if !o.g.dryRun {
		exposed, missing, err := t.Exposed(ctx, res.Project)
		if err != nil {
			return "", err
		}
		o.warn(missing)
		ports = exposed
	}
	text, err := res.Model.Bridge(ports)
	if err != nil {
		return "", err
	}
	if dir, err = os.MkdirTemp("", "tutti-bridge-"); err != nil {
		return "", err
	}
	return dir, os.WriteFile(filepath.Join(dir, "compose.yaml"), text, 0o600)
}

// empty the output directory.
func (o *bridgeOptions) empty(ctx context.Context, dir string) error {
	if o.g.dryRun {
		return nil
	}
	all, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read output directory: %w", err)
	}
	if len(all) > 0 && !o.yes {
		yes, err := o.ask(ctx, o.status(), fmt.Sprintf("Output directory '%s' is not empty, all its content will be deleted. Continue? [y/N]: ", o.output))
		if err != nil {
			return err
		}
		if !yes {
			return usageError{text: fmt.Sprintf("output directory '%s' is not empty", o.output), hint: "if what it holds may go, say --yes"}
		}
	}
	for _, e := range all {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return fmt.Errorf("empty output directory: %w", err)
		}
	}
	return os.MkdirAll(dir, 0o755)
}

// transform by a container that goes when it is done.
func (o *bridgeOptions) transform(ctx context.Context, t compose.Tool, p compose.Project) error {
	name, err := o.make(ctx, t, p)
	if err != nil || o.g.dryRun {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	code, err := t.Once(ctx, p, name, compose.Terminal{Stdout: o.Stdout, Stderr: o.Stderr}, o.forwarded(ctx))
	if err := errors.Join(err, t.RemoveOnce(ctx, name)); err != nil || code == 0 {
		return err
	}
	return exitCode(code)
}

// make the container of a transformation.
func (c *cli) make(ctx context.Context, t compose.Tool, p compose.Project) (name string, err error) {
	out, err := c.decide(ctx, func(ctx context.Context) (out plan.Plan, err error) {
		out, name, err = t.PlanTransformation(ctx, p)
		return out, err
	})
	if err == nil {
		err = c.carryOut(ctx, t, out, run{title: "bridge", silent: true})
	}
	return name, err
}

func (c *cli) bridgeCreate() *cobra.Command {
	from := ""
	cmd := &cobra.Command{
		Use: "create [OPTION] PATH", Short: "Begin a transformation of your own, from the templates of another", Args: exactly(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.createTransformation(cmd.Context(), from, args[0])
		},
	}
	cmd.Flags().StringVarP(&from, "from", "f", "", "`image` to take the templates of (default: "+compose.DefaultTransformation+")")
	return cmd
}

func (c *cli) createTransformation(ctx context.Context, from, dir string) error {
	dir, err := filepath.Abs(c.path(dir))
	if err != nil {
		return err
	}
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("output folder %s already exists", dir)
	}
	t, err := c.tool(ctx)
	if err != nil {
		return err
	}
	tr := compose.Transformation{Image: cmp.Or(from, compose.DefaultTransformation)}
	name, err := c.make(ctx, t, tr.Project(compose.Project{Name: "tutti"}))
	if err != nil || c.g.dryRun {
		return err
	}
	if err := errors.Join(t.NewTransformation(ctx, name, dir), t.RemoveOnce(ctx, name)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.Stdout, "Transformer created in %q\n", dir)
	return err
}

func (c *cli) bridgeList() *cobra.Command {
	format, quiet := "", false
	cmd := &cobra.Command{
		Use: "list [OPTIONS]", Aliases: []string{"ls"}, Short: "List the transformations that are here", Args: noArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := c.gentle(cmd.Context())
			defer cancel()
			t, err := c.tool(ctx)
			if err != nil {
				return err
			}
			all, err := t.Transformations(ctx)
			if err != nil {
				return err
			}
			return table.Transformations(c.Stdout, all, format, quiet)
		},
	}
	cmd.Flags().StringVar(&format, "format", "table", "print as `kind`: table, json")
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "names only")
	return cmd
}
