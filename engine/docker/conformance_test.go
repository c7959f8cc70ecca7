package docker_test

import (
	"context"
	"os"
	"sync"
	"testing"

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

// helper is built once for all tests.
var helper = struct {
	sync.Once
	ref string
}{ref: "tutti-conformance:" + os.Getenv("USER") + "helper"}

func withHelper(t *testing.T, e engine.Engine) string {
	t.Helper()
	helper.Do(func() { enginetest.BuildHelper(t, e, helper.ref) })
	return helper.ref
}

func TestConformance(t *testing.T) {
	e := real(t)
	ref := withHelper(t, e)
	t.Cleanup(func() {
		if err := e.RemoveImage(context.Background(), ref); err != nil {
			t.Error(err)
		}
	})
	enginetest.Conformance(t, func(*testing.T) enginetest.Harness { return enginetest.Harness{Engine: e, Image: ref} })
}
