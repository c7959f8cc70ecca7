package compose_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/enginetest"
)

type planned = plan.Plan

// attached ups a project as the command line does.
func attached(t *testing.T, tool compose.Tool, p desired.Project, uo compose.UpOptions, o compose.AttachOptions) (*record, *compose.Attachment) {
	t.Helper()
	pl, err := tool.Plan(t.Context(), p, uo)
	if err != nil {
		t.Fatal(err)
	}
	if o.Show == nil {
		for _, s := range p.Services {
			o.Show = append(o.Show, s.Name)
		}
	}
	r := &record{}
	at, err := tool.Attach(t.Context(), p, pl, o, r.tell)
	if err != nil {
		t.Fatal(err)
	}
	at.Settle(tool.Run(t.Context(), pl, compose.RunOptions{}))
	return r, at
}

// behind is an engine whose clock is behind ours.
type behind struct {
	*enginetest.Fake
	by time.Duration
}

func (e behind) Subscribe(ctx context.Context, project string) (<-chan engine.Event, <-chan error, error) {
	in, broken, err := e.Fake.Subscribe(ctx, project)
	out := make(chan engine.Event)
	go func() {
		defer close(out)
		for ev := range in {
			ev.Time = ev.Time.Add(-e.by)
			out <- ev
		}
	}()
	return out, broken, err
}

func (e behind) Logs(ctx context.Context, id string, o engine.LogOptions, line func(engine.LogLine) error) error {
	if since, err := time.Parse(time.RFC3339Nano, o.Since); err == nil {
		o.Since = since.Add(e.by).Format(time.RFC3339Nano)
	}
	return e.Fake.Logs(ctx, id, o, line)
}

// TestAttachToWhatWasStoppedOnASlowClock: its first lines are older than our beginning, by the engine's clock.
func TestAttachToWhatWasStoppedOnASlowClock(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"job": {Logs: []string{"hello"}, ExitCode: enginetest.Exits(0), After: time.Second}}, func(t *testing.T, f *enginetest.Fake) {
		tool, p := compose.Tool{Engine: behind{f, time.Minute}}, shop(service("a", "job"))
		up(t, tool, p, compose.UpOptions{NoStart: true}, compose.RunOptions{})
		time.Sleep(time.Hour)
		r, at := attached(t, tool, p, compose.UpOptions{}, compose.AttachOptions{})
		<-at.Ended
		if err := at.Close(); err != nil || !slices.Contains(r.lines, "a-1: hello") {
			t.Errorf("%q, %v", r.lines, err)
		}
	})
}

func TestAttachedUpLosesNoLineAndEndsWithItsContainers(t *testing.T) {
	job := enginetest.Behaviour{Logs: []string{"first", "!second"}, ExitCode: enginetest.Exits(0)}
	withEngine(t, map[string]enginetest.Behaviour{"job": job}, func(t *testing.T, f *enginetest.Fake) {
		p := shop(service("a", "job"), service("b", "job"))
		r, at := attached(t, compose.Tool{Engine: f}, p, compose.UpOptions{Scale: map[string]int{"a": 9}}, compose.AttachOptions{})
		<-at.Ended
		if err := at.Close(); err != nil || at.ExitCode() != 0 || len(at.Names) != 10 {
			t.Errorf("%v, exit code %d, names %s", err, at.ExitCode(), liveNames(at.Names))
		}
		for _, name := range append(numbered("a", 9), "b-1") {
			of := slices.DeleteFunc(slices.Clone(r.lines), func(l string) bool { return !strings.HasPrefix(l, name) })
			if text := strings.Join(of, ", "); text != fmt.Sprintf("%[1]s: first, %[1]s: second, %[1]s exited 0", name) {
				t.Errorf("%s", text)
			}
		}
	})
}

func numbered(name string, n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("%s-%d", name, i+1))
	}
	return out
}

