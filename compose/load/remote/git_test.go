package remote

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tutti-run/tutti/compose/load/remote/remotetest"
)

// newStore on a cache, with what it warned of.
func newStore(cache string) (*Store, *[]string) {
	var told []string
	return New(Options{Dir: cache, Names: []string{"compose.yaml", "compose.yml"}, DockerConfig: filepath.Join(cache, "none.json"),
		Getenv: func(string) string { return "" }, Warn: func(text string) { told = append(told, text) }}), &told
}

// write files, text by path.
func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func commit(t *testing.T, dir string) string {
	t.Helper()
	id, err := remotetest.Commit(dir)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func run(t *testing.T, dir string, args ...string) {
	t.Helper()
	if _, err := remotetest.Git(dir, args...); err != nil {
		t.Fatal(err)
	}
}

// shop is a repository with an older commit, that is tagged, and a link that leads out of it.
func shop(t *testing.T) (server *httptest.Server, dir string, older, newer string) {
	t.Helper()
	root := t.TempDir()
	dir = filepath.Join(root, "shop.git")
	write(t, dir, map[string]string{"compose.yaml": "old", "deploy/compose.yml": "deploy", "deploy/one.yaml": "one"})
	older = commit(t, dir)
	run(t, dir, "tag", "-a", "-m", "first", "v1")
	run(t, dir, "branch", "feature/main")
	write(t, dir, map[string]string{"compose.yaml": "new"})
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "out.yaml")); err != nil {
		t.Fatal(err)
	}
	newer = commit(t, dir)
	server, err := remotetest.GitServer(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server, dir, older, newer
}

func TestGit(t *testing.T) {
	server, _, older, newer := shop(t)
	url := server.URL + "/shop.git"
	for ref, want := range map[string]string{
		"":                             "new",
		"#main":                        "new",
		"#v1":                          "old",
		"#feature/main":                "old",
		"#" + older:                    "old",
		"#refs/heads/main":             "new",
		"#:deploy":                     "deploy",
		"#main:deploy/one.yaml":        "one",
		"#" + newer + ":deploy/":       "deploy",
		"?tag=v1":                      "old",
		"?branch=feature/main":         "old",
		"?subdir=deploy":               "deploy",
		"?commit=" + older:             "old",
		"?ref=v1&commit=" + older[:12]: "old",
	} {
		s, told := newStore(t.TempDir())
		path, err := s.Fetch(t.Context(), url+ref)
		if err != nil {
			t.Errorf("%s: %v", ref, err)
			continue
		}
		if text, err := os.ReadFile(path); string(text) != want || err != nil {
			t.Errorf("%s: %q %v, want %q", ref, text, err, want)
		}
		if s.Tree(path) == nil || s.Tree("/etc") != nil || len(*told) > 0 {
			t.Errorf("%s: tree %v, told %q", ref, s.Tree(path), *told)
		}
	}
}

func TestGitMistakes(t *testing.T) {
	server, _, older, _ := shop(t)
	url := server.URL + "/shop.git"
	for ref, want := range map[string]string{
		url + "#nothing":                      `repository URL/shop.git does not contain "nothing"`,
		url + "#" + strings.Repeat("0", 40):   "fetch URL/shop.git#" + strings.Repeat("0", 40) + ": ",
		url + "#:../x":                        `"../x" leads out of the repository`,
		url + `#:deploy\..\..\x`:              `leads out of the repository`,
		url + "#:/etc":                        `"/etc" leads out of the repository`,
		url + "#:out.yaml":                    `"out.yaml" leads out of the repository`,
		url + "#:nowhere":                     "not found in the repository",
		url + "#:.git":                        "no compose file found",
		url + "#--upload-pack=touch x":        "is no name of a branch, tag or commit",
		url + "#ma*n":                         "is no name of a branch, tag or commit",
		url + "?ref=main&commit=" + older:     `"main" is commit`,
		url + "?depth=3":                      `unexpected query "depth"`,
		url + "?ref=a&branch=b":               "is given twice",
		server.URL + "/none.git":              "access repository URL/none.git: ",
		"http://me:secret@" + url[7:] + "#no": `repository http://me:xxxxx@` + server.URL[7:] + `/shop.git does not contain "no"`,
	} {
		s, _ := newStore(t.TempDir())
		_, err := s.Fetch(t.Context(), ref)
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), server.URL, "URL"), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", ref, err, want)
		}
	}
}

