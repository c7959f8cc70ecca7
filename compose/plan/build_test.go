package plan_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
)

// What only an interrupted run leaves behind. All else is in compose/testdata/plan.

func state(t *testing.T, change func(*desired.Service)) desired.State {
	t.Helper()
	web := desired.Service{Name: "web", Replicas: 1, Image: image.Spec{Ref: "web"}}
	web.Container.Networks = []network.Attachment{{Network: "default", Name: "shop_default"}}
	change(&web)
	s, wrong := desired.Build(desired.Project{Name: "shop", Services: []desired.Service{web}, Networks: []network.Spec{{Key: "default", Name: "shop_default"}}}, desired.Options{})
	if wrong != nil {
		t.Fatal(wrong)
	}
	return s
}

// live is what an engine shows of web-1 when it is as it should be.
func live(s desired.State, name, id string, state container.State) container.Live {
	r := s.Replica("web", 1)
	return container.Live{ID: id, Name: name, ImageID: "sha256:web", Labels: maps.Clone(r.Labels), State: state,
		Networks: []network.Endpoint{{Name: "shop_default", NetworkID: "net"}}}
}

func snapshot(s desired.State, containers ...container.Live) engine.Snapshot {
	spec := s.Project.Networks[0]
	return engine.Snapshot{Project: "shop", Containers: containers, Images: map[string]image.Live{"web": {ID: "sha256:web"}},
		Networks: []network.Live{{ID: "net", Name: "shop_default", Driver: "bridge", Labels: s.NetworkLabels(spec)}}}
}

