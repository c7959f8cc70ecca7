package remote

import (
	"strings"
	"testing"
)

// FuzzParseGit: what is taken for a reference cannot be an option of git, stays in the repository, and tells its paths as
// references to them.
func FuzzParseGit(f *testing.F) {
	for _, text := range []string{"https://h/r.git#a:b", "git@h:r?ref=x&subdir=y", "ssh://u:p@h/r#:x/../y", "github.com/a/b", "git://h/r?commit=1", "http://-h/x.git##"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, ok, err := parseGit(text)
		if !ok || err != nil {
			return
		}
		if strings.HasPrefix(r.remote, "-") || strings.HasPrefix(r.ref, "-") || strings.ContainsAny(r.ref, " \n:") {
			t.Errorf("%+v", r)
		}
		again, ok, err := parseGit(r.within("a/b.yaml"))
		if !ok || err != nil || again.ref != r.ref || again.subdir != "a/b.yaml" {
			t.Errorf("%+v: %s is %+v, %v", r, r.within("a/b.yaml"), again, err)
		}
	})
}
