package compose_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/enginetest"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
)

// replicated is a service with replicas that are found as "web", on a network with a subnet of its own or an automatic one.
func replicated(n int, ref string, how *desired.Rollout) desired.Project {
	web := desired.Service{Name: "web", Replicas: n, Image: image.Spec{Ref: ref}, Update: how}
	web.Container.Networks = []network.Attachment{{Network: "default", Name: "shop_default"}}
	if strings.HasPrefix(ref, "healthy") || ref == "sick" {
		web.Container.Healthcheck = &container.Healthcheck{Test: []string{"CMD", "ok"}}
	}
	return desired.Project{Name: "shop", Services: []desired.Service{web}, Networks: []network.Spec{{Key: "default", Name: "shop_default"}}}
}

func versions() *enginetest.Fake {
	f := enginetest.New()
	f.AddImages(enginetest.Behaviour{HealthyAfter: time.Second, StopsAfter: time.Second}, "healthy", "healthy:2")
	f.AddImages(enginetest.Behaviour{HealthyAfter: time.Second, Unhealthy: true, Probe: "no route", Logs: []string{"cannot open the database"}}, "sick")
	f.AddImages(enginetest.Behaviour{ExitCode: enginetest.Exits(3), After: 300 * time.Millisecond, Logs: []string{"boom"}}, "crash")
	f.AddImages(enginetest.Behaviour{StartError: "exec: not found"}, "broken")
	f.AddImages(enginetest.Behaviour{}, "plain", "plain:2")
	return f
}

// inBubbleWith a Fake that has all versions.
func inBubbleWith(t *testing.T, test func(t *testing.T, f *enginetest.Fake)) {
	withEngine(t, nil, func(t *testing.T, unused *enginetest.Fake) {
		unused.Close()
		f := versions()
		defer f.Close()
		test(t, f)
	})
}

// ids of the containers of the project by name.
func ids(t *testing.T, f *enginetest.Fake) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, l := range containersOf(fataler{}, f) {
		out[l.Name] = l.ID
	}
	return out
}

func TestAReplacementThatIsNotWellIsUndone(t *testing.T) {
	for _, test := range []struct{ ref, err, log string }{
		{"sick", "is unhealthy", "cannot open the database"},
		{"crash", "exited (3)", "boom"},
		{"broken", "exec: not found", ""},
	} {
		for _, order := range []string{"start-first", "stop-first", ""} {
			t.Run(test.ref+" "+order, func(t *testing.T) {
				inBubbleWith(t, func(t *testing.T, f *enginetest.Fake) {
					how := &desired.Rollout{Order: order, Parallelism: 1}
					if order == "" {
						how = nil
					}
					tool := compose.Tool{Engine: f}
					up(t, tool, replicated(2, "plain", how), compose.UpOptions{}, compose.RunOptions{})
					before := ids(t, f)
					r := up(t, tool, replicated(2, test.ref, how), compose.UpOptions{}, compose.RunOptions{})
					if !r.Failed() || len(r.Undone) == 0 || len(r.Undone[0].Failures) > 0 {
						t.Fatalf("failed %t, undone %+v", r.Failed(), r.Undone)
					}
					if got := fmt.Sprint(r.Failures[0].Err); !strings.Contains(got, test.err) {
						t.Errorf("failed with %q", got)
					}
					if got := fmt.Sprint(r.Failures[0].Logs); !strings.Contains(got, test.log) {
						t.Errorf("logs %s", got)
					}
					after := ids(t, f)
					for name, id := range before {
						if after[name] != id || f.Serving("web", "shop_default") != 2 {
							t.Errorf("%s is %s, was %s; %d serve", name, after[name], id, f.Serving("web", "shop_default"))
						}
					}
					// the file of before asks only for what was put aside to go
					pl, err := tool.Plan(t.Context(), replicated(2, "plain", how), compose.UpOptions{})
					if err != nil || strings.Contains(pl.String(), "-/+") || strings.Contains(pl.String(), "~ ") {
						t.Errorf("%v\n%s", err, pl)
					}
					if r := tool.Run(t.Context(), pl, compose.RunOptions{}); r.Failed() {
						t.Errorf("%+v", r.Failures)
					}
				})
			})
		}
	}
}

