package compose_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/enginetest"
	"github.com/tutti-run/tutti/image"
)

// steps of a plan, in its order.
func steps(p plan.Plan) string {
	var out []string
	for _, n := range p.Nodes {
		out = append(out, string(n.ID))
	}
	return strings.Join(out, ", ")
}

// stored is a shop of two that are up, one of them twice, and a job that has ended.
func stored(t *testing.T, test func(t *testing.T, f *enginetest.Fake, tool compose.Tool, p desired.Project)) {
	withEngine(t, map[string]enginetest.Behaviour{"steady": steady, "brief": brief}, func(t *testing.T, f *enginetest.Fake) {
		p := shop(service("db", "steady"), service("web", "steady", "db started"), service("job", "brief"))
		tool := compose.Tool{Engine: f}
		up(t, tool, p, compose.UpOptions{Scale: map[string]int{"web": 2}}, compose.RunOptions{})
		time.Sleep(2 * time.Second)
		test(t, f, tool, p)
	})
}

func TestSignalsGoToWhatRuns(t *testing.T) {
	stored(t, func(t *testing.T, f *enginetest.Fake, tool compose.Tool, p desired.Project) {
		for _, c := range []struct {
			name string
			make func() (plan.Plan, error)
			want string
		}{
			{"all", func() (plan.Plan, error) { return tool.PlanKill(t.Context(), p, plan.KillOptions{Signal: "HUP"}) },
				"kill shop-db-1, kill shop-web-1, kill shop-web-2"},
			{"one", func() (plan.Plan, error) {
				return tool.PlanKill(t.Context(), p, plan.KillOptions{Services: []string{"db"}})
			}, "kill shop-db-1"},
			{"no orphans", func() (plan.Plan, error) {
				return tool.PlanKill(t.Context(), shop(service("db", "steady")), plan.KillOptions{})
			}, "kill shop-db-1"},
			{"orphans", func() (plan.Plan, error) {
				return tool.PlanKill(t.Context(), shop(service("db", "steady")), plan.KillOptions{Orphans: true})
			}, "kill shop-db-1, kill shop-web-1, kill shop-web-2"},
			{"pause", func() (plan.Plan, error) {
				return tool.PlanPause(t.Context(), p, compose.LifecycleOptions{Services: []string{"web"}})
			}, "pause shop-web-1, pause shop-web-2"},
			{"stopped ones", func() (plan.Plan, error) { return tool.PlanRemove(t.Context(), p, plan.RemoveOptions{}) }, "remove shop-job-1"},
			{"after a stop", func() (plan.Plan, error) {
				return tool.PlanRemove(t.Context(), p, plan.RemoveOptions{Services: []string{"db", "web"}, Stop: true})
			}, "stop shop-web-1, stop shop-web-2, remove shop-web-1, stop shop-db-1, remove shop-web-2, remove shop-db-1"},
		} {
			got, err := c.make()
			if steps(got) != c.want || err != nil {
				t.Errorf("%s: %s, %v; want %s", c.name, steps(got), err, c.want)
			}
		}
		if _, err := tool.PlanKill(t.Context(), p, plan.KillOptions{Services: []string{"wbe"}}); err == nil || !strings.Contains(err.Error(), "no such service: wbe") {
			t.Errorf("an unknown service: %v", err)
		}
	})
}

// TestPausedOnesGoOn: what a frozen container would have done it does later.
func TestPausedOnesGoOn(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"brief": brief}, func(t *testing.T, f *enginetest.Fake) {
		p, tool := shop(service("job", "brief")), compose.Tool{Engine: f}
		up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
		for _, make := range []func(context.Context, desired.Project, compose.LifecycleOptions) (plan.Plan, error){tool.PlanPause, tool.PlanUnpause} {
			pl, err := make(t.Context(), p, compose.LifecycleOptions{})
			if r := tool.Run(t.Context(), pl, compose.RunOptions{}); err != nil || r.Failed() || len(r.Results) != 1 {
				t.Fatalf("%v, %v", err, r.Failures)
			}
			time.Sleep(5 * time.Second)
		}
		if l, _ := f.Inspect(t.Context(), "shop-job-1"); l.State != container.Exited {
			t.Errorf("it is %s", l.State)
		}
	})
}

