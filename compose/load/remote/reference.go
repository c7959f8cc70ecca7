package remote

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// gitRef names a file or a directory in a repository: https://host/repo.git#ref:subdir.
type gitRef struct {
	text   string // as it was written
	remote string // for git
	ref    string // branch, tag or commit; "" is the default branch
	subdir string
	commit string // that ref has to stand for
}

var (
	withScheme = regexp.MustCompile(`^(https?|ssh|git)://`)
	scpStyle   = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9_-]*@[a-zA-Z0-9][a-zA-Z0-9.-]*:([^?#]*)(\?[^#]*)?(#.*)?$`)
	commitID   = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	notInRef   = regexp.MustCompile(`^[-+]|\.\.|[\x00-\x20~^:?*\[\\\x7f]`)
)

// parseGit reads a reference to a repository as BuildKit does; ok is false if it is none. Web addresses are repositories only if
// their path ends in .git.
func parseGit(text string) (r gitRef, ok bool, err error) {
	address := text
	if strings.HasPrefix(address, "github.com/") {
		address = "https://" + address
	}
	r.text = text
	address, fragment, _ := strings.Cut(address, "#")
	r.remote, address, _ = strings.Cut(address, "?")
	switch {
	case withScheme.MatchString(r.remote):
		u, bad := url.Parse(r.remote)
		if bad != nil || u.Host == "" || strings.HasPrefix(u.Host, "-") {
			return r, false, nil
		}
		if strings.HasPrefix(u.Scheme, "http") && !strings.HasSuffix(u.Path, ".git") && !strings.HasPrefix(text, "github.com/") {
			return r, false, nil
		}
	case !scpStyle.MatchString(text):
		return r, false, nil
	}
	r.ref, r.subdir, _ = strings.Cut(fragment, ":")
	if err := r.query(address); err != nil {
		return r, true, fmt.Errorf("%s: %w", Redact(text), err)
	}
	return r, true, r.check()
}

// query reads the newer form: ?branch=main&subdir=deploy.
func (r *gitRef) query(text string) error {
	values, err := url.ParseQuery(text)
	if err != nil {
		return err
	}
	for key, v := range values {
		if len(v) != 1 || v[0] == "" {
			return fmt.Errorf("%s needs one value", key)
		}
		switch to := map[string]*string{"ref": &r.ref, "branch": &r.ref, "tag": &r.ref, "subdir": &r.subdir, "commit": &r.commit, "checksum": &r.commit}[key]; {
		case to == nil:
			return fmt.Errorf("unexpected query %q", key)
		case *to != "":
			return fmt.Errorf("%s is given twice", key)
		default:
			*to = map[string]string{"branch": "refs/heads/", "tag": "refs/tags/"}[key] + v[0]
		}
	}
	return nil
}

// check that git cannot take the parts for something else, and that the file is in the repository.
func (r *gitRef) check() error {
	if r.ref == "" {
		r.ref = r.commit
	}
	if notInRef.MatchString(r.ref) {
		return fmt.Errorf("%s: %q is no name of a branch, tag or commit", Redact(r.text), r.ref)
	}
	dir := path.Clean(strings.ReplaceAll(r.subdir, `\`, "/"))
	if path.IsAbs(dir) || dir == ".." || strings.HasPrefix(dir, "../") || strings.Contains(dir, ":") {
		return fmt.Errorf("%s: %q leads out of the repository", Redact(r.text), r.subdir)
	}
	return nil
}

// within the repository, by a path in it: a reference, too.
func (r gitRef) within(rel string) string {
	base, _, _ := strings.Cut(Redact(r.text), "#")
	base, _, _ = strings.Cut(base, "?")
	if rel == "" && r.ref == "" {
		return base
	}
	if rel == "" {
		return base + "#" + r.ref
	}
	return base + "#" + r.ref + ":" + rel
}

var password = regexp.MustCompile(`([a-z]+://[^/:@\s]*):[^/@\s]*@`)

// Redact the passwords in the addresses of a text.
func Redact(text string) string { return password.ReplaceAllString(text, "$1:xxxxx@") }