// TestAVersionThatFallsAgainAndAgainIsNotWell: a restart policy does not hide it.
func TestAVersionThatFallsAgainAndAgainIsNotWell(t *testing.T) {
	for _, code := range []int{0, 3} {
		inBubbleWith(t, func(t *testing.T, f *enginetest.Fake) {
			f.AddImages(enginetest.Behaviour{ExitCode: enginetest.Exits(code), After: 300 * time.Millisecond}, "falls")
			always := func(ref string) desired.Project {
				p := replicated(1, ref, nil)
				p.Services[0].Container.Restart.Name = "always"
				return p
			}
			tool := compose.Tool{Engine: f}
			up(t, tool, always("plain"), compose.UpOptions{}, compose.RunOptions{})
			r := up(t, tool, always("falls"), compose.UpOptions{}, compose.RunOptions{})
			want := fmt.Sprintf("container shop-web-1 exited (%d) and is restarted", code)
			if !r.Failed() || r.Failures[0].Err.Error() != want || f.Serving("web", "shop_default") != 1 {
				t.Errorf("%+v, %d serve", r.Failures, f.Serving("web", "shop_default"))
			}
			aside, err := f.Inspect(t.Context(), ids(t, f)["shop-web-1-failed"])
			if err != nil || aside.Found.Restart.Name != "no" {
				t.Errorf("%v: what was put aside restarts: %q", err, aside.Found.Restart.Name)
			}
		})
	}
}

// TestAnInterruptedReplacementIsUndone: Ctrl-C while a new container is not yet well leaves nobody without a server.
func TestAnInterruptedReplacementIsUndone(t *testing.T) {
	for _, order := range []string{"start-first", "stop-first"} {
		inBubbleWith(t, func(t *testing.T, f *enginetest.Fake) {
			f.AddImages(enginetest.Behaviour{HealthyAfter: time.Hour}, "healthy:slow")
			how := &desired.Rollout{Order: order, Parallelism: 1}
			up(t, compose.Tool{Engine: f}, replicated(2, "healthy", how), compose.UpOptions{Wait: true}, compose.RunOptions{})
			before, stop := ids(t, f), make(chan struct{})
			time.AfterFunc(time.Minute, func() { close(stop) })
			r := up(t, compose.Tool{Engine: f, Stop: stop}, replicated(2, "healthy:slow", how), compose.UpOptions{}, compose.RunOptions{})
			if after := ids(t, f); !r.Interrupted || after["shop-web-1"] != before["shop-web-1"] || f.Serving("web", "shop_default") != 2 {
				t.Errorf("%s: interrupted %t, %v, then %v; %d serve", order, r.Interrupted, before, after, f.Serving("web", "shop_default"))
			}
		})
	}
}

// TestWhoRestartsWithADependencyComesBackWithIt: the dependent was stopped for a new version that did not start.
func TestWhoRestartsWithADependencyComesBackWithIt(t *testing.T) {
	for _, ref := range []string{"broken", "crash"} {
		inBubbleWith(t, func(t *testing.T, f *enginetest.Fake) {
			tool := compose.Tool{Engine: f}
			file := func(ref string) desired.Project {
				web := service("web", "plain", "db started")
				web.Depends[0].Restart = true
				return shop(service("db", ref), web)
			}
			up(t, tool, file("plain"), compose.UpOptions{}, compose.RunOptions{})
			was := world(f)
			r := up(t, tool, file(ref), compose.UpOptions{}, compose.RunOptions{})
			now := slices.DeleteFunc(strings.Split(world(f), "\n"), func(l string) bool { return strings.Contains(l, "-failed") })
			if !r.Failed() || strings.Join(now, "\n") != was {
				t.Errorf("%s: failed %t; it was\n%s\nit is\n%v", ref, r.Failed(), was, now)
			}
		})
	}
}

