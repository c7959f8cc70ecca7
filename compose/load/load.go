// Package load turns Compose files into a desired.Project: it finds them, has them read and checked with their places, lets
// compose-go merge and interpolate them, and has what comes out checked and converted. Only it and the packages under it,
// one for each of these steps, import compose-go and YAML; nobody else imports those.
package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/compose-spec/compose-go/v2/interpolation"
	"github.com/compose-spec/compose-go/v2/tree"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/sirupsen/logrus"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/check"
	"github.com/tutti-run/tutti/compose/load/convert"
	"github.com/tutti-run/tutti/compose/load/form"
	"github.com/tutti-run/tutti/compose/load/merged"
	"github.com/tutti-run/tutti/compose/load/source"
)

// Options say how the user names the project. The zero value searches from the current directory, with the environment
// of the process.
type Options struct {
	Files            []string  // -f; "-" is Stdin
	ProjectDirectory string    // --project-directory
	ProjectName      string    // -p
	Profiles         []string  // --profile
	EnvFiles         []string  // --env-file
	Environment      []string  // KEY=VALUE; nil is that of the process
	Dir              string    // what relative paths start from; "" is the current directory
	Stdin            io.Reader // nil is that of the process
	Strict           bool      // undefined variables are errors
	Unused           bool      // networks, volumes, configs and the like that no service uses are of the project, too
	Insecure         []string  // registries without TLS
	Lenient          bool      // what can only fail once containers are made is a warning: for config, ps, logs, down
	Isolate          bool      // a name and host ports of its own, beside other copies of the same files
	HostPorts        HostPorts // in use, for Isolate
	Services         []string  // named on the command line: their profiles are enabled, and Model holds only them and what they need

	// For config.
	NoInterpolate, NoNormalize, NoPathResolution, NoEnvResolution, NoConsistency bool
}

// Result of a load.
type Result struct {
	Project desired.Project
	Model   *Model
	Diags   diag.List // warnings; on a failed load all that was found

	resolved func() (Resolved, error)
	session  *session // nil of a project that was kept
}

// Load reads the project. On the user's mistakes the error is a diag.List of all of them, with their places, or ErrNoFile.
func Load(ctx context.Context, o Options) (Result, error) {
	defer silence()()
	s, err := open(ctx, o)
	if err != nil {
		return s.failed(err)
	}
	if err := s.load(ctx); err != nil {
		return s.failed(err)
	}
	s.Diags.Sort()
	s.desired.Place, s.desired.Variables = s.PlaceOf, s.variablesOf
	return Result{Project: s.desired, Model: s.model(), Diags: s.Diags, resolved: s.resolved, session: s}, nil
}

// failed adds err to what was found and returns both, as a diag.List where the mistake is the user's.
func (s *session) failed(err error) (Result, error) {
	var list diag.List
	if !errors.As(err, &list) {
		return Result{Diags: s.Diags}, err
	}
	for _, d := range list {
		s.AddOnce(d)
	}
	s.Diags.Sort()
	return Result{Diags: s.Diags}, s.Diags
}

// ProjectName tells what name applies: of -p and COMPOSE_PROJECT_NAME no file is needed.
func ProjectName(ctx context.Context, o Options) (string, error) {
	defer silence()()
	l, err := locate(o)
	if err != nil {
		return "", err
	}
	if o.ProjectName == "" && l.env["COMPOSE_PROJECT_NAME"] == "" && len(l.paths) == 0 {
		return "", ErrNoFile
	}
	if o.ProjectName != "" || l.env["COMPOSE_PROJECT_NAME"] != "" {
		if len(o.Files) == 0 { // Docker Compose finds what it would not make
			o.ProjectName = cmp.Or(normalize(o.ProjectName), o.ProjectName)
			l.env["COMPOSE_PROJECT_NAME"] = cmp.Or(normalize(l.env["COMPOSE_PROJECT_NAME"]), l.env["COMPOSE_PROJECT_NAME"])
		}
		return l.projectName(o, "")
	}
	s := newSession(o)
	s.location = l
	if err := s.readFiles(ctx); err != nil {
		_, err = s.failed(err)
		return "", err
	}
	return l.projectName(o, s.ProjectName())
}

// Environment is what files are interpolated with: the process environment over the env files. It needs no Compose file.
func Environment(o Options) (map[string]string, error) {
	defer silence()()
	l, err := locate(o)
	if err != nil {
		return nil, err
	}
	return l.env, nil
}

