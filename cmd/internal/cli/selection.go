package cli

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tutti-run/tutti/compose"
)

// selection is what up, create and plan have in common: which containers are brought up, and how.
type selection struct {
	services                                                    []string
	build, noBuild, forceRecreate, noRecreate                   bool
	recreateDeps, noDeps, removeOrphans, renew, recreateVolumes bool
	noStart, wait, quietPull, quietBuild, yes                   bool
	atomic                                                      bool
	ignoreOrphans                                               bool
	pull                                                        string
	scale                                                       []string
	timeout                                                     *time.Duration
	waitTimeout                                                 int
	replicas                                                    map[string]int
}

// flagsOfCreate are those that create has too.
func (s *selection) flagsOfCreate(fs *pflag.FlagSet) {
	fs.BoolVar(&s.build, "build", false, "build images first")
	fs.BoolVar(&s.noBuild, "no-build", false, "build no image, even if one is missing")
	fs.BoolVar(&s.forceRecreate, "force-recreate", false, "replace containers even if nothing differs")
	fs.BoolVar(&s.noRecreate, "no-recreate", false, "keep containers that exist as they are")
	fs.StringVar(&s.pull, "pull", "policy", "pull images: always, missing, never, build, or policy: as the file says")
	fs.BoolVar(&s.quietPull, "quiet-pull", false, "show no progress of pulls")
	fs.BoolVar(&s.removeOrphans, "remove-orphans", false, "remove containers of services that the file does not have")
	fs.StringArrayVar(&s.scale, "scale", nil, "run so many replicas: `SERVICE=NUM`, repeatable")
	fs.BoolVarP(&s.yes, "yes", "y", false, "answer every question with yes")
}

func (s *selection) flags(fs *pflag.FlagSet) {
	s.flagsOfCreate(fs)
	fs.BoolVar(&s.recreateDeps, "always-recreate-deps", false, "replace the services that others depend on, too")
	fs.BoolVar(&s.noDeps, "no-deps", false, "leave out what the services depend on")
	fs.BoolVar(&s.recreateVolumes, "recreate-volumes", false, "make volumes that the file wants otherwise anew, with what they hold; a snapshot is kept")
	fs.BoolVarP(&s.renew, "renew-anon-volumes", "V", false, "make anonymous volumes anew instead of taking them over")
	fs.BoolVar(&s.noStart, "no-start", false, "create, but start nothing")
	fs.BoolVar(&s.wait, "wait", false, "wait until services are running or healthy; implies -d")
	fs.BoolVar(&s.atomic, "atomic", false, "all or nothing: if a step fails, undo all that was done")
	timeoutVar(fs, &s.timeout)
}

// timeoutVar is -t: whole seconds, and nothing if it is not given.
func timeoutVar(fs *pflag.FlagSet, to **time.Duration) {
	fs.VarP(&seconds{to}, "timeout", "t", "`seconds` that a container has to stop before it is killed")
}

type seconds struct{ to **time.Duration }

func (s *seconds) String() string { return "" }
func (s *seconds) Type() string   { return "int" }

func (s *seconds) Set(text string) error {
	n, err := strconv.ParseInt(text, 10, 32)
	d := time.Duration(n) * time.Second
	*s.to = &d
	return err
}

// check what does not go together, in Docker Compose's words.
func (s *selection) check(c *cli, cmd *cobra.Command) error {
	switch {
	case s.build && s.noBuild:
		return usagef("--build and --no-build are incompatible")
	case s.renew && s.noRecreate:
		return usagef("--no-recreate and --renew-anon-volumes are incompatible")
	case s.recreateVolumes && s.noRecreate:
		return usagef("--no-recreate and --recreate-volumes are incompatible")
	case s.forceRecreate && s.noRecreate:
		return usagef("--force-recreate and --no-recreate are incompatible")
	case s.recreateDeps && s.noRecreate:
		return usagef("--always-recreate-deps and --no-recreate are incompatible")
	case !slices.Contains([]string{"policy", "always", "missing", "never", "build"}, s.pull):
		return usagef("invalid --pull option %q", s.pull)
	}
	if !cmd.Flags().Changed("remove-orphans") {
		s.removeOrphans = c.yes("COMPOSE_REMOVE_ORPHANS")
	}
	s.ignoreOrphans = c.yes("COMPOSE_IGNORE_ORPHANS")
	if s.ignoreOrphans && s.removeOrphans {
		return usagef("cannot combine COMPOSE_IGNORE_ORPHANS and --remove-orphans")
	}
	return s.parseScale()
}

func (s *selection) parseScale() error {
	s.replicas = map[string]int{}
	for _, text := range s.scale {
		name, num, ok := strings.Cut(text, "=")
		n, err := strconv.Atoi(num)
		if !ok || name == "" || err != nil || n < 0 {
			return usagef("invalid --scale option %q. Should be SERVICE=NUM", text)
		}
		s.replicas[name] = n
	}
	return nil
}

// fits tells whether the file has what is asked for.
func (s *selection) fits(p compose.Project) error {
	if len(p.Services) == 0 {
		return usageError{text: "no service selected", hint: "none is enabled; see --profile"}
	}
	if err := compose.CheckServices(p, s.services); err != nil {
		return err
	}
	return compose.CheckServices(p, slices.Sorted(maps.Keys(s.replicas)))
}

func (s *selection) options() compose.UpOptions {
	o := compose.UpOptions{Services: s.services, NoDeps: s.noDeps, AlwaysRecreateDeps: s.recreateDeps, RemoveOrphans: s.removeOrphans,
		IgnoreOrphans: s.ignoreOrphans, Scale: s.replicas, Timeout: s.timeout, RenewAnonVolumes: s.renew, RecreateVolumes: s.recreateVolumes, NoStart: s.noStart, Pull: s.pull,
		Build: s.build, NoBuild: s.noBuild, Wait: s.wait, Atomic: s.atomic}
	switch {
	case s.forceRecreate:
		o.Recreate = compose.Always
	case s.noRecreate:
		o.Recreate = compose.Never
	}
	if o.Pull == "policy" {
		o.Pull = ""
	}
	return o
}
