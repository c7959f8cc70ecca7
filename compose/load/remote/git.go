package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// git gives the local copy of a file in a repository. The repository is checked out once for each commit.
func (s *Store) git(ctx context.Context, text string) (string, error) {
	if err := s.enabled("git", "COMPOSE_EXPERIMENTAL_GIT_REMOTE"); err != nil {
		return "", err
	}
	r, _, err := parseGit(text)
	if err != nil {
		return "", err
	}
	id, err := s.commit(ctx, r)
	if err != nil {
		return "", err
	}
	t := s.Tree(s.dir(id))
	if t == nil {
		t = s.add(id, r.within)
	}
	return s.file(t, r)
}

// commit that a reference stands for, checked out.
func (s *Store) commit(ctx context.Context, r gitRef) (id string, err error) {
	if commitID.MatchString(r.ref) {
		return s.checkout(ctx, r, r.ref, r.ref)
	}
	name, commit, err := r.lookUp(ctx)
	if unreachable.MatchString(fmt.Sprint(err)) {
		if id, ok := s.recall(r.text, err); ok {
			return id, nil
		}
	}
	if err != nil {
		return "", err
	}
	id, err = s.checkout(ctx, r, name, commit)
	if err == nil {
		s.remember(r.text, id)
	}
	return id, err
}

// lookUp the reference in the repository: its full name, and its commit.
func (r gitRef) lookUp(ctx context.Context) (name, commit string, err error) {
	want := r.ref
	if want == "" {
		want = "HEAD"
	}
	out, err := git(ctx, "", "ls-remote", "--exit-code", "--", r.remote, want, want+"^{}")
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 2 {
		return "", "", fmt.Errorf("repository %s does not contain %q", Redact(r.remote), want)
	}
	if err != nil {
		return "", "", fmt.Errorf("access repository %s: %w", Redact(r.remote), err)
	}
	ids := map[string]string{}
	for line := range strings.Lines(out) {
		if id, ref, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok {
			ids[ref] = id
		}
	}
	for _, full := range []string{want, "refs/" + want, "refs/tags/" + want, "refs/heads/" + want} { // git's own order
		if id, ok := ids[full]; ok {
			if of, ok := ids[full+"^{}"]; ok {
				id = of
			}
			return full, id, nil
		}
	}
	return "", "", fmt.Errorf("repository %s does not contain %q", Redact(r.remote), want)
}

// checkout what the repository has by a name, unless the commit is there already.
func (s *Store) checkout(ctx context.Context, r gitRef, name, commit string) (id string, err error) {
	if commitID.MatchString(commit) && s.has("git/"+commit) {
		return "git/" + commit, r.verify(commit)
	}
	return s.fill(func(dir string) (string, error) {
		commit, err := r.fetch(ctx, dir, name)
		if err != nil {
			return "", err
		}
		return "git/" + commit, r.verify(commit)
	})
}

func (r gitRef) verify(commit string) error {
	if !strings.HasPrefix(commit, r.commit) {
		return fmt.Errorf("%s: %q is commit %s", Redact(r.text), r.ref, commit)
	}
	return nil
}

// fetch the tree into a new folder, without its history. The address is kept nowhere: it may hold a password.
func (r gitRef) fetch(ctx context.Context, dir, name string) (commit string, err error) {
	if _, err := git(ctx, dir, "init", "-q"); err != nil {
		return "", fmt.Errorf("make cache: %w", err)
	}
	if _, err := git(ctx, dir, "fetch", "-q", "--depth=1", "--no-tags", "--", r.remote, name); err != nil {
		return "", fmt.Errorf("fetch %s: %w", Redact(r.text), err)
	}
	if _, err := git(ctx, dir, "-c", "advice.detachedHead=false", "checkout", "-q", "--detach", "FETCH_HEAD"); err != nil {
		return "", fmt.Errorf("check out %s: %w", Redact(r.text), err)
	}
	out, err := git(ctx, dir, "rev-parse", "HEAD")
	return strings.TrimSpace(out), err
}

// file that the reference names: a directory stands for the Compose file in it.
func (s *Store) file(t *Tree, r gitRef) (string, error) {
	path := filepath.Join(t.root, filepath.FromSlash(r.subdir))
	if !t.Holds(path) {
		return "", fmt.Errorf("%s: %q leads out of the repository", Redact(r.text), r.subdir)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("%s: not found in the repository", Redact(r.text))
	}
	if !info.IsDir() {
		return path, nil
	}
	for _, name := range s.o.Names {
		file := filepath.Join(path, name)
		if info, err := os.Stat(file); err == nil && !info.IsDir() {
			if !t.Holds(file) {
				return "", fmt.Errorf("%s: %q leads out of the repository", Redact(r.text), name)
			}
			return file, nil
		}
	}
	return "", fmt.Errorf("%s: no compose file found", Redact(r.text))
}

// unreachable is what git says where the network is the reason.
var unreachable = regexp.MustCompile(`Could not resolve host|[Cc]ould ?n[o']t connect|Failed to connect|[Uu]nable to connect|Connection (refused|timed out|reset)|timed out|Network is unreachable|No route to host|Temporary failure in name resolution`)

// git runs one command. The error is what it said, on one line.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env = dir, gitEnvironment(os.Environ())
	var told bytes.Buffer
	cmd.Stderr = &told
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return "", errors.New("the program git is needed, and not found")
	}
	if text := strings.Join(strings.Fields(told.String()), " "); err != nil && text != "" {
		return "", said{err, Redact(text)}
	}
	return string(out), err
}

// said is an error with what the program wrote.
type said struct {
	error
	text string
}

func (s said) Error() string { return s.text }
func (s said) Unwrap() error { return s.error }

// gitEnvironment asks the user nothing, takes no repository but ours, and knows no way but over the network.
func gitEnvironment(env []string) []string {
	out := []string{"GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=http:https:ssh:git"}
	if os.Getenv("GIT_SSH") == "" && os.Getenv("GIT_SSH_COMMAND") == "" {
		out = append(out, "GIT_SSH_COMMAND=ssh -o ControlMaster=no -o BatchMode=yes")
	}
	for _, kv := range env {
		switch name, _, _ := strings.Cut(kv, "="); name {
		case "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX":
		default:
			out = append(out, kv) // what is set wins
		}
	}
	return append(out, "LC_ALL=C") // what it says is read
}