// session is one load under way.
type session struct {
	o Options
	*location
	*source.Files
	*source.Notes
	name    string
	form    form.Found
	project *types.Project // as `up` sees it
	dict    map[string]any // with NoInterpolate: what config prints
	desired desired.Project

	platforms   map[string]string              // of each service, as the files say
	unresolved  map[string]types.ServiceConfig // before env files were read
	fromEnvFile map[string]map[string]string   // service → variable → env file that set it
	hooks       map[string]merged.Hooks        // of each service, with their environment read
}

func newSession(o Options) *session {
	return &session{o: o, Files: &source.Files{}, Notes: &source.Notes{}}
}

func open(ctx context.Context, o Options) (*session, error) {
	s := newSession(o)
	l, err := locate(o)
	if err != nil {
		return s, err
	}
	s.location, s.Diags = l, l.found
	if len(l.paths) == 0 {
		return s, ErrNoFile
	}
	if err := s.readFiles(ctx); err != nil {
		return s, err
	}
	s.name, err = l.projectName(o, s.ProjectName())
	if err != nil {
		return s, err
	}
	s.env["COMPOSE_PROJECT_NAME"] = s.name
	return s, nil
}

// readFiles reads and parses the files that the user named, all of them even if one is broken.
func (s *session) readFiles(ctx context.Context) error {
	s.Files.Cwd, s.Files.Shell, s.Files.EnvFiles = s.location.cwd, s.shell, s.envFiles
	if err := s.fetch(ctx); err != nil {
		return err
	}
	for _, path := range s.paths {
		text, err := s.read(path)
		if err != nil {
			s.Diags = append(s.Diags, diag.Diagnostic{Severity: diag.Error, Rule: "unreadable-file", Text: fmt.Sprintf("read compose file: %v", err)})
			continue
		}
		s.Diags = append(s.Diags, s.Add(path, text, s.dir, s.env)...)
	}
	return s.outcome()
}

func (s *session) read(path string) ([]byte, error) {
	if path != source.Stdin {
		return source.ReadFile(path)
	}
	in := s.o.Stdin
	if in == nil {
		in = os.Stdin
	}
	return io.ReadAll(source.Limited(in))
}

func (s *session) load(ctx context.Context) (err error) {
	defer recovered(&err)
	s.prepare(ctx)
	if s.blocked() {
		return s.Diags
	}
	if err := s.compose(ctx); err != nil {
		return s.explain(err)
	}
	if s.o.NoInterpolate {
		return s.outcome()
	}
	if err := s.enable(); err != nil {
		return err
	}
	if !s.o.NoConsistency {
		check.Project(check.Input{Project: s.project, Files: s.Files, Notes: s.Notes, Dropped: s.form.Dropped, Lenient: s.o.Lenient})
	}
	if s.o.Isolate {
		s.isolate()
	}
	s.resolveEnvironment()
	s.applyPlatform()
	if s.Diags.HasErrors() {
		return s.Diags
	}
	s.desired = convert.Project(s.input())
	return s.outcome()
}

func (s *session) input() convert.Input {
	return convert.Input{Project: s.project, Files: s.Files, Notes: s.Notes, EnvFiles: s.named, Unused: s.o.Unused, FromEnvFile: s.fromEnvFile, Hooks: s.hooks, Platform: s.env[defaultPlatform]}
}

func (s *session) outcome() error {
	if s.Diags.HasErrors() {
		return s.Diags
	}
	return nil
}

// recovered turns a panic of compose-go into an error: whatever a file holds, a load ends in a result or a diagnostic.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fault("load compose file: %v", p)
	}
}

// casts are the conversions of values at paths that the files can hold. compose-go compares each value with each of them.
func (s *session) casts(all map[tree.Path]interpolation.Cast) map[tree.Path]interpolation.Cast {
	out := map[tree.Path]interpolation.Cast{}
	for path, cast := range all {
		parts := path.Parts()
		if !slices.ContainsFunc(parts, func(p string) bool { return p != tree.PathMatchAll && p != tree.PathMatchList && !s.form.Keys[p] }) {
			out[path] = cast
		}
	}
	return out
}

// silence keeps what compose-go logs off the user's screen: we say it ourselves, with the place.
func silence() (restore func()) {
	logging.Lock()
	log := logrus.StandardLogger()
	out := log.Out
	log.SetOutput(io.Discard)
	return func() {
		log.SetOutput(out)
		logging.Unlock()
	}
}

var logging sync.Mutex // the logger of compose-go is one for the process
