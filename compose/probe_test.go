package compose_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/enginetest"
)

// slow is a service that the engine probes seldom, and that is to be probed often while it starts.
func slow(name string, depends ...string) desired.Service {
	s := service(name, "slow", depends...)
	s.Container.Healthcheck = &container.Healthcheck{Test: []string{"CMD-SHELL", "is it up"}, Interval: 30 * time.Second, Retries: 1,
		StartPeriod: 20 * time.Second, StartInterval: 200 * time.Millisecond}
	return s
}

// withSlow engine: too old for start_interval unless it is new; containers are ready after a while.
func withSlow(t *testing.T, ready time.Duration, isNew bool, test func(t *testing.T, f *enginetest.Fake, tool compose.Tool, ended map[plan.ID]time.Duration)) {
	withEngine(t, map[string]enginetest.Behaviour{"slow": {Ready: ready, StopsAfter: time.Second}, "web": {}}, func(t *testing.T, f *enginetest.Fake) {
		f.Caps.StartInterval = isNew
		began, ended := time.Now(), map[plan.ID]time.Duration{}
		test(t, f, compose.Tool{Engine: f, Events: func(e apply.Event) {
			if e, ok := e.(apply.StepEnded); ok {
				ended[e.Node.ID] = time.Since(began)
			}
		}}, ended)
	})
}

// probes that were run as commands.
func probes(f *enginetest.Fake) int {
	n := 0
	for _, c := range f.Journal() {
		if strings.HasPrefix(c, "Exec ") && strings.HasSuffix(c, "is it up") {
			n++
		}
	}
	return n
}

func TestADependentStartsAtTheFirstProbeThatSucceeds(t *testing.T) {
	for _, test := range []struct {
		isNew  bool
		probes int
	}{{false, 5}, {true, 0}} {
		withSlow(t, time.Second, test.isNew, func(t *testing.T, f *enginetest.Fake, tool compose.Tool, ended map[plan.ID]time.Duration) {
			p := shop(slow("db"), service("web", "web", "db healthy"), service("api", "web", "db healthy"))
			r := up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
			if r.Failed() || ended["start web-1"] != time.Second || ended["start api-1"] != time.Second || probes(f) != test.probes {
				t.Errorf("new engine %t: %v after %d probes, %+v", test.isNew, ended, probes(f), r.Failures)
			}
		})
	}
}

func TestAllWhoWaitShareOneProbe(t *testing.T) {
	withSlow(t, time.Second, false, func(t *testing.T, f *enginetest.Fake, tool compose.Tool, ended map[plan.ID]time.Duration) {
		p := shop(slow("db"), service("web", "web", "db healthy"))
		r := up(t, tool, p, compose.UpOptions{Wait: true, Atomic: true}, compose.RunOptions{})
		if r.Failed() || probes(f) != 5 || ended["start web-1"] != time.Second || ended["wait db-1 well"] != time.Second {
			t.Errorf("%v after %d probes, %+v", ended, probes(f), r.Failures)
		}
	})
}

func TestAHandOverTakesTheProbe(t *testing.T) {
	withSlow(t, time.Second, false, func(t *testing.T, f *enginetest.Fake, tool compose.Tool, ended map[plan.ID]time.Duration) {
		up(t, tool, shop(slow("db")), compose.UpOptions{Wait: true}, compose.RunOptions{})
		began := time.Now()
		r := up(t, tool, shop(slow("db")), compose.UpOptions{Recreate: compose.Always}, compose.RunOptions{})
		if took := time.Since(began); r.Failed() || took != 2*time.Second { // stop, then the probe
			t.Errorf("%s, %+v", took, r.Failures)
		}
	})
}

func TestStartAndRestartTakeTheProbe(t *testing.T) {
	withSlow(t, time.Second, false, func(t *testing.T, f *enginetest.Fake, tool compose.Tool, ended map[plan.ID]time.Duration) {
		web := service("web", "web", "db healthy")
		web.Depends[0].Restart = true
		p := shop(slow("db"), web)
		up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
		pl, err := tool.PlanRestart(t.Context(), p, compose.LifecycleOptions{})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if r := tool.Run(t.Context(), pl, compose.RunOptions{}); r.Failed() || time.Since(began) != 2*time.Second {
			t.Errorf("%s, %+v", time.Since(began), r.Failures)
		}
	})
}

// TestTheEnginesVerdictStaysInForce: no failure of ours makes it unhealthy, and behind the start period there is none; the engine's do.
func TestTheEnginesVerdictStaysInForce(t *testing.T) {
	withSlow(t, time.Hour, false, func(t *testing.T, f *enginetest.Fake, tool compose.Tool, ended map[plan.ID]time.Duration) {
		r := up(t, tool, shop(slow("db"), service("web", "web", "db healthy")), compose.UpOptions{}, compose.RunOptions{})
		if !r.Failed() || ended["wait db-1 healthy"] != 30*time.Second || probes(f) != 100 {
			t.Errorf("%v after %d probes, %+v", ended, probes(f), r.Failures)
		}
	})
}

// TestOneThatFallsWhileItStartsBeginsAnew: how long it has run before does not count.
func TestOneThatFallsWhileItStartsBeginsAnew(t *testing.T) {
	withSlow(t, time.Second, false, func(t *testing.T, f *enginetest.Fake, tool compose.Tool, ended map[plan.ID]time.Duration) {
		f.AddImages(enginetest.Behaviour{Ready: time.Second, ExitCode: enginetest.Exits(1), After: 700 * time.Millisecond}, "falls")
		db := slow("db")
		db.Image.Ref, db.Container.Restart.Name = "falls", "always"
		r := up(t, tool, shop(db, service("web", "web", "db healthy")), compose.UpOptions{}, compose.RunOptions{WaitTimeout: 5 * time.Second})
		var late *apply.NotReady
		if !r.Failed() || !errors.As(r.Failures[0].Err, &late) || !late.TimedOut || probes(f) < 15 {
			t.Errorf("%d probes, %+v", probes(f), r.Failures)
		}
	})
}

func TestATimeoutEndsProbes(t *testing.T) {
	withSlow(t, time.Hour, false, func(t *testing.T, f *enginetest.Fake, tool compose.Tool, ended map[plan.ID]time.Duration) {
		r := up(t, tool, shop(slow("db")), compose.UpOptions{Wait: true}, compose.RunOptions{WaitTimeout: 5 * time.Second})
		if !r.Failed() || probes(f) < 24 || probes(f) > 25 {
			t.Errorf("%d probes, %+v", probes(f), r.Failures)
		}
	})
}