// once plans and makes a container of `run`.
func once(t *testing.T, tool compose.Tool, p desired.Project, o compose.RunOnce) (string, container.Live) {
	t.Helper()
	pl, name, err := tool.PlanRun(t.Context(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	if r := tool.Run(t.Context(), pl, compose.RunOptions{}); r.Failed() {
		t.Fatal(r.Failures)
	}
	l, err := tool.Engine.Inspect(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return steps(pl), l
}

func TestRunOnceComesBehindItsDependencies(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"health": {HealthyAfter: 3 * time.Second}, "brief": {ExitCode: enginetest.Exits(5), After: time.Second, Logs: []string{"done"}}}, func(t *testing.T, f *enginetest.Fake) {
		tool := compose.Tool{Engine: f}
		job := service("job", "brief", "db healthy")
		job.Container = container.Spec{Restart: container.Restart{Name: "always"}, Ports: []container.Port{{Published: "80", Target: 80}}, Command: []string{"a"}}
		p := shop(service("db", "health"), job, service("other", "health"))
		did, l := once(t, tool, p, compose.RunOnce{Service: "job", Command: []string{"b"}})
		want := "create db-1, start db-1, wait db-1 healthy, create " + l.Name
		if did != want || !strings.HasPrefix(l.Name, "shop-job-run-") || len(l.Name) != len("shop-job-run-")+12 {
			t.Errorf("did %s, want %s", did, want)
		}
		if !l.OneOff() || l.Number() != 0 || len(l.Found.Ports) > 0 || l.Found.Restart.Name != "" || !slices.Equal(l.Found.Command, []string{"b"}) {
			t.Errorf("made %+v", l.Found)
		}
		var out, errs bytes.Buffer
		code, err := tool.Once(t.Context(), p, l.Name, compose.Terminal{Stdout: &out, Stderr: &errs}, nil)
		if code != 5 || err != nil || out.String() != "done\n" {
			t.Errorf("code %d, %v, stdout %q", code, err, out.String())
		}
		if err := tool.RemoveOnce(t.Context(), l.Name); err != nil {
			t.Error(err)
		}
		if pl, err := tool.Plan(t.Context(), shop(service("db", "health")), compose.UpOptions{}); err != nil || !pl.Empty() {
			t.Errorf("afterwards: %s, %v", steps(pl), err)
		}
	})
}

func TestRunOnceIsAsAskedFor(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"steady": steady}, func(t *testing.T, f *enginetest.Fake) {
		tool, blue, red, here := compose.Tool{Engine: f}, "blue", "red", "here"
		web := service("web", "steady", "db started")
		web.Container = container.Spec{Environment: map[string]*string{"COLOR": &blue, "SIZE": &here}, Ports: []container.Port{{Published: "80", Target: 80}}, User: "1", Labels: map[string]string{"a": "1"}}
		did, l := once(t, tool, shop(web, service("db", "steady")), compose.RunOnce{
			Service: "web", Name: "mine", NoDeps: true, ServicePorts: true, Ports: []container.Port{{Published: "90", Target: 90}}, User: "2", WorkingDir: "/w",
			Entrypoint: []string{"e"}, Environment: map[string]*string{"COLOR": &red}, Labels: map[string]string{"a": "2"}, TTY: true, Stdin: true,
		})
		s := l.Found
		if did != "create mine" || l.Name != "mine" || *s.Environment["COLOR"] != "red" || *s.Environment["SIZE"] != "here" || len(s.Ports) != 2 || s.User != "2" ||
			s.WorkingDir != "/w" || !slices.Equal(s.Entrypoint, []string{"e"}) || len(s.Command) > 0 || l.Labels["a"] != "2" || !s.TTY || !s.StdinOpen || !s.StdinOnce {
			t.Errorf("did %s, made %+v", did, s)
		}
	})
}