func TestFailureActions(t *testing.T) {
	for _, test := range []struct {
		action string
		ratio  float64
		failed int // how many replicas are sick
		want   string
	}{
		{"rollback", 0, 1, "old old old old"},
		{"pause", 0, 1, "new old old old"}, // the second is sick: it goes back, and the others stay
		{"continue", 0, 1, "new old new new"},
		{"rollback", 0.25, 1, "new old new new"}, // one of four may fail
		{"rollback", 0.25, 2, "old old old old"},
	} {
		t.Run(fmt.Sprint(test.action, test.ratio, test.failed), func(t *testing.T) {
			inBubbleWith(t, func(t *testing.T, f *enginetest.Fake) {
				f.AddImage(enginetest.Image{Ref: "mixed", Script: func(s container.Spec) enginetest.Behaviour {
					sick := s.Name == "shop-web-2" || s.Name == "shop-web-3" && test.failed > 1
					return enginetest.Behaviour{HealthyAfter: time.Second, Unhealthy: sick}
				}})
				how := &desired.Rollout{Order: "start-first", Parallelism: 1, FailureAction: test.action, MaxFailureRatio: test.ratio}
				tool := compose.Tool{Engine: f}
				up(t, tool, replicated(4, "healthy", how), compose.UpOptions{Wait: true}, compose.RunOptions{})
				before := ids(t, f)
				next := replicated(4, "mixed", how)
				next.Services[0].Container.Healthcheck = &container.Healthcheck{Test: []string{"CMD", "ok"}}
				r := up(t, tool, next, compose.UpOptions{}, compose.RunOptions{})
				if !r.Failed() {
					t.Error("it did not fail")
				}
				var got []string
				after := ids(t, f)
				for n := 1; n <= 4; n++ {
					name := fmt.Sprintf("shop-web-%d", n)
					age := "new"
					if after[name] == before[name] {
						age = "old"
					}
					got = append(got, age)
				}
				if strings.Join(got, " ") != test.want || f.Serving("web", "shop_default") != 4 {
					t.Errorf("%v, %d serve; want %s", got, f.Serving("web", "shop_default"), test.want)
				}
			})
		})
	}
}

// goesBack rolls four replicas out, of which the last is sick, and tells how long that took and which calls it made.
func goesBack(t *testing.T, f *enginetest.Fake, back *desired.Rollout) (time.Duration, []string) {
	t.Helper()
	f.AddImage(enginetest.Image{Ref: "mixed", Script: func(s container.Spec) enginetest.Behaviour {
		return enginetest.Behaviour{HealthyAfter: time.Second, Unhealthy: s.Name == "shop-web-4"}
	}})
	how := &desired.Rollout{Order: "start-first", Parallelism: 1, FailureAction: "rollback"}
	tool := compose.Tool{Engine: f}
	up(t, tool, replicated(4, "healthy", how), compose.UpOptions{Wait: true}, compose.RunOptions{})
	next := replicated(4, "mixed", how)
	next.Services[0].Rollback = back
	next.Services[0].Container.Healthcheck = &container.Healthcheck{Test: []string{"CMD", "ok"}}
	f.ForgetJournal()
	began := time.Now()
	r := up(t, tool, next, compose.UpOptions{}, compose.RunOptions{})
	for _, u := range r.Undone {
		if len(u.Failures) > 0 {
			t.Errorf("%+v", u.Failures)
		}
	}
	if f.Serving("web", "shop_default") != 4 {
		t.Errorf("%d serve", f.Serving("web", "shop_default"))
	}
	return time.Since(began), f.Journal()
}