func TestWhatRunsAlreadyIsShownFromNowOn(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"steady": {Logs: []string{"hello"}}}, func(t *testing.T, f *enginetest.Fake) {
		tool, p := compose.Tool{Engine: f}, shop(service("db", "steady"), service("web", "steady"))
		up(t, tool, shop(service("db", "steady")), compose.UpOptions{}, compose.RunOptions{})
		talk(f, "db-1: old")
		r, at := attached(t, tool, p, compose.UpOptions{}, compose.AttachOptions{})
		synctest.Wait()
		talk(f, "db-1: new")
		f.Exit("shop-db-1", 0)
		f.Exit("shop-web-1", 7)
		<-at.Ended
		slices.Sort(r.lines)
		r.want(t, "db-1 exited 0", "db-1: new", "web-1 exited 7", "web-1: hello")
		if liveNames(at.Names) != "shop-db-1 shop-web-1" || at.ExitCode() != 0 {
			t.Errorf("%s, exit code %d", liveNames(at.Names), at.ExitCode())
		}
	})
}

func TestOneThatIsStartedAgainIsShownFromItsStart(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"steady": {Logs: []string{"hello"}}}, func(t *testing.T, f *enginetest.Fake) {
		tool, p := compose.Tool{Engine: f}, shop(service("web", "steady"))
		up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
		run(t, tool, tool.PlanStop, p)
		time.Sleep(time.Minute)
		r, at := attached(t, tool, p, compose.UpOptions{}, compose.AttachOptions{})
		synctest.Wait()
		f.Exit("shop-web-1", 0)
		<-at.Ended
		r.want(t, "web-1: hello", "web-1 exited 0")
	})
}

// The end of a container that the plan itself replaces neither is shown nor asks for anything.
func TestReplacingIsNotAnEnd(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"old": {Logs: []string{"old"}}, "new": {Logs: []string{"new"}}}, func(t *testing.T, f *enginetest.Fake) {
		tool := compose.Tool{Engine: f}
		up(t, tool, shop(service("web", "old")), compose.UpOptions{}, compose.RunOptions{})
		r, at := attached(t, tool, shop(service("web", "new")), compose.UpOptions{}, compose.AttachOptions{Cascade: compose.StopOnExit})
		time.Sleep(time.Minute)
		select {
		case <-at.Aborted:
			t.Error("aborted")
		case <-at.Ended:
			t.Error("ended")
		default:
		}
		f.Exit("shop-web-1", 4)
		<-at.Aborted
		<-at.Ended
		r.want(t, "web-1: new", "web-1 exited 4")
		if at.ExitCode() != 4 {
			t.Error(at.ExitCode())
		}
	})
}

// hasty ends what it follows before there was a line, or never, as a busy engine may.
type hasty struct {
	*enginetest.Fake
	never bool
}

func (h hasty) Logs(ctx context.Context, id string, o engine.LogOptions, line func(engine.LogLine) error) error {
	if !o.Follow {
		return h.Fake.Logs(ctx, id, o, line)
	}
	if h.never {
		<-ctx.Done()
		return ctx.Err()
	}
	time.Sleep(2 * time.Second)
	return nil
}

func TestTheLastLinesAreToldAllTheSame(t *testing.T) {
	for _, never := range []bool{false, true} {
		withEngine(t, map[string]enginetest.Behaviour{"job": {Logs: []string{"it fails"}, ExitCode: enginetest.Exits(3), After: time.Second}}, func(t *testing.T, f *enginetest.Fake) {
			r, at := attached(t, compose.Tool{Engine: hasty{f, never}}, shop(service("job", "job")), compose.UpOptions{}, compose.AttachOptions{})
			<-at.Ended
			r.want(t, "job-1: it fails", "job-1 exited 3")
		})
	}
}

