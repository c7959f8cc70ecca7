package load

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/isolate"
	"github.com/tutti-run/tutti/compose/load/remote"
	"github.com/tutti-run/tutti/compose/load/source"
)

// ErrNoFile is returned when no Compose file was named and none was found; its text is Docker Compose's.
var ErrNoFile = errors.New("no configuration file provided: not found")

// location is where a project is: its files, its directory, and the environment that its files are interpolated with.
type location struct {
	cwd      string
	dir      string            // of the project
	namedBy  string            // the directory that the project is named after
	paths    []string          // of its files; absolute, or "-", or until they are fetched references to what is elsewhere
	envFiles []string          // absolute, those that win first
	named    []string          // env files that the user named
	shell    map[string]string // of the process
	env      map[string]string // of the process, then of the env files
	profiles []string
	found    diag.List // what else might have been meant
}

// locate follows the order of Docker Compose: the process environment wins, then the .env beside the named file or in the
// current directory; that may set COMPOSE_FILE; the files found may lie elsewhere and bring their own .env.
func locate(o Options) (*location, error) {
	l, err := start(o)
	if err != nil {
		return nil, err
	}
	if err := l.readEnvFiles(o); err != nil {
		return nil, err
	}
	if err := l.findFiles(); err != nil {
		return nil, err
	}
	if err := l.readEnvFiles(o); err != nil {
		return nil, err
	}
	l.dir = l.projectDir(o)
	l.namedBy = l.dir
	l.profiles = o.Profiles
	if len(l.profiles) == 0 {
		l.profiles = split(l.env["COMPOSE_PROFILES"])
	}
	return l, nil
}

func start(o Options) (*location, error) {
	cwd := o.Dir
	if cwd == "" {
		d, err := os.Getwd()
		if err != nil {
			return nil, fmt.Errorf("find working directory: %w", err)
		}
		cwd = d
	}
	l := &location{cwd: cwd, env: environment(o.Environment)}
	l.shell = maps.Clone(l.env)
	if _, ok := l.env["PWD"]; !ok {
		l.env["PWD"] = cwd
	}
	for _, f := range o.Files {
		l.paths = append(l.paths, l.abs(f))
	}
	if o.ProjectDirectory != "" {
		l.dir = l.abs(o.ProjectDirectory)
	}
	named := o.EnvFiles
	if len(named) == 0 {
		named = fields(l.env["COMPOSE_ENV_FILES"])
	}
	for _, f := range named {
		l.named = append(l.named, l.abs(f))
	}
	return l, nil
}

func environment(list []string) map[string]string {
	if list == nil {
		list = os.Environ()
	}
	env := make(map[string]string, len(list))
	for _, e := range list {
		if k, v, ok := strings.Cut(e, "="); ok {
			env[k] = v
		}
	}
	return env
}

// fields splits at commas and drops what is blank.
func fields(s string) []string {
	return slices.DeleteFunc(split(s), func(f string) bool { return f == "" })
}

// split at commas. What is blank stays: `profiles: ["${OFF:-}"]` is on unless profiles are named, as in compose-go (cli.WithDefaultProfiles).
func split(s string) []string {
	out := strings.Split(s, ",")
	for i, f := range out {
		out[i] = strings.TrimSpace(f)
	}
	return out
}

func (l *location) abs(path string) string {
	if path == source.Stdin || filepath.IsAbs(path) || remote.Is(path) {
		return path
	}
	return filepath.Join(l.cwd, path)
}

// projectDir is --project-directory, else where the first file is, else the current directory: also where that file is kept
// elsewhere.
func (l *location) projectDir(o Options) string {
	if o.ProjectDirectory != "" {
		return l.abs(o.ProjectDirectory)
	}
	if f := l.first(); f != "" && !remote.Is(f) {
		return filepath.Dir(f)
	}
	return l.cwd
}

// first file with a path; "" if there is none.
func (l *location) first() string {
	for _, f := range l.paths {
		if f != source.Stdin {
			return f
		}
	}
	return ""
}

// readEnvFiles merges the env files under the environment: what is set stays.
func (l *location) readEnvFiles(o Options) error {
	files := l.named
	if len(files) == 0 {
		f, err := l.defaultEnvFile(o)
		if err != nil || f == "" {
			return err
		}
		files = []string{f}
	}
	values, err := source.ReadEnvFiles(l.env, files)
	if err != nil {
		var shown []string
		for _, f := range files {
			shown = append(shown, l.show(f))
		}
		return fault("read env file %s: %s", strings.Join(shown, ", "), discreet(err))
	}
	for k, v := range values {
		if _, ok := l.env[k]; !ok {
			l.env[k] = v
		}
	}
	for _, f := range slices.Backward(files) {
		if !slices.Contains(l.envFiles, f) { // what was read before stays
			l.envFiles = append(l.envFiles, f)
		}
	}
	return nil
}

