package compose_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/enginetest"
	"github.com/tutti-run/tutti/image"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service named s, of an image named i, that depends on others: "db healthy" and the like.
func service(s, i string, depends ...string) desired.Service {
	out := desired.Service{Name: s, Replicas: 1, Image: image.Spec{Ref: i}}
	if strings.Contains(i, "health") {
		out.Container.Healthcheck = &container.Healthcheck{Test: []string{"CMD", "ok"}}
	}
	conditions := map[string]desired.Condition{"started": desired.Started, "healthy": desired.IsHealthy, "completed": desired.Completed}
	for _, d := range depends {
		f := strings.Fields(d)
		out.Depends = append(out.Depends, desired.Dependency{Service: f[0], Condition: conditions[f[1]], Required: len(f) < 3, Via: "depends_on"})
	}
	return out
}

func shop(services ...desired.Service) desired.Project {
	slices.SortFunc(services, func(a, b desired.Service) int { return strings.Compare(a.Name, b.Name) })
	return desired.Project{Name: "shop", Services: services}
}

func chain(n int) desired.Project {
	services := []desired.Service{service("s0", "health")}
	for i := 1; i < n; i++ {
		services = append(services, service(fmt.Sprintf("s%d", i), "health", fmt.Sprintf("s%d healthy", i-1)))
	}
	return shop(services...)
}

// in a bubble with a Fake whose images behave as told.
func withEngine(t *testing.T, images map[string]enginetest.Behaviour, test func(t *testing.T, f *enginetest.Fake)) {
	synctest.Test(t, func(t *testing.T) {
		f := enginetest.New()
		defer f.Close()
		for ref, b := range images {
			f.AddImages(b, ref)
		}
		test(t, f)
	})
}

func up(t *testing.T, tool compose.Tool, p desired.Project, o compose.UpOptions, ro compose.RunOptions) apply.Report {
	t.Helper()
	pl, err := tool.Plan(t.Context(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	return tool.Run(t.Context(), pl, ro)
}

func TestAChainTakesWhatItsProbesTake(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"health": {HealthyAfter: 3 * time.Second}}, func(t *testing.T, f *enginetest.Fake) {
		began := time.Now()
		r := up(t, compose.Tool{Engine: f}, chain(5), compose.UpOptions{Wait: true}, compose.RunOptions{})
		if took := time.Since(began); r.Failed() || took != 15*time.Second {
			t.Errorf("%s, %+v", took, r.Failures)
		}
	})
}

func TestNothingToDoIsOneLook(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"health": {HealthyAfter: time.Second}}, func(t *testing.T, f *enginetest.Fake) {
		tool := compose.Tool{Engine: f}
		up(t, tool, chain(5), compose.UpOptions{Wait: true}, compose.RunOptions{})
		f.ForgetJournal()
		began := time.Now()
		up(t, tool, chain(5), compose.UpOptions{Wait: true}, compose.RunOptions{})
		if got := f.Journal(); !slices.Equal(got, []string{"Observe shop"}) || time.Since(began) != 0 {
			t.Errorf("%s, %v", time.Since(began), got)
		}
	})
}

func TestOneThatIgnoresSIGTERMDelaysNobodyElse(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"deaf": {IgnoresTerm: true}, "quick": {StopsAfter: time.Second}}, func(t *testing.T, f *enginetest.Fake) {
		p := shop(service("deaf", "deaf"), service("quick", "quick"), service("behind", "quick", "quick started"))
		up(t, compose.Tool{Engine: f}, p, compose.UpOptions{}, compose.RunOptions{})
		began, back := time.Now(), map[string]time.Duration{}
		tool := compose.Tool{Engine: f, Events: func(e apply.Event) {
			if e, ok := e.(apply.StepEnded); ok && strings.HasPrefix(string(e.Node.ID), "start ") {
				back[e.Node.Resource.Service] = time.Since(began)
			}
		}}
		up(t, tool, p, compose.UpOptions{Recreate: compose.Always}, compose.RunOptions{})
		if back["quick"] != time.Second || back["behind"] != 2*time.Second || back["deaf"] != 10*time.Second {
			t.Errorf("%v", back)
		}
	})
}

