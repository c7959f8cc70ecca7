package e2e

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScript runs every script of testdata/script, each with a project name, a home and a directory of its own.
// The commands beside testscript's are in command_test.go.
func TestScript(t *testing.T) {
	needEngine(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Setup:               setup,
		Cmds:                commands,
		Condition:           condition,
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// world is what the commands of one script share.
type world struct {
	project string
	code    int             // exit code of the last tutti
	given   io.Reader       // what the next one reads; nil: nothing
	state   string          // the engine's, as remembered
	ids     map[string]card // of containers, as remembered
	running map[string]*background
	copies  []string // projects that are isolated copies of it
}

type key struct{}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(key{}).(*world) }

func setup(env *testscript.Env) error {
	script := strings.TrimPrefix(filepath.Base(env.WorkDir), "script-")
	w := &world{project: projectName(script), running: map[string]*background{}}
	env.Values[key{}] = w
	env.Vars = append(env.Vars,
		"PROJECT="+w.project,
		"COMPOSE_PROJECT_NAME="+w.project,
		"STUB="+stub,
		"ARCH="+engine.Arch,
		"ROOT="+root,
		"TUTTI="+binary,
		"DOCKER_HOST="+engine.Host,
		"DOCKER_CONFIG="+filepath.Join(env.WorkDir, ".docker"),
		"HOME="+env.WorkDir,
		"XDG_CACHE_HOME="+filepath.Join(filepath.Dir(env.WorkDir), "cache-"+filepath.Base(env.WorkDir)), // not in the work directory, which scripts watch and build from
		"TERM=dumb",
	)
	env.Defer(func() { cleanUp(env, w) })
	return nil
}

// cleanUp shows what there is if the script failed, and removes it.
func cleanUp(env *testscript.Env, w *world) {
	for _, b := range w.running {
		b.kill()
	}
	t := env.T()
	if f, ok := t.(interface{ Failed() bool }); ok && f.Failed() {
		t.Log(artefacts(env, w))
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, p := range append(w.copies, w.project+"-x", w.project) { // some scripts have a second project beside their own
		if err := engine.RemoveProject(ctx, p); err != nil {
			t.Log("clean up: ", err)
		}
	}
}

// artefacts of a script that failed: what the engine has of it, what is planned, and the last lines of its containers.
func artefacts(env *testscript.Env, w *world) string {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var b strings.Builder
	state, err := engine.State(ctx, w.project)
	b.WriteString("\n=== engine\n" + state)
	if err != nil {
		b.WriteString(err.Error() + "\n")
	}
	for _, args := range [][]string{{"plan"}, {"ps", "-a"}, {"logs", "--tail", "10", "--no-color"}} {
		cmd := exec.CommandContext(ctx, binary, args...)
		cmd.Dir, cmd.Env = env.WorkDir, env.Vars
		out, err := cmd.CombinedOutput()
		b.WriteString("=== tutti " + strings.Join(args, " ") + "\n" + string(out))
		if err != nil {
			b.WriteString(err.Error() + "\n")
		}
	}
	return b.String()
}

// condition adds [port:N]: nobody listens there; [image:REF]: the engine has it; [api:1.45]: its API is that or newer; [exists:PATH]: the repository has it;
// [buildkit]: it builds with that; [builder]: there is a BuildKit to run beside it; [podman]: the engine is Podman, and what it cannot do is in docs/engines.md; [containerd]: it keeps images in containerd's store.
func condition(cond string) (bool, error) {
	switch cond {
	case "podman":
		return engine.Podman, nil
	case "buildkit":
		return !engine.Podman, nil
	case "builder":
		return os.Getenv("TUTTI_BUILDKIT") != "" && !engine.Podman, nil
	case "containerd":
		return engine.Containerd(context.Background())
	}
	if port, ok := strings.CutPrefix(cond, "port:"); ok {
		l, err := net.Listen("tcp", ":"+port)
		if err != nil {
			return false, nil
		}
		return true, l.Close()
	}
	if version, ok := strings.CutPrefix(cond, "api:"); ok {
		return engine.Speaks(context.Background(), version)
	}
	if driver, ok := strings.CutPrefix(cond, "makes:"); ok {
		return engine.MakesNetwork(context.Background(), driver), nil
	}
	if cond == "swarm" {
		return engine.Swarm(context.Background())
	}
	if ref, ok := strings.CutPrefix(cond, "image:"); ok {
		return engine.HasImage(context.Background(), ref), nil
	}
	if path, ok := strings.CutPrefix(cond, "exists:"); ok {
		_, err := os.Stat(filepath.Join(root, path))
		return err == nil, nil
	}
	return false, os.ErrInvalid
}
