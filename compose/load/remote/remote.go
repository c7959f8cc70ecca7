// Package remote fetches Compose files that are kept elsewhere, in git repositories and as OCI artefacts, into a cache on this
// machine, and knows which files there came with which reference. It alone imports the OCI library.
package remote

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Options of a Store.
type Options struct {
	Dir          string              // of the cache
	DockerConfig string              // the docker CLI's config.json, for credentials
	Insecure     []string            // registries that may be without TLS, beside those on this machine
	Names        []string            // of a Compose file, where a reference names a directory
	Getenv       func(string) string // for the switches
	Warn         func(text string)   // of what is used although it may be old
}

// Store is the cache, and what of it one load has used. The zero Store holds nothing.
type Store struct {
	o     Options
	known map[string]string // the local copy of each reference
	trees []*Tree
}

// New store.
func New(o Options) *Store { return &Store{o: o, known: map[string]string{}} }

const ociScheme = "oci://"

// Is tells whether a path is a reference to what is elsewhere.
func Is(path string) bool {
	if strings.HasPrefix(path, ociScheme) {
		return true
	}
	_, ok, _ := parseGit(path)
	return ok
}

// Fetch gives the local copy of the file that a reference names. What a commit or digest names is fetched once and for all; what
// a branch or tag names is looked up each time, and taken from the cache with a warning where nobody answers.
func (s *Store) Fetch(ctx context.Context, ref string) (string, error) {
	if path, ok := s.known[ref]; ok {
		return path, nil
	}
	if s.o.Dir == "" {
		return "", errors.New("there is no directory to keep files from elsewhere in: set HOME or XDG_CACHE_HOME")
	}
	fetch := s.git
	if strings.HasPrefix(ref, ociScheme) {
		fetch = s.oci
	}
	path, err := fetch(ctx, ref)
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", err
	}
	s.known[ref] = path
	return path, nil
}

// Known is the local copy of a reference that was fetched before.
func (s *Store) Known(ref string) (path string, ok bool) {
	if s == nil {
		return "", false
	}
	path, ok = s.known[ref]
	return path, ok
}

// enabled reads a switch of Docker Compose, in its words.
func (s *Store) enabled(kind, variable string) error {
	v := s.o.Getenv(variable)
	if v == "" {
		return nil
	}
	on, err := strconv.ParseBool(v)
	if err != nil {
		return fmt.Errorf("%s: %q is neither true nor false", variable, v)
	}
	if !on {
		return fmt.Errorf("%s remote resource is disabled by %q", kind, variable)
	}
	return nil
}

// dir of what has a content address, "git/…" or "oci/…".
func (s *Store) dir(id string) string { return filepath.Join(s.o.Dir, filepath.FromSlash(id)) }

func (s *Store) has(id string) bool {
	info, err := os.Stat(s.dir(id))
	return err == nil && info.IsDir()
}

// fill a new folder, and give it its place once it is whole: others may be at it, too. fill gives its content address.
func (s *Store) fill(fill func(dir string) (id string, err error)) (string, error) {
	if err := os.MkdirAll(s.o.Dir, 0o700); err != nil {
		return "", fmt.Errorf("make cache: %w", err)
	}
	tmp, err := os.MkdirTemp(s.o.Dir, "new-")
	if err != nil {
		return "", fmt.Errorf("make cache: %w", err)
	}
	defer os.RemoveAll(tmp)
	id, err := fill(tmp)
	if err != nil || s.has(id) {
		return id, err
	}
	if err := os.MkdirAll(filepath.Dir(s.dir(id)), 0o700); err != nil {
		return "", fmt.Errorf("make cache: %w", err)
	}
	if err := os.Rename(tmp, s.dir(id)); err != nil && !s.has(id) {
		return "", fmt.Errorf("make cache: %w", err)
	}
	return id, nil
}

// remember what a reference that may move stood for.
func (s *Store) remember(ref, id string) {
	path := s.note("refs", ref)
	if os.MkdirAll(filepath.Dir(path), 0o700) == nil {
		_ = os.WriteFile(path, []byte(id), 0o600) // it only helps without a network
	}
}

// recall what a reference stood for when it was last looked up, since it now cannot be: for err.
func (s *Store) recall(ref string, err error) (id string, ok bool) {
	text, noted := os.ReadFile(s.note("refs", ref))
	id = string(text)
	if noted != nil || !s.has(id) {
		return "", false
	}
	s.o.Warn(fmt.Sprintf("%s: taken from the cache, as it was when it was last looked up: %v", Redact(ref), err))
	return id, true
}

// note is a file named after a text.
func (s *Store) note(kind, text string) string {
	sum := sha256.Sum256([]byte(text))
	return filepath.Join(s.o.Dir, kind, hex.EncodeToString(sum[:]))
}

// Accepted tells whether somebody has accepted what a tree asks for.
func (s *Store) Accepted(t *Tree, what string) bool {
	_, err := os.Stat(s.note("accepted", t.id+"\n"+what))
	return err == nil
}

// Accept what a tree asks for, from now on.
func (s *Store) Accept(t *Tree, what string) error {
	path := s.note("accepted", t.id+"\n"+what)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make cache: %w", err)
	}
	return os.WriteFile(path, nil, 0o600)
}

// Tree is what one reference brought.
type Tree struct {
	id   string // its content address
	root string
	name func(rel string) string
}

func (s *Store) add(id string, name func(rel string) string) *Tree {
	t := &Tree{id: id, root: s.dir(id), name: name}
	s.trees = append(s.trees, t)
	return t
}

// Tree that a path is of by its name; nil: of none that was fetched.
func (s *Store) Tree(path string) *Tree {
	if s == nil {
		return nil
	}
	for _, t := range s.trees {
		if _, ok := below(t.root, path); ok {
			return t
		}
	}
	return nil
}

// Name of a path in the tree, as a reference.
func (t *Tree) Name(path string) string {
	if rel, ok := below(t.root, path); ok && rel != "." {
		return t.name(filepath.ToSlash(rel))
	}
	return t.name("")
}

// Holds tells whether a path is in the tree, whatever links lead there.
func (t *Tree) Holds(path string) bool { return Holds(t.root, path) }

// Holds tells whether a path is in a folder, whatever links lead there. What does not exist is where its folder is.
func Holds(dir, path string) bool {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil || !filepath.IsAbs(path) {
		return false
	}
	path = filepath.Clean(path)
	for rest := ""; ; {
		if there, err := filepath.EvalSymlinks(path); err == nil {
			_, ok := below(real, filepath.Join(there, rest))
			return ok
		}
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return false // a link that leads nowhere, or a path that cannot be seen
		}
		path, rest = filepath.Dir(path), filepath.Join(filepath.Base(path), rest)
	}
}

// below a folder, by its name.
func below(dir, path string) (rel string, ok bool) {
	rel, err := filepath.Rel(dir, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return "", false
	}
	return rel, true
}
