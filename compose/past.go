package compose

import (
	"context"
	"fmt"
	"sync"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/history"
	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/image"
)

// Past of a project: what was recorded, and a change that was cut off since; nil if none was.
type Past struct {
	history.History
	Interrupted *Interrupted
}

// Interrupted is a change that was cut off: what was recorded before it, and what it was to be.
type Interrupted struct {
	Before   history.History
	Intended history.Revision
}

// String is what happened and what can be done about it, in one line.
func (i Interrupted) String() string {
	back := "rollback finds nothing to go back to"
	if last, ok := i.Before.Last(); ok {
		back = fmt.Sprintf("rollback goes back to revision %d", last.Number)
	}
	return fmt.Sprintf("the %s of %s at %s was interrupted: up goes on with it, %s",
		i.Intended.Command, i.Intended.By, i.Intended.Time.Local().Format("2006-01-02 15:04:05"), back)
}

func (t Tool) store(project string) history.Store {
	return history.Store{Engine: t.Engine, Project: project}
}

// History of a project, by two calls at once.
func (t Tool) History(ctx context.Context, project string) (Past, error) {
	var out Past
	var err, cutErr error
	var both sync.WaitGroup
	both.Go(func() { out.History, err = t.store(project).Read(ctx) })
	both.Go(func() { out.Interrupted, cutErr = t.interrupted(ctx, project) })
	both.Wait()
	if err == nil {
		err = cutErr
	}
	return out, err
}

func (t Tool) interrupted(ctx context.Context, project string) (*Interrupted, error) {
	before, intended, found, err := t.store(project).Interrupted(ctx)
	if err != nil || !found {
		return nil, err
	}
	return &Interrupted{before, intended}, nil
}

// former are the services of the last revision, if a plan needs their hooks and there is one. What cannot be read is a warning.
func (t Tool) former(ctx context.Context, p Project, out plan.Plan, found map[string]image.Live) ([]desired.Service, diag.List) {
	recorded, _ := plan.HasHistory(found, p.Name)
	if !recorded || !out.StopsFormer(p.Services) {
		return nil, nil
	}
	h, err := t.store(p.Name).Read(ctx)
	var res load.Result
	if last, ok := h.Last(); ok && err == nil {
		res, err = reload(ctx, h, last)
	}
	if err != nil {
		return nil, diag.List{{Severity: diag.Warning, Text: fmt.Sprintf("pre_stop hooks of services that the file does not have are not run: %v", err)}}
	}
	return res.Project.Services, nil
}

// reload the file of a revision.
func reload(ctx context.Context, h history.History, r history.Revision) (load.Result, error) {
	file, err := h.File(r.Number)
	if err != nil {
		return load.Result{}, err
	}
	return load.LoadResolved(ctx, file)
}
