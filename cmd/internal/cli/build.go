package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/docker/go-units"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/image"
)

// buildOptions is what the command line has other than the file.
type buildOptions struct {
	*bringing
	args, ssh                               []string
	noCache, pullNewer                      bool
	limit                                   int64 // memory in bytes
	builder, memory, provenance, sbom       string
	check, print                            bool
	compress, forceRemove, noRemove, inTurn bool // without effect, as in Docker Compose
}

func (c *cli) build() *cobra.Command {
	o := &buildOptions{bringing: &bringing{cli: c, asks: true}}
	o.Change = o.change
	cmd := o.verb("build [OPTIONS] [SERVICE...]", "Build the images of services", o.flags, o.valid, compose.Tool.PlanBuild)
	build := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !o.print && !o.check {
			return build(cmd, args)
		}
		o.Services = args
		if err := o.valid(); err != nil {
			return err
		}
		return o.look(cmd.Context())
	}
	return cmd
}

func (o *buildOptions) flags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.args, "build-arg", nil, "set a build argument: KEY=VALUE, or KEY with its value from the environment")
	fs.BoolVar(&o.noCache, "no-cache", false, "use nothing of earlier builds")
	fs.BoolVar(&o.pullNewer, "pull", false, "look for newer base images")
	fs.BoolVar(&o.Push, "push", false, "push the images that have a name")
	fs.BoolVarP(&o.quiet, "quiet", "q", false, "show no progress")
	fs.StringArrayVar(&o.ssh, "ssh", nil, "let steps use an SSH agent or key: default, or ID=PATH")
	fs.BoolVar(&o.Deps, "with-dependencies", false, "also what the services depend on")
	fs.StringVar(&o.builder, "builder", "", "build with this builder of buildx, or at this address")
	fs.StringVarP(&o.memory, "memory", "m", "", "how much memory a step may use; BuildKit has no such limit")
	fs.BoolVar(&o.check, "check", false, "look at the Dockerfiles, and build nothing")
	fs.BoolVar(&o.print, "print", false, "print the builds as a file for docker buildx bake, and build nothing")
	fs.StringVar(&o.provenance, "provenance", "", "attest how images were built: true, or mode=max")
	fs.StringVar(&o.sbom, "sbom", "", "attest what is in the images: true, or generator=`IMAGE`")
	fs.BoolVar(&o.compress, "compress", false, "")
	fs.BoolVar(&o.forceRemove, "force-rm", false, "")
	fs.BoolVar(&o.noRemove, "no-rm", false, "")
	fs.BoolVar(&o.inTurn, "parallel", true, "")
	for _, name := range []string{"compress", "force-rm", "no-rm", "parallel"} {
		_ = fs.MarkHidden(name)
	}
}

// valid tells what cannot be meant.
func (o *buildOptions) valid() error {
	for _, key := range o.ssh {
		if id, _, ok := strings.Cut(key, "="); !ok && id != "default" && id != "" {
			return usagef("invalid ssh key %q", key)
		}
	}
	if o.memory == "" {
		return nil
	}
	var err error
	if o.limit, err = units.RAMInBytes(o.memory); err != nil {
		return usagef("invalid argument %q for \"-m, --memory\" flag: %v", o.memory, err)
	}
	return nil
}

// look at builds instead of running them.
func (o *buildOptions) look(ctx context.Context) error {
	ctx, cancel := o.gentle(ctx)
	defer cancel()
	res, err := o.load(ctx, o.Services)
	if err != nil {
		return err
	}
	if err := compose.CheckServices(res.Project, o.Services); err != nil {
		return err
	}
	if o.print {
		text, err := compose.BakeFile(res.Project, o.ImageOptions, o.check)
		if err == nil {
			_, err = o.Stdout.Write(text)
		}
		return err
	}
	if err := o.consent(ctx, res, false); err != nil {
		return err
	}
	return o.lint(ctx, res.Project)
}

// lint fails if there is something to find fault with.
func (o *buildOptions) lint(ctx context.Context, project compose.Project) error {
	t, err := o.tool(ctx)
	if err != nil {
		return err
	}
	p, err := t.PlanBuild(ctx, project, o.ImageOptions)
	if err != nil {
		return err
	}
	all, err := t.CheckBuilds(ctx, p)
	clean := true
	for i, c := range all {
		if i > 0 {
			fmt.Fprintln(o.Stdout)
		}
		fmt.Fprintf(o.Stdout, "%s\n\n%s", c.Service, c.Found.Text)
		clean = clean && c.Found.Clean
	}
	if err == nil && !clean {
		return exitCode(exitError)
	}
	return err
}

// change a build as the command line has it.
func (o *buildOptions) change(b *image.Build) {
	b.NoCache, b.Pull = b.NoCache || o.noCache, b.Pull || o.pullNewer
	b.Memory, b.Builder = o.limit, o.builder
	if !o.print { // bake takes these with flags of its own
		b.Provenance, b.SBOM = cmp.Or(o.provenance, b.Provenance), cmp.Or(o.sbom, b.SBOM)
	}
	if len(o.args) > 0 {
		b.Args = maps.Clone(b.Args)
		if b.Args == nil {
			b.Args = map[string]*string{}
		}
	}
	for _, arg := range o.args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			value, ok = o.variable(name)
		}
		if b.Args[name] = &value; !ok {
			b.Args[name] = nil // it is not passed
		}
	}
	for _, key := range o.ssh {
		id, path, _ := strings.Cut(key, "=")
		b.SSH = append(b.SSH[:len(b.SSH):len(b.SSH)], image.SSH{ID: cmp.Or(id, "default"), Path: path})
	}
	for _, k := range []struct {
		name string
		used bool
	}{{"provenance", attested(o.provenance)}, {"sbom", attested(o.sbom)}, {"ssh", len(o.ssh) > 0}} {
		if k.used && !slices.Contains(b.BuildKitOnly, k.name) {
			b.BuildKitOnly = append(b.BuildKitOnly[:len(b.BuildKitOnly):len(b.BuildKitOnly)], k.name)
		}
	}
}

// attested is what is asked for and not switched off.
func attested(value string) bool {
	on, err := strconv.ParseBool(value)
	return value != "" && (on || err != nil)
}
