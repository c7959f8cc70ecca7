package compose

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/moby/patternmatcher/ignorefile"

	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/compose/transfer"
	"github.com/tutti-run/tutti/compose/watch"
	"github.com/tutti-run/tutti/compose/watch/notify"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
)

// Changer changes a project as changed files ask for, one call at a time.
type Changer interface {
	// Rebuild builds the images of services and brings the services up to date.
	Rebuild(ctx context.Context, services []string) error
	Restart(ctx context.Context, services []string) error
}

// WatchOptions of Watch.
type WatchOptions struct {
	Changer Changer
	Prune   bool                 // remove images that this watch has built and built anew since
	Verbose bool                 // name the files
	Tell    func(text string)    // of what is done; in Docker Compose's words
	Fail    func(text string)    // of what went wrong
	Wrote   func(engine.LogLine) // by the hooks of sync+exec
	Window  watch.Window         // the zero value is the default
}

// Watching is what a project asks to be watched.
type Watching struct {
	Warnings diag.List
	project  Project
	rules    watch.Rules
}

// Watching reads the rules of services, none: all, and of what they depend on.
func (t Tool) Watching(p Project, services []string) (Watching, error) {
	selected := withDependencies(p, services)
	left := map[string]watch.Ignored{}
	for _, s := range selected {
		if s.Image.Build == nil || len(s.Watch) == 0 {
			continue
		}
		ignored, err := leftOut(s)
		if err != nil {
			return Watching{}, err
		}
		left[s.Name] = ignored
	}
	rules, warnings, err := watch.New(selected, left)
	return Watching{warnings, p, rules}, err
}

