package load

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

const shop = `
-- compose.yaml --
services: {web: {image: "${IMAGE:-x}"}}
-- other/named.yaml --
name: from-file
services: {named: {image: x}, tool: {image: x, profiles: [tools]}}
-- other/.env --
IMAGE=other-env
-- plain/compose.yaml --
services: {plain: {image: "${IMAGE:-x}"}}
-- plain/deep/er/x --
-- blank.yaml --
services: {web: {image: x}, always: {image: x, profiles: []}, off: {image: x, profiles: ["${OFF:-}"]}, tool: {image: x, profiles: ["${OFF:-tool}"]}}
-- prod.env --
IMAGE=prod
SECOND=${IMAGE}-2
-- dev.env --
IMAGE=dev
-- vars/.env --
COMPOSE_FILE=../other/named.yaml;../compose.yaml
COMPOSE_PATH_SEPARATOR=;
COMPOSE_PROJECT_NAME=by-dotenv
COMPOSE_PROFILES=tools
`

// TestFinding covers which files are found, under which name and environment.
func TestFinding(t *testing.T) {
	root := writeTree(t, shop)
	for _, c := range []struct {
		name  string
		dir   string
		o     Options
		env   []string
		files string // relative, comma between
		as    string // project name
		image string // IMAGE
		has   string // services
	}{
		{name: "default", files: "compose.yaml", as: "shop", has: "web"},
		{name: "parent directory", dir: "plain/deep/er", files: "plain/compose.yaml", as: "plain", has: "plain"},
		{name: "-f", o: Options{Files: []string{"other/named.yaml"}}, files: "other/named.yaml", as: "from-file", image: "other-env", has: "named"},
		{name: "several -f: the first says where", o: Options{Files: []string{"plain/compose.yaml", "compose.yaml"}}, files: "plain/compose.yaml,compose.yaml", as: "plain", has: "plain web"},
		{name: "-p", o: Options{ProjectName: "mine", Files: []string{"other/named.yaml"}}, files: "other/named.yaml", as: "mine", image: "other-env", has: "named"},
		{name: "--project-directory", o: Options{ProjectDirectory: "plain"}, files: "plain/compose.yaml", as: "plain", has: "plain"},
		{name: "--project-directory brings its .env", o: Options{ProjectDirectory: "other", Files: []string{"compose.yaml"}}, files: "compose.yaml", as: "other", image: "other-env", has: "web"},
		{name: "--profile", o: Options{Files: []string{"other/named.yaml"}, Profiles: []string{"tools"}}, files: "other/named.yaml", as: "from-file", image: "other-env", has: "named tool"},
		{name: "--profile *", o: Options{Files: []string{"other/named.yaml"}, Profiles: []string{"*"}}, files: "other/named.yaml", as: "from-file", image: "other-env", has: "named tool"},
		{name: "a named service's profile", o: Options{Files: []string{"other/named.yaml"}, Services: []string{"tool"}}, files: "other/named.yaml", as: "from-file", image: "other-env", has: "named tool"},
		{name: "--env-file, the last wins", o: Options{EnvFiles: []string{"prod.env", "dev.env"}}, files: "compose.yaml", as: "shop", image: "dev", has: "web"},
		{name: "the process wins", o: Options{EnvFiles: []string{"prod.env"}}, env: []string{"IMAGE=shell"}, files: "compose.yaml", as: "shop", image: "shell", has: "web"},
		{name: "COMPOSE_ENV_FILES", env: []string{"COMPOSE_ENV_FILES=prod.env,dev.env"}, files: "compose.yaml", as: "shop", image: "dev", has: "web"},
		{name: "COMPOSE_DISABLE_ENV_FILE", o: Options{Files: []string{"other/named.yaml"}}, env: []string{"COMPOSE_DISABLE_ENV_FILE=1"}, files: "other/named.yaml", as: "from-file", has: "named"},
		{name: "COMPOSE_FILE", env: []string{"COMPOSE_FILE=other/named.yaml:compose.yaml"}, files: "other/named.yaml,compose.yaml", as: "from-file", image: "other-env", has: "named web"},
		{name: "COMPOSE_PATH_SEPARATOR", env: []string{"COMPOSE_FILE=other/named.yaml|compose.yaml", "COMPOSE_PATH_SEPARATOR=|"}, files: "other/named.yaml,compose.yaml", as: "from-file", image: "other-env", has: "named web"},
		{name: "-f before COMPOSE_FILE", o: Options{Files: []string{"compose.yaml"}}, env: []string{"COMPOSE_FILE=other/named.yaml"}, files: "compose.yaml", as: "shop", has: "web"},
		{name: "COMPOSE_PROJECT_NAME", o: Options{Files: []string{"other/named.yaml"}}, env: []string{"COMPOSE_PROJECT_NAME=by-env"}, files: "other/named.yaml", as: "by-env", image: "other-env", has: "named"},
		{name: "COMPOSE_PROFILES", o: Options{Files: []string{"other/named.yaml"}}, env: []string{"COMPOSE_PROFILES=a, tools"}, files: "other/named.yaml", as: "from-file", image: "other-env", has: "named tool"},
		{name: "a profile without a name", o: Options{Files: []string{"blank.yaml"}}, files: "blank.yaml", as: "shop", has: "always off web"},
		{name: "a profile without a name, beside others", o: Options{Files: []string{"blank.yaml"}}, env: []string{"COMPOSE_PROFILES=x,"}, files: "blank.yaml", as: "shop", has: "always off web"},
		{name: "a profile without a name, and others are named", o: Options{Files: []string{"blank.yaml"}}, env: []string{"COMPOSE_PROFILES=x"}, files: "blank.yaml", as: "shop", has: "always web"},
		{name: "a profile without a name, and --profile", o: Options{Files: []string{"blank.yaml"}, Profiles: []string{"x"}}, files: "blank.yaml", as: "shop", has: "always web"},
		{name: "all of them in .env", dir: "vars", files: "other/named.yaml,compose.yaml", as: "by-dotenv", image: "other-env", has: "named tool web"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.o.Dir, c.o.Environment = filepath.Join(root, c.dir), append(c.env, "PWD=/")
			r, err := Load(t.Context(), c.o)
			if err != nil {
				t.Fatal(err)
			}
			check := func(what, got, want string) {
				t.Helper()
				if got != want {
					t.Errorf("%s: got %q, want %q", what, got, want)
				}
			}
			var files []string
			for _, f := range r.Project.Files {
				rel, _ := filepath.Rel(root, f)
				files = append(files, rel)
			}
			check("files", strings.Join(files, ","), c.files)
			check("name", r.Project.Name, c.as)
			env, _ := Environment(c.o)
			check("IMAGE", env["IMAGE"], c.image)
			check("services", strings.Join(names(r), " "), c.has)
			name, err := ProjectName(t.Context(), c.o)
			check("ProjectName", name, c.as)
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNoFile(t *testing.T) {
	o := Options{Dir: t.TempDir(), Environment: []string{"PWD=/"}}
	_, err := Load(t.Context(), o)
	if !errors.Is(err, ErrNoFile) || err.Error() != "no configuration file provided: not found" {
		t.Errorf("got %v", err)
	}
	if _, err := ProjectName(t.Context(), o); !errors.Is(err, ErrNoFile) {
		t.Errorf("got %v", err)
	}
	o.ProjectName = "named"
	if name, err := ProjectName(t.Context(), o); name != "named" || err != nil {
		t.Errorf("-p needs no file: %q, %v", name, err)
	}
	o.ProjectName = "Not Valid"
	if name, err := ProjectName(t.Context(), o); name != "notvalid" || err != nil {
		t.Errorf("without a file: %q, %v", name, err)
	}
	for _, o.ProjectName = range []string{"---", "Not Valid"} { // of the first nothing would be left
		if _, err := ProjectName(t.Context(), o); err == nil {
			t.Errorf("%s passed", o.ProjectName)
		}
		o.Files = []string{"compose.yaml"}
	}
}

func TestStdin(t *testing.T) {
	o := Options{Dir: t.TempDir(), Files: []string{"-"}, Environment: []string{"PWD=/"}, ProjectName: "demo", Stdin: strings.NewReader("services: {web: {imag: x}}")}
	_, err := Load(t.Context(), o)
	if err == nil || !strings.HasPrefix(err.Error(), `stdin:1:18: service "web": unknown key "imag"`) {
		t.Errorf("got %v", err)
	}
}

func TestMissingEnvFile(t *testing.T) {
	o := inFile(t, "services: {web: {image: x}}")
	o.EnvFiles = []string{"gone.env"}
	if _, err := Load(t.Context(), o); err == nil || !strings.Contains(err.Error(), "couldn't find env file") {
		t.Errorf("got %v", err)
	}
}

func names(r Result) []string {
	var out []string
	for _, s := range r.Project.Services {
		out = append(out, s.Name)
	}
	return out
}

func writeTree(t *testing.T, text string) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "shop")
	for _, f := range txtar.Parse([]byte(text)).Files {
		p := filepath.Join(root, f.Name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(p), 0o700), os.WriteFile(p, f.Data, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// TestEnvFilesOfServices covers which value wins, and that the hash is that of the values wherever they come from.
func TestEnvFilesOfServices(t *testing.T) {
	root := writeTree(t, `
-- compose.yaml --
services:
  files:
    image: x
    env_file: [a.env, {path: b.env}, {path: raw.env, format: raw}]
    environment: {OWN: mine, SHELL_VAR: }
  plain:
    image: x
    environment: {A: "1", B: second, OWN: mine, SHELL_VAR: shell, USES: 1-mine, RAW: "$$A 'q'"}
-- a.env --
A=1
B=first
OWN=lost
USES=${A}-${OWN}
-- b.env --
B=second
-- raw.env --
# comment
RAW=$A 'q'
UNKNOWN
`)
	r, err := Load(t.Context(), Options{Dir: root, Environment: []string{"SHELL_VAR=shell"}})
	if err != nil {
		t.Fatal(err)
	}
	files, plain := r.Project.Services[0], r.Project.Services[1]
	flat := func(env map[string]*string) (out []string) {
		for _, k := range slices.Sorted(maps.Keys(env)) {
			out = append(out, k+"="+*env[k])
		}
		return out
	}
	if got, want := flat(files.Container.Environment), flat(plain.Container.Environment); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if files.ConfigHash != plain.ConfigHash {
		t.Error("the hash depends on where values come from")
	}
	want := map[string]string{"environment.A": "a.env", "environment.B": "b.env", "environment.USES": "a.env", "environment.RAW": "raw.env"}
	if !maps.Equal(files.Container.Origin, want) {
		t.Errorf("origins %v", files.Container.Origin)
	}
}

func TestVariables(t *testing.T) {
	o := inFile(t, "services: {web: {image: '${I:?need}', command: [$A, '${B:-b}', '${C+c}']}}")
	got, err := Variables(t.Context(), o)
	want := []Variable{{"A", false, "", ""}, {"B", false, "b", ""}, {"C", false, "", "c"}, {"I", true, "", ""}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestModelOfSelectedServices(t *testing.T) {
	o := inFile(t, `
services:
  web: {image: x, depends_on: [db], volumes: ["vol:/v"]}
  db: {image: x, networks: [back]}
  tool: {image: built, profiles: [tools], networks: [other]}
  own: {build: .}
networks: {back: {}, other: {}}
volumes: {vol: {}, w: {}}
`)
	o.Services = []string{"web"}
	r, err := Load(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	m := r.Model
	for _, c := range []struct {
		what, want string
		got        []string
	}{
		{"services", "db web", m.Services()}, {"networks", "back default", m.Networks()}, {"volumes", "vol", m.Volumes()},
		{"images", "x x", m.Images()}, {"profiles", "tools", m.Profiles()}, {"all services", "db own web", names(r)},
	} {
		if got := strings.Join(c.got, " "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.what, got, c.want)
		}
	}
	for name, why := range map[string]string{"tool": "no such service: tool: disabled", "nope": "no such service: nope: not found"} {
		if _, err := m.Hashes([]string{name}); err == nil || err.Error() != why {
			t.Errorf("hash of %s: %v", name, err)
		}
	}
}

// TestDefaultPlatform is what images are pulled for, and no container asks for.
func TestDefaultPlatform(t *testing.T) {
	o := inFile(t, "services: {a: {image: a}, b: {image: b, platform: linux/arm64}}")
	o.Environment = []string{"DOCKER_DEFAULT_PLATFORM=linux/amd64"}
	res, err := Load(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][2]string{{"linux/amd64", ""}, {"linux/arm64", "linux/arm64"}} {
		if s := res.Project.Services[i]; s.Image.Platform != want[0] || s.Container.Platform != want[1] {
			t.Errorf("%s: pulled for %q, made for %q", s.Name, s.Image.Platform, s.Container.Platform)
		}
	}
}
