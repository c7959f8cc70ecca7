package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/compose/plan"
)

// publishOptions of publish.
type publishOptions struct {
	*cli
	to       compose.PublishOptions
	env, yes bool
}

func (c *cli) publish() *cobra.Command {
	o := &publishOptions{cli: c}
	cmd := &cobra.Command{
		Use: "publish [OPTIONS] REPOSITORY[:TAG]", Short: "Put the project's files into a registry, for -f oci://REPOSITORY", Args: exactly(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.to.Ref = args[0]
			if err := (load.PublishTo{Ref: o.to.Ref, OCIVersion: o.to.OCIVersion}).Check(); err != nil {
				return usageError{text: err.Error()}
			}
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&o.to.App, "app", false, "copy the images along, and pin them to what they are now")
	fs.StringVar(&o.to.OCIVersion, "oci-version", "", "`version` of the OCI specification: 1.0, 1.1 (default: what the registry takes)")
	fs.BoolVar(&o.to.Digests, "resolve-image-digests", false, "pin images to what their registries have now")
	fs.BoolVar(&o.env, "with-env", false, "publish env files, and values of variables without asking")
	fs.BoolVarP(&o.yes, "yes", "y", false, "answer all questions with yes")
	fs.BoolVar(&o.to.Insecure, "insecure-registry", false, "the registry may be without TLS")
	_ = fs.MarkHidden("insecure-registry")
	return cmd
}

func (o *publishOptions) run(ctx context.Context) error {
	l := o.loadOptions()
	l.Profiles = append(l.Profiles[:len(l.Profiles):len(l.Profiles)], "*")
	res, err := o.loadWith(ctx, l)
	if err != nil {
		return err
	}
	pub, err := res.Publication(o.env)
	if err != nil {
		return err
	}
	if err := o.askAll(ctx, pub.Questions); err != nil {
		return err
	}
	t, err := o.tool(ctx)
	if err != nil {
		return err
	}
	p, err := o.decide(ctx, func(ctx context.Context) (plan.Plan, error) {
		return t.PlanPublish(ctx, res.Project, pub.Files(), o.to)
	})
	if err != nil {
		return err
	}
	digest := ""
	t.Publish = t.Publisher(res, pub, o.to, func(d string) { digest = d })
	if err := o.carryOut(ctx, t, p, run{title: "publish"}); err != nil || digest == "" {
		return err
	}
	_, err = fmt.Fprintf(o.Stdout, "%s@%s\n", o.to.Ref, digest)
	return err
}

// askAll questions; one that is not answered with yes ends the command. A dry run only tells what they are about.
func (o *publishOptions) askAll(ctx context.Context, all []load.PublishQuestion) error {
	for _, q := range all {
		o.tell(q.About)
		for _, p := range q.Points {
			o.tell(fmt.Sprintf("  %s: %s", p.Place, p.Text))
		}
		if o.yes || o.g.dryRun {
			continue
		}
		yes, err := o.ask(ctx, o.status(), q.Ask+" [y/N]: ")
		if err != nil {
			return err
		}
		if !yes {
			o.tell("Nothing was published.")
			return exitCode(exitInterrupted)
		}
	}
	return nil
}
