package apply

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/image"
)

// tries of what a registry is asked for, and the pause behind the first that failed; each later pause is twice the one before, and up to half
// of it longer, so that many who were sent away do not come back together.
const (
	tries      = 5
	firstPause = time.Second
)

// again does what needs a registry, and once more while that is only busy. It says so in the step's progress.
func (r *run) again(ctx context.Context, n plan.Node, do func() error) error {
	pause := firstPause
	for left := tries - 1; ; left-- {
		err := do()
		if !errors.Is(err, engine.ErrBusy) || left == 0 {
			return err
		}
		wait := pause + rand.N(pause/2)
		r.progress(n)(engine.Progress{Text: fmt.Sprintf("again in %s: %s", wait.Round(100*time.Millisecond), err)})
		if r.pause(ctx, wait) != nil {
			return err
		}
		pause *= 2
	}
}

// limits of how many steps of a class run at once: each registry has a class of its own.
func limits(p plan.Plan, parallel int) map[string]int {
	out := map[string]int{"change": parallel, "build": buildParallel, "stop": stopParallel}
	for _, n := range p.Nodes {
		if _, limited := out[class(n.Step)]; !limited && class(n.Step) != "" {
			out[class(n.Step)] = pullParallel
		}
	}
	return out
}

func fromRegistry(ref string) string { return "pull " + image.Registry(ref) }