func TestRollbackConfig(t *testing.T) {
	took := map[string]time.Duration{}
	for name, back := range map[string]*desired.Rollout{
		"as they came": nil, "at once": {}, "one at a time": {Parallelism: 1}, "with a delay": {Parallelism: 1, Delay: time.Minute}, "monitored": {Parallelism: 1, Monitor: 9 * time.Second},
	} {
		inBubbleWith(t, func(t *testing.T, f *enginetest.Fake) { took[name], _ = goesBack(t, f, back) })
	}
	// an old container takes a second to be healthy
	for name, more := range map[string]time.Duration{"as they came": 2 * time.Second, "one at a time": 2 * time.Second, "with a delay": 2*time.Second + 2*time.Minute, "monitored": 2*time.Second + 3*9*time.Second} {
		if got := took[name] - took["at once"]; got != more {
			t.Errorf("%s: %s longer than at once, not %s", name, got, more)
		}
	}
}

func TestRollbackOrder(t *testing.T) {
	for _, test := range []struct {
		order string
	}{{""}, {"start-first"}, {"stop-first"}} {
		inBubbleWith(t, func(t *testing.T, f *enginetest.Fake) {
			_, calls := goesBack(t, f, &desired.Rollout{Order: test.order})
			old := slices.Index(calls, "StartContainer shop-web-1")
			if old < 0 {
				t.Fatalf("%v", calls)
			}
			temporary := slices.IndexFunc(calls, func(c string) bool {
				return strings.HasPrefix(c, "CreateContainer") && strings.HasSuffix(c, "shop-web-1")
			})
			stop := slices.Index(calls, strings.Replace(calls[temporary], "Create", "Stop", 1))
			if (stop < old) != (test.order == "stop-first") {
				t.Errorf("order %q: the new one stops at %d, the old one starts at %d", test.order, stop, old)
			}
		})
	}
}

