package cli_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tutti-run/tutti/cmd/internal/cli"
	"github.com/tutti-run/tutti/engine"
)

// The corpus: files that are loaded, and what Docker Compose 2.40 printed for them. An archive of testdata/config holds in its comment what it is
// about and the commands ("$ VARIABLE=value -f x.yaml config --services"), then the files, then for each command a section with Compose's output.
// A command marked "!" instead of "$" is one where we differ on purpose, docs/config.md tells why: what we print is in a section "ours: ".

// usual are the commands that every archive is tried with.
var usual = []string{"config", "config --format json"}

// beside are those that are also tried where Docker Compose is at hand.
var beside = strings.Split(strings.TrimSpace(`
config --no-interpolate
config --no-interpolate --format json
config --no-normalize
config --no-path-resolution
config --no-env-resolution
config --no-consistency
config --services
config --images
config --volumes
config --networks
config --models
config --profiles
config --hash *
config --environment
config --variables
config --variables --format json
config --variables --format yaml
config --quiet
`), "\n")

// place stands for the folder that the files are in.
const place = "/corpus"

// TestConfigCorpus compares with what Docker Compose printed when -update was given beside TUTTI_COMPOSE.
func TestConfigCorpus(t *testing.T) {
	eachOfCorpus(t, func(t *testing.T, path string, a *txtar.Archive) {
		d := unpackCorpus(t, a)
		if compose := os.Getenv("TUTTI_COMPOSE"); compose != "" && *update {
			d.record(t, compose, path)
		}
		recorded := 0
		for _, f := range a.Files {
			kind, command, ok := strings.Cut(f.Name, ": ")
			if !ok || kind == "compose" && slices.Contains(d.apart, command) {
				continue
			}
			recorded++
			if diff := cmp.Diff(string(f.Data), d.ours(command)); diff != "" {
				t.Errorf("%s (-recorded +ours):\n%s", command, diff)
			}
		}
		if recorded == 0 {
			t.Error("nothing is recorded; run with -update and TUTTI_COMPOSE=/path/to/docker-compose")
		}
	})
}

// TestConfigBesideCompose runs both, on more commands.
func TestConfigBesideCompose(t *testing.T) {
	compose := os.Getenv("TUTTI_COMPOSE")
	if compose == "" {
		t.Skip("no Docker Compose to compare with: name it in TUTTI_COMPOSE")
	}
	eachOfCorpus(t, func(t *testing.T, path string, a *txtar.Archive) {
		d := unpackCorpus(t, a)
		for _, command := range slices.Concat(d.commands, beside) {
			if slices.Contains(d.apart, command) {
				continue
			}
			d.said = ""
			if diff := cmp.Diff(d.theirs(t, compose, command), d.ours(command)); diff != "" {
				t.Errorf("%s (-compose +ours):\n%s%s", command, diff, d.said)
			}
		}
	})
}

func eachOfCorpus(t *testing.T, check func(t *testing.T, path string, a *txtar.Archive)) {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	all, err := filepath.Glob(filepath.Join(here, "testdata/config/*.txtar"))
	if err != nil || len(all) == 0 {
		t.Fatal("no corpus", err)
	}
	for _, path := range all {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			check(t, path, a)
		})
	}
}

