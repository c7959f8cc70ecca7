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
// nothing are not recorded; but if one before was cut off when all was done but the record, it is done now.
func (t Tool) Record(ctx context.Context, in Intent) (*Recording, error) {
	recorded, cut := plan.HasHistory(in.Plan.Images, in.Project.Name)
	if in.Keep <= 0 || in.Plan.Empty() && !cut {
		return nil, nil
	}
	r := &Recording{in: in, tool: t, store: t.store(in.Project.Name), begun: make(chan struct{})}
	if cut {
		var err error
		if r.Interrupted, err = t.interrupted(ctx, in.Project.Name); err != nil {
			return nil, err
		}
	}
	if in.Plan.Empty() {
		return nil, r.conclude(ctx)
	}
	var before history.History
	if r.Interrupted != nil {
		before, recorded = r.Interrupted.Before, false
	}
	go func() {
		defer close(r.begun)
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordFor)
		defer cancel()
		r.err = r.begin(ctx, before, recorded, time.Now())
	}()
	if recorded || cut { // there is something to go back to, so that a kill must not find the intent missing
		<-r.begun
	}
	return r, nil
}

// conclude what was cut off, now that there is nothing to do: it has come about if it was to be what is there, else nothing is left of it.
func (r *Recording) conclude(ctx context.Context) error {
	if r.Interrupted == nil {
		return nil
	}
	intended := r.Interrupted.Intended
	was, err := r.Interrupted.Before.File(intended.Number)
	if err != nil {
		return err
	}
	now, err := r.in.Resolved()
	if err != nil {
		return err
	}
	if was.YAML != now.YAML || !slices.Equal(intended.Services, r.in.services(history.Revision{})) {
		return r.store.Drop(ctx)
	}
	last, _ := r.Interrupted.Before.Last()
	intended.Images = r.in.images(intended.Services, last)
	h, err := r.Interrupted.Before.With(intended, was, r.in.Keep)
	if err != nil {
		return err
	}
	return r.store.Write(ctx, h)
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
	services := in.services(last)
	return history.Revision{Time: now.UTC().Truncate(time.Second), Tool: Version, By: in.By, Command: in.Command, Changes: changeLines(in.Plan),
		Services: services, Scale: in.scale(services, last), Images: in.images(services, last)}
}

// images of the services: those that are not brought about now have what they had.
func (in Intent) images(services []string, last history.Revision) map[string]history.Image {
	out := map[string]history.Image{}
	for _, name := range services {
		svc, _ := in.Project.Service(name)
		now := slices.Contains(in.Plan.Services, name)
		for _, img := range svc.Images() {
			live, here := in.Plan.Images[img.Ref]
			before, was := last.Images[img.Ref]
			_, set := out[img.Ref]
			switch {
			case !now && was && !set:
				out[img.Ref] = before
			case here && (now || !set):
				out[img.Ref] = kept(live)
			}
		}
	}
	return out
}

// scale of the services, likewise.
func (in Intent) scale(services []string, last history.Revision) map[string]int {
	out := map[string]int{}
	for _, name := range services {
		from := in.Scale
		if !slices.Contains(in.Plan.Services, name) {
			from = last.Scale
		}
		if n, ok := from[name]; ok {
			out[name] = n
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
