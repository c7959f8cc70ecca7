package plan_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// found is a container of the shop as lists show it; its ID is its name.
func found(name, service string, number int, state container.State, labels ...string) container.Live {
	l := container.Live{ID: name, Name: name, State: state, Labels: map[string]string{
		container.LabelProject: "shop", container.LabelService: service, container.LabelNumber: strconv.Itoa(number)}}
	for _, label := range labels {
		k, v, _ := strings.Cut(label, "=")
		l.Labels[k] = v
	}
	return l
}

func shopOf(containers ...container.Live) engine.Snapshot {
	return engine.Snapshot{Project: "shop", Containers: containers}
}

// decided is what a plan does, in an order of its own.
func decided(t *testing.T, p desired.Project, have engine.Snapshot, o plan.LifecycleOptions, decide func(desired.Project, engine.Snapshot, plan.LifecycleOptions) (plan.Plan, error)) string {
	t.Helper()
	out, err := decide(p, have, o)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, n := range out.Nodes {
		ids = append(ids, string(n.ID))
	}
	slices.Sort(ids)
	return strings.Join(ids, ", ")
}

// TestWhatWasPutAsideStaysDown: no start, no restart and no wait of these brings back what was not well. A name alone does not tell.
func TestWhatWasPutAsideStaysDown(t *testing.T) {
	once := container.LabelOneOff + "=True"
	for _, test := range []struct {
		name                 string
		have                 []container.Live
		start, wait, restart string
	}{
		{"its predecessor runs", []container.Live{found("web-1", "web", 1, container.Running), found("web-1-failed", "web", 1, container.Exited)},
			"", "wait web-1 running or healthy", "start web-1, stop web-1"},
		{"its predecessor was stopped", []container.Live{found("web-1", "web", 1, container.Exited), found("web-1-failed", "web", 1, container.Exited)},
			"start web-1", "start web-1, wait web-1 running or healthy", "start web-1"},
		{"somebody started it", []container.Live{found("web-1", "web", 1, container.Running), found("web-1-failed", "web", 1, container.Running)},
			"", "wait web-1 running or healthy", "start web-1, stop web-1"},
		{"it alone is there", []container.Live{found("web-1-failed", "web", 1, container.Exited), found("web-2", "web", 2, container.Running)},
			"start web-1-failed", "start web-1-failed, wait web-1-failed running or healthy, wait web-2 running or healthy", "start web-1-failed, start web-2, stop web-2"},
		{"that is its own name", []container.Live{found("web", "web", 1, container.Exited), found("web-failed", "web-failed", 1, container.Exited)},
			"start web, start web-failed", "start web, start web-failed, wait web running or healthy, wait web-failed running or healthy", "start web, start web-failed"},
		{"that is its own name, and it was put aside", []container.Live{found("web-failed", "web", 1, container.Exited), found("web-failed-failed", "web", 1, container.Exited)},
			"start web-failed", "start web-failed, wait web-failed running or healthy", "start web-failed"},
		{"of a run", []container.Live{found("web", "web", 1, container.Exited, once), found("web-failed", "web", 1, container.Exited)},
			"start web-failed", "start web-failed, wait web-failed running or healthy", "start web-failed"},
	} {
		p, have := desired.Project{Name: "shop"}, shopOf(test.have...)
		for _, got := range []struct{ what, is, want string }{
			{"start", decided(t, p, have, plan.LifecycleOptions{}, plan.Start), test.start},
			{"start --wait", decided(t, p, have, plan.LifecycleOptions{Wait: true}, plan.Start), test.wait},
			{"restart", decided(t, p, have, plan.LifecycleOptions{}, plan.Restart), test.restart},
		} {
			if got.is != got.want {
				t.Errorf("%s: %s does %q, want %q", test.name, got.what, got.is, got.want)
			}
		}
	}
}

