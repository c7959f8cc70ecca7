package compose_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/enginetest"
)

// record of outputs, a line each.
type record struct {
	mu    sync.Mutex
	lines []string
}

func (r *record) tell(o compose.Output) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch o := o.(type) {
	case compose.Line:
		r.lines = append(r.lines, short(o.From.Name)+": "+o.Line.Text)
	case compose.Exited:
		text := fmt.Sprintf("%s exited %d", short(o.From.Name), o.Code)
		if o.Restarting {
			text += " restarting"
		}
		r.lines = append(r.lines, text)
	case compose.Unreadable:
		r.lines = append(r.lines, short(o.From.Name)+" unreadable: "+o.Err.Error())
	}
}

func short(name string) string { return strings.TrimPrefix(name, "shop-") }

func (r *record) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Join(r.lines, "\n")
}

func (r *record) want(t *testing.T, lines ...string) {
	t.Helper()
	if got := r.text(); got != strings.Join(lines, "\n") {
		t.Errorf("told\n%s\nwant\n%s", got, strings.Join(lines, "\n"))
	}
}

// talk has containers write in turn, a second apart.
func talk(f *enginetest.Fake, lines ...string) {
	for _, l := range lines {
		name, text, _ := strings.Cut(l, ": ")
		f.Write("shop-"+name, text)
		time.Sleep(time.Second)
	}
}

func TestLogsAreInOrderOfTime(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"steady": steady}, func(t *testing.T, f *enginetest.Fake) {
		tool, p := compose.Tool{Engine: f}, shop(service("db", "steady"), service("web", "steady"))
		up(t, tool, p, compose.UpOptions{Scale: map[string]int{"web": 2}}, compose.RunOptions{})
		talk(f, "web-2: one", "db-1: two", "web-1: three", "db-1: four", "web-2: five")
		f.ForgetJournal()
		for name, c := range map[string]struct {
			o    compose.LogsOptions
			want []string
		}{
			"all":          {compose.LogsOptions{Tail: "all"}, []string{"web-2: one", "db-1: two", "web-1: three", "db-1: four", "web-2: five"}},
			"the last":     {compose.LogsOptions{Tail: "1"}, []string{"web-1: three", "db-1: four", "web-2: five"}},
			"of a service": {compose.LogsOptions{Services: []string{"web"}}, []string{"web-2: one", "web-1: three", "web-2: five"}},
			"of a replica": {compose.LogsOptions{Services: []string{"web"}, Index: 2}, []string{"web-2: one", "web-2: five"}},
		} {
			var r record
			if err := tool.Logs(t.Context(), p, c.o, r.tell); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			r.want(t, c.want...)
		}
	})
}

func TestLogsListOnceAndInspectNothing(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"steady": {Logs: []string{"hello"}}}, func(t *testing.T, f *enginetest.Fake) {
		tool, p := compose.Tool{Engine: f}, shop(service("web", "steady"))
		up(t, tool, p, compose.UpOptions{Scale: map[string]int{"web": 5}}, compose.RunOptions{})
		f.ForgetJournal()
		var r record
		if err := tool.Logs(t.Context(), p, compose.LogsOptions{}, r.tell); err != nil {
			t.Error(err)
		}
		calls := f.Journal()
		slices.Sort(calls)
		if len(r.lines) != 5 || len(calls) != 6 || strings.Count(strings.Join(calls, " "), "Logs") != 5 {
			t.Errorf("%d lines by %v", len(r.lines), calls)
		}
	})
}

func TestAContainerWithoutLogsDoesNotHideTheOthers(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"steady": {Logs: []string{"hello"}}}, func(t *testing.T, f *enginetest.Fake) {
		tool, p := compose.Tool{Engine: f}, shop(service("db", "steady"), service("web", "steady"))
		up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
		f.Fail = func(c enginetest.Call) error {
			if c.Method == "Logs" && strings.Contains(c.On, "db") {
				return errors.New("no such driver")
			}
			return nil
		}
		var r record
		if err := tool.Logs(t.Context(), p, compose.LogsOptions{}, r.tell); err != nil {
			t.Error(err)
		}
		if text := r.text(); !strings.Contains(text, "web-1: hello") || !strings.Contains(text, "db-1 unreadable: no such driver") {
			t.Error(text)
		}
	})
}

// follow the logs until they end; give what was told once the test is over.
func follow(t *testing.T, tool compose.Tool, p desired.Project, o compose.LogsOptions) (r *record, ended func() error) {
	t.Helper()
	r, o.Follow = &record{}, true
	done := make(chan error, 1)
	go func() { done <- tool.Logs(t.Context(), p, o, r.tell) }()
	synctest.Wait()
	return r, func() error {
		select {
		case err := <-done:
			return err
		case <-time.After(time.Hour):
			return errors.New("does not end")
		}
	}
}

