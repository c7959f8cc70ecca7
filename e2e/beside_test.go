package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestBeside runs each shell script of testdata/beside twice, first with Docker Compose 2.40 as docker-compose, then with tutti, in a directory of
// the same name, under the same project name, on the same engine: what it writes and its exit code must be the same.
//
// Not compared, as tutti differs on purpose: what is wrong with files, which it tells with places; one-shots that have ended well, which up does not
// run again; help; what a build says, which Docker Compose writes to stdout; what stop and down tell of containers that do not run.
func TestBeside(t *testing.T) {
	needEngine(t)
	compose := composeToStandBeside(t)
	scripts, err := filepath.Glob("testdata/beside/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts: ", err)
	}
	for _, path := range scripts {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			port, err := freePort()
			if err != nil {
				t.Fatal(err)
			}
			b := beside{t: t, script: a, project: newProject(t, t.Name()), dir: t.TempDir(), port: port}
			theirs := b.run(compose)
			if err := engine.RemoveProject(context.Background(), b.project); err != nil {
				t.Fatal(err)
			}
			ours := b.run(binary)
			if d := diff.Diff("Docker Compose 2.40", []byte(theirs), "tutti", []byte(ours)); d != nil {
				t.Errorf("%s", d)
			}
		})
	}
}

// composeToStandBeside is Docker Compose 2.40.
func composeToStandBeside(t *testing.T) string {
	t.Helper()
	bin, err := exec.LookPath(dockerCompose(t))
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(bin, "version", "--short").Output()
	if version := strings.TrimPrefix(strings.TrimSpace(string(out)), "v"); err != nil || !strings.HasPrefix(version, "2.40.") {
		t.Skipf("Docker Compose here is %s; what tutti answers is compared with 2.40: name it in TUTTI_COMPOSE", version)
	}
	if bin, err = filepath.EvalSymlinks(bin); err == nil {
		bin, err = filepath.Abs(bin)
	}
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// beside is a script that is run twice.
type beside struct {
	t       *testing.T
	script  *txtar.Archive // a shell script, and the files that it finds
	project string
	dir     string
	port    string // nobody listens there
}

// besideFunctions of the scripts. Docker Compose works on several containers at once, so that the order of what is told of them is chance.
const besideFunctions = `
# run COMMAND…: what it writes on stdout, and its exit code
run() {
  echo "$ $*"
  "$@" 2>stderr && code=0 || code=$?
  echo "exit code $code"
}
# tell COMMAND…: what it writes on stderr too, each line once, sorted
tell() {
  run "$@"
  sort -u stderr | sed 's/^/: /'
}
`

// run the script with a program as docker-compose, and give what is the same of all that stand in for it.
func (b beside) run(program string) string {
	b.t.Helper()
	bin, work, home := filepath.Join(b.dir, "bin"), filepath.Join(b.dir, b.project), filepath.Join(b.dir, "home") // the directory names the project
	for _, dir := range []string{bin, work, home} {
		if err := os.RemoveAll(dir); err != nil {
			b.t.Fatal(err)
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			b.t.Fatal(err)
		}
	}
	for _, f := range b.script.Files {
		path := filepath.Join(work, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	if err := os.Symlink(program, filepath.Join(bin, "docker-compose")); err != nil {
		b.t.Fatal(err)
	}
	settings, err := json.Marshal(map[string]any{"cliPluginsExtraDirs": []string{bin, filepath.Dir(program)}}) // docker-buildx is beside Docker Compose
	if err == nil {
		err = os.WriteFile(filepath.Join(home, "config.json"), settings, 0o644)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", besideFunctions+string(b.script.Comment))
	cmd.Dir = work
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return strings.HasPrefix(kv, "COMPOSE_") || strings.HasPrefix(kv, "DOCKER_") || strings.HasPrefix(kv, "TUTTI_")
	}), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+home, "DOCKER_CONFIG="+home, "DOCKER_HOST="+engine.Host,
		"XDG_CACHE_HOME="+home, "PROJECT="+b.project, "STUB="+stub, "PORT="+b.port, "TERM=dumb")
	var out, text bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &text
	err = cmd.Run()
	if text.Len() > 0 {
		b.t.Logf("stderr of the script with %s:\n%s", filepath.Base(program), text.String())
	}
	if cmd.ProcessState == nil || ctx.Err() != nil {
		b.t.Fatalf("the script does not end, with %s: %v\n%s", filepath.Base(program), err, out.String())
	}
	return b.comparable(out.String()) + "=== " + cmd.ProcessState.String() + "\n"
}

// unlike is what cannot be the same of two runs, and what stands for it. Everything else has to be.
var unlike = []struct {
	what *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`"Created":"[^"]*",`), ""}, // of images; Docker Compose leaves it out on engines before 25
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "ID"},
	{regexp.MustCompile(`\b[0-9a-f]{12}\b`), "ID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[ +\-0-9:]* UTC|[+-]\d\d:\d\d)?`), "TIME"},
	{regexp.MustCompile(`((Less than a|About an?|\d+) (second|minute|hour|day|week|month|year)s?)( ago)?\b`), "A-WHILE"},
	{regexp.MustCompile(`(:|"PublishedPort":|:"?)(3[2-9]|[4-6]\d)\d{3}\b`), "${1}EPHEMERAL"},
}

var (
	labels  = regexp.MustCompile(`"Labels":"[^"]*"`)
	columns = regexp.MustCompile(`(\S) {2,}`)
)

// comparable form of an output: without what is chance, without labels of tutti's own, and with one width between columns, as that depends on how
// long a time is in words.
func (b beside) comparable(out string) string {
	out = strings.ReplaceAll(out, b.port, "PORT")
	for _, u := range unlike {
		out = u.what.ReplaceAllString(out, u.by)
	}
	out = labels.ReplaceAllStringFunc(out, func(text string) string {
		list := strings.Split(strings.TrimSuffix(strings.TrimPrefix(text, `"Labels":"`), `"`), ",")
		list = slices.DeleteFunc(list, func(l string) bool {
			return !strings.HasPrefix(l, "com.docker.compose.") || strings.HasPrefix(l, "com.docker.compose.version=")
		})
		slices.Sort(list)
		return `"Labels":"` + strings.Join(list, ",") + `"`
	})
	return columns.ReplaceAllString(out, "$1  ")
}