func TestCascades(t *testing.T) {
	images := map[string]enginetest.Behaviour{"steady": steady, "fine": brief, "fails": {ExitCode: enginetest.Exits(3), After: 2 * time.Second}}
	for name, c := range map[string]struct {
		services []desired.Service
		o        compose.AttachOptions
		aborts   bool
		code     int
	}{
		"none":                    {[]desired.Service{service("a", "fails"), service("b", "fine")}, compose.AttachOptions{}, false, 0},
		"first exit":              {[]desired.Service{service("a", "fails"), service("b", "fine")}, compose.AttachOptions{Cascade: compose.StopOnExit}, true, 0},
		"first exit is a failure": {[]desired.Service{service("a", "fails"), service("b", "steady")}, compose.AttachOptions{Cascade: compose.StopOnExit}, true, 3},
		"first failure":           {[]desired.Service{service("a", "fails"), service("b", "fine")}, compose.AttachOptions{Cascade: compose.StopOnFailure}, true, 3},
		"no failure":              {[]desired.Service{service("b", "fine")}, compose.AttachOptions{Cascade: compose.StopOnFailure}, false, 0},
		"of one, which ends last": {[]desired.Service{service("a", "fails"), service("b", "fine")}, compose.AttachOptions{Cascade: compose.StopOnExit, ExitFrom: "a"}, true, 3},
		"of one, hidden":          {[]desired.Service{service("a", "fails"), service("b", "steady")}, compose.AttachOptions{Cascade: compose.StopOnExit, ExitFrom: "a", Show: []string{"b"}}, true, 3},
		"a migration is no end":   {[]desired.Service{service("a", "fine"), service("b", "fails", "a completed")}, compose.AttachOptions{Cascade: compose.StopOnExit}, true, 3},
		"of another service":      {[]desired.Service{service("a", "fails"), service("b", "fine")}, compose.AttachOptions{Cascade: compose.StopOnFailure, Services: []string{"b"}}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			withEngine(t, images, func(t *testing.T, f *enginetest.Fake) {
				_, at := attached(t, compose.Tool{Engine: f}, shop(c.services...), compose.UpOptions{}, c.o)
				time.Sleep(5 * time.Second)
				aborted := false
				select {
				case <-at.Aborted:
					aborted = true
				default:
				}
				if err := at.Close(); aborted != c.aborts || at.ExitCode() != c.code || err != nil {
					t.Errorf("aborted %t, exit code %d, %v; want %t, %d", aborted, at.ExitCode(), err, c.aborts, c.code)
				}
			})
		})
	}
}

// Somebody who stops a container may be about to replace it: the end is waited for a little, but not by one who leaves.
func TestLeavingDoesNotLinger(t *testing.T) {
	for _, leave := range []bool{false, true} {
		withEngine(t, map[string]enginetest.Behaviour{"steady": steady}, func(t *testing.T, f *enginetest.Fake) {
			tool, p := compose.Tool{Engine: f}, shop(service("web", "steady"))
			_, at := attached(t, tool, p, compose.UpOptions{}, compose.AttachOptions{})
			if leave {
				at.Leave()
				synctest.Wait()
			}
			began := time.Now()
			run(t, tool, tool.PlanStop, p)
			<-at.Ended
			if lingered := time.Since(began) > 0; lingered == leave {
				t.Errorf("leaving %t: ended after %s", leave, time.Since(began))
			}
		})
	}
}

func TestKillEndsWhatIgnoresEverything(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"deaf": {IgnoresTerm: true}, "brief": brief}, func(t *testing.T, f *enginetest.Fake) {
		tool, p := compose.Tool{Engine: f}, shop(service("a", "deaf"), service("b", "deaf"), service("c", "brief"))
		up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
		time.Sleep(2 * time.Second)
		f.ForgetJournal()
		if err := tool.Kill(t.Context(), p, []string{"b", "c"}); err != nil {
			t.Error(err)
		}
		got, _ := tool.Ps(t.Context(), p, compose.PsOptions{})
		if liveNames(got) != "shop-a-1" {
			t.Errorf("left: %s; calls %v", liveNames(got), f.Journal())
		}
	})
}