func TestFailuresSayWhichAndWhyAndWhoWaited(t *testing.T) {
	behaviours := map[string]enginetest.Behaviour{
		"web":       {},
		"unhealthy": {Unhealthy: true, HealthyAfter: time.Second, Probe: "connection refused", Logs: []string{"starting", "!no such table"}},
		"broken":    {ExitCode: enginetest.Exits(3), After: time.Second, Logs: []string{"bad migration"}},
		"nowhere":   {StartError: "exec: not found"},
		"oom":       {ExitCode: enginetest.Exits(137), After: time.Second, OOM: true},
	}
	for _, test := range []struct {
		image, condition string
		err, log         string
		check            func(engine.Diagnosis) bool
	}{
		{"unhealthy", "healthy", "container shop-dep-1 is unhealthy", "no such table", func(d engine.Diagnosis) bool { return d.Probe == "connection refused" }},
		{"broken", "completed", "container shop-dep-1 exited (3)", "bad migration", func(d engine.Diagnosis) bool { return d.ExitCode == 3 }},
		{"nowhere", "started", "exec: not found", "", func(d engine.Diagnosis) bool { return d.State == container.Created }},
		{"oom", "completed", "container shop-dep-1 exited (137): out of memory", "", func(d engine.Diagnosis) bool { return d.OOMKilled }},
		{"web", "healthy", "container shop-dep-1 has no healthcheck configured", "", func(d engine.Diagnosis) bool { return !d.HasHealth }},
	} {
		t.Run(test.image, func(t *testing.T) {
			withEngine(t, behaviours, func(t *testing.T, f *enginetest.Fake) {
				dep := service("dep", test.image)
				r := up(t, compose.Tool{Engine: f}, shop(dep, service("web", "web", "dep "+test.condition), service("behind", "web", "web started")),
					compose.UpOptions{}, compose.RunOptions{})
				if len(r.Failures) != 1 || !r.Failed() {
					t.Fatalf("%+v", r.Failures)
				}
				got := r.Failures[0]
				if !strings.Contains(got.Err.Error(), test.err) || !slices.Equal(got.Waiting, []string{"behind", "web"}) || got.Container != "shop-dep-1" {
					t.Errorf("%v, waiting %v, container %s", got.Err, got.Waiting, got.Container)
				}
				if got.Diagnosis == nil || !test.check(*got.Diagnosis) {
					t.Errorf("diagnosis %+v", got.Diagnosis)
				}
				if text := fmt.Sprint(got.Logs); !strings.Contains(text, test.log) {
					t.Errorf("logs %s", text)
				}
			})
		})
	}
}

func TestADependencyThatIsNotRequiredOnlyWarns(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"health-bad": {Unhealthy: true, HealthyAfter: time.Second}, "web": {}}, func(t *testing.T, f *enginetest.Fake) {
		r := up(t, compose.Tool{Engine: f}, shop(service("dep", "health-bad"), service("web", "web", "dep healthy optional")), compose.UpOptions{}, compose.RunOptions{})
		if r.Failed() || len(r.Failures) != 1 || !r.Failures[0].Tolerated {
			t.Errorf("%+v", r.Failures)
		}
		for _, res := range r.Results {
			if res.ID == "start web-1" && res.Outcome != graph.Done {
				t.Errorf("web is %s", res.Outcome)
			}
		}
	})
}

func TestAOneShotThatEndsWellCountsForWait(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"job": {ExitCode: enginetest.Exits(0), After: time.Second}}, func(t *testing.T, f *enginetest.Fake) {
		if r := up(t, compose.Tool{Engine: f}, shop(service("job", "job")), compose.UpOptions{Wait: true}, compose.RunOptions{}); r.Failed() {
			t.Errorf("%+v", r.Failures)
		}
	})
}

