package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

var address = regexp.MustCompile(`(?m)^\w+ (127\.0\.0\.1:\d+)$`)

func cmdRegistry(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 1, "registry VARIABLE [USER:PASSWORD]")
	serve(ts, args[0], append([]string{"registry"}, args[1:]...))
	registry := ts.Getenv(args[0])
	ts.Defer(func() { engine.RemoveImagesOf(context.Background(), registry) })
}

func cmdArchive(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 2, "archive VARIABLE FILE...")
	words := []string{"archive"}
	for _, file := range args[1:] {
		words = append(words, filepath.Base(file)+"="+ts.ReadFile(file))
	}
	serve(ts, args[0], words)
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
