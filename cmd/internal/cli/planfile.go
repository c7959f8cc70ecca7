package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/compose/plan"
)

// savePlan with what it takes to make it again.
func (o *planOptions) savePlan(p plan.Plan) error {
	dir, err := filepath.Abs(o.path("."))
	if err != nil {
		return err
	}
	if slices.Contains(o.g.files, "-") {
		return usagef("cannot combine --out and --file -: the plan could not be made again")
	}
	s := compose.SavedPlan{Dir: dir, Files: o.g.files, ProjectDirectory: o.g.projectDir, ProjectName: o.g.name, Profiles: o.g.profiles,
		EnvFiles: o.g.envFiles, Options: o.options()}
	return o.create(o.out, func(w io.Writer) error { return s.Save(w, p) })
}

// checkPlanFile: a saved plan says itself what it is of.
func (o *upOptions) checkPlanFile(cmd *cobra.Command) error {
	if len(o.services) > 0 {
		return usagef("--plan cannot be combined with services: the plan names them")
	}
	g := o.g
	if len(g.files)+len(g.profiles)+len(g.envFiles) > 0 || g.name != "" || g.projectDir != "" {
		return usagef("--plan cannot be combined with --file, --profile, --env-file, --project-name or --project-directory: the plan says them")
	}
	var wrong error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if slices.Contains(fixedByPlan, f.Name) && wrong == nil {
			wrong = usagef("--plan cannot be combined with --%s: the plan says it", f.Name)
		}
	})
	return wrong
}

var fixedByPlan = []string{"always-recreate-deps", "build", "force-recreate", "no-build", "no-deps", "no-recreate", "no-start", "pull", "recreate-volumes", "remove-orphans",
	"renew-anon-volumes", "scale", "timeout", "wait"}

// runSaved carries out a saved plan, if it is still what would be planned.
func (o *upOptions) runSaved(ctx context.Context) error {
	f, err := os.Open(o.path(o.planFile))
	if err != nil {
		return fmt.Errorf("read plan: %w", err)
	}
	defer f.Close()
	s, err := compose.LoadPlan(f)
	if err != nil {
		return err
	}
	o.services, o.timeout, o.g.name = s.Options.Services, s.Options.Timeout, s.ProjectName
	o.detach = o.detach || s.Options.Wait
	res, err := o.loadWith(ctx, load.Options{Files: s.Files, ProjectDirectory: s.ProjectDirectory, ProjectName: s.ProjectName,
		Profiles: s.Profiles, EnvFiles: s.EnvFiles, Environment: o.Environ, Dir: s.Dir, Strict: o.g.strict, Services: s.Options.Services})
	if err != nil {
		return err
	}
	return o.bringUp(ctx, res, s.Options, s.Same)
}