// TestWhatWasPutAsideTellsNothing: its labels are of the file that failed.
func TestWhatWasPutAsideTellsNothing(t *testing.T) {
	have := shopOf(found("db-1", "db", 1, container.Exited), found("web-1", "web", 1, container.Exited),
		found("web-1-failed", "web", 1, container.Exited, container.LabelDependsOn+"=db:service_healthy:false"))
	if got := decided(t, desired.Project{Name: "shop"}, have, plan.LifecycleOptions{}, plan.Start); got != "start db-1, start web-1" {
		t.Error(got)
	}
}

// TestStartWaitsForWhatIsUp and not yet as its dependents want it.
func TestStartWaitsForWhatIsUp(t *testing.T) {
	for condition, test := range map[desired.Condition]struct {
		health container.Health
		want   string
	}{
		desired.IsHealthy: {container.Starting, "wait db-1 healthy\nstart web-1 < wait db-1 healthy\n"},
		desired.Completed: {container.NoHealth, "wait db-1 completed\nstart web-1 < wait db-1 completed\n"},
		desired.Started:   {container.NoHealth, "start web-1\n"},
	} {
		have := shopOf(found("db-1", "db", 1, container.Running), found("web-1", "web", 1, container.Exited))
		have.Containers[0].Health = test.health
		p := desired.Project{Name: "shop", Services: []desired.Service{{Name: "db"}, {Name: "web", Depends: []desired.Dependency{{Service: "db", Condition: condition, Required: true}}}}}
		if got, err := plan.Start(p, have, plan.LifecycleOptions{}); err != nil || got.Steps() != test.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", condition, err, got.Steps(), test.want)
		}
		if have.Containers[0].Health = container.Healthy; condition == desired.IsHealthy {
			if got, err := plan.Start(p, have, plan.LifecycleOptions{}); err != nil || got.Steps() != "start web-1\n" {
				t.Errorf("healthy: %v\n%s", err, got.Steps())
			}
		}
	}
}

// TestRestartHeedsFewDependencies: as with Docker Compose, those with restart: true; and those without whose namespace nobody can start. What was
// up comes back whatever becomes of them.
func TestRestartHeedsFewDependencies(t *testing.T) {
	healthy := func(restart bool, namespace string) []desired.Dependency {
		return []desired.Dependency{{Service: "db", Condition: desired.IsHealthy, Required: true, Restart: restart, Namespace: namespace}}
	}
	vpn := shopOf(found("db-1", "db", 1, container.Running), found("web-1", "web", 1, container.Running, container.LabelDependsOn+"=db:service_started:false"))
	vpn.Containers[1].Mode = "container:db-1"
	const apart = "stop db-1\nstop web-1\nstart db-1 <~ stop db-1\nstart web-1 <~ stop web-1\n"
	const behind = "stop web-1\nstop db-1 <~ stop web-1\nstart db-1 <~ stop db-1\nwait db-1 healthy < start db-1\nstart web-1 <~ stop web-1, wait db-1 healthy\n"
	for _, test := range []struct {
		name    string
		depends []desired.Dependency
		have    engine.Snapshot
		want    string
	}{
		{"restart: false", healthy(false, ""), shopOf(found("db-1", "db", 1, container.Running), found("web-1", "web", 1, container.Running)), apart},
		{"restart: true", healthy(true, ""), shopOf(found("db-1", "db", 1, container.Running), found("web-1", "web", 1, container.Running)), behind},
		{"a namespace", healthy(false, "network_mode"), shopOf(found("db-1", "db", 1, container.Running), found("web-1", "web", 1, container.Running)), behind},
		{"one that was down", healthy(true, ""), shopOf(found("db-1", "db", 1, container.Running), found("web-1", "web", 1, container.Exited)),
			"stop db-1\nstart db-1 <~ stop db-1\nwait db-1 healthy < start db-1\nstart web-1 < wait db-1 healthy\n"},
		{"without a file", nil, shopOf(found("db-1", "db", 1, container.Running), found("web-1", "web", 1, container.Running, container.LabelDependsOn+"=db:service_healthy:false")), apart},
		{"without a file, restart: true", nil, shopOf(found("db-1", "db", 1, container.Running), found("web-1", "web", 1, container.Running, container.LabelDependsOn+"=db:service_healthy:true")), behind},
		{"without a file, a namespace", nil, vpn, "stop web-1\nstop db-1 <~ stop web-1\nstart db-1 <~ stop db-1\nstart web-1 <~ stop web-1, start db-1\n"},
	} {
		p := desired.Project{Name: "shop"}
		if test.depends != nil {
			p.Services = []desired.Service{{Name: "db"}, {Name: "web", Depends: test.depends}}
		}
		got, err := plan.Restart(p, test.have, plan.LifecycleOptions{})
		if err != nil || got.Steps() != test.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", test.name, err, got.Steps(), test.want)
		}
	}
}

