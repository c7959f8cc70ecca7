package watch

import (
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/moby/patternmatcher"

	"github.com/tutti-run/tutti/image"
)

// Ignored is what a build leaves out of its context.
type Ignored struct {
	Context  string   // directory
	File     string   // that says so
	Patterns []string // as the file has them
}

// patterns of the context. One that leaves out everything but some files says what an image is made of, not what is worked on: as in Docker
// Compose, what it leaves out is watched all the same.
func (i Ignored) patterns() (*patterns, error) {
	if slices.Contains(i.Patterns, "*") {
		return nil, nil
	}
	return newPatterns(i.Context, i.Patterns)
}

// patterns of paths below a directory. nil matches nothing.
type patterns struct {
	root    string
	mu      sync.Mutex // of matcher, which compiles a pattern when it first needs it: the watch asks beside the one who decides
	matcher *patternmatcher.PatternMatcher
}

func newPatterns(root string, list []string) (*patterns, error) {
	var relative []string
	for _, p := range list {
		not := strings.HasPrefix(p, "!")
		p = filepath.Clean(strings.TrimSpace(strings.TrimPrefix(p, "!")))
		if rel, in := below(root, p); in && filepath.IsAbs(p) {
			p = rel
		}
		if p = strings.TrimPrefix(p, string(filepath.Separator)); not {
			p = "!" + p
		}
		relative = append(relative, p)
	}
	m, err := patternmatcher.New(relative)
	if err != nil {
		return nil, err
	}
	return &patterns{root: root, matcher: m}, nil
}

// match of a path, or of a directory that it is in. The root itself has no name that could match.
func (p *patterns) match(path string) bool {
	if p == nil {
		return false
	}
	rel, in := below(p.root, path)
	if !in || rel == "." {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	ok, err := p.matcher.MatchesOrParentMatches(rel)
	return ok && err == nil
}

// whole tells whether a directory matches with all that is in it.
func (p *patterns) whole(dir string) bool { return p.match(dir) && !p.matcher.Exclusions() }

// temporary are the files that editors and tools make beside those that are worked on, in Docker Compose's list, and the repository.
var temporary = []string{"**/.git",
	"**/*___jb_old___", "**/*___jb_tmp___", "**/.idea",
	"**/.#*", "**/#*#",
	"**/4913", "**/*~", "**/.*.swp", "**/.*.swx", "**/.*.swo", "**/.*.swn",
	"**/.*.kate-swp", "**/*-go-tmp-umask"}

func always(root string) *patterns { return known(root, temporary) }

// known patterns are right.
func known(root string, list []string) *patterns {
	p, err := newPatterns(root, list)
	if err != nil {
		panic(err)
	}
	return p
}

// initially what the project is described by is left out, as in Docker Compose.
func initially(root string, b *image.Build) *patterns {
	names := []string{"**/Dockerfile"}
	for _, name := range []string{"compose", "docker-compose", "compose.override", "docker-compose.override"} {
		names = append(names, "**/"+name+".yaml", "**/"+name+".yml")
	}
	if b != nil && b.Dockerfile != "" && !strings.ContainsAny(b.Dockerfile, `*?[\`) {
		names = append(names, "**/"+filepath.Base(b.Dockerfile))
	}
	return known(root, names)
}

// below gives a path from a directory that it is, or is in.
func below(dir, path string) (string, bool) {
	rel, err := filepath.Rel(dir, path)
	return rel, err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
