package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/crypto/bcrypt"
)

var (
	listening = regexp.MustCompile(`listening on (127\.0\.0\.1:\d+)`)
	address   = regexp.MustCompile(`(?m)^\w+ (127\.0\.0\.1:\d+)$`)
)

// cmdRegistry serves one: the program that TUTTI_REGISTRY names, which has to be on the engine's machine, or the stub's.
func cmdRegistry(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 1, "registry VARIABLE [USER:PASSWORD]")
	account := strings.Join(args[1:], "")
	if bin := os.Getenv("TUTTI_REGISTRY"); bin != "" {
		ts.Setenv(args[0], distribution(ts, bin, account))
	} else {
		serve(ts, args[0], append([]string{"registry"}, args[1:]...))
	}
	registry := ts.Getenv(args[0])
	ts.Defer(func() { engine.RemoveImagesOf(context.Background(), registry) })
}

// registrySettings of Docker's own registry.
const registrySettings = `version: 0.1
storage:
  filesystem: {rootdirectory: %[1]q}
http: {addr: "127.0.0.1:0"}
`

const registryAccounts = `auth:
  htpasswd: {realm: e2e, path: "%[1]s/htpasswd"}
`

// distribution runs Docker's own registry, and tells its address.
func distribution(ts *testscript.TestScript, bin, account string) string {
	dir, err := os.MkdirTemp("", "tutti-registry")
	ts.Check(err)
	ts.Defer(func() { os.RemoveAll(dir) })
	settings := registrySettings
	if name, password, ok := strings.Cut(account, ":"); ok {
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		ts.Check(err)
		ts.Check(os.WriteFile(filepath.Join(dir, "htpasswd"), []byte(name+":"+string(hash)+"\n"), 0o600))
		settings += registryAccounts
	}
	ts.Check(os.WriteFile(filepath.Join(dir, "config.yml"), fmt.Appendf(nil, settings, dir), 0o600))
	b, err := launch(exec.Command(bin, "serve", filepath.Join(dir, "config.yml")))
	ts.Check(err)
	ts.Defer(b.kill)
	ts.Check(b.writes(listening.String()))
	_, text := b.text()
	return listening.FindStringSubmatch(text)[1]
}

func cmdArchive(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "archive VARIABLE FILE...")
	words := []string{"archive"}
	for _, file := range args[1:] {
		words = append(words, filepath.Base(file)+"="+ts.ReadFile(file))
	}
	serve(ts, args[0], words)
}

// cmdRepository commits what is in a directory, and has git serve it.
func cmdRepository(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "repository VARIABLE DIR")
	dir := ts.MkAbs(args[1])
	for _, words := range [][]string{{"init", "-q", "-b", "master"}, {"add", "-A"}, {"-c", "user.name=e2e", "-c", "user.email=e2e@example.com", "commit", "-q", "-m", "all"}} {
		ts.Check(ts.Exec("git", append([]string{"-C", dir}, words...)...))
	}
	port, err := freePort()
	ts.Check(err)
	b, err := launch(exec.Command("git", "daemon", "--verbose", "--export-all", "--reuseaddr", "--listen=127.0.0.1", "--port="+port, "--base-path="+filepath.Dir(dir)))
	ts.Check(err)
	ts.Defer(func() {
		b.cmd.Process.Signal(syscall.SIGTERM) // so that the daemon below it ends, too
		<-b.done
	})
	ts.Check(b.writes("Ready to rumble"))
	ts.Setenv(args[0], "127.0.0.1:"+port+"/"+filepath.Base(dir))
}

// serve what the stub does from a container, so that an engine on another machine, or in another network namespace, reaches it too. The variable
// is its address.
func serve(ts *testscript.TestScript, variable string, words []string) {
	ctx, cancel := soon()
	defer cancel()
	name := container(ts, words[0]+"-"+strings.ToLower(variable))
	body := map[string]any{"Image": stub, "Cmd": words, "HostConfig": map[string]any{"NetworkMode": "host"}}
	ts.Check(engine.Do(ctx, "POST", "/containers/create?name="+name, body, nil))
	at := "/containers/" + name
	ts.Defer(func() { engine.Do(context.Background(), "DELETE", at+"?force=1&v=1", nil, nil) })
	ts.Check(engine.Do(ctx, "POST", at+"/start", nil, nil))
	ts.Check(until(func() error {
		text, err := engine.Logs(ctx, name)
		m := address.FindStringSubmatch(text)
		if m == nil {
			return fmt.Errorf("it has not written where it is: %q, %v", text, err)
		}
		ts.Setenv(variable, m[1])
		return nil
	}))
}

func cmdPush(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 3, "push VARIABLE REF NAME [USER:PASSWORD]")
	ctx, cancel := soon()
	defer cancel()
	i := strings.LastIndex(args[2], ":")
	ts.Check(engine.Tag(ctx, args[1], args[2][:i], args[2][i+1:]))
	digest, err := engine.Push(ctx, args[2], strings.Join(args[3:], ""))
	ts.Check(err)
	ts.Check(engine.RemoveImage(ctx, args[2]))
	ts.Setenv(args[0], digest)
}

func cmdLogin(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "login ADDRESS USER:PASSWORD")
	dir := ts.Getenv("DOCKER_CONFIG")
	ts.Check(os.MkdirAll(dir, 0o755))
	text := fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, args[0], base64.StdEncoding.EncodeToString([]byte(args[1])))
	ts.Check(os.WriteFile(filepath.Join(dir, "config.json"), []byte(text), 0o600))
}