func TestReplicaOfAService(t *testing.T) {
	stored(t, func(t *testing.T, f *enginetest.Fake, tool compose.Tool, p desired.Project) {
		for _, c := range []struct {
			service string
			index   int
			want    string
		}{
			{"web", 0, "shop-web-1"}, {"web", 2, "shop-web-2"}, {"web", 3, `service "web" is not running container #3`}, {"job", 0, `service "job" is not running`},
		} {
			l, err := tool.Replica(t.Context(), p, c.service, c.index)
			if err != nil {
				l.Name = err.Error()
			}
			if l.Name != c.want {
				t.Errorf("%s %d: %s, want %s", c.service, c.index, l.Name, c.want)
			}
		}
	})
}

func TestWaitGivesTheLastCode(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"soon": {ExitCode: enginetest.Exits(1), After: time.Second}, "late": {ExitCode: enginetest.Exits(2), After: time.Minute}}, func(t *testing.T, f *enginetest.Fake) {
		tool, p := compose.Tool{Engine: f}, shop(service("a", "soon"), service("b", "late"))
		up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
		var ended []string
		o := compose.WaitOptions{Found: func([]container.Live) {}, Ended: func(l container.Live, code int) bool { ended = append(ended, l.Name); return false }}
		if code, err := tool.Wait(t.Context(), p, o); code != 2 || err != nil || strings.Join(ended, " ") != "shop-a-1 shop-b-1" {
			t.Errorf("code %d, %v, ended %s", code, err, ended)
		}
		if _, err := tool.Wait(t.Context(), p, o); err == nil || err.Error() != `no containers for project "shop"` {
			t.Errorf("of nothing: %v", err)
		}
	})
}

// lagging has its lists show as running what has just ended, as Engine 20.10 does for a moment.
type lagging struct{ *enginetest.Fake }

func (l lagging) ListContainers(ctx context.Context, project string) ([]container.Live, error) {
	all, err := l.Fake.ListContainers(ctx, project)
	for _, c := range all {
		l.Exit(c.Name, 3)
	}
	return all, err
}

// Subscribe tells nothing: what there was to tell came before.
func (l lagging) Subscribe(ctx context.Context, project string) (<-chan engine.Event, <-chan error, error) {
	broken := make(chan error, 1)
	context.AfterFunc(ctx, func() { broken <- ctx.Err() })
	return make(chan engine.Event), broken, nil
}

func TestListsThatLagKeepNobodyWaiting(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"run": {}}, func(t *testing.T, f *enginetest.Fake) {
		p, late := shop(service("a", "run")), compose.Tool{Engine: lagging{f}}
		again := func() { up(t, compose.Tool{Engine: f}, p, compose.UpOptions{}, compose.RunOptions{}) }
		again()
		_, err := late.Wait(t.Context(), p, compose.WaitOptions{Found: func([]container.Live) {}, Ended: func(container.Live, int) bool { return false }})
		if err == nil || err.Error() != `no containers for project "shop"` {
			t.Errorf("wait: %v", err)
		}
		again()
		var exited []int
		err = late.Logs(t.Context(), p, compose.LogsOptions{Follow: true}, func(o compose.Output) {
			if e, ok := o.(compose.Exited); ok {
				exited = append(exited, e.Code)
			}
		})
		if err != nil || !slices.Equal(exited, []int{3}) {
			t.Errorf("logs: exited %v, %v", exited, err)
		}
	})
}

func TestStatsShowsRounds(t *testing.T) {
	stored(t, func(t *testing.T, f *enginetest.Fake, tool compose.Tool, p desired.Project) {
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		rounds := 0
		err := tool.Stats(ctx, p, compose.StatsOptions{Services: []string{"db", "web"}}, func(all []compose.Sample) error {
			known := 0
			for _, s := range all {
				if s.Known {
					known++
				}
			}
			if len(all) != 3 || rounds > 0 && known != 3 {
				t.Errorf("round %d: %d of %d are known", rounds, known, len(all))
			}
			rounds++
			return nil
		})
		if rounds != 5 || !slices.Contains([]string{"context deadline exceeded"}, err.Error()) { // none known, and then one a second
			t.Errorf("%d rounds, %v", rounds, err)
		}
	})
}