func TestDelayAndMonitor(t *testing.T) {
	inBubbleWith(t, func(t *testing.T, f *enginetest.Fake) {
		how := &desired.Rollout{Order: "start-first", Parallelism: 2, Delay: time.Minute, Monitor: 5 * time.Second}
		tool := compose.Tool{Engine: f}
		up(t, tool, replicated(4, "healthy", how), compose.UpOptions{Wait: true}, compose.RunOptions{})
		began := time.Now()
		if r := up(t, tool, replicated(4, "healthy:2", how), compose.UpOptions{}, compose.RunOptions{}); r.Failed() {
			t.Fatalf("%+v", r.Failures)
		}
		// of each batch: 1 s until healthy, 5 s monitored, 1 s to stop the old one
		if took := time.Since(began); took != 2*7*time.Second+time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

// TestRolloutsKeepTheirPromise: whatever single call fails, done or not, and whatever the new version is like, as many replicas serve at any
// moment as the rollout promises: all of them with start-first, all but a batch with stop-first.
func TestRolloutsKeepTheirPromise(t *testing.T) {
	inBubble(t, func(rt *rapid.T) func(fataler) {
		n := rapid.IntRange(1, 4).Draw(rt, "replicas")
		how := &desired.Rollout{
			Order: rapid.SampledFrom([]string{"start-first", "stop-first"}).Draw(rt, "order"), Parallelism: rapid.IntRange(1, 2).Draw(rt, "parallelism"),
			FailureAction: rapid.SampledFrom([]string{"", "pause", "continue", "rollback"}).Draw(rt, "action"),
		}
		ref := rapid.SampledFrom([]string{"healthy:2", "sick", "crash", "broken"}).Draw(rt, "new version")
		subnet := rapid.Bool().Draw(rt, "subnet")
		bad, done, cut := rapid.IntRange(0, 80).Draw(rt, "fault at"), rapid.Bool().Draw(rt, "after its work"), rapid.Bool().Draw(rt, "crash")
		return func(t fataler) {
			f := versions()
			defer f.Close()
			first, second := replicated(n, "healthy", how), replicated(n, ref, how)
			if subnet { // as preflight chooses one, so that containers keep their addresses
				if _, err := f.CreateNetwork(context.Background(), first.Networks[0], chosen(first)); err != nil {
					t.Fatal(err)
				}
			}
			must(t, f, first, compose.UpOptions{Wait: true})
			least, fault := n, failNth(bad, done, new(string))
			var mu sync.Mutex
			watch := func() {
				mu.Lock()
				defer mu.Unlock()
				least = min(least, f.Serving("web", "shop_default"))
			}
			f.Fail = func(c enginetest.Call) error {
				watch()
				if cut {
					return nil
				}
				return fault(c)
			}
			if cut {
				f.CutAfter(bad)
			}
			tryUp(f, second)
			f.Mend()
			if cut {
				time.Sleep(30 * time.Second) // a stop that was asked for has come to its end: while it is under way no engine tells of it
				tryUp(f, second)
			}
			watch()
			promised := n
			if how.Order == "stop-first" {
				promised -= how.Parallelism
			}
			if least < promised {
				t.Fatalf("%d served, %d are promised\n%s", least, promised, strings.Join(f.Journal(), "\n"))
			}
			f.Fail = nil
			if _, r := must(t, f, replicated(n, "healthy:2", how), compose.UpOptions{}); r.Failed() {
				t.Fatalf("%+v", r.Failures)
			}
		}
	})
}

// failNth fails the n-th call; which says what that was.
func failNth(n int, done bool, which *string) func(enginetest.Call) error {
	var calls atomic.Int64
	return faulty(done, func(c enginetest.Call) bool {
		hit := calls.Add(1) == int64(n)
		if hit && !reads(c.Method) {
			*which = c.String()
		}
		return hit
	})
}

// chosen are the labels of the project's network if tutti chose its subnet.
func chosen(p desired.Project) map[string]string {
	want, _ := desired.Build(p, desired.Options{Version: compose.Version})
	labels := want.NetworkLabels(p.Networks[0])
	labels[container.LabelSubnet] = "10.9.0.0/24"
	return labels
}

// tryUp may fail.
func tryUp(f *enginetest.Fake, p desired.Project) (apply.Report, error) {
	tool := compose.Tool{Engine: f}
	pl, err := tool.Plan(context.Background(), p, compose.UpOptions{})
	if err != nil {
		return apply.Report{}, err
	}
	return tool.Run(context.Background(), pl, compose.RunOptions{}), nil
}

// five services, of which the last one's new version does not run.
func five(color, last string) desired.Project {
	p := desired.Project{Name: "shop", Networks: []network.Spec{{Key: "default", Name: "shop_default"}}}
	for i := range 5 {
		s := service(fmt.Sprintf("s%d", i), "plain")
		if i > 0 {
			s = service(fmt.Sprintf("s%d", i), "plain", fmt.Sprintf("s%d started", i-1))
		}
		s.Container.Environment = map[string]*string{"COLOR": &color}
		s.Container.Networks = []network.Attachment{{Network: "default", Name: "shop_default"}}
		p.Services = append(p.Services, s)
	}
	p.Services[4].Image.Ref = last
	return p
}

func TestAtomicLeavesAllAsItWas(t *testing.T) {
	for _, last := range []string{"crash", "broken", "sick"} {
		t.Run(last, func(t *testing.T) {
			inBubbleWith(t, func(t *testing.T, f *enginetest.Fake) {
				tool := compose.Tool{Engine: f}
				before := five("red", "plain")
				up(t, tool, before, compose.UpOptions{}, compose.RunOptions{})
				was := world(f)
				next := five("blue", last)
				next.Networks = append(next.Networks, network.Spec{Key: "new", Name: "shop_new"})
				next.Services[0].Container.Networks = append(next.Services[0].Container.Networks, network.Attachment{Network: "new", Name: "shop_new"})
				if last == "sick" {
					next.Services[4].Container.Healthcheck = &container.Healthcheck{Test: []string{"CMD", "ok"}}
				}
				next.Services = append(next.Services, service("s9", "plain"))
				r := up(t, tool, next, compose.UpOptions{Atomic: true}, compose.RunOptions{})
				if !r.Failed() || len(r.Undone) != 1 || !r.Undone[0].All || len(r.Undone[0].Failures) > 0 {
					t.Fatalf("failed %t, undone %+v", r.Failed(), r.Undone)
				}
				if now := world(f); now != was {
					t.Errorf("it was\n%s\nit is\n%s", was, now)
				}
				if pl, err := tool.Plan(t.Context(), before, compose.UpOptions{}); err != nil || !pl.Empty() {
					t.Errorf("%v\n%s", err, pl)
				}
			})
		})
	}
}

func TestAtomicWatchesAllThatItStarts(t *testing.T) {
	inBubbleWith(t, func(t *testing.T, f *enginetest.Fake) {
		tool := compose.Tool{Engine: f}
		r := up(t, tool, shop(service("web", "plain"), service("bad", "crash")), compose.UpOptions{Atomic: true}, compose.RunOptions{})
		if left := ids(t, f); !r.Failed() || len(left) > 0 {
			t.Errorf("failed: %t, left: %v", r.Failed(), left)
		}
	})
}

func TestAtomicThatWorksIsAsAnyOther(t *testing.T) {
	inBubbleWith(t, func(t *testing.T, f *enginetest.Fake) {
		tool := compose.Tool{Engine: f}
		up(t, tool, five("red", "plain"), compose.UpOptions{Atomic: true}, compose.RunOptions{})
		if r := up(t, tool, five("blue", "plain"), compose.UpOptions{Atomic: true}, compose.RunOptions{}); r.Failed() || len(r.Undone) > 0 {
			t.Fatalf("%+v", r)
		}
		settled(fataler{}, f, five("blue", "plain"))
	})
}

// world is what there is: containers by name with id and state, networks and volumes.
func world(f *enginetest.Fake) string {
	s, _ := f.Observe(context.Background(), engine.Query{Project: "shop"})
	var lines []string
	for _, l := range s.Containers {
		lines = append(lines, fmt.Sprint("container ", l.Name, " ", l.ID, " ", l.State))
	}
	for _, n := range s.Networks {
		lines = append(lines, "network "+n.Name+" "+n.ID)
	}
	for _, v := range s.Volumes {
		lines = append(lines, "volume "+v.Name)
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestAtomicIsAllOrNothing: whatever single call fails, done or not.
func TestAtomicIsAllOrNothing(t *testing.T) {
	inBubble(t, func(rt *rapid.T) func(fataler) {
		first, second := aProject(rt, "first"), aProject(rt, "second")
		bad, done := rapid.IntRange(0, 99).Draw(rt, "fault at"), rapid.Bool().Draw(rt, "after its work")
		return func(t fataler) {
			f := anEngine()
			defer f.Close()
			must(t, f, first, compose.UpOptions{})
			failed := ""
			f.Fail = failNth(bad, done, &failed)
			volumes := removals(f)
			pl, r := must(t, f, second, compose.UpOptions{RemoveOrphans: true, Atomic: true})
			f.Fail = nil
			if removals(f) != volumes && !slices.ContainsFunc(pl.Changes(), makesVolume) {
				t.Fatal("a volume was removed")
			}
			if len(r.Undone) == 0 || strings.HasPrefix(failed, "CreateContainer") && done || strings.HasPrefix(failed, "CreateNetwork") && done {
				return // nothing failed, or what was made without our knowing is the next up's to find
			}
			again, err := compose.Tool{Engine: f}.Plan(context.Background(), first, compose.UpOptions{IgnoreOrphans: true})
			if err != nil || !again.Empty() {
				t.Fatalf("%s failed (done: %t), and the world is not as it was: %v\n%s\n%s\nundone %+v", failed, done, err, again, pl.Steps(), r.Undone)
			}
		}
	})
}

func makesVolume(c plan.Change) bool {
	return c.Resource.Kind == plan.Volume && c.Action == plan.Create
}
