// Package watch decides what has to be done when files change, by the rules of develop.watch. It is pure: what has changed comes in as values.
package watch

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/volume"
)

// Rules of the services of a project that are watched.
type Rules struct{ rules []rule }

// rule of a service, with its patterns read.
type rule struct {
	desired.WatchRule
	service string
	include *patterns // nil: all
	ignore  []*patterns
	initial *patterns // left out of the initial sync, too
}

// ErrNone: no service is configured to be watched.
var ErrNone = errors.New("none of the selected services is configured for watch, consider setting a 'develop' section")

// New reads the rules of services; left is what their builds leave out of the context, by service. Rules that would copy what containers have
// mounted anyway are left out with a warning.
func New(services []desired.Service, left map[string]Ignored) (Rules, diag.List, error) {
	var out Rules
	var warnings diag.List
	for _, s := range services {
		for i, w := range s.Watch {
			if w.Action.Syncs() && mounted(s, w.Path) {
				warnings = append(warnings, diag.Diagnostic{Severity: diag.Warning, Text: fmt.Sprintf("path '%s' also declared by a bind mount volume, this path won't be monitored!", w.Path)})
				continue
			}
			r, err := newRule(s, i, left[s.Name])
			if err != nil {
				return Rules{}, nil, err
			}
			out.rules = append(out.rules, r)
		}
	}
	if len(out.rules) == 0 {
		return Rules{}, warnings, ErrNone
	}
	return out, warnings, nil
}

// mounted tells whether a bind mount shows a path to the service's containers.
func mounted(s desired.Service, at string) bool {
	for _, m := range s.Container.Mounts {
		if _, in := below(m.Source, at); in && m.Type == volume.Bind {
			return true
		}
	}
	return false
}

func newRule(s desired.Service, i int, left Ignored) (rule, error) {
	r := rule{WatchRule: s.Watch[i], service: s.Name}
	var err error
	switch {
	case r.Action == desired.Rebuild && s.Image.Build == nil:
		err = fmt.Errorf("can't watch service %q with action %s without a build context", s.Name, r.Action)
	case r.Action == desired.SyncExec && len(r.Exec.Command) == 0:
		err = fmt.Errorf("can't watch with action %q on service %s without a command", r.Action, s.Name)
	default:
		err = r.read(s, left)
	}
	return r, err
}

func (r *rule) read(s desired.Service, left Ignored) error {
	own, err := newPatterns(r.Path, r.Ignore)
	if err != nil {
		return fmt.Errorf("service %q: develop.watch: ignore: %w", s.Name, err)
	}
	context, err := left.patterns()
	if err != nil {
		return fmt.Errorf("service %q: %s: %w", s.Name, left.File, err)
	}
	r.ignore = []*patterns{own, context, always(r.Path)}
	if len(r.Include) > 0 {
		if r.include, err = newPatterns(r.Path, r.Include); err != nil {
			return fmt.Errorf("service %q: develop.watch: include: %w", s.Name, err)
		}
	}
	r.initial = initially(r.Path, s.Image.Build)
	return nil
}

// Paths that are watched, once each.
func (rs Rules) Paths() []string {
	var out []string
	for _, r := range rs.rules {
		out = append(out, r.Path)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Skips tells whether nothing in a directory matters to any rule, so that it need not be looked into: node_modules, .git.
func (rs Rules) Skips(dir string) bool {
	for _, r := range rs.rules {
		if _, in := below(r.Path, dir); in && !r.skips(dir) {
			return false
		}
	}
	return true
}

func (r rule) skips(dir string) bool {
	return dir != r.Path && slices.ContainsFunc(r.ignore, func(p *patterns) bool { return p.whole(dir) })
}

// Change of what is at a path: there is something new, or nothing any more.
type Change struct {
	Path string
	Gone bool
}

// Work that changes ask for, in this order. Services are in order of name.
type Work struct {
	Rebuild []string
	Sync    []Sync
	Restart []string
	Exec    []Exec
}

// Sync is what is copied into the containers of a service, and removed from them.
type Sync struct {
	Service string
	Files   []File // in order of their place in the containers
}

// File to be copied, or to be removed.
type File struct {
	From string // on this machine
	To   string // in the container, slash-separated
	Gone bool
}

// Exec of a rule, in the containers of a service.
type Exec struct {
	Service string
	Hook    container.Hook
}

// Decide what changes ask for.
func (rs Rules) Decide(changes []Change) Work {
	var w work
	for _, r := range rs.rules {
		var files []File
		for _, c := range changes {
			if f, ok := r.match(c); ok {
				files = append(files, f)
			}
		}
		if len(files) > 0 {
			w.take(r, files)
		}
	}
	return w.done()
}

// Initial is what has to be copied before the rest, of all files that there are.
func (rs Rules) Initial(files []string) Work {
	var w work
	for _, r := range rs.rules {
		for _, path := range files {
			f, ok := r.match(Change{Path: path})
			if ok && r.InitialSync && r.Action.Syncs() && !r.initial.match(path) {
				w.sync(r.service, f)
			}
		}
	}
	return w.done()
}

// match tells whether a rule is about a change, and where that is in the containers.
func (r rule) match(c Change) (File, bool) {
	rel, in := below(r.Path, c.Path)
	if !in || r.include != nil && !r.include.match(c.Path) {
		return File{}, false
	}
	if slices.ContainsFunc(r.ignore, func(p *patterns) bool { return p.match(c.Path) }) {
		return File{}, false
	}
	return File{From: c.Path, To: r.place(rel), Gone: c.Gone}, true
}

// place in the containers. A target that ends in a slash is a directory, also of a file.
func (r rule) place(rel string) string {
	switch {
	case r.Target == "":
		return ""
	case rel == "." && strings.HasSuffix(r.Target, "/"):
		return path.Join(r.Target, filepath.Base(r.Path)) // only a file's change is told so: see the watcher
	}
	return path.Join(r.Target, filepath.ToSlash(rel))
}

// work in the making.
type work struct {
	Work
	files map[string]map[string]File // by service, by place
}

func (w *work) take(r rule, files []File) {
	switch r.Action {
	case desired.Rebuild:
		w.Rebuild = append(w.Rebuild, r.service)
	case desired.Restart, desired.SyncRestart:
		w.Restart = append(w.Restart, r.service)
	case desired.SyncExec:
		w.Exec = append(w.Exec, Exec{r.service, r.WatchRule.Exec})
	}
	for _, f := range files {
		if r.Action.Syncs() {
			w.sync(r.service, f)
		}
	}
}

func (w *work) sync(service string, f File) {
	if w.files == nil {
		w.files = map[string]map[string]File{}
	}
	if w.files[service] == nil {
		w.files[service] = map[string]File{}
	}
	w.files[service][f.To] = f
}

func (w *work) done() Work {
	for _, all := range []*[]string{&w.Rebuild, &w.Restart} {
		slices.Sort(*all)
		*all = slices.Compact(*all)
	}
	for service, files := range w.files {
		s := Sync{Service: service}
		for _, f := range files {
			s.Files = append(s.Files, f)
		}
		slices.SortFunc(s.Files, func(a, b File) int { return cmp.Compare(a.To, b.To) })
		w.Work.Sync = append(w.Work.Sync, s)
	}
	slices.SortFunc(w.Work.Sync, func(a, b Sync) int { return cmp.Compare(a.Service, b.Service) })
	return w.Work
}
