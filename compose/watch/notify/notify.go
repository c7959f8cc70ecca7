// Package notify tells which files have changed at paths and below them, whether those are there yet or not; it alone imports the library that
// asks the system.
package notify

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/fsnotify/fsnotify"
)

// Watcher of some roots. One goroutine owns all of it but what is said otherwise.
type Watcher struct {
	system  *fsnotify.Watcher
	roots   []string
	top     string // the lowest directory that all roots are below
	skip    func(dir string) bool
	dirs    map[string]bool // that are watched
	changes chan string
	quit    chan struct{}
	err     error // set before changes is closed
}

// Open watches roots, absolute paths of files or of directories with all that is in them, but for directories that are skipped. It fails rather than
// watch a part of them.
func Open(roots []string, skip func(dir string) bool) (*Watcher, error) {
	system, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, limited("", err)
	}
	w := &Watcher{system: system, roots: roots, top: top(roots), skip: skip, dirs: map[string]bool{}, changes: make(chan string), quit: make(chan struct{})}
	for _, root := range roots {
		if err := w.arm(root, false); err != nil {
			system.Close()
			return nil, err
		}
	}
	go w.loop()
	return w, nil
}

// Changes are the paths at which something was made, written, renamed or removed, some more than once. It is closed by Close, or when not all can
// be watched any more: then Err tells why.
func (w *Watcher) Changes() <-chan string { return w.changes }

// Err is what ended the watch, once Changes is closed; nil: Close did.
func (w *Watcher) Err() error { return w.err }

// Close ends it.
func (w *Watcher) Close() error {
	close(w.quit)
	for range w.changes { // until it has ended
	}
	return w.system.Close()
}

func (w *Watcher) loop() {
	defer close(w.changes)
	for {
		var err error
		select {
		case e := <-w.system.Events:
			err = w.happened(e)
		case err = <-w.system.Errors:
			if errors.Is(err, fsnotify.ErrEventOverflow) { // what was lost nobody knows
				err = w.anew()
			}
		case <-w.quit:
			return
		}
		if err != nil {
			w.err = err
			return
		}
	}
}

// anew watches all from the beginning, and tells of all files as if each had changed. The system's watcher is a new one, as the old one may
// still hold directories that are gone, and takes what has come in their place for them.
func (w *Watcher) anew() error {
	system, err := fsnotify.NewWatcher()
	if err != nil {
		return limited("", err)
	}
	w.system.Close()
	w.system, w.dirs = system, map[string]bool{}
	for _, root := range w.roots {
		if err := w.arm(root, true); err != nil {
			return err
		}
	}
	return nil
}

func (w *Watcher) happened(e fsnotify.Event) error {
	name, dir := e.Name, w.dirs[e.Name]
	gone := dir && (e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename))
	if gone {
		w.forget(name)
	}
	if !w.dirs[name] && !e.Has(fsnotify.Create) { // of a directory only matters what is in it
		w.tell(name)
	}
	if e.Has(fsnotify.Create) || gone { // a file that is gone leaves all watched: the directory it was in tells when it comes back
		if err := w.seek(name); err != nil {
			return err
		}
	}
	if gone && e.Has(fsnotify.Rename) {
		return w.strays()
	}
	return nil
}

// forget a directory that is gone, or is somewhere else now, with all that is in it. It tells of roots in it, as what their own watches still have to
// tell is lost.
func (w *Watcher) forget(name string) {
	for _, d := range slices.Collect(maps.Keys(w.dirs)) {
		if d == name || below(name, d) {
			delete(w.dirs, d)
			_ = w.system.Remove(d) // the system may have done so
			if d != name && slices.Contains(w.roots, d) {
				w.tell(d)
			}
		}
	}
}

// seek what is at a path now: of the roots there and below, or as a part of one. It is watched, and all of it is told.
func (w *Watcher) seek(name string) error {
	for _, root := range w.roots {
		if name != root && !below(name, root) {
			continue
		}
		if err := w.arm(root, true); err != nil {
			return err
		}
	}
	if w.wanted(name) {
		return w.tree(name, true)
	}
	return nil
}

// strays are directories that were found at their new place before it was read that they had left the old one. The system's watcher went on under
// the old name, which is forgotten now, and them with it.
func (w *Watcher) strays() error {
	known := map[string]bool{}
	for _, d := range w.system.WatchList() {
		known[d] = true
	}
	for _, d := range slices.Sorted(maps.Keys(w.dirs)) { // what is above comes first
		if known[d] {
			continue
		}
		w.forget(d)
		if err := w.seek(d); err != nil {
			return err
		}
		for found := range w.dirs {
			known[found] = known[found] || found == d || below(d, found)
		}
	}
	return nil
}