func withDependencies(p Project, names []string) []desired.Service {
	if len(names) == 0 {
		return p.Services
	}
	wanted := map[string]bool{}
	for queue := slices.Clone(names); len(queue) > 0; {
		name := queue[0]
		queue = queue[1:]
		if s, ok := p.Service(name); ok && !wanted[name] {
			wanted[name] = true
			for _, d := range s.Depends {
				queue = append(queue, d.Service)
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(p.Services), func(s desired.Service) bool { return !wanted[s.Name] })
}

// leftOut is what a build leaves out of its context.
func leftOut(s desired.Service) (watch.Ignored, error) {
	out := watch.Ignored{Context: s.Image.Build.Context}
	for _, path := range s.Image.Build.IgnoreFiles() {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return out, fmt.Errorf("watch service %q: %w", s.Name, err)
		}
		defer f.Close()
		out.File = path
		if out.Patterns, err = ignorefile.ReadAll(f); err != nil {
			return out, fmt.Errorf("watch service %q: read %s: %w", s.Name, path, err)
		}
		return out, nil
	}
	return out, nil
}

// Watch does what changed files ask for until ctx ends, which is no error. It begins with what has to be copied at first. What goes wrong with a change
// is told, and the next one is waited for; that not all can be watched any more is an error.
func (t Tool) Watch(ctx context.Context, w Watching, o WatchOptions) error {
	files, err := notify.Open(w.rules.Paths(), w.rules.Skips)
	if err != nil {
		return err
	}
	defer files.Close()
	s := session{t, w, o, map[string]string{}}
	if err := s.initial(ctx); err != nil {
		return err
	}
	o.Tell("Watch enabled")
	for batch := range watch.Batches(ctx, files.Changes(), cmp.Or(o.Window, watch.DefaultWindow)) {
		s.do(ctx, w.rules.Decide(changes(batch)))
	}
	if ctx.Err() != nil {
		o.Tell("Watch disabled")
		return nil
	}
	return files.Err()
}

// changes are paths with what is there now.
func changes(paths []string) []watch.Change {
	var out []watch.Change
	for _, p := range paths {
		_, err := os.Lstat(p)
		out = append(out, watch.Change{Path: p, Gone: errors.Is(err, fs.ErrNotExist)})
	}
	return out
}

// session of a watch.
type session struct {
	Tool
	Watching
	o     WatchOptions
	built map[string]string // images that it has built, by container
}

func (s *session) initial(ctx context.Context) error {
	paths, err := notify.Files(s.rules.Paths(), s.rules.Skips)
	if err != nil {
		return fmt.Errorf("initial sync: %w", err)
	}
	for _, sync := range s.rules.Initial(paths).Sync {
		if err := s.sync(ctx, sync); err != nil {
			return fmt.Errorf("initial sync: %w", err)
		}
	}
	return nil
}

// do what there is to do. A service whose files could not be copied is left as it is; of others the rest is done.
func (s *session) do(ctx context.Context, w watch.Work) {
	failed := map[string]bool{}
	if len(w.Rebuild) > 0 {
		s.rebuild(ctx, w.Rebuild)
	}
	for _, sync := range w.Sync {
		s.o.Tell(syncing(sync, s.o.Verbose))
		failed[sync.Service] = s.failed(ctx, s.sync(ctx, sync))
	}
	restart := slices.DeleteFunc(w.Restart, func(name string) bool { return failed[name] })
	if len(restart) > 0 && !s.failed(ctx, s.o.Changer.Restart(ctx, restart)) {
		s.o.Tell(fmt.Sprintf("service(s) %q restarted", restart))
	}
	for _, e := range w.Exec {
		if !failed[e.Service] {
			s.failed(ctx, s.exec(ctx, e))
		}
	}
}

// failed tells of an error, unless it is that the watch ends.
func (s *session) failed(ctx context.Context, err error) bool {
	if err != nil && ctx.Err() == nil {
		s.o.Fail("Error handling changed files: " + err.Error())
	}
	return err != nil
}

func syncing(w watch.Sync, verbose bool) string {
	if !verbose {
		return fmt.Sprintf("Syncing service %q after %d changes were detected", w.Service, len(w.Files))
	}
	var from []string
	for _, f := range w.Files {
		from = append(from, f.From)
	}
	return fmt.Sprintf("Syncing service %q after changes were detected: %s", w.Service, strings.Join(from, ", "))
}

func (s *session) rebuild(ctx context.Context, services []string) {
	s.o.Tell(fmt.Sprintf("Rebuilding service(s) %q after changes were detected...", services))
	before := s.images(ctx, services)
	if err := s.o.Changer.Rebuild(ctx, services); err != nil {
		if ctx.Err() == nil {
			s.o.Fail(err.Error())
		}
		return
	}
	s.o.Tell(fmt.Sprintf("service(s) %q successfully built", services))
	if s.o.Prune {
		s.prune(ctx, before, s.images(ctx, services))
	}
}

// images of the containers of services, by name.
func (s *session) images(ctx context.Context, services []string) map[string]string {
	all, err := s.Engine.ListContainers(ctx, s.project.Name)
	if err != nil {
		return nil // nothing is removed then
	}
	out := map[string]string{}
	for _, l := range all {
		if slices.Contains(services, l.Service()) && !l.OneOff() && !l.Hook() {
			out[l.Name] = l.ImageID
		}
	}
	return out
}

// prune images that a rebuild made and the one behind it replaced. What there was before the watch stays: a rollback goes back to it.
func (s *session) prune(ctx context.Context, before, after map[string]string) {
	for name, id := range after {
		was := before[name]
		if was == "" || was == id {
			continue
		}
		if s.built[name] == was {
			_ = s.Engine.RemoveUntagged(ctx, was) // one that is used elsewhere stays
		}
		s.built[name] = id
	}
}

// each container of a service that there is, or that runs, at once.
func (s *session) each(ctx context.Context, service string, running bool, do func(container.Live) error) error {
	all, err := s.Engine.ListContainers(ctx, s.project.Name)
	if err != nil {
		return err
	}
	errs := make([]error, len(all))
	var doing sync.WaitGroup
	for i, l := range all {
		if l.Service() == service && !l.OneOff() && !l.Hook() && (l.Up() || !running) {
			doing.Go(func() { errs[i] = do(l) })
		}
	}
	doing.Wait()
	return errors.Join(errs...)
}

// sync removes what is gone, then copies the rest: a file may have become a directory.
func (s *session) sync(ctx context.Context, w watch.Sync) error {
	rm := []string{"rm", "-rf"}
	var files []transfer.File
	for _, f := range w.Files {
		switch {
		case !f.Gone:
			files = append(files, transfer.File{From: f.From, To: f.To})
		case f.To != "/":
			rm = append(rm, f.To)
		}
	}
	return s.each(ctx, w.Service, false, func(l container.Live) error {
		var removed, copied error
		if len(rm) > 2 && l.Up() {
			if err := s.run(ctx, l, engine.Exec{Command: rm}); err != nil { // some have no rm: the rest is copied all the same
				removed = fmt.Errorf("deleting paths in %s: %w", l.Name, err)
			}
		}
		if len(files) > 0 {
			if err := transfer.Files(ctx, s.Engine, l.ID, files); err != nil {
				copied = fmt.Errorf("copying files to %s: %w", l.Name, err)
			}
		}
		return errors.Join(removed, copied)
	})
}

func (s *session) exec(ctx context.Context, e watch.Exec) error {
	command := apply.ExecOf(e.Hook)
	return s.each(ctx, e.Service, true, func(l container.Live) error {
		if err := s.run(ctx, l, command); err != nil {
			return fmt.Errorf("exec in %s: %w", l.Name, err)
		}
		return nil
	})
}

func (s *session) run(ctx context.Context, l container.Live, e engine.Exec) error {
	code, err := s.Engine.Exec(ctx, l.ID, e, s.o.Wrote)
	if err == nil && code != 0 {
		err = fmt.Errorf("exit code %d", code)
	}
	return err
}

// PlanRebuild of services: their images are built, and their containers replaced, with those that run and hold on to them, or ask to be restarted.
func (t Tool) PlanRebuild(ctx context.Context, p Project, services []string, o UpOptions) (plan.Plan, error) {
	all, err := t.Engine.ListContainers(ctx, p.Name)
	if err != nil {
		return plan.Plan{}, err
	}
	g := &graph.Graph[string]{}
	for _, s := range p.Services {
		g.Add(s.Name)
		up := slices.ContainsFunc(all, func(l container.Live) bool { return l.Service() == s.Name && l.Up() && !l.OneOff() })
		for _, d := range s.Depends {
			if up && (d.Restart || d.Namespace != "") {
				g.After(s.Name, d.Service)
			}
		}
	}
	o.Services, o.NoDeps, o.Build, o.IgnoreOrphans = g.Reach(services...), true, true, true
	p.Services = slices.Clone(p.Services)
	for i, s := range p.Services {
		if slices.Contains(o.Services, s.Name) && !slices.Contains(services, s.Name) { // its image stays
			p.Services[i].Image.Build, p.Services[i].Image.Policy = nil, image.Missing
			p.Services[i].PreStart = slices.Clone(s.PreStart)
			for k := range s.PreStart {
				p.Services[i].PreStart[k].Image.Build, p.Services[i].PreStart[k].Image.Policy = nil, image.Missing
			}
		}
	}
	return t.Plan(ctx, p, o)
}
