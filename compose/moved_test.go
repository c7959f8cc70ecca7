package compose_test

import (
	"maps"
	"testing"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/enginetest"
)

// A name that was free when the plan was made is taken when it is carried out: by a container that a killed run had asked for, or by a stranger.
func TestOnlyAWorldThatMovedIsWorthAnotherPlan(t *testing.T) {
	for name, labels := range map[string]map[string]string{
		"ours":       {container.LabelProject: "shop", container.LabelConfigHash: "made", container.LabelService: "web", container.LabelNumber: "1"},
		"a stranger": {},
	} {
		withEngine(t, map[string]enginetest.Behaviour{"web": {}}, func(t *testing.T, f *enginetest.Fake) {
			tool, p := compose.Tool{Engine: f}, shop(service("web", "web"))
			pl, err := tool.Plan(t.Context(), p, compose.UpOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.CreateContainer(t.Context(), engine.NewContainer{Name: "shop-web-1", Spec: container.Spec{Image: "web"}, Labels: maps.Clone(labels)}); err != nil {
				t.Fatal(err)
			}
			failed := compose.Outrun(tool.Run(t.Context(), pl, compose.RunOptions{}))
			if len(failed) != 1 {
				t.Fatalf("%s: %+v", name, failed)
			}
			now, err := tool.Plan(t.Context(), p, compose.UpOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if got := compose.Moved(failed, now); got != (name == "ours") {
				t.Errorf("%s: moved %t\n%s", name, got, now.Steps())
			}
			if r := tool.Run(t.Context(), now, compose.RunOptions{}); r.Failed() != (name == "a stranger") {
				t.Errorf("%s: %+v", name, r.Failures)
			}
		})
	}
}

func TestAFailureOfItsOwnIsNotWorthAnotherPlan(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"web": {StartError: "exec: not found"}}, func(t *testing.T, f *enginetest.Fake) {
		if r := up(t, compose.Tool{Engine: f}, shop(service("web", "web")), compose.UpOptions{}, compose.RunOptions{}); !r.Failed() || len(compose.Outrun(r)) > 0 {
			t.Errorf("%+v", r.Failures)
		}
	})
}