func (w *Watcher) wanted(name string) bool {
	return slices.ContainsFunc(w.roots, func(root string) bool { return name == root || below(root, name) })
}

func (w *Watcher) tell(name string) {
	if !w.wanted(name) {
		return
	}
	select {
	case w.changes <- name:
	case <-w.quit:
	}
}

// arm watches a root, and the directories above that there are, from the top: they tell when it comes or goes. What comes meanwhile is seen, as each
// directory is watched before it is looked into. A directory is never watched after one that is in it, as the system's watcher leaves it to the
// upper one to tell that the lower is gone.
func (w *Watcher) arm(root string, tell bool) error {
	for {
		above := existing(filepath.Dir(root))
		if w.dirs[next(above, root)] && above != filepath.Dir(root) {
			return nil // it is gone, which is still to be read: the root is sought then
		}
		if err := w.descend(above); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		if existing(filepath.Dir(root)) == above {
			return w.tree(root, tell)
		}
	}
}

// descend watches the directories from the top to one; where that is not below the top, it alone. One on the way that may not be read is left out.
func (w *Watcher) descend(to string) error {
	dir := to
	if below(w.top, to) {
		dir = w.top
	}
	for {
		err := w.add(dir)
		if dir == to || err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
		dir = next(dir, to)
	}
}

// next is the directory in dir that path is, or is below.
func next(dir, path string) string {
	for up := filepath.Dir(path); up != dir && up != path; up = filepath.Dir(path) {
		path = up
	}
	return path
}

func top(roots []string) string {
	var out string
	for i, root := range roots {
		dir := filepath.Dir(root)
		if i == 0 {
			out = dir
		}
		for out != dir && !below(out, dir) {
			out = filepath.Dir(out)
		}
	}
	return out
}

// existing is the path, or the nearest directory above it that there is.
func existing(path string) string {
	for {
		info, err := os.Stat(path)
		up := filepath.Dir(path)
		if err == nil && info.IsDir() || up == path {
			return path
		}
		path = up
	}
}

// tree watches a directory with all that is in it, and tells of that; not of a root that is one. What came later than the watch and may not be read
// is left out: a directory that some service makes for itself does not end the watch of the others.
func (w *Watcher) tree(path string, tell bool) error {
	later := func(err error) bool {
		return tell && (errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.ENOTDIR))
	}
	return walk(path, w.skip, w.add, later, func(path string) {
		if tell && !(w.dirs[path] && slices.Contains(w.roots, path)) {
			w.tell(path)
		}
	})
}

func (w *Watcher) add(dir string) error {
	if w.dirs[dir] {
		return nil
	}
	if err := w.system.Add(dir); err != nil {
		return limited(dir, err)
	}
	w.dirs[dir] = true
	return nil
}

// Files that there are at roots and below them, but for directories that are skipped.
func Files(roots []string, skip func(dir string) bool) ([]string, error) {
	var out []string
	for _, root := range roots {
		dirs := map[string]bool{}
		err := walk(root, skip, func(dir string) error { dirs[dir] = true; return nil }, never, func(path string) {
			if !dirs[path] {
				out = append(out, path)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

func never(error) bool { return false }

// walk a tree: enter each directory before it is looked into, and find each file, link and directory. What is gone by then is no error, nor is a
// directory that is left out for one.
func walk(path string, skip func(string) bool, enter func(string) error, out func(error) bool, find func(string)) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		find(path)
		return nil
	case skip(path):
		return nil
	}
	if err := enter(path); errors.Is(err, fs.ErrNotExist) || err != nil && out(err) {
		return nil
	} else if err != nil {
		return err
	}
	find(path)
	entries, err := os.ReadDir(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !out(err) {
		return err
	}
	for _, e := range entries {
		if err := walk(filepath.Join(path, e.Name()), skip, enter, out, find); err != nil {
			return err
		}
	}
	return nil
}

func below(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != "." && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// limited says what to do where the system allows no more.
func limited(dir string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("watch %s: this machine allows no more watches: raise fs.inotify.max_user_watches (sysctl -w fs.inotify.max_user_watches=524288), or leave directories out with 'ignore': %w", dir, err)
	case errors.Is(err, syscall.EMFILE):
		return fmt.Errorf("watch files: this machine allows no more watchers or open files: raise fs.inotify.max_user_instances (sysctl -w fs.inotify.max_user_instances=1024), or ulimit -n; of directories the limit is fs.inotify.max_user_watches: %w", err)
	}
	return fmt.Errorf("watch %s: %w", dir, err)
}