func TestCopyParses(t *testing.T) {
	for text, want := range map[string]compose.Place{
		"web:/a": {Service: "web", Path: "/a"}, "web:a:b": {Service: "web", Path: "a:b"}, "a": {Path: "a"}, "./a:b": {Path: "./a:b"}, "/a:b": {Path: "/a:b"}, "-": {Path: "-"}, ":a": {Path: ":a"},
	} {
		if got := compose.ParsePlace(text); got != want {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

func TestImagesOfServicesArePulledAndPushed(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"a": steady, "built": steady, "here:1": steady}, func(t *testing.T, f *enginetest.Fake) {
		tool := compose.Tool{Engine: f}
		with := func(s desired.Service, change func(*image.Spec)) desired.Service { change(&s.Image); return s }
		p := shop(service("a", "a"), service("a2", "a"),
			with(service("built", "built"), func(i *image.Spec) { i.Build = &image.Build{Tags: []string{"again"}} }),
			with(service("own", "shop-own"), func(i *image.Spec) { i.Build = &image.Build{} }),
			with(service("kept", "kept"), func(i *image.Spec) { i.Policy = image.Never }),
			with(service("here", "here:1"), func(i *image.Spec) { i.Policy = image.Missing }))
		for _, c := range []struct {
			name, want string
			make       func() (plan.Plan, error)
		}{
			{"pull", "pull a, pull built", func() (plan.Plan, error) { return tool.PlanPull(t.Context(), p, plan.ImageOptions{}) }},
			{"pull what cannot be built", "pull a", func() (plan.Plan, error) { return tool.PlanPull(t.Context(), p, plan.ImageOptions{Prebuilt: true}) }},
			{"pull what is missing, and what has no tag", "pull a, pull built, pull kept", func() (plan.Plan, error) { return tool.PlanPull(t.Context(), p, plan.ImageOptions{Policy: "missing"}) }},
			{"push", "push again, push built", func() (plan.Plan, error) { return tool.PlanPush(t.Context(), p, plan.ImageOptions{}) }},
		} {
			got, err := c.make()
			names := strings.Split(steps(got), ", ")
			slices.Sort(names)
			if strings.Join(names, ", ") != c.want || err != nil {
				t.Errorf("%s: %s, %v; want %s", c.name, names, err, c.want)
			}
		}
	})
}

func TestWhatFailsToBePulledMayBeTolerated(t *testing.T) {
	withEngine(t, nil, func(t *testing.T, f *enginetest.Fake) {
		tool, p := compose.Tool{Engine: f}, shop(service("a", "nowhere"))
		for tolerant, want := range map[bool]bool{true: false, false: true} {
			pl, err := tool.PlanPull(t.Context(), p, plan.ImageOptions{Tolerant: tolerant})
			r := tool.Run(t.Context(), pl, compose.RunOptions{})
			if r.Failed() != want || len(r.Failures) != 1 || err != nil {
				t.Errorf("tolerant %t: failed %t, %v, %v", tolerant, r.Failed(), r.Failures, err)
			}
		}
	})
}

func TestHappeningsAreOfTheServices(t *testing.T) {
	stored(t, func(t *testing.T, f *enginetest.Fake, tool compose.Tool, p desired.Project) {
		ctx, cancel := context.WithCancel(t.Context())
		var seen []string
		over := make(chan error)
		go func() {
			over <- tool.Happenings(ctx, p, []string{"web"}, "", "", func(h engine.Happening) { seen = append(seen, h.Action+" "+h.Attributes["name"]) })
		}()
		time.Sleep(time.Second)
		for _, name := range []string{"shop-db-1", "shop-web-2"} {
			if err := f.KillContainer(t.Context(), name, "KILL"); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Second)
		cancel()
		<-over
		if strings.Join(seen, ", ") != "kill shop-web-2, die shop-web-2" {
			t.Errorf("seen %q", seen)
		}
	})
}

func TestImagesAreRenewedByAge(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"a": steady}, func(t *testing.T, f *enginetest.Fake) {
		tool := compose.Tool{Engine: f}
		a := service("a", "a")
		a.Image.Policy, a.Image.RefreshAfter = image.Refresh, 24*time.Hour
		p := shop(a)
		for _, c := range []struct {
			after time.Duration
			pulls bool
		}{
			{0, true}, // here, and nobody knows since when
			{time.Hour, false},
			{22 * time.Hour, false},
			{2 * time.Hour, true},
			{23 * time.Hour, false},
		} {
			time.Sleep(c.after)
			pull, err := tool.PlanPull(t.Context(), p, plan.ImageOptions{})
			if got := steps(pull); got != "pull a" || err != nil {
				t.Errorf("%s later pull does %q, %v: whoever says pull does not want to wait for the time", c.after, got, err)
			}
			up, err := tool.Plan(t.Context(), p, compose.UpOptions{NoStart: true})
			if got := steps(up); strings.Contains(got, "pull a") != c.pulls || err != nil {
				t.Errorf("%s later up does %q, %v", c.after, got, err)
			}
			if r := tool.Run(t.Context(), up, compose.RunOptions{}); r.Failed() {
				t.Fatalf("%+v", r)
			}
		}
	})
}

