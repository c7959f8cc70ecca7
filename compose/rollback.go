package compose

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/history"
	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/compose/plan"
)

// RollbackOptions of Rollback.
type RollbackOptions struct {
	Revision int // 0: the one before the current; the current one, if a change was cut off since
	Timeout  *time.Duration
	Wait     bool
	Atomic   bool
}

// Rollback is where a rollback goes to.
type Rollback struct {
	To          history.Revision
	Interrupted *Interrupted // what was cut off before; nil: nothing
	load.Result              // the project as it was

	options plan.Options
}

// Rollback finds a revision to go back to. The error is a diag.Diagnostic if there is none.
func (t Tool) Rollback(ctx context.Context, project string, o RollbackOptions) (Rollback, error) {
	past, err := t.History(ctx, project)
	if err != nil {
		return Rollback{}, err
	}
	to, err := past.target(project, o.Revision)
	if err != nil {
		return Rollback{}, err
	}
	out := Rollback{To: to, Interrupted: past.Interrupted}
	if out.Result, err = reload(ctx, past.History, to); err != nil {
		return out, fmt.Errorf("load revision %d: %w", to.Number, err)
	}
	out.options = plan.Options{Services: to.Services, IgnoreOrphans: true, RemoveServices: past.since(to), Former: past.services(ctx),
		Pins: pins(to), Timeout: o.Timeout, Wait: o.Wait, Atomic: o.Atomic, Now: time.Now()}
	return out, nil
}

func (p Past) target(project string, number int) (history.Revision, error) {
	to, ok := p.Before(0)
	switch {
	case number != 0:
		to, ok = p.Revision(number)
	case p.Interrupted == nil && ok:
		to, ok = p.Before(to.Number)
	}
	if ok {
		return to, nil
	}
	d := diag.Diagnostic{Severity: diag.Error, Text: fmt.Sprintf("project %q has no earlier revision", project)}
	if number != 0 {
		d.Text = fmt.Sprintf("project %q has no revision %d", project, number)
	}
	if d.Hint = "each up that changes something makes one"; len(p.Revisions) > 0 {
		d.Hint = "there are " + numbers(p.Revisions)
	}
	return to, d
}

func numbers(all []history.Revision) string {
	var out []string
	for _, r := range all {
		out = append(out, fmt.Sprint(r.Number))
	}
	return strings.Join(out, ", ")
}

// since a revision these services have come: by the current one, or by a change that was cut off.
func (p Past) since(to history.Revision) []string {
	var came []string
	if last, ok := p.Last(); ok {
		came = append(came, last.Services...)
	}
	if p.Interrupted != nil {
		came = append(came, p.Interrupted.Intended.Services...)
	}
	slices.Sort(came)
	return slices.DeleteFunc(slices.Compact(came), func(s string) bool { return slices.Contains(to.Services, s) })
}

// services of the current revision. What cannot be loaded any more has no hooks.
func (p Past) services(ctx context.Context) []desired.Service {
	last, ok := p.Last()
	if !ok {
		return nil
	}
	res, err := reload(ctx, p.History, last)
	if err != nil {
		return nil
	}
	return res.Project.Services
}

// pins of the images that a revision had.
func pins(r history.Revision) map[string]plan.Pin {
	out := map[string]plan.Pin{}
	for ref, img := range r.Images {
		pin := plan.Pin{ID: img.ID}
		if len(img.Digests) > 0 {
			pin.Digest = img.Digests[0]
		}
		out[ref] = pin
	}
	return out
}

// PlanRollback says how to go back.
func (t Tool) PlanRollback(ctx context.Context, back Rollback) (plan.Plan, error) {
	return t.decide(ctx, back.Project, back.To.Scale, back.options)
}

// GiveUp forgets a change that was cut off: all that it did has been taken back, or it had done nothing.
func (t Tool) GiveUp(ctx context.Context, back Rollback) error {
	if back.Interrupted == nil {
		return nil
	}
	return t.store(back.Project.Name).Drop(ctx)
}
