package cli

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tutti-run/tutti/compose/load"
)

// globals are the flags that every verb takes.
type globals struct {
	files, profiles, envFiles, insecure  []string
	projectDir, workDir, name            string
	ansi, progress, host, context        string
	parallel                             int
	allResources, compatibility, noANSI  bool
	isolate                              bool
	dryRun, strict, verbose, showVersion bool
}

var progressModes = []string{"auto", "tty", "plain", "json", "quiet"}

func (g *globals) flags() *pflag.FlagSet {
	fs := pflag.NewFlagSet("global", pflag.ContinueOnError)
	fs.StringArrayVarP(&g.files, "file", "f", nil, "Compose `file`, repeatable; - is standard input; git and oci:// addresses are fetched")
	fs.StringVarP(&g.name, "project-name", "p", "", "`name` of the project")
	fs.StringVar(&g.projectDir, "project-directory", "", "`directory` that paths in the files start from (default: that of the first file)")
	fs.StringArrayVar(&g.profiles, "profile", nil, "enable a `profile`, repeatable")
	fs.StringArrayVar(&g.envFiles, "env-file", nil, "read variables from a `file` instead of .env, repeatable")
	fs.StringVarP(&g.host, "host", "H", "", "`address` of the engine: unix://, tcp:// or ssh://")
	fs.StringVarP(&g.context, "context", "c", "", "`name` of the docker context to use")
	fs.BoolVar(&g.dryRun, "dry-run", false, "print the plan and change nothing")
	fs.BoolVar(&g.strict, "strict", false, "make undefined variables errors")
	fs.StringVar(&g.progress, "progress", "", "show progress as `kind`: "+strings.Join(progressModes, ", "))
	fs.StringVar(&g.ansi, "ansi", "", "use colours and control codes: never, always, auto")
	fs.Lookup("ansi").DefValue = "auto"
	fs.IntVar(&g.parallel, "parallel", -1, "most operations at once, -1 for the default")
	fs.BoolVar(&g.compatibility, "compatibility", false, "join names with _ instead of -, as the first Docker Compose did")
	fs.BoolVar(&g.isolate, "isolate", g.isolate, "give the project a name and host ports of its own, so that copies run side by side; TUTTI_ISOLATE=1 does so, too")
	fs.BoolVar(&g.allResources, "all-resources", false, "include networks and volumes that no service uses")
	fs.BoolVar(&g.verbose, "verbose", false, "log what is done")
	fs.BoolVar(&g.verbose, "debug", false, "log what is done")
	fs.BoolVarP(&g.showVersion, "version", "v", false, "print the version")
	fs.StringVar(&g.workDir, "workdir", "", "old name of --project-directory")
	fs.BoolVar(&g.noANSI, "no-ansi", false, "old form of --ansi never")
	fs.StringArrayVar(&g.insecure, "insecure-registry", nil, "registry to use without TLS")
	for _, hidden := range []string{"debug", "workdir", "no-ansi", "insecure-registry"} {
		_ = fs.MarkHidden(hidden)
	}
	return fs
}

// lend a verb the global flags, so that they are understood behind it too. They share the value: -f before and -f behind add up. A letter that
// the verb has for itself stays the verb's.
func lend(global *pflag.FlagSet, verb *cobra.Command) {
	fs := verb.Flags()
	global.VisitAll(func(f *pflag.Flag) {
		if fs.Lookup(f.Name) != nil || f.Name == "version" {
			return
		}
		shared := *f
		shared.Hidden = true
		if shared.Shorthand != "" && (fs.ShorthandLookup(f.Shorthand) != nil || f.Shorthand == "h") {
			shared.Shorthand = ""
		}
		fs.AddFlag(&shared)
	})
}

// check what is wrong whatever the verb.
func (c *cli) check() error {
	g := c.g
	if g.workDir != "" {
		if g.projectDir != "" {
			return usagef("cannot combine --workdir and --project-directory")
		}
		g.projectDir = g.workDir
	}
	if g.noANSI {
		if g.ansi != "" && g.ansi != "auto" {
			return usagef("cannot combine --no-ansi and --ansi")
		}
		g.ansi = "never"
	}
	if g.compatibility {
		c.Environ = append(slices.Clip(c.Environ), "COMPOSE_COMPATIBILITY=true")
	}
	if v, _ := c.lookup("TUTTI_ISOLATE"); v != "" {
		if _, err := strconv.ParseBool(v); err != nil {
			return usagef("TUTTI_ISOLATE must be true or false (found: %q)", v)
		}
	}
	if _, err := c.parallel(); err != nil {
		return err
	}
	if _, err := c.revisions(); err != nil {
		return err
	}
	c.log()
	_, _, err := c.mode()
	return err
}

