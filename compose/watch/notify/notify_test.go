package notify

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// field is a directory, and a watch of "root" in it.
type field struct {
	*testing.T
	dir string
	w   *Watcher
}

func sow(t *testing.T, files ...string) *field {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := &field{T: t, dir: dir}
	for _, name := range files {
		f.write(name)
	}
	return f
}

func (f *field) watch(roots ...string) {
	f.Helper()
	var paths []string
	for _, r := range roots {
		paths = append(paths, filepath.Join(f.dir, r))
	}
	w, err := Open(paths, func(dir string) bool { return filepath.Base(dir) == "skipped" })
	f.must(err)
	f.Cleanup(func() { f.must(w.Close()) })
	f.w = w
}

func (f *field) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *field) path(name string) string { return filepath.Join(f.dir, name) }

func (f *field) write(name string) {
	f.Helper()
	f.must(os.MkdirAll(filepath.Dir(f.path(name)), 0o755))
	f.must(os.WriteFile(f.path(name), []byte(name), 0o644))
}

// tells of all these, of whatever else, and of nothing that is not watched.
func (f *field) tells(names ...string) {
	f.Helper()
	limit := time.After(time.Minute)
	for missing := slices.Clone(names); len(missing) > 0; {
		select {
		case p, ok := <-f.w.Changes():
			name := strings.TrimPrefix(p, f.dir+"/")
			if !ok || strings.Contains(name, "skipped/") || strings.HasPrefix(name, "beside") {
				f.Fatalf("told of %s: %v", name, f.w.Err())
			}
			missing = slices.DeleteFunc(missing, func(m string) bool { return m == name })
		case <-limit:
			f.Fatalf("not told of %q", missing)
		}
	}
}

func TestFilesOfADirectory(t *testing.T) {
	f := sow(t, "root/a", "root/d/b", "root/skipped/c", "beside")
	f.watch("root")
	f.write("root/skipped/c")
	f.write("beside")
	f.write("root/a")
	f.write("root/d/b")
	f.tells("root/a", "root/d/b")
	f.must(os.Remove(f.path("root/a")))
	f.tells("root/a")
}

func TestNewDirectories(t *testing.T) {
	f := sow(t, "root/a")
	f.watch("root")
	f.write("root/x/y/z/new")
	f.tells("root/x/y/z/new")
	f.write("root/x/y/more")
	f.tells("root/x/y/more")
}

func TestARenamedDirectoryIsWatchedUnderItsNewName(t *testing.T) {
	f := sow(t, "root/old/sub/a")
	f.watch("root")
	f.must(os.Rename(f.path("root/old"), f.path("root/new")))
	f.tells("root/old", "root/new/sub/a")
	f.write("root/new/sub/b")
	f.tells("root/new/sub/b")
}

func TestWhatIsNotThereYet(t *testing.T) {
	f := sow(t, "beside")
	f.watch("far/away/root", "file")
	f.write("far/away/root/d/a")
	f.tells("far/away/root/d/a")
	f.write("file")
	f.tells("file")
}

func TestARootThatIsRemovedAndComesBack(t *testing.T) {
	f := sow(t, "up/root/a")
	f.watch("up/root")
	for range 2 {
		f.must(os.RemoveAll(f.path("up")))
		f.tells("up/root")
		f.write("up/root/b")
		f.tells("up/root/b")
	}
}

func TestAFileThatIsSavedByRename(t *testing.T) {
	f := sow(t, "file", "beside")
	f.watch("file")
	for range 2 {
		f.write("beside2")
		f.must(os.Rename(f.path("beside2"), f.path("file")))
		f.tells("file")
	}
}

// rest is what else was told of by the time a file of the root "bell" is, so of all that was done until now. Each has a name of its own.
func (f *field) rest(bell string) map[string]bool {
	f.Helper()
	f.write("bell/" + bell)
	told := map[string]bool{}
	limit := time.After(time.Minute)
	for {
		select {
		case p, ok := <-f.w.Changes():
			switch name := strings.TrimPrefix(p, f.dir+"/"); {
			case !ok:
				f.Fatal(f.w.Err())
			case name == "bell/"+bell:
				return told
			case filepath.Dir(name) != "bell": // one may be told of again
				told[name] = true
			}
		case <-limit:
			f.Fatalf("not told of %s, but of %v", bell, told)
		}
	}
}

