package lock_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/tutti-run/tutti/compose/lock"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/enginetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// far is a holder on a machine of its own.
func far(name string) lock.Holder {
	return lock.Holder{Token: name, User: "anna", Host: "host-" + name, PID: 812, Machine: "machine of " + name, Command: "up", Since: time.Now()}
}

// dies leaves the lock of a holder whom nobody hears of any more.
func dies(t require, f *enginetest.Fake, h lock.Holder) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	m := &mute{Fake: f}
	l, err := lock.Take(ctx, m, "shop", h, lock.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m.off.Store(true)
	l.Release(ctx)
}

type require interface {
	Fatal(...any)
	Errorf(string, ...any)
}

// mute lets no removal through once it is off, as if its process were gone.
type mute struct {
	*enginetest.Fake
	off atomic.Bool
}

func (m *mute) Unmark(ctx context.Context, name string) error {
	if m.off.Load() {
		return nil
	}
	return m.Fake.Unmark(ctx, name)
}

func bubble(t *testing.T, f func(t *testing.T, e *enginetest.Fake)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		defer e.Close()
		f(t, e)
		nothingLeft(t, e)
	})
}

// nothingLeft of a lock in the engine. The journal has all names that there were; making one anew gives its labels back if it was there.
func nothingLeft(t require, e *enginetest.Fake) {
	e.Knobs.Fail, e.Knobs.Latency = nil, nil
	var names []string
	for _, call := range e.Journal() {
		if name, ok := strings.CutPrefix(call, "Mark "); ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range names {
		found, err := e.Mark(context.Background(), name, nil)
		if len(found) > 0 || err != nil {
			t.Errorf("left: %s %v %v", name, found, err)
		}
		_ = e.Unmark(context.Background(), name)
	}
}

func take(t *testing.T, e lock.Marks, h lock.Holder, o lock.Options) *lock.Lock {
	t.Helper()
	l, err := lock.Take(t.Context(), e, "shop", h, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestFreeTakesOneCall(t *testing.T) {
	bubble(t, func(t *testing.T, e *enginetest.Fake) {
		e.Latency = func(enginetest.Call) time.Duration { return time.Second }
		began := time.Now()
		l := take(t, e, far("a"), lock.Options{})
		if took := time.Since(began); took != time.Second || l.Waited() {
			t.Errorf("took %s, waited: %v", took, l.Waited())
		}
		l.Release(t.Context())
		got := e.Journal()
		slices.Sort(got)
		if want := []string{"Mark tutti-lock-shop", "Unmark tutti-lock-shop", "WatchMarks tutti-lock-shop"}; !slices.Equal(got, want) {
			t.Errorf("calls %q", got)
		}
	})
}

func TestWaitsForALivingHolder(t *testing.T) {
	bubble(t, func(t *testing.T, e *enginetest.Fake) {
		first := take(t, e, far("a"), lock.Options{})
		time.AfterFunc(time.Minute, func() { first.Release(context.Background()) })
		var told []string
		began := time.Now()
		second := take(t, e, far("b"), lock.Options{Waiting: func(h lock.Holder) { told = append(told, h.Who()) }})
		if !slices.Equal(told, []string{"anna@host-a"}) || time.Since(began) != time.Minute || !second.Waited() {
			t.Errorf("told %q after %s, waited: %v", told, time.Since(began), second.Waited())
		}
		if closed(first.Lost()) || closed(second.Lost()) {
			t.Error("lost")
		}
		second.Release(t.Context())
	})
}

func closed(c <-chan struct{}) bool {
	synctest.Wait()
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestNoWait(t *testing.T) {
	bubble(t, func(t *testing.T, e *enginetest.Fake) {
		first := take(t, e, far("a"), lock.Options{})
		time.Sleep(12 * time.Second)
		began := time.Now()
		_, err := lock.Take(t.Context(), e, "shop", far("b"), lock.Options{NoWait: true})
		held, ok := errors.AsType[*lock.Held](err)
		if !ok || held.Error() != `project "shop" is being changed by anna@host-a (tutti up, pid 812, for 12 s)` || time.Since(began) != 0 {
			t.Errorf("got %v after %s", err, time.Since(began))
		}
		first.Release(t.Context())
	})
}

func TestTheDeadDoNotAnswer(t *testing.T) {
	for _, noWait := range []bool{false, true} {
		bubble(t, func(t *testing.T, e *enginetest.Fake) {
			dies(t, e, far("a"))
			began := time.Now()
			var dead []string
			l := take(t, e, far("b"), lock.Options{NoWait: noWait, TookOver: func(h lock.Holder) { dead = append(dead, h.Host) }})
			if time.Since(began) != 5*time.Second || !slices.Equal(dead, []string{"host-a"}) || !l.Waited() {
				t.Errorf("took over %q after %s, waited: %v", dead, time.Since(began), l.Waited())
			}
			l.Release(t.Context())
		})
	}
}

func TestDiesWhileWeWait(t *testing.T) {
	bubble(t, func(t *testing.T, e *enginetest.Fake) {
		m := &mute{Fake: e}
		first := take(t, m, far("a"), lock.Options{})
		time.AfterFunc(20*time.Second, func() { m.off.Store(true); first.Release(context.Background()) })
		began := time.Now()
		l := take(t, e, far("b"), lock.Options{})
		if took := time.Since(began); took != 35*time.Second { // it answered at 0 s and 15 s, and not at 30 s
			t.Errorf("took over after %s", took)
		}
		l.Release(t.Context())
	})
}

// near is a holder on this machine.
func near(command string, pid int) lock.Holder {
	h := lock.Me(command)
	if pid != 0 {
		h.PID, h.Start = pid, ""
	}
	return h
}

func TestAProcessThatIsGoneIsDeadAtOnce(t *testing.T) {
	if lock.Me("up").Machine == "" {
		t.Skip("no /proc")
	}
	bubble(t, func(t *testing.T, e *enginetest.Fake) {
		dies(t, e, near("up", 1<<22+1))
		began := time.Now()
		take(t, e, lock.Me("down"), lock.Options{NoWait: true}).Release(t.Context())
		dies(t, e, near("up", 1)) // another process has its PID now
		take(t, e, lock.Me("down"), lock.Options{}).Release(t.Context())
		if time.Since(began) != 0 {
			t.Errorf("after %s", time.Since(began))
		}
	})
}

func TestTheEndOfAProcessIsHeardOf(t *testing.T) {
	if lock.Me("up").Machine == "" {
		t.Skip("no /proc")
	}
	e := enginetest.New()
	defer e.Close()
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Skip(err)
	}
	h, err := lock.Process("up", cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	dies(t, e, h)
	began := time.Now()
	l := take(t, e, lock.Me("down"), lock.Options{Waiting: func(lock.Holder) {
		go func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	}})
	if time.Since(began) > 10*time.Second {
		t.Errorf("after %s", time.Since(began))
	}
	l.Release(t.Context())
	nothingLeft(t, e)
}

func TestGivingUp(t *testing.T) {
	bubble(t, func(t *testing.T, e *enginetest.Fake) {
		first := take(t, e, far("a"), lock.Options{})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if _, err := lock.Take(ctx, e, "shop", far("b"), lock.Options{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		first.Release(ctx)
	})
}

func TestNoWatchNoLock(t *testing.T) {
	bubble(t, func(t *testing.T, e *enginetest.Fake) {
		broken := errors.New("broken")
		e.Fail = func(c enginetest.Call) error {
			if c.Method == "WatchMarks" {
				return broken
			}
			return nil
		}
		if _, err := lock.Take(t.Context(), e, "shop", far("a"), lock.Options{}); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAVolumeOfThatNameIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		defer e.Close()
		_, _ = e.Mark(t.Context(), lock.Name("shop"), map[string]string{"mine": "yes"})
		if _, err := lock.Take(t.Context(), e, "shop", far("a"), lock.Options{}); err == nil {
			t.Error("taken")
		}
		if found, _ := e.Mark(t.Context(), lock.Name("shop"), nil); found["mine"] != "yes" {
			t.Error("removed")
		}
	})
}

func TestLost(t *testing.T) {
	bubble(t, func(t *testing.T, e *enginetest.Fake) {
		l := take(t, e, far("a"), lock.Options{})
		_ = e.Unmark(t.Context(), lock.Name("shop")) // by hand
		if !closed(l.Lost()) {
			t.Error("not lost")
		}
		other := take(t, e, far("b"), lock.Options{})
		l.Release(t.Context()) // not the other's
		if closed(other.Lost()) {
			t.Error("the next one lost it, too")
		}
		other.Release(t.Context())
	})
}

func TestEngineGoesAway(t *testing.T) {
	bubble(t, func(t *testing.T, e *enginetest.Fake) {
		l := take(t, e, far("a"), lock.Options{})
		e.CutAfter(0)
		time.Sleep(500 * time.Millisecond)
		e.Mend()
		time.Sleep(10 * time.Second)
		if closed(l.Lost()) {
			t.Error("lost although the engine came back")
		}
		if _, err := lock.Take(t.Context(), e, "shop", far("b"), lock.Options{NoWait: true}); err == nil {
			t.Error("does not answer any more")
		}
		e.CutAfter(0)
		time.Sleep(2 * time.Second)
		if !closed(l.Lost()) {
			t.Error("not lost although nothing is heard")
		}
		e.Mend()
		_ = e.Unmark(t.Context(), lock.Name("shop"))
		l.Release(t.Context())
	})
}

// TestAnHeirDies between getting the right to remove the lock and doing it.
func TestAnHeirDies(t *testing.T) {
	bubble(t, func(t *testing.T, e *enginetest.Fake) {
		dies(t, e, far("a"))
		heir := far("b")
		labels := labelsOf(t, heir)
		_, _ = e.Mark(t.Context(), lock.Name("shop")+".heir.a", labels)
		_, _ = e.Mark(t.Context(), lock.Name("shop")+".knock.a.1", labels)
		began := time.Now()
		take(t, e, far("c"), lock.Options{}).Release(t.Context())
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("after %s", took)
		}
	})
}

// labelsOf a holder's marks.
func labelsOf(t *testing.T, h lock.Holder) map[string]string {
	e := enginetest.New()
	dies(t, e, h)
	found, err := e.Mark(t.Context(), lock.Name("shop"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestOneAtATime: whatever the latencies and faults, never do two hold the lock, and all that had no fault get it.
func TestOneAtATime(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		synctest.Test(t, func(t *testing.T) { contend(t, r) })
	})
}

func contend(t *testing.T, r *rapid.T) {
	e := enginetest.New()
	defer e.Close()
	var mu sync.Mutex
	latencies := rapid.SliceOfN(rapid.IntRange(0, 300), 7, 40).Draw(r, "latencies")
	faulty := rapid.SliceOfN(rapid.IntRange(0, 9), 11, 60).Draw(r, "faults")
	withFaults := rapid.Bool().Draw(r, "with faults")
	dead := rapid.SampledFrom([]string{"", "far", "near"}).Draw(r, "dead holder")
	if dead == "far" {
		dies(r, e, far("dead"))
	} else if dead == "near" {
		dies(r, e, near("up", 1<<22+1))
	}
	e.Latency = func(c enginetest.Call) time.Duration {
		return time.Duration(latencies[c.N%len(latencies)]) * time.Millisecond
	}
	broken := errors.New("broken")
	e.Fail = func(c enginetest.Call) error {
		switch n := faulty[c.N%len(faulty)]; {
		case !withFaults || c.N > 200:
			return nil
		case n == 0:
			return broken
		case n == 1:
			return enginetest.After(broken)
		}
		return nil
	}
	var all sync.WaitGroup
	var holding, had, failed int
	for i := range 20 {
		h := far(fmt.Sprint("c", i))
		if dead == "near" && i == 0 {
			h.Machine = lock.Me("up").Machine // it sees at once that the dead one is, while the others knock
		}
		all.Go(func() {
			l, err := lock.Take(context.Background(), e, "shop", h, lock.Options{})
			if err != nil {
				mu.Lock()
				failed++
				mu.Unlock()
				if !withFaults || !errors.Is(err, broken) {
					t.Errorf("%s: %v", h.Host, err)
				}
				return
			}
			mu.Lock()
			if holding++; holding > 1 {
				t.Errorf("%d hold it", holding)
			}
			had++
			mu.Unlock()
			time.Sleep(time.Duration(i*37%5) * time.Second)
			mu.Lock()
			holding--
			mu.Unlock()
			if !withFaults && isLost(l) {
				t.Errorf("%s lost it", h.Host)
			}
			l.Release(context.Background())
		})
	}
	all.Wait()
	if had+failed != 20 {
		t.Errorf("%d had it, %d failed", had, failed)
	}
	if !withFaults {
		nothingLeft(t, e)
	}
}

func isLost(l *lock.Lock) bool {
	select {
	case <-l.Lost():
		return true
	default:
		return false
	}
}

var _ lock.Marks = engine.Engine(nil)