// TestRestartTakesAlongWhoAsksForIt: also through others.
func TestRestartTakesAlongWhoAsksForIt(t *testing.T) {
	on := func(service string, restart bool) desired.Dependency {
		return desired.Dependency{Service: service, Condition: desired.Started, Required: true, Restart: restart}
	}
	p := desired.Project{Name: "shop", Services: []desired.Service{{Name: "api", Depends: []desired.Dependency{on("db", true)}}, {Name: "db"},
		{Name: "other", Depends: []desired.Dependency{on("db", false)}}, {Name: "web", Depends: []desired.Dependency{on("api", true), on("other", false)}}}}
	have := shopOf(found("api-1", "api", 1, container.Running), found("db-1", "db", 1, container.Running), found("other-1", "other", 1, container.Running), found("web-1", "web", 1, container.Running))
	if got := decided(t, p, have, plan.LifecycleOptions{Services: []string{"db"}}, plan.Restart); got != "start api-1, start db-1, start web-1, stop api-1, stop db-1, stop web-1" {
		t.Error(got)
	}
	if got := decided(t, p, have, plan.LifecycleOptions{Services: []string{"db"}, NoDeps: true}, plan.Restart); got != "start db-1, stop db-1" {
		t.Error(got)
	}
}

// TestAWaitThatOneNeedsIsNotTolerated because another could do without.
func TestAWaitThatOneNeedsIsNotTolerated(t *testing.T) {
	on := func(required bool) []desired.Dependency {
		return []desired.Dependency{{Service: "db", Condition: desired.IsHealthy, Required: required, Restart: true}}
	}
	have := shopOf(found("api-1", "api", 1, container.Running), found("db-1", "db", 1, container.Running), found("web-1", "web", 1, container.Running))
	for _, first := range []bool{true, false} {
		p := desired.Project{Name: "shop", Services: []desired.Service{{Name: "api", Depends: on(first)}, {Name: "db"}, {Name: "web", Depends: on(!first)}}}
		got, err := plan.Restart(p, have, plan.LifecycleOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range got.Nodes {
			if w, is := n.Step.(plan.WaitContainer); is && !w.Required {
				t.Errorf("%s is tolerated", n.ID)
			}
		}
	}
}

// TestNothingLeft: where there is neither a file nor a container, nothing is to do for any service; else one that nobody knows is an error.
func TestNothingLeft(t *testing.T) {
	o := plan.LifecycleOptions{Services: []string{"web"}}
	if p, err := plan.Stop(desired.Project{Name: "shop"}, engine.Snapshot{}, o); err != nil || len(p.Nodes) > 0 {
		t.Errorf("got %v, %v", p.Nodes, err)
	}
	if _, err := plan.Stop(desired.Project{Name: "shop"}, engine.Snapshot{Containers: []container.Live{found("shop-db-1", "db", 1, container.Running)}}, o); err == nil {
		t.Error("a service that nobody knows passed")
	}
}