func TestWaitIsOverWhenAllAreUpAtTheSameTime(t *testing.T) {
	images := map[string]enginetest.Behaviour{"job": {ExitCode: enginetest.Exits(3), After: time.Second}, "health": {HealthyAfter: 5 * time.Second}}
	withEngine(t, images, func(t *testing.T, f *enginetest.Fake) {
		r := up(t, compose.Tool{Engine: f}, shop(service("job", "job"), service("db", "health")), compose.UpOptions{Wait: true}, compose.RunOptions{})
		if !r.Failed() || len(r.Failures) != 1 || r.Failures[0].Container != "shop-job-1" {
			t.Errorf("%+v", r.Failures)
		}
	})
}

// TestWaitForWhatIsRestartedAgainAndAgain: between two falls it runs, and is not up for that.
func TestWaitForWhatIsRestartedAgainAndAgain(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"falls": {ExitCode: enginetest.Exits(3), After: 700 * time.Millisecond}}, func(t *testing.T, f *enginetest.Fake) {
		web := service("web", "falls")
		web.Container.Restart.Name = "always"
		r := up(t, compose.Tool{Engine: f}, shop(web), compose.UpOptions{Wait: true}, compose.RunOptions{})
		if !r.Failed() || !strings.Contains(r.Failures[0].Err.Error(), "exited (3) and is restarted, again and again") || r.Took.Round(5*time.Second) != 30*time.Second {
			t.Errorf("%s %+v", r.Took, r.Failures)
		}
		r = up(t, compose.Tool{Engine: f}, shop(web), compose.UpOptions{Wait: true}, compose.RunOptions{WaitTimeout: time.Minute})
		var late *apply.NotReady
		if !r.Failed() || !errors.As(r.Failures[0].Err, &late) || !late.TimedOut {
			t.Errorf("%s %+v", r.Took, r.Failures)
		}
	})
}

func TestWaitTimesOut(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"health": {HealthyAfter: time.Hour}}, func(t *testing.T, f *enginetest.Fake) {
		began := time.Now()
		r := up(t, compose.Tool{Engine: f}, chain(1), compose.UpOptions{Wait: true}, compose.RunOptions{WaitTimeout: 7 * time.Second})
		var late *apply.NotReady
		if !r.Failed() || !errors.As(r.Failures[0].Err, &late) || !late.TimedOut || time.Since(began) != 7*time.Second {
			t.Errorf("%s %+v", time.Since(began), r.Failures)
		}
	})
}

// TestWaitTimeoutLeavesPullsOut: Docker Compose begins to wait when all images are there.
func TestWaitTimeoutLeavesPullsOut(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"health": {HealthyAfter: 5 * time.Second}, "web": {}}, func(t *testing.T, f *enginetest.Fake) {
		f.Latency = func(c enginetest.Call) time.Duration {
			if c.Method == "PullImage" {
				return time.Minute
			}
			return 0
		}
		web := service("web", "web")
		web.Image.Policy = image.Always
		r := up(t, compose.Tool{Engine: f}, shop(service("db", "health"), web), compose.UpOptions{Wait: true}, compose.RunOptions{WaitTimeout: 7 * time.Second})
		if r.Failed() || r.Took < time.Minute {
			t.Errorf("%s %+v", r.Took, r.Failures)
		}
	})
}

func TestStopFinishesWhatRunsAndBeginsNothingNew(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"health": {HealthyAfter: time.Hour}, "web": {}}, func(t *testing.T, f *enginetest.Fake) {
		stop := make(chan struct{})
		time.AfterFunc(time.Minute, func() { close(stop) })
		told := false
		tool := compose.Tool{Engine: f, Stop: stop, Events: func(e apply.Event) { _, is := e.(apply.Stopping); told = told || is }}
		began := time.Now()
		r := up(t, tool, shop(service("db", "health"), service("web", "web", "db healthy")), compose.UpOptions{}, compose.RunOptions{})
		if !r.Interrupted || r.Failed() || !told || time.Since(began) != time.Minute {
			t.Errorf("interrupted %t failures %+v told %t after %s", r.Interrupted, r.Failures, told, time.Since(began))
		}
	})
}