// TestRestartLeavesNobodyDown: whatever becomes of what it waits for, or of the hooks, what was up is up again; and that something failed is told.
func TestRestartLeavesNobodyDown(t *testing.T) {
	for _, test := range []struct {
		name, on, image string
		asked           bool // restart: true
		fails           func(f *enginetest.Fake, did plan.ID)
		want            string
	}{
		{"a job that fails the second time", "db completed", "brief", true, func(f *enginetest.Fake, did plan.ID) {
			if did == "start shop-db-1" {
				f.Exit("shop-db-1", 3)
			}
		}, "wait shop-db-1 completed"},
		{"unhealthy", "db healthy", "health", true, func(f *enginetest.Fake, did plan.ID) {
			if did == "start shop-db-1" {
				f.SetHealth("shop-db-1", container.Unhealthy)
			}
		}, "wait shop-db-1 healthy"},
		{"unhealthy, and nobody asks", "db healthy", "health", false, func(f *enginetest.Fake, did plan.ID) {
			if did == "start shop-db-1" {
				f.SetHealth("shop-db-1", container.Unhealthy)
			}
		}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			images := map[string]enginetest.Behaviour{"steady": steady, "brief": {ExitCode: enginetest.Exits(0), After: time.Second}, "health": {HealthyAfter: time.Second}}
			withEngine(t, images, func(t *testing.T, f *enginetest.Fake) {
				web := service("web", "steady", test.on)
				web.Depends[0].Restart = test.asked
				p, tool := shop(service("db", test.image), web), compose.Tool{Engine: f}
				up(t, tool, p, compose.UpOptions{Wait: test.image == "health"}, compose.RunOptions{})
				tool.Events = func(e apply.Event) {
					if e, is := e.(apply.StepEnded); is {
						test.fails(f, e.Node.ID)
					}
				}
				restartsWith(t, f, tool, p, test.want)
			})
		})
	}
}

// TestRestartSurvivesItsHooks: a pre_stop hook that fails does not leave the container stopped.
func TestRestartSurvivesItsHooks(t *testing.T) {
	failing := enginetest.Behaviour{Exec: func(engine.Exec) ([]string, int, time.Duration) { return nil, 4, 0 }}
	withEngine(t, map[string]enginetest.Behaviour{"steady": failing}, func(t *testing.T, f *enginetest.Fake) {
		web := service("web", "steady")
		web.PreStop = []container.Hook{{Command: []string{"bye"}}}
		p, tool := shop(web), compose.Tool{Engine: f}
		up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
		restartsWith(t, f, tool, p, "stop shop-web-1")
	})
}

// restartsWith fails if a restart does not end with that failure ("": none), or does not bring web back.
func restartsWith(t *testing.T, f *enginetest.Fake, tool compose.Tool, p desired.Project, failure string) {
	t.Helper()
	pl, err := tool.PlanRestart(t.Context(), p, compose.LifecycleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r := tool.Run(t.Context(), pl, compose.RunOptions{})
	var failed []string
	for _, e := range r.Failures {
		failed = append(failed, string(e.Node.ID))
	}
	if r.Failed() != (failure != "") || strings.Join(failed, ", ") != failure {
		t.Errorf("failed %t with %q, want %q", r.Failed(), failed, failure)
	}
	if l, err := f.Inspect(t.Context(), "shop-web-1"); err != nil || l.State != container.Running || !slices.Contains(f.Journal(), "StopContainer shop-web-1") {
		t.Errorf("web is %s, %v", l.State, err)
	}
}
