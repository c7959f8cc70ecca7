package docker_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/docker"
	"github.com/tutti-run/tutti/engine/enginetest"
)

// real is the engine that answers; without one the test is skipped, unless it must not be.
func real(t *testing.T) *docker.Engine {
	t.Helper()
	e, err := docker.Dial(t.Context(), docker.Options{})
	if err != nil {
		if os.Getenv("TUTTI_REQUIRE_ENGINE") == "" {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// helper is the suite's image. It is built once, and goes when all tests are over.
var helper struct {
	sync.Once
	ref string
}

func withHelper(t *testing.T, e engine.Engine) string {
	t.Helper()
	helper.Do(func() {
		helper.ref = fmt.Sprintf("tutti-conformance-%d", os.Getpid())
		enginetest.BuildHelper(t, e, helper.ref)
	})
	return helper.ref
}

func TestMain(m *testing.M) {
	code := m.Run()
	if helper.ref != "" {
		forgetHelper()
	}
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func forgetHelper() {
	e, err := docker.Dial(context.Background(), docker.Options{})
	if err == nil {
		err = e.RemoveImage(context.Background(), helper.ref)
		e.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func TestConformance(t *testing.T) {
	e := real(t)
	enginetest.Conformance(t, func(t *testing.T) enginetest.Harness {
		return enginetest.Harness{Engine: e, Image: withHelper(t, e)}
	})
}
