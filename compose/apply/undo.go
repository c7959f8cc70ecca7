package apply

import (
	"context"
	"slices"
	"sync"

	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
)

// undoing takes back hand-overs that do not get done, while the walk goes on with the others. The walk's goroutine owns left and broken.
type undoing struct {
	left   map[string]int  // steps of each unit that have not ended
	broken map[string]bool // units of which a step did not get done
	all    sync.WaitGroup

	mu     sync.Mutex
	over   map[string]chan struct{} // units that are being taken back: closed when they are
	undone []Undone
}

// begin to take a unit back; the channel is to be closed when that is over.
func (u *undoing) begin(unit string) chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.over[unit] = make(chan struct{})
	return u.over[unit]
}

// settle waits for units that are being taken back, and tells which are.
func (u *undoing) settle(units []string) (back []string) {
	for _, unit := range units {
		u.mu.Lock()
		over, is := u.over[unit]
		u.mu.Unlock()
		if is {
			<-over
			back = append(back, unit)
		}
	}
	return back
}

func (u *undoing) expect(p plan.Plan) {
	u.left, u.broken, u.over = map[string]int{}, map[string]bool{}, map[string]chan struct{}{}
	for _, n := range p.Nodes {
		if n.Unit != "" {
			u.left[n.Unit]++
		}
	}
}

// undo what has to be now that a step has ended: its unit, once all of that has; or those that a rollout which fails leaves behind.
func (r *run) undo(ctx context.Context, n plan.Node, o graph.Outcome) {
	if r.back || n.Unit == "" {
		if s, is := n.Step.(plan.Verify); is && !r.back && s.Rollback && o == graph.Failed {
			r.rollBack(ctx, s)
		}
		return
	}
	u := &r.undoing
	u.left[n.Unit]--
	u.broken[n.Unit] = u.broken[n.Unit] || o != graph.Done
	if u.left[n.Unit] > 0 || !u.broken[n.Unit] {
		return
	}
	over := u.begin(n.Unit)
	u.all.Go(func() {
		defer close(over)
		r.takeBack(ctx, func(did plan.Did) plan.Plan { return plan.UndoUnits(r.plan, did, []string{n.Unit}, nil) }, false, n.Unit)
	})
}

// rollBack the replicas of a service that were replaced, since too many others could not be; those are back by now.
func (r *run) rollBack(ctx context.Context, s plan.Verify) {
	units := r.units(s)
	back := r.undoing.settle(units)
	units = slices.DeleteFunc(units, func(u string) bool { return slices.Contains(back, u) })
	how, asked := r.plan.Rollbacks[s.Service]
	r.undoing.all.Go(func() {
		r.takeBack(ctx, func(did plan.Did) plan.Plan {
			if asked {
				return plan.UndoUnits(r.plan, did, units, &how)
			}
			return plan.UndoUnits(r.plan, did, units, nil)
		}, false, units...)
	})
}

// units that a rollout is about.
func (r *run) units(s plan.Verify) []string {
	var out []string
	for _, id := range s.Units {
		if unit := r.nodes[id].Unit; !slices.Contains(out, unit) {
			out = append(out, unit)
		}
	}
	return out
}

// undoAll takes an atomic plan back if it was not committed.
func (r *run) undoAll(ctx context.Context) {
	if !r.plan.Atomic {
		return
	}
	r.takeBack(ctx, func(did plan.Did) plan.Plan { return plan.UndoAll(r.plan, did) }, true)
}

// takeBack what was done, after a look at what failed: the containers may be gone then.
func (r *run) takeBack(ctx context.Context, way func(plan.Did) plan.Plan, all bool, units ...string) {
	r.lookAt(ctx, func(n plan.Node) bool { return all || slices.Contains(units, n.Unit) })
	p := way(plan.Did{
		Ran:  func(id plan.ID) bool { return r.result(id).Ran },
		Done: func(id plan.ID) bool { return r.result(id).Outcome == graph.Done && r.result(id).Ran },
	})
	if len(p.Nodes) == 0 || ctx.Err() != nil {
		return
	}
	back := r.wayBack(p)
	r.tell(Undoing{p})
	back.walk(ctx)
	report := back.report(ctx)
	r.undoing.mu.Lock()
	defer r.undoing.mu.Unlock()
	r.undoing.undone = append(r.undoing.undone, Undone{Plan: p, All: all, Failures: report.Failures})
}

// wayBack is a run of its own among what was made; nobody stops it but the end of its context.
func (r *run) wayBack(p plan.Plan) *run {
	o := r.o
	o.Stop, o.WaitTimeout = nil, 0
	back := newRun(p, r.engine, o)
	back.back, back.made, back.watch, back.broken, back.tellMu = true, r.made, r.watch, r.broken, r.tellMu
	return back
}

// lookAt the failures of some steps.
func (r *run) lookAt(ctx context.Context, part func(plan.Node) bool) {
	var failures []Failure
	for _, n := range r.plan.Nodes {
		if res := r.result(n.ID); res.Outcome == graph.Failed && part(n) {
			failures = append(failures, Failure{Node: n, Err: res.Err, Tolerated: r.tolerated(n, res.Err)})
		}
	}
	r.diagnose(ctx, failures)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range failures {
		r.looked[f.Node.ID] = f
	}
}