func steps(t *testing.T, s desired.State, have engine.Snapshot) string {
	t.Helper()
	p, err := plan.Build(s, have, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, n := range p.Nodes {
		ids = append(ids, string(n.ID))
	}
	slices.Sort(ids)
	return strings.Join(ids, ", ")
}

const temporary = "0123456789ab_shop-web-1"

func TestReplacementThatWasInterrupted(t *testing.T) {
	same := func(*desired.Service) {}
	before := state(t, func(s *desired.Service) { s.Container.User = "nobody" })
	now := state(t, same)
	old := live(before, "shop-web-1", "0123456789abcdef", container.Running)
	for _, test := range []struct {
		name       string
		containers []container.Live
		want       string
	}{
		{"the new one was created, perhaps not wholly", []container.Live{old, live(now, temporary, "new", container.Created)},
			"create web-1, remove " + temporary + ", remove web-1, rename web-1, start web-1, stop web-1, wait web-1 well"},
		{"the old one is gone", []container.Live{live(now, temporary, "new", container.Created)}, "rename web-1, start web-1"},
		{"the new one runs under its temporary name", []container.Live{live(now, temporary, "new", container.Running)}, "rename web-1"},
		{"the new one runs beside the old one", []container.Live{old, live(now, temporary, "new", container.Running)},
			"connect web-1 to shop_default, disconnect web-1 from shop_default, remove web-1, rename web-1, start web-1, stop web-1, wait web-1 well"},
		{"the new one is of yet another file", []container.Live{old, live(state(t, func(s *desired.Service) { s.Container.User = "www" }), temporary, "new", container.Created)},
			"create web-1, remove " + temporary + ", remove web-1, rename web-1, start web-1, stop web-1, wait web-1 well"},
	} {
		if got := steps(t, now, snapshot(now, test.containers...)); got != test.want {
			t.Errorf("%s:\n%s\nwant\n%s", test.name, got, test.want)
		}
	}
}

func TestAContainerThatNeverRanMayLackItsFiles(t *testing.T) {
	s := state(t, func(s *desired.Service) {
		s.Container.Files = []container.File{{Kind: "config", Source: "app", Target: "/app", Digest: "d"}}
	})
	if got := steps(t, s, snapshot(s, live(s, "shop-web-1", "0123456789abcdef", container.Created))); !strings.Contains(got, "create web-1") {
		t.Error(got)
	}
	if got := steps(t, s, snapshot(s, live(s, "shop-web-1", "0123456789abcdef", container.Exited))); got != "start web-1" {
		t.Error(got)
	}
}

func TestOfTwoNetworksOfOneNameTheUnusedOneGoes(t *testing.T) {
	s := state(t, func(*desired.Service) {})
	have := snapshot(s, live(s, "shop-web-1", "0123456789abcdef", container.Running))
	second := have.Networks[0]
	second.ID = "second"
	have.Networks = []network.Live{second, have.Networks[0]}
	if got := steps(t, s, have); got != "remove network second" {
		t.Error(got)
	}
}

// TestPullRefreshAfter: an image is pulled again once it was brought longer ago than pull_refresh_after.
func TestPullRefreshAfter(t *testing.T) {
	s := state(t, func(svc *desired.Service) {
		svc.Image.Policy, svc.Image.RefreshAfter = image.Refresh, 48*time.Hour
	})
	now := time.Now()
	for age, pulled := range map[time.Duration]bool{47 * time.Hour: false, 49 * time.Hour: true} {
		have := snapshot(s, live(s, "shop-web-1", "id", container.Running))
		have.Images["web"] = image.Live{ID: "sha256:web", Tagged: now.Add(-age)}
		p, err := plan.Build(s, have, plan.Options{Now: now})
		if err != nil {
			t.Fatal(err)
		}
		if is := slices.ContainsFunc(p.Nodes, func(n plan.Node) bool { _, is := n.Step.(plan.PullImage); return is }); is != pulled {
			t.Errorf("brought %s ago: pulled %t", age, is)
		}
	}
}

// TestRestartPolicyWindow: a new container is watched for as long as deploy.restart_policy.window says, unless update_config.monitor does.
func TestRestartPolicyWindow(t *testing.T) {
	for _, test := range []struct{ window, monitor, want time.Duration }{{7 * time.Second, 0, 7 * time.Second}, {7 * time.Second, 9 * time.Second, 9 * time.Second}} {
		s := state(t, func(svc *desired.Service) {
			svc.RestartWindow, svc.Update = test.window, &desired.Rollout{Monitor: test.monitor}
		})
		p, err := plan.Build(s, snapshot(s, live(s, "shop-web-1", "id", container.Running)), plan.Options{ForceRecreate: true})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(p.Nodes, func(n plan.Node) bool { _, is := n.Step.(plan.WaitContainer); return is })
		if i < 0 || p.Nodes[i].Step.(plan.WaitContainer).Monitor != test.want {
			t.Errorf("window %s, monitor %s: %+v", test.window, test.monitor, p.Nodes)
		}
	}
}

// TestRollbackFailureAction: batches go back only if those before could, or whatever became of them with rollback_config.failure_action: continue.
func TestRollbackFailureAction(t *testing.T) {
	s := state(t, func(svc *desired.Service) {
		svc.Replicas, svc.Update = 2, &desired.Rollout{Parallelism: 1, FailureAction: "rollback"}
	})
	second := live(s, "shop-web-2", "id2", container.Running)
	second.Labels[container.LabelNumber] = "2"
	p, err := plan.Build(s, snapshot(s, live(s, "shop-web-1", "id1", container.Running), second), plan.Options{ForceRecreate: true})
	if err != nil {
		t.Fatal(err)
	}
	var units []string
	for _, n := range p.Nodes {
		if n.Unit != "" && !slices.Contains(units, n.Unit) {
			units = append(units, n.Unit)
		}
	}
	all := func(plan.ID) bool { return true }
	for action, strict := range map[string]bool{"": true, "pause": true, "continue": false} {
		back := plan.UndoUnits(p, plan.Did{Ran: all, Done: all}, units, &desired.Rollout{Parallelism: 1, FailureAction: action})
		unit := map[plan.ID]string{}
		for _, n := range back.Nodes {
			unit[n.ID] = n.Unit
		}
		needs, follows := false, false
		for _, n := range back.Nodes {
			other := func(id plan.ID) bool { return unit[id] != n.Unit }
			needs, follows = needs || slices.ContainsFunc(n.After, other), follows || slices.ContainsFunc(n.AfterAny, other)
		}
		if needs != strict || follows == strict {
			t.Errorf("%q: a batch needs the one before: %t, follows it: %t", action, needs, follows)
		}
	}
}

// TestBuildToRun: for containers an image is built for one platform, which the service names or the builder chooses.
func TestBuildToRun(t *testing.T) {
	several := []string{"linux/amd64", "linux/arm64"}
	for _, test := range []struct {
		platform        string
		platforms, want []string
	}{{"", several, nil}, {"linux/arm64", several, several[1:]}, {"", several[:1], several[:1]}} {
		s := state(t, func(svc *desired.Service) {
			svc.Image = image.Spec{Ref: "shop-web", Platform: test.platform, Build: &image.Build{Context: "/", Platforms: test.platforms, BuildKitOnly: []string{"platforms", "ssh"}}}
		})
		have := snapshot(s)
		delete(have.Images, "shop-web")
		p, err := plan.Build(s, have, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(p.Nodes, func(n plan.Node) bool { _, is := n.Step.(plan.BuildImage); return is })
		if i < 0 {
			t.Fatalf("nothing is built: %+v", p.Nodes)
		}
		if got := p.Nodes[i].Step.(plan.BuildImage).Image.Build.Platforms; !slices.Equal(got, test.want) {
			t.Errorf("built for %q, want %q", got, test.want)
		}
		if all, err := plan.BuildImages(s, have, plan.ImageOptions{}); err != nil || !slices.Equal(all.Nodes[0].Step.(plan.BuildImage).Image.Build.Platforms, test.platforms) {
			t.Errorf("the verb build does not build for all platforms: %v", err)
		}
	}
}
