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
	w := &Watcher{system: system, roots: roots, skip: skip, dirs: map[string]bool{}, changes: make(chan string), quit: make(chan struct{})}
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
	name := e.Name
	if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
		w.forget(name)
	}
	if !w.dirs[name] && !e.Has(fsnotify.Create) { // of a directory only matters what is in it
		w.tell(name)
	}
	for _, root := range w.roots {
		if name != root && !below(name, root) {
			continue
		}
		if e.Has(fsnotify.Remove) || e.Has(fsnotify.Rename) {
			return w.anew()
		}
		if !e.Has(fsnotify.Create) {
			continue
		}
		if err := w.arm(root, true); err != nil {
			return err
		}
	}
	if e.Has(fsnotify.Create) && w.wanted(name) {
		return w.tree(name, true)
	}
	return nil
}

// forget what is gone, or is somewhere else now.
func (w *Watcher) forget(name string) {
	if !w.dirs[name] {
		return
	}
	for _, d := range slices.Collect(maps.Keys(w.dirs)) {
		if d == name || below(name, d) {
			delete(w.dirs, d)
			_ = w.system.Remove(d) // the system may have done so
		}
	}
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

// arm watches a root, and the nearest directory above that there is: it tells when the root comes or goes. What comes meanwhile is seen, as each
// directory is watched before it is looked into.
func (w *Watcher) arm(root string, tell bool) error {
	for {
		above := existing(filepath.Dir(root))
		if err := w.add(above); errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return err
		}
		if existing(filepath.Dir(root)) == above {
			return w.tree(root, tell)
		}
	}
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

// tree watches a directory with all that is in it, and tells of that; not of a root that is one.
func (w *Watcher) tree(path string, tell bool) error {
	return walk(path, w.skip, w.add, func(path string) {
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
		err := walk(root, skip, func(dir string) error { dirs[dir] = true; return nil }, func(path string) {
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

// walk a tree: enter each directory before it is looked into, and find each file, link and directory. What is gone by then is no error.
func walk(path string, skip func(string) bool, enter func(string) error, find func(string)) error {
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
	if err := enter(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	find(path)
	entries, err := os.ReadDir(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if err := walk(filepath.Join(path, e.Name()), skip, enter, find); err != nil {
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
