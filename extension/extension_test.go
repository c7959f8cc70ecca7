package extension_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/extension"
)

// programs by path under a directory that is home, with bin in PATH; each is a shell script.
func programs(t *testing.T, scripts map[string]string) (extension.Programs, string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range scripts {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	path := strings.Join([]string{"relative", filepath.Join(dir, "bin"), "/usr/bin", "/bin"}, string(os.PathListSeparator))
	return extension.Programs{Environ: []string{"HOME=" + dir, "PATH=" + path}}, dir
}

func TestWhereProgramsAre(t *testing.T) {
	p, dir := programs(t, map[string]string{
		".docker/cli-plugins/docker-both": "", "bin/both": "", "bin/plain": "", "extra/docker-added": "", "bin/compose": "", "outside": "", "bin/sub/deep": "",
		".docker/config.json": "",
	})
	config := `{"cliPluginsExtraDirs": ["` + filepath.Join(dir, "extra") + `"]}`
	if err := os.WriteFile(filepath.Join(dir, ".docker/config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bin/text"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]string{
		"both": ".docker/cli-plugins/docker-both", "plain": "bin/plain", "added": "extra/docker-added",
		"none": "", "text": "", "sub": "", "../outside": "", "sub/deep": "",
	} {
		got, err := p.Provider(kind)
		if rel, _ := filepath.Rel(dir, got); want != "" && (err != nil || rel != want) || want == "" && !errors.Is(err, extension.ErrNoProgram) {
			t.Errorf("%s is %q, %v", kind, got, err)
		}
	}
	if got, err := p.Provider("compose"); err == nil || errors.Is(err, extension.ErrNoProgram) {
		t.Errorf("compose is %q, %v", got, err)
	}
}

// cloud is a service of a provider.
func cloud(options map[string][]string) extension.Provider {
	return extension.Provider{Project: "shop", Service: "db", Type: "cloud", Options: options, Config: []byte(`{"a":"` + strings.Repeat("x", 200_000) + `"}`)}
}

func TestAConversation(t *testing.T) {
	p, _ := programs(t, map[string]string{"bin/cloud": `
[ "$2" = metadata ] && exit 1
echo "{\"type\": \"info\", \"message\": \"$*\"}"
echo '{"type": "get-service-config"}{"type": "get-service-config"}'
echo '{"type": "debug", "message": "x"} {"type": "setenv", "message": "URL=a=b"}'
echo '{"type": "rawsetenv", "message": "TOKEN="}'
echo "{\"type\": \"setenv\", \"message\": \"SIZE=$(head -n 2 | wc -c | tr -d ' ')\"}"`})
	var said []string
	got, err := p.Provide(t.Context(), cloud(map[string][]string{"z": {"1", "2"}, "a": {"b c"}}), extension.Up, func(s string) { said = append(said, s) })
	want := extension.Variables{Own: map[string]string{"URL": "a=b", "SIZE": "400018"}, Raw: map[string]string{"TOKEN": ""}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	if !slices.Equal(said, []string{"compose --project-name=shop up --a=b c --z=1 --z=2 db"}) {
		t.Errorf("%q", said)
	}
}

func TestProvidersThatGoWrong(t *testing.T) {
	for text, want := range map[string]string{
		`echo '{"type": "error", "message": "no quota"}'; exec sleep 100`:                                    "provider cloud: no quota",
		`echo '{"type": "song", "message": "la"}'; exec sleep 100`:                                           `provider cloud: it says "song", which is none of the messages`,
		`echo '{"type": "setenv", "message": "hunter2"}'; exec sleep 100`:                                    "provider cloud: it sets a variable without a value",
		`echo plain text; exec sleep 100`:                                                                    "provider cloud: read what it says: invalid character 'p' looking for beginning of value",
		`echo quota >&2; exit 3`:                                                                             "provider cloud: exit status 3: quota",
		`echo '{"type": "get-service-config"}'; echo '{"type": "error", "message": "deaf"}'; exec sleep 100`: "provider cloud: deaf",
	} {
		p, _ := programs(t, map[string]string{"bin/cloud": "[ \"$2\" = metadata ] && exit 1\n" + text})
		if _, err := p.Provide(t.Context(), cloud(nil), extension.Up, func(string) {}); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

func TestAProviderIsEndedWithItsContext(t *testing.T) {
	p, _ := programs(t, map[string]string{"bin/cloud": "[ \"$2\" = metadata ] && exit 1\necho '{\"type\": \"info\"}'\nexec sleep 100"})
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := p.Provide(ctx, cloud(nil), extension.Up, func(string) { cancel() }); err == nil {
		t.Error("it has ended well")
	}
}

func TestMetadata(t *testing.T) {
	const about = `if [ "$2" = metadata ]; then echo '{"up": {"parameters": [{"name": "type", "required": true}]}, "stop": {"parameters": [{"name": "grace"}]}}'; exit; fi
echo "{\"type\": \"info\", \"message\": \"$*\"}"`
	p, _ := programs(t, map[string]string{"bin/cloud": about, "bin/simple": "exit 1"})
	if err := p.Check(t.Context(), cloud(nil), extension.Up); err == nil || err.Error() != `option "type" is required` {
		t.Error(err)
	}
	r := cloud(map[string][]string{"type": {"x"}, "grace": {"1s"}, "else": {"y"}})
	if err := p.Check(t.Context(), r, extension.Up); err != nil {
		t.Error(err)
	}
	if !p.CanStop(t.Context(), "cloud") || p.CanStop(t.Context(), "simple") || p.CanStop(t.Context(), "none") {
		t.Error("who can stop")
	}
	for command, want := range map[string]string{
		extension.Up: "compose --project-name=shop up --type=x db", extension.Down: "compose --project-name=shop down db", extension.Stop: "compose --project-name=shop stop --grace=1s db",
	} {
		var said string
		if _, err := p.Provide(t.Context(), r, command, func(s string) { said = s }); err != nil || said != want {
			t.Errorf("%s: %q, %v", command, said, err)
		}
	}
	r.Type = "simple" // it cannot stop, so there is nothing to do
	if _, err := p.Provide(t.Context(), r, extension.Stop, func(string) {}); err != nil {
		t.Error(err)
	}
}

func TestModels(t *testing.T) {
	for version, flags := range map[string]bool{"v1.0.6": true, "1.2.0-rc1": true, "v1.0.5": false, "dev": false} {
		p, dir := programs(t, map[string]string{".docker/cli-plugins/docker-model": `
case "$1" in
docker-cli-plugin-metadata) echo '{"Version": "` + version + `"}' ;;
status) echo '{"endpoint": "http://models"}' ;;
ls) echo '[{"tags": ["ai/here"]}]' ;;
*) echo "$@" >>"$HOME/called" ;;
esac`})
		for _, m := range []string{"ai/here", "ai/new"} {
			got, err := p.Model(t.Context(), extension.Model{Model: m, ContextSize: 5, RuntimeFlags: []string{"--x"}}, func(string) {})
			if err != nil || got.Own[extension.ModelURL] != "http://models" || got.Own[extension.ModelName] != m {
				t.Errorf("%v, %v", got, err)
			}
		}
		called, err := os.ReadFile(filepath.Join(dir, "called"))
		want := "configure --context-size 5 ai/here\npull ai/new\nconfigure --context-size 5 ai/new\n"
		if flags {
			want = "configure --context-size 5 ai/here -- --x\npull ai/new\nconfigure --context-size 5 ai/new -- --x\n"
		}
		if err != nil || string(called) != want {
			t.Errorf("%s: %s, %v", version, called, err)
		}
	}
}

func TestModelsThatCannotBeHad(t *testing.T) {
	const sound = "case $1 in status) echo '{}' ;; ls) echo '[]' ;; "
	for text, want := range map[string]string{
		"echo off >&2; exit 1": "where models are served: docker-model status: exit status 1: off",
		sound + "pull) echo 'no such model' >&2; exit 4 ;; esac":  "pull model ai/x: exit status 4: no such model",
		sound + "configure) echo 'too large' >&2; exit 1 ;; esac": "docker-model configure: exit status 1: too large",
		"case $1 in status) echo '{}' ;; ls) echo none ;; esac":   "list models: invalid character 'o' in literal null (expecting 'u')",
	} {
		p, _ := programs(t, map[string]string{".docker/cli-plugins/docker-model": text})
		if _, err := p.Model(t.Context(), extension.Model{Model: "ai/x"}, func(string) {}); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if _, err := (extension.Programs{}).Model(t.Context(), extension.Model{}, nil); !errors.Is(err, extension.ErrNoProgram) {
		t.Error(err)
	}
}