func (c *cli) log() {
	level := slog.LevelError + 1
	if c.g.verbose {
		level = slog.LevelDebug
	}
	slog.SetDefault(slog.New(slog.NewTextHandler(c.Stderr, &slog.HandlerOptions{Level: level})))
}

// parallel is the limit of operations at once; 0 is the default.
func (c *cli) parallel() (int, error) {
	n := c.g.parallel
	if v := c.getenv("COMPOSE_PARALLEL_LIMIT"); v != "" && n == -1 {
		var err error
		if n, err = strconv.Atoi(v); err != nil {
			return 0, usagef("COMPOSE_PARALLEL_LIMIT must be an integer (found: %q)", v)
		}
	}
	return max(n, 0), nil
}

// getenv reads the environment, and COMPOSE_ variables from the env files too.
func (c *cli) getenv(key string) string {
	if v, ok := c.lookup(key); ok || !strings.HasPrefix(key, "COMPOSE_") {
		return v
	}
	v, _ := c.variable(key)
	return v
}

// variable of the project's environment: ours, or of the env files.
func (c *cli) variable(key string) (string, bool) {
	if v, ok := c.lookup(key); ok {
		return v, true
	}
	if c.dotenv == nil {
		c.dotenv, _ = stoppable(c.Stop, func() (map[string]string, error) { return load.Environment(c.loadOptions()) }) // what is wrong with it, Load tells
		if c.dotenv == nil {
			c.dotenv = map[string]string{}
		}
	}
	v, ok := c.dotenv[key]
	return v, ok
}

// lookup finds the last, as the system does.
func (c *cli) lookup(key string) (string, bool) {
	for _, kv := range slices.Backward(c.Environ) {
		if k, v, _ := strings.Cut(kv, "="); k == key {
			return v, true
		}
	}
	return "", false
}

// yes reads a variable that switches something on.
func (c *cli) yes(key string) bool {
	on, err := strconv.ParseBool(cmp.Or(c.getenv(key), "false"))
	return err == nil && on
}

// status is where the story goes.
func (c *cli) status() io.Writer {
	if c.yes("COMPOSE_STATUS_STDOUT") {
		return c.Stdout
	}
	return c.Stderr
}

func (c *cli) loadOptions() load.Options {
	g := c.g
	return load.Options{Files: g.files, ProjectDirectory: g.projectDir, ProjectName: g.name, Profiles: g.profiles, EnvFiles: g.envFiles,
		Environment: c.Environ, Dir: c.Dir, Stdin: c.again(), Strict: g.strict, Unused: g.allResources,
		Insecure: g.insecure, Isolate: g.isolate}
}

// again is stdin from its beginning, for those who load the files more than once.
func (c *cli) again() io.Reader {
	return io.MultiReader(bytes.NewReader(c.piped.Bytes()), io.TeeReader(c.Stdin, &c.piped))
}

// path of a file that a flag names.
func (c *cli) path(name string) string {
	if c.Dir == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.Dir, name)
}

// output goes into the file that a flag names, or to stdout without a name and with "-".
func (c *cli) output(name string, fill func(io.Writer) error) error {
	if name == "" || name == "-" {
		return fill(c.Stdout)
	}
	return c.create(name, fill)
}

// create a file that a flag names, and fill it. One that is there stays as it was if that fails.
func (c *cli) create(name string, fill func(io.Writer) error) error {
	path := c.path(name)
	f, err := within(path)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err = errors.Join(fill(f), f.Close()); err == nil && f.Name() != path {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		if f.Name() != path {
			os.Remove(f.Name())
		}
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// within is a file in the place of path, which stays as it is until that is whole; what is no file of its own (a pipe, a link) is written to.
func within(path string) (*os.File, error) {
	mode := fs.FileMode(0o666)
	info, err := os.Lstat(path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return os.Create(path)
	case err == nil:
		mode = info.Mode().Perm()
	}
	return os.OpenFile(filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d", filepath.Base(path), os.Getpid())), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
}

// otherNames of flags, which Docker Compose has or had.
func otherNames(names map[string]string) func(*pflag.FlagSet, string) pflag.NormalizedName {
	return func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		return pflag.NormalizedName(cmp.Or(names[name], name))
	}
}