func section(a *txtar.Archive, name string) []byte {
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// corpusDir is an archive on disk.
type corpusDir struct {
	dir      string // what place stands for; the files are in its "project"
	archive  *txtar.Archive
	commands []string
	apart    []string // those of the commands where we differ on purpose
	said     string   // on the standard errors since the last command began
}

func unpackCorpus(t *testing.T, a *txtar.Archive) *corpusDir {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d := &corpusDir{dir: dir, archive: a, commands: slices.Clone(usual)}
	for _, f := range a.Files {
		if strings.Contains(f.Name, ": ") {
			continue
		}
		path := filepath.Join(d.project(), f.Name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, f.Data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for line := range strings.Lines(string(a.Comment)) {
		mark, command, _ := strings.Cut(strings.TrimSpace(line), " ")
		if mark == "!" {
			d.apart = append(d.apart, command)
		}
		if (mark == "!" || mark == "$") && !slices.Contains(d.commands, command) {
			d.commands = append(d.commands, command)
		}
	}
	d.enter(t)
	return d
}

func (d *corpusDir) enter(t *testing.T) {
	t.Setenv("HOME", d.home())
	t.Chdir(d.project())
}

func (d *corpusDir) project() string { return filepath.Join(d.dir, "project") }

func (d *corpusDir) home() string { return filepath.Join(d.dir, "home") }

// split a command into variables and arguments.
func (d *corpusDir) split(command string) (env, args []string) {
	env = []string{"PATH=/usr/bin:/bin", "HOME=" + d.home()}
	args = strings.Fields(command)
	for len(args) > 0 && strings.Contains(args[0], "=") && !strings.HasPrefix(args[0], "-") {
		env, args = append(env, args[0]), args[1:]
	}
	return env, args
}

func (d *corpusDir) ours(command string) string {
	var out, said bytes.Buffer
	env, args := d.split(command)
	dial := func(context.Context, string, string) (engine.Engine, error) { return nil, engine.ErrUnavailable }
	app := cli.App{Stdin: bytes.NewReader(section(d.archive, "compose.yaml")), Stdout: &out, Stderr: &said, Environ: env, Dial: dial}
	code := app.Run(context.Background(), args)
	d.said += said.String()
	return d.outcome(command, code, out.String())
}

func (d *corpusDir) theirs(t *testing.T, compose, command string) string {
	t.Helper()
	env, args := d.split(command)
	cmd := exec.Command(compose, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = d.project(), env, bytes.NewReader(section(d.archive, "compose.yaml"))
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		d.said += string(exit.Stderr)
	} else if err != nil {
		t.Fatal(err)
	}
	return d.outcome(command, cmd.ProcessState.ExitCode(), string(out))
}

// outcome is what is compared: the exit code if it is not 0, else the output.
func (d *corpusDir) outcome(command string, code int, out string) string {
	if code != 0 {
		return "exit code " + strconv.Itoa(code) + "\n"
	}
	out = strings.ReplaceAll(out, d.dir, place)
	if inAnyOrder(command) {
		lines := strings.SplitAfter(out, "\n")
		slices.Sort(lines)
		out = strings.Join(lines, "")
	}
	if out != "" && !strings.HasSuffix(out, "\n") {
		out += "\n\\ No newline at end\n"
	}
	return out
}

// inAnyOrder tells whether Docker Compose prints the lines as they come.
func inAnyOrder(command string) bool {
	for _, flag := range []string{"--services", "--images", "--volumes", "--networks", "--models", "--environment", "--variables"} {
		if strings.Contains(command, flag) {
			return !strings.Contains(command, "--variables --format")
		}
	}
	return false
}

// record what Docker Compose prints, but for what depends on where the files are: hashes of paths.
func (d *corpusDir) record(t *testing.T, compose, path string) {
	t.Helper()
	d.archive.Files = slices.DeleteFunc(d.archive.Files, func(f txtar.File) bool { return strings.Contains(f.Name, ": ") })
	elsewhere := unpackCorpus(t, d.archive)
	d.enter(t)
	for _, command := range d.commands {
		out := d.theirs(t, compose, command)
		if slices.Contains(d.apart, command) {
			d.archive.Files = append(d.archive.Files, txtar.File{Name: "ours: " + command, Data: []byte(d.ours(command))})
		}
		if strings.Contains(command, "--hash") && out != elsewhere.theirs(t, compose, command) {
			continue
		}
		d.archive.Files = append(d.archive.Files, txtar.File{Name: "compose: " + command, Data: []byte(out)})
	}
	if err := os.WriteFile(path, txtar.Format(d.archive), 0o600); err != nil {
		t.Fatal(err)
	}
}
