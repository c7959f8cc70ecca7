package cli

import (
	"cmp"
	"maps"
	"strings"

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
	builder, memory, provenance, sbom       string
	check, print                            bool
	compress, forceRemove, noRemove, inTurn bool // without effect, as in Docker Compose
}

func (c *cli) build() *cobra.Command {
	o := &buildOptions{bringing: &bringing{cli: c, asks: true}}
	o.Change = o.change
	return o.verb("build [OPTIONS] [SERVICE...]", "Build the images of services", o.flags, o.refuse, compose.Tool.PlanBuild)
}

func (o *buildOptions) flags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&o.args, "build-arg", nil, "set a build argument: KEY=VALUE, or KEY with its value from the environment")
	fs.BoolVar(&o.noCache, "no-cache", false, "use nothing of earlier builds")
	fs.BoolVar(&o.pullNewer, "pull", false, "look for newer base images")
	fs.BoolVar(&o.Push, "push", false, "push the images that have a name")
	fs.BoolVarP(&o.quiet, "quiet", "q", false, "show no progress")
	fs.StringArrayVar(&o.ssh, "ssh", nil, "let steps use an SSH agent or key: default, or ID=PATH")
	fs.BoolVar(&o.Deps, "with-dependencies", false, "also what the services depend on")
	fs.StringVar(&o.builder, "builder", "", notYetUsage)
	fs.StringVarP(&o.memory, "memory", "m", "", notYetUsage)
	fs.BoolVar(&o.check, "check", false, notYetUsage)
	fs.BoolVar(&o.print, "print", false, notYetUsage)
	fs.StringVar(&o.provenance, "provenance", "", notYetUsage)
	fs.StringVar(&o.sbom, "sbom", "", notYetUsage)
	fs.BoolVar(&o.compress, "compress", false, "")
	fs.BoolVar(&o.forceRemove, "force-rm", false, "")
	fs.BoolVar(&o.noRemove, "no-rm", false, "")
	fs.BoolVar(&o.inTurn, "parallel", true, "")
	for _, name := range []string{"compress", "force-rm", "no-rm", "parallel"} {
		_ = fs.MarkHidden(name)
	}
}

// refuse what is still to come: it is never ignored.
func (o *buildOptions) refuse() error {
	for _, f := range []struct {
		name string
		used bool
	}{
		{"--builder", o.builder != "" && o.builder != "default"}, {"--memory", o.memory != "" && o.memory != "0"}, {"--check", o.check}, {"--print", o.print},
		{"--provenance", wanted(o.provenance)}, {"--sbom", wanted(o.sbom)},
	} {
		if f.used {
			return notYet(f.name)
		}
	}
	return nil
}

func wanted(attestation string) bool { return attestation != "" && attestation != "false" }

// change a build as the command line has it.
func (o *buildOptions) change(b *image.Build) {
	b.NoCache, b.Pull = b.NoCache || o.noCache, b.Pull || o.pullNewer
	if len(o.args) > 0 {
		b.Args = maps.Clone(b.Args)
		if b.Args == nil {
			b.Args = map[string]*string{}
		}
	}
	for _, arg := range o.args {
		name, value, ok := strings.Cut(arg, "=")
		if !ok {
			value, ok = o.lookup(name)
		}
		if b.Args[name] = &value; !ok {
			b.Args[name] = nil // it is not passed
		}
	}
	for _, key := range o.ssh {
		id, path, _ := strings.Cut(key, "=")
		b.SSH = append(b.SSH[:len(b.SSH):len(b.SSH)], image.SSH{ID: cmp.Or(id, "default"), Path: path})
	}
	if len(o.ssh) > 0 {
		b.BuildKitOnly = append(b.BuildKitOnly[:len(b.BuildKitOnly):len(b.BuildKitOnly)], "ssh")
	}
}
