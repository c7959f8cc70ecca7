package enginetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/network"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func one(t *testing.T, f *Fake, image string) string {
	t.Helper()
	id, err := f.CreateContainer(t.Context(), engine.NewContainer{
		Name: "p-" + image + "-1", Spec: container.Spec{Image: image, Healthcheck: &container.Healthcheck{Test: []string{"CMD", "x"}}},
		Labels: map[string]string{container.LabelProject: "p", container.LabelConfigHash: "made"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.StartContainer(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	return id
}

func TestTimePassesByTimersOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New()
		defer f.Close()
		f.AddImages(Behaviour{HealthyAfter: 5 * time.Second, ExitCode: Exits(3), After: time.Minute}, "web")
		events, _, err := f.Subscribe(t.Context(), "p")
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		one(t, f, "web")
		var got []string
		for ev := range events {
			got = append(got, string(ev.Kind)+"@"+ev.Time.Sub(began).String())
			if ev.Kind == engine.EventDie {
				if ev.ExitCode != 3 {
					t.Errorf("exit code %d", ev.ExitCode)
				}
				break
			}
		}
		want := []string{"create@0s", "start@0s", "health@5s", "die@1m0s"}
		if !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestWhatIgnoresTermIsKilledAfterItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New()
		defer f.Close()
		f.AddImages(Behaviour{IgnoresTerm: true}, "deaf")
		id := one(t, f, "deaf")
		began := time.Now()
		if err := f.StopContainer(t.Context(), id, nil); err != nil {
			t.Fatal(err)
		}
		l, _ := f.Inspect(t.Context(), id)
		if took := time.Since(began); took != 10*time.Second || l.ExitCode != 137 || !l.Stopped || l.Finished {
			t.Errorf("took %s, %+v", took, l)
		}
	})
}

func TestFaults(t *testing.T) {
	f := New()
	defer f.Close()
	f.AddImages(Behaviour{}, "web")
	lost := errors.New("the answer got lost")
	f.Fail = func(c Call) error {
		switch c.String() {
		case "CreateContainer before":
			return errors.New("no")
		case "CreateContainer after":
			return After(lost)
		}
		return nil
	}
	for name, made := range map[string]bool{"before": false, "after": true} {
		if _, err := f.CreateContainer(t.Context(), engine.NewContainer{Name: name, Spec: container.Spec{Image: "web"}}); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := f.Inspect(t.Context(), name); (err == nil) != made {
			t.Errorf("%s: %v", name, err)
		}
	}
	events, errs, err := f.Subscribe(context.Background(), "p")
	if err != nil {
		t.Fatal(err)
	}
	f.CutAfter(1)
	if err := f.StartContainer(t.Context(), "after"); err != nil {
		t.Error(err)
	}
	if err := f.RemoveContainer(t.Context(), "after", true, false); !errors.Is(err, engine.ErrUnavailable) {
		t.Error(err)
	}
	if _, open := <-events; open || !errors.Is(<-errs, engine.ErrUnavailable) {
		t.Error("the subscription went on")
	}
	f.Mend()
	if l, err := f.Inspect(t.Context(), "after"); err != nil || l.State != container.Running {
		t.Error(l.State, err)
	}
}

func TestConformance(t *testing.T) {
	Conformance(t, func(t *testing.T) Harness {
		f := New()
		t.Cleanup(func() { f.Close() })
		f.AddImage(HelperImage("tutti-helper"))
		return Harness{Engine: f, Image: "tutti-helper"}
	})
}

func TestCommandsTakeTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := New()
		defer f.Close()
		f.AddImages(Behaviour{Exec: func(e engine.Exec) ([]string, int, time.Duration) {
			return []string{"!" + e.Command[0]}, 4, time.Minute
		}}, "web")
		id, began := one(t, f, "web"), time.Now()
		hook := engine.Exec{Command: []string{"drain", "now"}}
		var said []engine.LogLine
		code, err := f.Exec(t.Context(), id, hook, func(l engine.LogLine) { said = append(said, l) })
		if took := time.Since(began); code != 4 || err != nil || took != time.Minute || len(said) != 1 || said[0].Text != "drain" || !said[0].Stderr {
			t.Errorf("got %d, %v after %s, said %+v", code, err, took, said)
		}
		if j := f.Journal(); j[len(j)-1] != "Exec p-web-1 drain now" {
			t.Errorf("journal %q", j)
		}
		time.AfterFunc(time.Second, func() { f.CutAfter(0) })
		if _, err := f.Exec(t.Context(), id, hook, func(engine.LogLine) {}); !errors.Is(err, engine.ErrUnavailable) {
			t.Errorf("got %v", err)
		}
		f.Mend()
		time.AfterFunc(time.Second, func() { f.Exit("p-web-1", 0) })
		if code, err := f.Exec(t.Context(), id, hook, func(engine.LogLine) {}); code != 137 || err != nil {
			t.Errorf("got %d, %v", code, err)
		}
	})
}

func TestACutEndsTheWatchOfMarks(t *testing.T) {
	f := New()
	defer f.Close()
	marks, errs, err := f.WatchMarks(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	f.CutAfter(0)
	if _, open := <-marks; open || !errors.Is(<-errs, engine.ErrUnavailable) {
		t.Error("the watch went on")
	}
}

// TestNeighbours hold what is theirs, and subnets run out.
func TestNeighbours(t *testing.T) {
	f := New()
	defer f.Close()
	f.AddImages(Behaviour{}, "web")
	f.Beside.Pools = []engine.AddressPool{{Base: "10.0.0.0/22", Size: 24}}
	f.Beside.Networks = []engine.NeighbourNetwork{{Name: "theirs", Subnets: []string{"10.0.1.0/24", "10.0.3.0/25"}}}
	f.Beside.Containers = []engine.Neighbour{{Name: "a", State: container.Running, Ports: []container.Published{{Published: 80, Target: 8080, Protocol: "tcp"}}}}
	var got []string
	for _, name := range []string{"one", "two", "three"} {
		_, err := f.CreateNetwork(t.Context(), network.Spec{Name: name}, nil)
		got = append(got, fmt.Sprint(name, " ", errors.Is(err, engine.ErrInvalid)))
	}
	if want := []string{"one false", "two false", "three true"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	n := engine.NewContainer{Name: "b", Spec: container.Spec{Image: "web", Ports: []container.Port{{Published: "80", Target: 80}}}}
	if _, err := f.CreateContainer(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if err := f.StartContainer(t.Context(), "b"); !errors.Is(err, engine.ErrConflict) {
		t.Errorf("got %v", err)
	}
	s, err := f.Survey(t.Context())
	if err != nil || len(s.Containers) != 2 || len(s.Networks) != 6 || s.Memory == 0 || s.Local {
		t.Errorf("%+v, %v", s, err)
	}
}