// only these were told of by then.
func (f *field) only(bell string, names ...string) {
	f.Helper()
	told := f.rest(bell)
	for _, name := range names {
		if !told[name] {
			f.Errorf("%s: not told of %s", bell, name)
		}
		delete(told, name)
	}
	if len(told) > 0 {
		f.Errorf("%s: told of %v, too", bell, told)
	}
}

func (f *field) rename(from, to string) {
	f.Helper()
	f.must(os.Rename(f.path(from), f.path(to)))
}

// vim and JetBrains' IDEs save so.
func TestAFileThatIsSavedWithABackup(t *testing.T) {
	f := sow(t, "web/conf", "web/beside", "api/a", "api/d/b", "file", "bell/0")
	f.watch("web/conf", "api", "file", "bell")
	f.rename("web/conf", "web/conf~")
	f.only("gone", "web/conf")
	f.write("web/conf")
	f.must(os.Remove(f.path("web/conf~")))
	f.only("back", "web/conf")
	f.write("web/conf")
	f.only("written", "web/conf")
	for _, bell := range []string{"at once", "again"} {
		f.rename("web/conf", "web/conf~")
		f.write("web/conf")
		f.only(bell, "web/conf")
	}
	f.rename("web/conf", "web/conf~")
	f.write("web/new")
	f.rename("web/new", "web/conf")
	f.only("written beside", "web/conf")
	f.write("web/conf")
	f.only("written at last", "web/conf")
}

// git checkout
func TestAFileThatIsRemovedAndMadeAnew(t *testing.T) {
	f := sow(t, "web/conf", "api/a", "file", "bell/0")
	f.watch("web/conf", "api", "file", "bell")
	for _, bell := range []string{"once", "twice"} {
		f.must(os.Remove(f.path("web/conf")))
		f.write("web/conf")
		f.only(bell, "web/conf")
		f.write("web/conf")
		f.only(bell+" written", "web/conf")
	}
	f.must(os.Remove(f.path("web/conf")))
	f.only("gone", "web/conf")
	f.write("web/conf/a")
	f.only("a directory", "web/conf/a")
	f.must(os.RemoveAll(f.path("web/conf")))
	f.write("web/conf")
	f.only("a file", "web/conf", "web/conf/a")
}

func TestADirectoryThatIsMovedAwayAndMadeAnew(t *testing.T) {
	f := sow(t, "web/a", "web/d/b", "api/a", "file", "bell/0")
	f.watch("web", "api", "file", "bell")
	f.rename("web", "web~")
	f.only("gone", "web")
	f.write("web~/a")
	f.write("web/c")
	f.write("web/d/b")
	f.only("back", "web/c", "web/d", "web/d/b")
	f.write("web/d/b")
	f.only("written", "web/d/b")
	f.rename("web", "web~2")
	f.write("web/d/e")
	f.only("at once", "web", "web/d", "web/d/e")
	f.write("web/d/e")
	f.only("written at last", "web/d/e")
}

func TestADirectoryAboveARootThatIsMovedAwayAndMadeAnew(t *testing.T) {
	f := sow(t, "s/web/src/a", "s/web/conf", "s/api/src/a", "s/api/conf", "bell/0")
	f.watch("s/web/src", "s/web/conf", "s/web/none", "s/api/src", "s/api/conf", "bell")
	f.rename("s/web", "s/web~")
	f.only("gone", "s/web/src")
	f.write("s/web/src/b")
	f.write("s/web/conf")
	f.only("back", "s/web/src/b", "s/web/conf")
	f.rename("s", "s~") // from which all are made anew
	f.only("all gone", "s/web/src", "s/api/src")
	f.write("s/api/src/b")
	f.write("s/web/none")
	f.only("all back", "s/api/src/b", "s/web/none")
	f.write("s/api/src/b")
	f.only("written", "s/api/src/b")
}

// behind: nothing is read of what is done, as the watcher waits to tell of something before.
func (f *field) behind(busy string, do func()) {
	f.Helper()
	f.write(busy)
	do()
	f.tells(busy)
}