func TestFollowingGoesOnAcrossRestartsAndReplacements(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"steady": {Logs: []string{"hello"}, StopsAfter: time.Second}, "other": {Logs: []string{"I am new"}}}, func(t *testing.T, f *enginetest.Fake) {
		tool, p := compose.Tool{Engine: f}, shop(service("web", "steady"))
		up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
		time.Sleep(time.Second)
		talk(f, "web-1: before")
		r, ended := follow(t, tool, p, compose.LogsOptions{Tail: "all"})
		talk(f, "web-1: after")
		run(t, tool, tool.PlanRestart, p)
		time.Sleep(time.Second)
		talk(f, "web-1: restarted")
		up(t, tool, shop(service("web", "other")), compose.UpOptions{}, compose.RunOptions{})
		time.Sleep(time.Second)
		up(t, tool, shop(service("web", "other")), compose.UpOptions{Scale: map[string]int{"web": 2}}, compose.RunOptions{})
		time.Sleep(time.Second)
		run(t, tool, tool.PlanStop, p)
		if err := ended(); err != nil {
			t.Error(err)
		}
		text := strings.Join(slices.DeleteFunc(r.lines, func(l string) bool { return strings.Contains(l, "exited") }), "\n")
		if want := "web-1: hello\nweb-1: before\nweb-1: after\nweb-1: hello\nweb-1: restarted\nweb-1: I am new\nweb-2: I am new"; text != want {
			t.Errorf("told\n%s\nwant\n%s", text, want)
		}
	})
}

func TestFollowingEndsWithTheContainers(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"brief": {Logs: []string{"hello"}, ExitCode: enginetest.Exits(3), After: time.Minute}}, func(t *testing.T, f *enginetest.Fake) {
		tool, p := compose.Tool{Engine: f}, shop(service("job", "brief"))
		up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
		began := time.Now()
		r, ended := follow(t, tool, p, compose.LogsOptions{})
		if err := ended(); err != nil || time.Since(began) != time.Minute {
			t.Errorf("%v after %s", err, time.Since(began))
		}
		r.want(t, "job-1: hello", "job-1 exited 3")
		again, ended := follow(t, tool, p, compose.LogsOptions{})
		if err := ended(); err != nil || time.Since(began) != time.Minute {
			t.Errorf("of stopped ones: %v after %s", err, time.Since(began))
		}
		again.want(t, "job-1: hello")
	})
}

func TestFollowingSurvivesAContainerThatRestartsItself(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"brief": {Logs: []string{"hello"}, ExitCode: enginetest.Exits(1), After: time.Second}}, func(t *testing.T, f *enginetest.Fake) {
		job := service("job", "brief")
		job.Container.Restart.Name, job.Container.Restart.MaxRetries = "on-failure", 2
		tool, p := compose.Tool{Engine: f}, shop(job)
		up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
		r, ended := follow(t, tool, p, compose.LogsOptions{})
		if err := ended(); err != nil {
			t.Error(err)
		}
		slices.Sort(r.lines) // an engine may go on with the lines of a container that it starts again before it tells of its end
		r.want(t, "job-1 exited 1", "job-1 exited 1 restarting", "job-1 exited 1 restarting", "job-1: hello", "job-1: hello", "job-1: hello")
	})
}

func TestFollowingFromNowOn(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"steady": steady}, func(t *testing.T, f *enginetest.Fake) {
		tool, p := compose.Tool{Engine: f}, shop(service("web", "steady"))
		up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
		talk(f, "web-1: old")
		r, ended := follow(t, tool, p, compose.LogsOptions{Tail: "0"})
		talk(f, "web-1: new")
		f.Exit("shop-web-1", 0)
		if err := ended(); err != nil {
			t.Error(err)
		}
		r.want(t, "web-1: new", "web-1 exited 0")
	})
}

func TestFollowingEndsWhenTheEngineGoes(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"steady": steady}, func(t *testing.T, f *enginetest.Fake) {
		tool, p := compose.Tool{Engine: f}, shop(service("web", "steady"))
		up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
		_, ended := follow(t, tool, p, compose.LogsOptions{})
		f.CutAfter(0)
		if err := ended(); !errors.Is(err, engine.ErrUnavailable) {
			t.Error(err)
		}
	})
}

// run what a planner plans.
func run(t *testing.T, tool compose.Tool, plan func(context.Context, desired.Project, compose.LifecycleOptions) (planned, error), p desired.Project) {
	t.Helper()
	pl, err := plan(t.Context(), p, compose.LifecycleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if r := tool.Run(t.Context(), pl, compose.RunOptions{}); r.Failed() {
		t.Fatalf("%+v", r.Failures)
	}
}
