package compose

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/history"
	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/image"
)

// Intent is a change that is about to be carried out, and that becomes a revision once it has succeeded.
type Intent struct {
	Project     Project
	Plan        plan.Plan
	Resolved    func() (load.Resolved, error)
	Command, By string         // "up web", "user@host"
	Scale       map[string]int // --scale
	Exactly     bool           // the plan's services are all that the project has from now on
	Keep        int            // how many revisions; 0: none
}

// Recording of a change that is under way; nil if it is not recorded.
type Recording struct {
	Interrupted *Interrupted // a change before this one that was cut off

	in    Intent
	tool  Tool
	store history.Store
	begun chan struct{} // closed once the intent is kept
	next  history.History
	id    string // of the image that holds next
	err   error
}

// recordFor is how long the engine may take to keep a record.
const recordFor = 30 * time.Second

// Record keeps an intent in the engine while the change goes on, so that one that is cut off can be told and taken back. Plans that change
// nothing are not recorded.
func (t Tool) Record(ctx context.Context, in Intent) (*Recording, error) {
	if in.Keep <= 0 || in.Plan.Empty() {
		return nil, nil
	}
	r := &Recording{in: in, tool: t, store: t.store(in.Project.Name), begun: make(chan struct{})}
	before := history.History{}
	recorded, cut := plan.HasHistory(in.Plan.Images, in.Project.Name)
	if cut {
		var err error
		if r.Interrupted, err = t.interrupted(ctx, in.Project.Name); err != nil {
			return nil, err
		}
	}
	if r.Interrupted != nil {
		before, recorded = r.Interrupted.Before, false
	}
	go func() {
		defer close(r.begun)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordFor)
		defer cancel()
		r.err = r.begin(ctx, before, recorded, time.Now())
	}()
	return r, nil
}

func (r *Recording) begin(ctx context.Context, before history.History, read bool, now time.Time) (err error) {
	if read {
		if before, err = r.store.Read(ctx); err != nil {
			return err
		}
	}
	file, err := r.in.Resolved()
	if err != nil {
		return err
	}
	last, _ := before.Last()
	if r.next, err = before.With(r.in.revision(last, now), file, r.in.Keep); err != nil {
		return err
	}
	r.id, err = r.store.Begin(ctx, r.next)
	return err
}

// Settle what was recorded by how the run ended: the history if it did well, nothing if a step failed. What was interrupted stays, to be gone
// on with or taken back.
func (r *Recording) Settle(ctx context.Context, report apply.Report) error {
	if r == nil {
		return nil
	}
	<-r.begun
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordFor)
	defer cancel()
	switch {
	case report.Interrupted && r.err == nil:
		return nil
	case report.Failed() && r.err == nil:
		return r.store.Drop(ctx)
	case r.err != nil:
		return r.err
	}
	brought := r.brought(ctx)
	if len(brought) == 0 {
		return r.store.Succeed(ctx, r.id, r.in.Plan.Images[desired.HistoryImage(r.in.Project.Name)].ID)
	}
	return r.store.Write(ctx, r.next.Again(func(v *history.Revision) { maps.Copy(v.Images, brought) }))
}

// brought are the images that the run pulled or built: which they are was not known before.
func (r *Recording) brought(ctx context.Context) map[string]history.Image {
	out := map[string]history.Image{}
	for _, n := range r.in.Plan.Nodes {
		ref, brings := broughtBy(n.Step)
		if _, tagged := r.in.Plan.Node(plan.ID("tag " + ref)); !brings || tagged {
			continue
		}
		if live, err := r.tool.Engine.InspectImage(ctx, ref); err == nil { // gone again: then there is nothing to go back to
			out[ref] = kept(live)
		}
	}
	return out
}

func broughtBy(s plan.Step) (ref string, ok bool) {
	switch s := s.(type) {
	case plan.PullImage:
		return s.Image.Ref, true
	case plan.BuildImage:
		return s.Image.Ref, true
	}
	return "", false
}

func kept(l image.Live) history.Image { return history.Image{ID: l.ID, Digests: l.Digests} }

// revision that the change makes, following another one.
func (in Intent) revision(last history.Revision, now time.Time) history.Revision {
	out := history.Revision{Time: now.UTC().Truncate(time.Second), Tool: Version, By: in.By, Command: in.Command, Changes: changeLines(in.Plan),
		Services: in.services(last), Scale: maps.Clone(in.Scale), Images: map[string]history.Image{}}
	for _, name := range out.Services {
		svc, _ := in.Project.Service(name)
		now := slices.Contains(in.Plan.Services, name)
		live, here := in.Plan.Images[svc.Image.Ref]
		before, was := last.Images[svc.Image.Ref]
		_, set := out.Images[svc.Image.Ref]
		switch {
		case !now && was && !set:
			out.Images[svc.Image.Ref] = before
		case here && (now || !set):
			out.Images[svc.Image.Ref] = kept(live)
		}
		if n, ok := last.Scale[name]; ok && !now {
			if out.Scale == nil {
				out.Scale = map[string]int{}
			}
			out.Scale[name] = n
		}
	}
	return out
}

// services of the last revision that the file still has, and those that are brought about now.
func (in Intent) services(last history.Revision) []string {
	out := slices.Clone(in.Plan.Services)
	for _, name := range last.Services {
		if _, ok := in.Project.Service(name); ok && !in.Exactly && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// changeLines are a plan's changes, a line each. Reasons mask secrets.
func changeLines(p plan.Plan) []string {
	var out []string
	for _, c := range p.Changes() {
		line := fmt.Sprintf("%s %s %s", c.Action, c.Resource.Kind, c.Resource.Name)
		if len(c.Verbs) > 0 {
			line += " (" + strings.Join(c.Verbs, ", ") + ")"
		}
		var reasons []string
		for _, r := range c.Reasons {
			reasons = append(reasons, r.Text())
		}
		out = append(out, line+": "+strings.Join(reasons, "; "))
	}
	return out
}
