// Package history holds what a project was: its revisions, one for each change that succeeded, and how the engine keeps them.
package history

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/compose/load"
)

// DefaultKeep is how many revisions are kept.
const DefaultKeep = 10

// Revision of a project: what was asked for, and what came of it. It holds no values of variables and secrets; those are in its file.
type Revision struct {
	Number   int              `json:"number"` // from 1, never given twice
	Time     time.Time        `json:"time"`   // when the change began
	Tool     string           `json:"tool"`   // version of tutti
	By       string           `json:"by"`     // "user@host"
	Command  string           `json:"command"`
	Services []string         `json:"services"`         // that are brought about, in order of name
	Scale    map[string]int   `json:"scale,omitempty"`  // --scale, by service
	Images   map[string]Image `json:"images,omitempty"` // by reference
	Changes  []string         `json:"changes,omitempty"`
}

// Image that a reference stood for.
type Image struct {
	ID      string   `json:"id"`
	Digests []string `json:"digests,omitempty"` // repository@sha256:…, as far as known
}

// Short form of the changes: how many resources were made, updated, replaced and removed.
func (r Revision) Short() string {
	words := []struct{ sign, word string }{{"+", "created"}, {"~", "updated"}, {"-/+", "replaced"}, {"-", "removed"}}
	var out []string
	for _, w := range words {
		n := 0
		for _, c := range r.Changes {
			if strings.HasPrefix(c, w.sign+" ") {
				n++
			}
		}
		if n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, w.word))
		}
	}
	return strings.Join(out, ", ")
}

// History of a project, oldest revision first. It is a value.
type History struct {
	Revisions []Revision
	files     map[int][]byte // load.Resolved of each revision, encoded
}

// Last revision; false if there is none.
func (h History) Last() (Revision, bool) { return h.Before(0) }

// Before a revision of that number, or before all that are still to come if it is 0.
func (h History) Before(number int) (Revision, bool) {
	for _, r := range slices.Backward(h.Revisions) {
		if number == 0 || r.Number < number {
			return r, true
		}
	}
	return Revision{}, false
}

// Revision of that number.
func (h History) Revision(number int) (Revision, bool) {
	i := slices.IndexFunc(h.Revisions, func(r Revision) bool { return r.Number == number })
	if i < 0 {
		return Revision{}, false
	}
	return h.Revisions[i], true
}

// File of a revision, as it was resolved.
func (h History) File(number int) (load.Resolved, error) {
	text, ok := h.files[number]
	if !ok {
		return load.Resolved{}, fmt.Errorf("read revision %d: its file is not there", number)
	}
	return decodeFile(number, text)
}

// With one more revision, which gets the number behind the last; of all, the last keep stay.
func (h History) With(r Revision, file load.Resolved, keep int) (History, error) {
	r.Number = 1
	if last, ok := h.Last(); ok {
		r.Number = last.Number + 1
	}
	text, err := encodeFile(r.Number, file)
	if err != nil {
		return History{}, err
	}
	all := append(slices.Clone(h.Revisions), r)
	out := History{Revisions: all[max(0, len(all)-max(keep, 1)):], files: map[int][]byte{r.Number: text}}
	for _, r := range out.Revisions[:len(out.Revisions)-1] {
		out.files[r.Number] = h.files[r.Number]
	}
	return out, nil
}

// Again is the history with its last revision changed, but for its number.
func (h History) Again(change func(*Revision)) History {
	if len(h.Revisions) == 0 {
		return h
	}
	h.Revisions = slices.Clone(h.Revisions)
	last := &h.Revisions[len(h.Revisions)-1]
	number := last.Number
	change(last)
	last.Number = number
	return h
}

// Split the history into what was before the last revision, and that.
func (h History) Split() (History, Revision, bool) {
	last, ok := h.Last()
	if ok {
		h.Revisions = h.Revisions[:len(h.Revisions)-1]
	}
	return h, last, ok
}
