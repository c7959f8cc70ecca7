package compose_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/engine/enginetest"
)

// counting is an engine that tells whether a container is renamed while endpoints of networks come or go.
type counting struct {
	*enginetest.Fake
	changing, renames, overlaps atomic.Int64
	renamed                     sync.Map // name → time
}

func (c *counting) changes(do func() error) error {
	c.changing.Add(1)
	defer c.changing.Add(-1)
	return do()
}

func (c *counting) StartContainer(ctx context.Context, id string) error {
	return c.changes(func() error { return c.Fake.StartContainer(ctx, id) })
}

// StopContainer of one that takes long counts for a moment.
func (c *counting) StopContainer(ctx context.Context, id string, timeout *time.Duration) error {
	c.changing.Add(1)
	over := sync.OnceFunc(func() { c.changing.Add(-1) })
	defer over()
	defer time.AfterFunc(900*time.Millisecond, over).Stop()
	return c.Fake.StopContainer(ctx, id, timeout)
}

func (c *counting) RenameContainer(ctx context.Context, id, name string) error {
	c.renames.Add(1)
	if c.changing.Load() > 0 {
		c.overlaps.Add(1)
	}
	err := c.Fake.RenameContainer(ctx, id, name)
	c.renamed.Store(name, time.Now())
	if c.changing.Load() > 0 {
		c.overlaps.Add(1)
	}
	return err
}

// TestNothingIsRenamedWhileEndpointsChange: an engine may lose count of them otherwise.
func TestNothingIsRenamedWhileEndpointsChange(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"quick": {}, "slow": {StopsAfter: 3 * time.Second}}, func(t *testing.T, f *enginetest.Fake) {
		f.Latency = func(enginetest.Call) time.Duration { return 100 * time.Millisecond }
		e := &counting{Fake: f}
		tool := compose.Tool{Engine: e}
		p := shop(service("a", "quick"), service("b", "quick"), service("c", "slow"), service("d", "slow", "c started"))
		up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
		r := up(t, tool, p, compose.UpOptions{Recreate: compose.Always}, compose.RunOptions{})
		if r.Failed() || e.renames.Load() != 4 || e.overlaps.Load() > 0 {
			t.Errorf("failures %v, %d renames, %d while endpoints changed", r.Failures, e.renames.Load(), e.overlaps.Load())
		}
	})
}

// TestTheDeafDelayNoName: one that does not stop keeps nobody else from the name that is theirs.
func TestTheDeafDelayNoName(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"quick": {}, "deaf": {IgnoresTerm: true}}, func(t *testing.T, f *enginetest.Fake) {
		e := &counting{Fake: f}
		tool := compose.Tool{Engine: e}
		p := shop(service("a", "quick"), service("b", "deaf"))
		up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
		began := time.Now()
		up(t, tool, p, compose.UpOptions{Recreate: compose.Always}, compose.RunOptions{})
		for name, most := range map[string]time.Duration{"shop-a-1": 3 * time.Second, "shop-b-1": 13 * time.Second} {
			at, ok := e.renamed.Load(name)
			if !ok || at.(time.Time).Sub(began) > most {
				t.Errorf("%s has its name after %s", name, at.(time.Time).Sub(began))
			}
		}
	})
}