func TestDirectoriesThatAreRemovedAndMadeAnewBeforeThatIsRead(t *testing.T) {
	for _, gone := range [][]string{{"s/web/src"}, {"s/web"}, {"s/web", "s/api"}, {"s"}} {
		for _, remade := range [][]string{{"s/web/src/new"}, {"s/api/src/new"}, {"s/web/src/new", "s/api/src/new"}} {
			t.Run(fmt.Sprint(gone, remade), func(t *testing.T) {
				f := sow(t, "s/web/src/a", "s/api/src/a", "bell/0")
				f.watch("s/web/src", "s/web/conf", "s/api/src", "s/api/conf", "bell")
				for _, bell := range []string{"once", "twice"} {
					f.behind("bell/busy", func() {
						for _, dir := range gone {
							f.must(os.RemoveAll(f.path(dir)))
						}
						for _, name := range remade {
							f.write(name)
						}
					})
					f.rest(bell)
					for _, name := range []string{"s/web/src/a", "s/web/conf", "s/api/src/a", "s/api/conf"} {
						f.write(name)
						f.tells(name)
					}
				}
			})
		}
	}
}

func TestADirectoryThatIsFoundAtItsNewPlaceFirst(t *testing.T) {
	f := sow(t, "web/a", "web/d/b", "root/old/d/a", "other/a", "bell/0")
	f.watch("web", "root", "other", "bell")
	f.behind("bell/busy", func() {
		f.must(os.MkdirAll(f.path("root/new/deep"), 0o755))
		f.rename("web", "root/new/deep/web")
		f.rename("root/old", "root/new/deep/old")
		f.write("root/new/deep/web/d/b")
	})
	told := f.rest("moved")
	for _, name := range []string{"web", "root/old", "root/new/deep/web/a", "root/new/deep/web/d/b", "root/new/deep/old/d/a"} {
		if !told[name] {
			t.Errorf("not told of %s", name)
		}
	}
	if told["other/a"] {
		t.Error("told of another root")
	}
	f.write("root/new/deep/web/d/b")
	f.only("written", "root/new/deep/web/d/b")
	f.write("root/new/deep/old/d/a")
	f.only("written, too", "root/new/deep/old/d/a")
}

func TestDirectoriesFromTheTop(t *testing.T) {
	for want, roots := range map[string][]string{"/p": {"/p/a"}, "/p/s": {"/p/s/web/src", "/p/s/api"}, "/": {"/a/b", "/c"}, "/p/a": {"/p/a/b/c", "/p/a/d", "/p/a/b/e"}} {
		if got := top(roots); got != want {
			t.Errorf("%s for %q", got, roots)
		}
	}
	if got := next("/", "/a/b"); got != "/a" {
		t.Error(got)
	}
}

// TestWhatMayNotBeRead is left out with all that is in it, if the caller says so.
func TestWhatMayNotBeRead(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"a", "closed/in", "z"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	enter := func(d string) error {
		if filepath.Base(d) == "closed" {
			return &fs.PathError{Op: "inotify_add_watch", Path: d, Err: syscall.EACCES}
		}
		return nil
	}
	denied := func(err error) bool { return errors.Is(err, fs.ErrPermission) }
	for name, test := range map[string]struct {
		out  func(error) bool
		want []string
	}{"left out": {denied, []string{".", "a", "z"}}, "an error": {never, []string{".", "a"}}} {
		var found []string
		err := walk(dir, func(string) bool { return false }, enter, test.out, func(p string) {
			rel, _ := filepath.Rel(dir, p)
			found = append(found, rel)
		})
		if (err == nil) != (name == "left out") || !slices.Equal(found, test.want) {
			t.Errorf("%s: found %v, %v", name, found, err)
		}
	}
}

func TestLinksAreNotFollowed(t *testing.T) {
	f := sow(t, "root/a", "beside/far")
	f.must(os.Symlink(f.path("beside"), f.path("root/link")))
	f.watch("root")
	f.write("beside/far")
	f.must(os.Symlink(f.path("root"), f.path("root/loop")))
	f.tells("root/loop")
	all, err := Files([]string{f.path("root")}, func(string) bool { return false })
	if want := []string{f.path("root/a"), f.path("root/link"), f.path("root/loop")}; err != nil || !slices.Equal(all, want) {
		t.Errorf("%q, %v", all, err)
	}
}

func TestLimits(t *testing.T) {
	for errno, want := range map[syscall.Errno]string{syscall.ENOSPC: "fs.inotify.max_user_watches=", syscall.EMFILE: "fs.inotify.max_user_instances="} {
		if err := limited("/p", errno); !strings.Contains(err.Error(), want) || !errors.Is(err, errno) {
			t.Error(err)
		}
	}
}