// TestGitCache: a commit is fetched once, a branch is looked up each time, and its last copy serves where nobody answers.
func TestGitCache(t *testing.T) {
	server, dir, older, newer := shop(t)
	url, cache := server.URL+"/shop.git", t.TempDir()
	fetch := func(ref string) (string, []string) {
		t.Helper()
		s, told := newStore(cache)
		path, err := s.Fetch(t.Context(), url+ref)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := os.ReadFile(path)
		return string(text), *told
	}
	fetch("#main")
	fetch("#" + older)
	write(t, dir, map[string]string{"compose.yaml": "newest"})
	commit(t, dir)
	if text, _ := fetch("#main"); text != "newest" {
		t.Errorf("the branch has moved, and gives %q", text)
	}
	server.Close()
	if text, told := fetch("#" + newer); text != "new" || len(told) > 0 {
		t.Errorf("a commit needs no server: %q, told %q", text, told)
	}
	text, told := fetch("#main")
	if text != "newest" || len(told) != 1 || !strings.Contains(told[0], "#main: taken from the cache, as it was when it was last looked up: ") {
		t.Errorf("without a server: %q, told %q", text, told)
	}
	s, _ := newStore(cache)
	if _, err := s.Fetch(t.Context(), url+"#v1"); err == nil || !strings.Contains(err.Error(), "onnect") {
		t.Errorf("what was never looked up: %v", err)
	}
	left, _ := filepath.Glob(filepath.Join(cache, "new-*"))
	if len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestGitAtOnce: several that want the same get the same, whole.
func TestGitAtOnce(t *testing.T) {
	server, _, _, _ := shop(t)
	cache := t.TempDir()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			s, _ := newStore(cache)
			path, err := s.Fetch(context.Background(), server.URL+"/shop.git")
			if text, _ := os.ReadFile(path); string(text) != "new" {
				t.Errorf("%q %v", text, err)
			}
		})
	}
	all.Wait()
}

// TestGitSSH: the form without a scheme goes over ssh.
func TestGitSSH(t *testing.T) {
	_, dir, _, _ := shop(t)
	ssh := filepath.Join(t.TempDir(), "ssh")
	if err := os.WriteFile(ssh, []byte("#!/bin/sh\nfor last; do :; done\nexec sh -c \"$last\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GIT_SSH_COMMAND", ssh)
	for _, ref := range []string{"git@example.com:" + dir + "#v1", "ssh://example.com" + dir + "#v1"} {
		s, _ := newStore(t.TempDir())
		path, err := s.Fetch(t.Context(), ref)
		if text, _ := os.ReadFile(path); string(text) != "old" {
			t.Errorf("%s: %q %v", ref, text, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	server, _, _, _ := shop(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, ref := range []string{server.URL + "/shop.git", "oci://127.0.0.1:1/x"} {
		s, _ := newStore(t.TempDir())
		if _, err := s.Fetch(ctx, ref); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", ref, err)
		}
	}
}

// TestIs: what Docker Compose takes for a reference.
func TestIs(t *testing.T) {
	for _, ref := range []string{"oci://x/y", "https://h/r.git", "http://h/r.git#a:b", "git@h:r", "git@h:a/r.git#x", "ssh://git@h/r", "git://h/r", "github.com/a/b"} {
		if !Is(ref) {
			t.Errorf("%s is a reference", ref)
		}
	}
	for _, path := range []string{"", "-", "compose.yaml", "./git@h:r", "https://h/compose.yaml", "file:///r.git", "ext::sh", "/a@b:c", "-x@h:r", "https:///r.git", "C:x", "a:b"} {
		if Is(path) {
			t.Errorf("%s is a path", path)
		}
	}
}

func TestSwitches(t *testing.T) {
	for value, want := range map[string]string{"0": "is disabled by", "maybe": "is neither true nor false"} {
		s, _ := newStore(t.TempDir())
		s.o.Getenv = func(string) string { return value }
		for ref, name := range map[string]string{"https://h/r.git": "COMPOSE_EXPERIMENTAL_GIT_REMOTE", "oci://h/r": "COMPOSE_EXPERIMENTAL_OCI_REMOTE"} {
			if _, err := s.Fetch(t.Context(), ref); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s=%s: %v", name, value, err)
			}
		}
	}
}

// TestNames: a path of a copy is told as a reference, without a password.
func TestNames(t *testing.T) {
	s, _ := newStore("/cache")
	for text, want := range map[string]string{
		"https://h/r.git":                  "https://h/r.git#:a/b.yaml",
		"https://me:secret@h/r.git#main:a": "https://me:xxxxx@h/r.git#main:a/b.yaml",
		"git@h:r?subdir=a&branch=x":        "git@h:r#refs/heads/x:a/b.yaml",
	} {
		r, ok, err := parseGit(text)
		if !ok || err != nil {
			t.Fatal(text, err)
		}
		s.trees = nil
		if got := s.add("git/1", r.within).Name("/cache/git/1/a/b.yaml"); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// TestHolds: links count for where they lead.
func TestHolds(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in")
	write(t, dir, map[string]string{"in/file": "", "in/sub/file": "", "out": ""})
	for name, to := range map[string]string{"in/link": "../out", "in/up": "..", "in/ok": "sub", "in/broken": "/nowhere/at/all"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	held := []string{"file", ".", "sub/file", "ok/file", "new/dir/x", "sub/../file"}
	for _, path := range append(held, "link", "up", "up/new", "broken", "../out", "../new", "sub/../../out", "broken/x") {
		if got := Holds(in, filepath.Join(in, path)); got != slices.Contains(held, path) {
			t.Errorf("%s: %v", path, got)
		}
	}
}
