package notify

import (
	"errors"
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