// TestStopEndsBuilds: nobody waits for an image that is not wanted any more.
func TestStopEndsBuilds(t *testing.T) {
	withEngine(t, nil, func(t *testing.T, f *enginetest.Fake) {
		f.Latency = func(c enginetest.Call) time.Duration {
			if c.Method == "BuildImage" {
				return time.Hour
			}
			return 0
		}
		stop := make(chan struct{})
		time.AfterFunc(time.Minute, func() { close(stop) })
		finishing := -1
		tool := compose.Tool{Engine: f, Stop: stop, Events: func(e apply.Event) {
			if s, is := e.(apply.Stopping); is {
				finishing = s.Running
			}
		}}
		p := shop(service("web", "web"))
		p.Services[0].Image.Build = &image.Build{Context: "/"}
		began := time.Now()
		r := up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
		if !r.Interrupted || r.Failed() || finishing != 0 || time.Since(began) != time.Minute {
			t.Errorf("interrupted %t failures %+v, %d finish, after %s", r.Interrupted, r.Failures, finishing, time.Since(began))
		}
	})
}

func TestAnEngineThatGoesAwayIsToldOnce(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"health": {HealthyAfter: time.Hour}, "web": {}}, func(t *testing.T, f *enginetest.Fake) {
		p := shop(service("db", "health"), service("web", "web", "db healthy"))
		pl, err := compose.Tool{Engine: f}.Plan(t.Context(), p, compose.UpOptions{})
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, func() { f.CutAfter(0) })
		r := compose.Tool{Engine: f}.Run(t.Context(), pl, compose.RunOptions{})
		if len(r.Failures) != 1 || !errors.Is(r.Failures[0].Err, engine.ErrUnavailable) {
			t.Errorf("%+v", r.Failures)
		}
	})
}

func TestEventsTellEachStepOnce(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"health": {HealthyAfter: time.Second}}, func(t *testing.T, f *enginetest.Fake) {
		began, ended, first, last := map[string]int{}, map[string]int{}, false, false
		n := 0
		tool := compose.Tool{Engine: f, Events: func(e apply.Event) {
			n++
			switch e := e.(type) {
			case apply.Planned:
				first = n == 1
			case apply.StepStarted:
				began[string(e.Node.ID)]++
			case apply.StepEnded:
				ended[string(e.Node.ID)]++
			case apply.Ended:
				last = true
			}
		}}
		r := up(t, tool, chain(3), compose.UpOptions{}, compose.RunOptions{})
		if !first || !last || len(began) != len(r.Results) || len(ended) != len(r.Results) {
			t.Errorf("first %t last %t, %d began, %d ended, %d steps", first, last, len(began), len(ended), len(r.Results))
		}
		for id, times := range ended {
			if times != 1 || began[id] != 1 {
				t.Errorf("%s began %d, ended %d times", id, began[id], times)
			}
		}
	})
}

func TestASavedPlanIsCarriedOutOnlyIfItIsTheSame(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"web": {}, "db": {}}, func(t *testing.T, f *enginetest.Fake) {
		tool, p := compose.Tool{Engine: f}, shop(service("web", "web"), service("db", "db"))
		one, _ := tool.Plan(t.Context(), p, compose.UpOptions{})
		var file strings.Builder
		if err := (compose.SavedPlan{Files: []string{"a.yaml"}}).Save(&file, one); err != nil {
			t.Fatal(err)
		}
		saved, err := compose.LoadPlan(strings.NewReader(file.String()))
		if err != nil || saved.Project != "shop" || saved.Files[0] != "a.yaml" {
			t.Fatal(saved, err)
		}
		if err := saved.Same(one); err != nil {
			t.Error(err)
		}
		tool.Run(context.Background(), one, compose.RunOptions{})
		moved, _ := tool.Plan(t.Context(), p, compose.UpOptions{})
		if err := saved.Same(moved); err == nil || !strings.Contains(err.Error(), "create web-1: not needed any more") {
			t.Error(err)
		}
		p.Services[0].Container.User = "nobody"
		other, _ := tool.Plan(t.Context(), p, compose.UpOptions{})
		if err := saved.Same(other); err == nil || !strings.Contains(err.Error(), "stop db-1: needed now (user: added nobody)") {
			t.Error(err)
		}
	})
}

func TestLoadPlanRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, text := range []string{"", "{", `{"format": 2}`, `{"format": 1, "new": true}`} {
		if _, err := compose.LoadPlan(strings.NewReader(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

// FuzzLoadPlan: whatever is in the file, it is read or refused, and what is read can be compared.
func FuzzLoadPlan(f *testing.F) {
	f.Add(`{"format":1,"tool":"v1","project":"shop","dir":"/src","options":{"scale":{"web":2}},"steps":[{"id":"create web-1","fingerprint":"00"}]}`)
	f.Add(`{"format":1,"steps":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		saved, err := compose.LoadPlan(strings.NewReader(text))
		if err == nil && saved.Same(plan.Plan{}) == nil && len(saved.Steps) > 0 {
			t.Errorf("%q is taken for the plan of nothing", text)
		}
	})
}

// TestAStoppedContainerIsStartedIfItsImageStays: it would have been made anew if the pull had brought another one.
// TestDownStopsWhatIsStartedMeanwhile: a run that was killed may have left a start with the engine. `rm` leaves it.
func TestDownStopsWhatIsStartedMeanwhile(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"run": {}}, func(t *testing.T, f *enginetest.Fake) {
		tool, p := compose.Tool{Engine: f}, shop(service("web", "run"))
		for _, test := range []struct {
			verb  string
			plan  func() (plan.Plan, error)
			stays int
		}{
			{"rm", func() (plan.Plan, error) { return tool.PlanRemove(t.Context(), p, plan.RemoveOptions{}) }, 1},
			{"down", func() (plan.Plan, error) { return tool.PlanDown(t.Context(), p, compose.DownOptions{}) }, 0},
		} {
			up(t, tool, p, compose.UpOptions{NoStart: true}, compose.RunOptions{})
			pl, err := test.plan()
			if err != nil {
				t.Fatal(err)
			}
			all, err := f.ListContainers(t.Context(), p.Name)
			if err != nil || len(all) != 1 {
				t.Fatal(all, err)
			}
			if err := f.StartContainer(t.Context(), all[0].ID); err != nil {
				t.Fatal(err)
			}
			report := tool.Run(t.Context(), pl, compose.RunOptions{})
			all, err = f.ListContainers(t.Context(), p.Name)
			if len(all) != test.stays || err != nil || report.Failed() != (test.stays > 0) {
				t.Errorf("%s leaves %d containers; %v, %v", test.verb, len(all), report.Failures, err)
			}
			if err := f.StopContainer(t.Context(), "shop-web-1", nil); test.stays > 0 && err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestAStoppedContainerIsStartedIfItsImageStays(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"web": {}}, func(t *testing.T, f *enginetest.Fake) {
		tool, p := compose.Tool{Engine: f}, shop(service("web", "web"))
		up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
		before := ids(t, f)
		stop, err := tool.PlanStop(t.Context(), p, compose.LifecycleOptions{})
		if err != nil || tool.Run(t.Context(), stop, compose.RunOptions{}).Failed() {
			t.Fatal(err)
		}
		r := up(t, tool, p, compose.UpOptions{Pull: "always"}, compose.RunOptions{})
		if after := ids(t, f); r.Failed() || after["shop-web-1"] != before["shop-web-1"] || !slices.Contains(f.Journal(), "PullImage web") {
			t.Errorf("%v became %v, %+v", before, after, r.Failures)
		}
		if d, err := f.Diagnose(t.Context(), before["shop-web-1"]); err != nil || d.State != container.Running {
			t.Errorf("%+v, %v", d, err)
		}
	})
}
