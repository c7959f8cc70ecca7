package compose_test

import (
	"testing"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/enginetest"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/volume"
)

// fixed is a read-only service with a secret, and an anonymous volume of its own.
func fixed(secret string) desired.Project {
	web := desired.Service{Name: "web", Replicas: 1, Image: image.Spec{Ref: "plain"}}
	web.Container.ReadOnly = true
	web.Container.Files = []container.File{{Kind: "secret", Source: "key", Target: "/run/secrets/key", Content: []byte(secret), Digest: secret}}
	web.Container.Mounts = []volume.Mount{{Type: volume.Volume, Target: "/run/secrets", Contents: true}, {Type: volume.Volume, Target: "/anonymous"}}
	return desired.Project{Name: "shop", Services: []desired.Service{web}}
}

func mountedAt(f *enginetest.Fake, target string) string {
	for _, l := range containersOf(fataler{}, f) {
		for _, m := range l.Mounts {
			if m.Target == target {
				return m.Name
			}
		}
	}
	return ""
}

// TestSecretsGoWithTheirContainer, in the volumes that were made for them; other anonymous volumes are handed on, and stay after down.
func TestSecretsGoWithTheirContainer(t *testing.T) {
	inBubbleWith(t, func(t *testing.T, f *enginetest.Fake) {
		tool := compose.Tool{Engine: f}
		up(t, tool, fixed("one"), compose.UpOptions{}, compose.RunOptions{})
		old, own := mountedAt(f, "/run/secrets"), mountedAt(f, "/anonymous")
		if f.Holds(old)["/key"] != "one" {
			t.Fatalf("the volume holds %v", f.Holds(old))
		}
		if r := up(t, tool, fixed("two"), compose.UpOptions{}, compose.RunOptions{}); r.Failed() {
			t.Fatalf("%+v", r.Failures)
		}
		next := mountedAt(f, "/run/secrets")
		if f.Holds(old) != nil || f.Holds(next)["/key"] != "two" || mountedAt(f, "/anonymous") != own {
			t.Errorf("old %v, new %v, anonymous %s, was %s", f.Holds(old), f.Holds(next), mountedAt(f, "/anonymous"), own)
		}
		pl, err := tool.PlanDown(t.Context(), fixed("two"), compose.DownOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if r := tool.Run(t.Context(), pl, compose.RunOptions{}); r.Failed() || f.Holds(next) != nil || f.Holds(own) == nil {
			t.Errorf("%+v; secrets %v, anonymous %v", r.Failures, f.Holds(next), f.Holds(own))
		}
	})
}