func (l *location) defaultEnvFile(o Options) (string, error) {
	if v, ok := l.env["COMPOSE_DISABLE_ENV_FILE"]; ok {
		off, err := strconv.ParseBool(v)
		if err != nil {
			return "", fault("COMPOSE_DISABLE_ENV_FILE: %q is neither true nor false", v)
		}
		if off {
			return "", nil
		}
	}
	f := filepath.Join(l.projectDir(o), ".env")
	if s, err := os.Stat(f); err != nil || s.IsDir() {
		return "", nil
	}
	return f, nil
}

func (l *location) findFiles() error {
	if len(l.paths) > 0 {
		return nil
	}
	if list, ok := l.env["COMPOSE_FILE"]; ok {
		return l.fromVariable(list)
	}
	l.search()
	return nil
}

func (l *location) fromVariable(list string) error {
	if remote.Is(list) { // a reference may hold the separator
		l.paths = []string{list}
		return nil
	}
	sep := l.env["COMPOSE_PATH_SEPARATOR"]
	if sep == "" {
		sep = string(os.PathListSeparator)
	}
	for f := range strings.SplitSeq(list, sep) {
		path := l.abs(f)
		if path != source.Stdin && !remote.Is(path) {
			if s, err := os.Stat(path); err != nil || s.IsDir() {
				return fault("COMPOSE_FILE: no such file: %q", f)
			}
		}
		l.paths = append(l.paths, path)
	}
	return nil
}

// search looks for the default names in the project directory and in those above it.
func (l *location) search() {
	dir := l.cwd
	if l.dir != "" {
		dir = l.dir
	}
	for {
		if found := existing(dir, cli.DefaultFileNames); len(found) > 0 {
			l.take(found)
			l.take(existing(dir, cli.DefaultOverrideFileNames))
			return
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return
		}
		dir = parent
	}
}

func (l *location) take(found []string) {
	if len(found) == 0 {
		return
	}
	if len(found) > 1 {
		l.found = append(l.found, diag.Diagnostic{
			Severity: diag.Warning, Rule: "file-not-used", Place: diag.Place{File: l.show(found[1])},
			Text: fmt.Sprintf("not used: %s comes first", filepath.Base(found[0])),
			Hint: "name both with -f, or remove one",
		})
	}
	l.paths = append(l.paths, found[0])
}

func existing(dir string, names []string) []string {
	var out []string
	for _, n := range names {
		f := filepath.Join(dir, n)
		if _, err := os.Stat(f); err == nil {
			out = append(out, f)
		}
	}
	return out
}

func (l *location) show(path string) string { return source.Shown(l.cwd, path) }

// projectName is the name that the user gave, or of one that is isolated that of the copy: it is the same by whatever way one comes to the directory.
// -p may name another copy.
func (l *location) projectName(o Options, fromFiles string) (string, error) {
	name, err := l.givenName(o, fromFiles)
	if err != nil || !o.Isolate || o.ProjectName != "" && isolate.Named(name) {
		return name, err
	}
	dir, err := filepath.EvalSymlinks(l.namedBy)
	if err != nil {
		dir = l.namedBy
	}
	return isolate.Name(name, dir), nil
}

// givenName is -p, COMPOSE_PROJECT_NAME, the last name: of the files, or the name of the project directory.
func (l *location) givenName(o Options, fromFiles string) (string, error) {
	for _, n := range []string{o.ProjectName, l.env["COMPOSE_PROJECT_NAME"]} {
		if n == "" {
			continue
		}
		if n != normalize(n) {
			return "", fault("invalid project name %q: must consist only of lowercase alphanumeric characters, hyphens, and underscores as well as start with a letter or number", n)
		}
		return n, nil
	}
	if n := normalize(fromFiles); n != "" {
		return n, nil
	}
	n := normalize(filepath.Base(l.namedBy))
	if n == "" {
		return "", fault("project name can't be empty. Use `--project-name` to set a valid name")
	}
	return n, nil
}

var notInName = regexp.MustCompile(`[^a-z0-9_-]`)

func normalize(name string) string {
	return strings.TrimLeft(notInName.ReplaceAllString(strings.ToLower(name), ""), "_-")
}

// fault is a user's mistake that has no place in a file.
func fault(format string, args ...any) error {
	return diag.List{{Severity: diag.Error, Text: fmt.Errorf(format, args...).Error()}}
}
