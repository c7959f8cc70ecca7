package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/compose/load"
)

// configOptions of config.
type configOptions struct {
	*cli
	parts                                   load.Options
	services                                []string
	format, output, hash                    string
	quiet, names, images, volumes, networks bool
	profiles, variables, environment        bool
	lockDigests, resolveDigests, models     bool
}

func (c *cli) config() *cobra.Command {
	o := &configOptions{cli: c}
	cmd := &cobra.Command{
		Use: "config [OPTIONS] [SERVICE...]", Short: "Check the files, and show what they come to", Aliases: []string{"convert"},
		ValidArgsFunction: c.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.services = args
			if err := o.check(); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.format, "format", "", "print as `kind`: yaml, json; with json also what is wrong, as a list of diagnostics")
	fs.StringVarP(&o.output, "output", "o", "", "write to a `file`")
	fs.BoolVarP(&o.quiet, "quiet", "q", false, "print nothing, only check")
	fs.BoolVar(&o.names, "services", false, "names of services, a line each")
	fs.BoolVar(&o.images, "images", false, "names of images, a line each")
	fs.BoolVar(&o.volumes, "volumes", false, "names of volumes, a line each")
	fs.BoolVar(&o.networks, "networks", false, "names of networks, a line each")
	fs.BoolVar(&o.profiles, "profiles", false, "names of profiles, a line each")
	fs.BoolVar(&o.variables, "variables", false, "variables that the files use, and their defaults")
	fs.BoolVar(&o.environment, "environment", false, "variables that the files are filled in with")
	fs.StringVar(&o.hash, "hash", "", "hash of the configuration of `services`: names with commas between, or *")
	fs.BoolVar(&o.parts.NoInterpolate, "no-interpolate", false, "leave variables as they are")
	fs.BoolVar(&o.parts.NoNormalize, "no-normalize", false, "add no defaults")
	fs.BoolVar(&o.parts.NoPathResolution, "no-path-resolution", false, "leave paths as they are")
	fs.BoolVar(&o.parts.NoEnvResolution, "no-env-resolution", false, "do not read the services' env files")
	fs.BoolVar(&o.parts.NoConsistency, "no-consistency", false, "do not check that the model makes sense")
	fs.BoolVar(&o.lockDigests, "lock-image-digests", false, "print an override file with the images as their registries have them now")
	fs.BoolVar(&o.resolveDigests, "resolve-image-digests", false, "pin images to what their registries have now")
	fs.BoolVar(&o.models, "models", false, "names of models, a line each")
	return cmd
}

func (o *configOptions) check() error {
	o.json = o.format == "json"
	if o.format != "" && o.format != "yaml" && o.format != "json" {
		return usagef("unsupported format %q", o.format)
	}
	return nil
}

func (o *configOptions) run(ctx context.Context) error {
	ctx, cancel := o.gentle(ctx)
	defer cancel()
	l, part := o.loadOptions(), o.parts
	l.Services, l.NoInterpolate, l.NoNormalize, l.NoPathResolution = o.services, part.NoInterpolate, part.NoNormalize, part.NoPathResolution
	l.NoEnvResolution, l.NoConsistency, l.Lenient = part.NoEnvResolution, part.NoConsistency, true
	if o.names || o.volumes || o.networks || o.models || o.hash != "" { // as Docker Compose has it
		l.Services = nil
	}
	if o.lists() {
		l.NoEnvResolution = true
	}
	if o.variables {
		all, err := load.Variables(ctx, l)
		if err != nil {
			return err
		}
		return o.printVariables(all)
	}
	res, err := o.loadWith(ctx, l)
	if err == nil && !o.lists() && !o.environment {
		err = o.pin(ctx, res.Model)
	}
	if err != nil || o.quiet && !o.lists() && !o.environment {
		return err
	}
	text, err := o.text(res.Model)
	if err != nil {
		return err
	}
	if o.output != "" {
		return o.create(o.output, func(w io.Writer) error { _, err := w.Write(text); return err })
	}
	_, err = o.Stdout.Write(text)
	return err
}

// pin images to what their registries have, if that is asked for.
func (o *configOptions) pin(ctx context.Context, m *load.Model) error {
	if !o.lockDigests && !o.resolveDigests {
		return nil
	}
	images, err := m.Unpinned()
	if err != nil {
		return err
	}
	digests := map[string]string{}
	if len(images) > 0 {
		tool, err := o.tool(ctx)
		if err != nil {
			return err
		}
		if digests, err = tool.Digests(ctx, images); err != nil {
			return err
		}
	}
	if o.lockDigests {
		m.ImagesOnly()
	}
	return m.Pin(digests)
}

// lists tells whether something other than the model is printed, for which env files of services do not count.
func (o *configOptions) lists() bool {
	return o.names || o.volumes || o.networks || o.models || o.hash != "" || o.profiles || o.images
}

func (o *configOptions) text(m *load.Model) ([]byte, error) {
	switch {
	case o.names:
		return lines(m.Services()), nil
	case o.volumes:
		return lines(m.Volumes()), nil
	case o.networks:
		return lines(m.Networks()), nil
	case o.models:
		return lines(m.Models()), nil
	case o.hash != "":
		return o.hashes(m)
	case o.profiles:
		return lines(m.Profiles()), nil
	case o.images:
		return lines(m.Images()), nil
	case o.environment:
		return lines(m.Environment()), nil
	case o.format == "json":
		return m.JSON()
	}
	return m.YAML()
}

func lines(all []string) []byte {
	var b strings.Builder
	for _, s := range all {
		b.WriteString(s + "\n")
	}
	return []byte(b.String())
}

func (o *configOptions) hashes(m *load.Model) ([]byte, error) {
	var services []string
	if o.hash != "*" {
		services = strings.Split(o.hash, ",")
	}
	all, err := m.Hashes(services)
	var out []string
	for _, h := range all {
		out = append(out, h.Service+" "+h.Hash)
	}
	return lines(out), err
}

func (o *configOptions) printVariables(all []load.Variable) error {
	switch o.format {
	case "json":
		return variablesJSON(o.Stdout, all)
	case "yaml":
		text, err := load.VariablesYAML(all)
		if err == nil && !o.quiet {
			_, err = o.Stdout.Write(text)
		}
		return err
	}
	w := tabwriter.NewWriter(o.Stdout, 20, 1, 3, ' ', 0)
	fmt.Fprintln(w, "NAME\tREQUIRED\tDEFAULT VALUE\tALTERNATE VALUE")
	for _, v := range all {
		fmt.Fprintf(w, "%s\t%t\t%s\t%s\n", v.Name, v.Required, v.Default, v.Alternate)
	}
	return w.Flush()
}

// variablesJSON in Docker Compose's form.
func variablesJSON(w io.Writer, all []load.Variable) error {
	type variable struct {
		Name, DefaultValue, PresenceValue string
		Required                          bool
	}
	out := map[string]variable{}
	for _, v := range all {
		out[v.Name] = variable{v.Name, v.Default, v.Alternate, v.Required}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "    ")
	if err := e.Encode(out); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}
