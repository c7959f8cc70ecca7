// Package e2e runs the real binary on a real engine. It imports nothing of ours: what it asserts, it asks the engine itself.
package e2e

import (
	"context"
	"flag"
	"fmt"
	"hash/fnv"
	"log"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tutti-run/tutti/e2e/internal/dock"
)

// What all tests share, set up once.
var (
	engine   *dock.Engine // nil: there is none
	noEngine error
	binary   string // the tutti under test
	stub     string // image of the stub program
	run      string // "e2e01234": begins the name of every project of this run
	root     string // of the repository
)

var update = flag.Bool("update", false, "rewrite expected output")

func TestMain(m *testing.M) {
	flag.Parse()
	if signal.Ignored(syscall.SIGHUP) { // under nohup: then what the tests start would not hear it either
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	code, err := shared(m)
	if err != nil {
		log.Fatal("e2e: ", err)
	}
	os.Exit(code)
}

func shared(m *testing.M) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // to build all, on a cold cache too
	defer cancel()
	dir, err := os.MkdirTemp("", "tutti-e2e")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if root, err = filepath.Abs(".."); err != nil {
		return 0, err
	}
	run = fmt.Sprintf("e2e%05d", rand.IntN(100_000))
	if binary, err = tutti(ctx, dir); err != nil {
		return 0, err
	}
	if engine, noEngine = dock.Find(ctx); noEngine != nil {
		if os.Getenv("TUTTI_REQUIRE_ENGINE") == "1" {
			return 0, fmt.Errorf("TUTTI_REQUIRE_ENGINE=1 and no engine: %w", noEngine)
		}
		return m.Run(), nil
	}
	if err := buildStub(ctx, dir); err != nil {
		return 0, fmt.Errorf("build the stub image: %w", err)
	}
	defer engine.RemoveImage(context.WithoutCancel(ctx), stub)
	return m.Run(), nil
}

// tutti is the binary named by TUTTI_BIN, or one built here.
func tutti(ctx context.Context, dir string) (string, error) {
	if bin := os.Getenv("TUTTI_BIN"); bin != "" {
		return filepath.Abs(bin)
	}
	bin := filepath.Join(dir, "bin", "tutti")
	return bin, goBuild(ctx, bin, "./cmd/tutti")
}

func goBuild(ctx context.Context, out, pkg string, env ...string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", out, pkg)
	cmd.Dir, cmd.Env = root, append(os.Environ(), env...)
	if b, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, b)
	}
	return nil
}

const stubFile = `FROM scratch
COPY stub /stub
ENTRYPOINT ["/stub"]
CMD ["serve"]
`

func buildStub(ctx context.Context, dir string) error {
	bin := filepath.Join(dir, "stub")
	if err := goBuild(ctx, bin, "./e2e/stub", "CGO_ENABLED=0", "GOOS="+engine.OS, "GOARCH="+engine.Arch); err != nil {
		return err
	}
	body, err := os.ReadFile(bin)
	if err != nil {
		return err
	}
	stub = "tutti-stub:" + run
	return engine.Build(ctx, stub, dock.File{Name: "stub", Mode: 0o755, Body: body}, dock.File{Name: "Dockerfile", Mode: 0o644, Body: []byte(stubFile)})
}

// needEngine skips a test where there is none.
func needEngine(t *testing.T) {
	t.Helper()
	if noEngine != nil {
		t.Skipf("no engine to test on (%v); TUTTI_REQUIRE_ENGINE=1 makes this an error", noEngine)
	}
}

// notOnPodman skips what it cannot do, as docs/engines.md says.
func notOnPodman(t *testing.T, why string) {
	t.Helper()
	if needEngine(t); engine.Podman {
		t.Skip(why)
	}
}

// newProject is a name of its own, and the promise that nothing of it stays.
func newProject(t *testing.T, name string) string {
	t.Helper()
	project := projectName(name)
	t.Cleanup(func() {
		if err := engine.RemoveProject(context.Background(), project); err != nil {
			t.Errorf("clean up %s: %v", project, err)
		}
	})
	return project
}

// projectName of a test is digits: no pattern that a test looks for in the output can match it by chance.
func projectName(test string) string {
	h := fnv.New32a()
	h.Write([]byte(test))
	return fmt.Sprintf("%s-%05d", run, h.Sum32()%100_000)
}
