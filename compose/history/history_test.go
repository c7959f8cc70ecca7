package history_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/history"
	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/engine/enginetest"
)

func revision(command string) history.Revision {
	return history.Revision{Time: time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC), Tool: "v1", By: "me@here", Command: command, Services: []string{"web"},
		Scale: map[string]int{"web": 2}, Images: map[string]history.Image{"web:1": {ID: "sha256:1", Digests: []string{"web@sha256:2"}}},
		Changes: []string{"+ container shop-web-1: does not exist", "-/+ container shop-db-1: image", "- volume shop_x: asked for by --volumes"}}
}

func file(text string) load.Resolved {
	return load.Resolved{Name: "shop", YAML: text, Environment: map[string][]byte{"TOKEN": {0, 255}}, Hashed: map[string][]string{"web": {"a", "b"}}}
}

// grown has n revisions, of which keep are kept.
func grown(t *testing.T, n, keep int) history.History {
	t.Helper()
	var h history.History
	for i := range n {
		var err error
		if h, err = h.With(revision(fmt.Sprint("up ", i+1)), file(fmt.Sprint("name: v", i+1)), keep); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

func TestRoundTrip(t *testing.T) {
	h := grown(t, 3, 10)
	files, err := h.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := history.Decode(files)
	if diff := cmp.Diff(h, got, cmpopts.EquateComparable(), cmp.AllowUnexported(history.History{})); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
	kept, err := got.File(2)
	if diff := cmp.Diff(file("name: v2"), kept); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if _, err := got.File(4); err == nil {
		t.Error("a revision that is not there has a file")
	}
	if text := string(files["index.json"]); strings.Contains(text, "TOKEN") {
		t.Errorf("the index holds what only files may: %s", text)
	}
}

func TestTheLastAreKept(t *testing.T) {
	h := grown(t, 13, 10)
	if len(h.Revisions) != 10 || h.Revisions[0].Number != 4 || h.Revisions[9].Number != 13 {
		t.Errorf("%+v", h.Revisions)
	}
	files, err := h.Encode()
	if err != nil || len(files) != 11 {
		t.Error(len(files), err)
	}
	fewer, err := h.With(revision("up"), file("name: x"), 2)
	if last, _ := fewer.Last(); err != nil || len(fewer.Revisions) != 2 || last.Number != 14 {
		t.Errorf("%+v, %v", fewer.Revisions, err)
	}
}

func TestNeighbours(t *testing.T) {
	h := grown(t, 3, 10)
	if before, ok := h.Before(3); !ok || before.Number != 2 {
		t.Error(before.Number, ok)
	}
	if _, ok := h.Before(1); ok {
		t.Error("there is one before the first")
	}
	if r, ok := h.Revision(2); !ok || r.Command != "up 2" {
		t.Error(r, ok)
	}
	if got := revision("up").Short(); got != "1 created, 1 replaced, 1 removed" {
		t.Error(got)
	}
	changed := h.Again(func(r *history.Revision) { r.Number, r.Command = 99, "changed" })
	if last, _ := changed.Last(); last.Number != 3 || last.Command != "changed" {
		t.Error(last)
	}
	if last, _ := h.Last(); last.Command != "up 3" {
		t.Error("a history is no value")
	}
}

func TestWhatIsNoHistory(t *testing.T) {
	for name, files := range map[string]map[string][]byte{
		"no index":     {},
		"no JSON":      {"index.json": []byte("x")},
		"other format": {"index.json": []byte(`{"format":2}`)},
		"no file":      {"index.json": []byte(`{"format":1,"revisions":[{"number":1}]}`)},
		"no order":     {"index.json": []byte(`{"format":1,"revisions":[{"number":2},{"number":1}]}`), "1.json": []byte("{}"), "2.json": []byte("{}")},
		"number 0":     {"index.json": []byte(`{"format":1,"revisions":[{"number":0}]}`), "0.json": []byte("{}")},
	} {
		if _, err := history.Decode(files); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestStore(t *testing.T) {
	f := enginetest.New()
	defer f.Close()
	ctx, s := context.Background(), history.Store{Engine: f, Project: "shop"}
	if h, err := s.Read(ctx); err != nil || len(h.Revisions) != 0 {
		t.Error(h, err)
	}
	if _, _, found, err := s.Interrupted(ctx); err != nil || found {
		t.Error(found, err)
	}
	was := ""
	for n := 1; n <= 3; n++ {
		id, err := s.Begin(ctx, grown(t, n, 10))
		if err != nil {
			t.Fatal(err)
		}
		before, intended, found, err := s.Interrupted(ctx)
		if err != nil || !found || intended.Number != n || len(before.Revisions) != n-1 {
			t.Errorf("%v %+v %v", found, intended, err)
		}
		if err := s.Succeed(ctx, id, was); err != nil {
			t.Fatal(err)
		}
		if _, err := f.InspectImage(ctx, was); was != "" && err == nil {
			t.Errorf("%s is left without a name", was)
		}
		was = id
	}
	h, err := s.Read(ctx)
	if _, _, found, _ := s.Interrupted(ctx); err != nil || len(h.Revisions) != 3 || found {
		t.Error(h, err, found)
	}
	if img, _ := f.InspectImage(ctx, desired.HistoryImage("shop")); !cmp.Equal(img.Defaults.Labels, map[string]string{history.Label: "shop"}) {
		t.Errorf("labels %v", img.Defaults.Labels)
	}
	if err := s.Write(ctx, grown(t, 1, 10)); err != nil {
		t.Error(err)
	}
}

func TestReferencesAreWellFormed(t *testing.T) {
	long, other := strings.Repeat("a", 200), strings.Repeat("a", 201)
	for _, p := range []string{"shop", "1_a-b", long} {
		_, tag, _ := strings.Cut(desired.NextHistoryImage(p), ":")
		if len(tag) > 128 || !strings.HasSuffix(tag, ".next") {
			t.Errorf("%s: %q", p, tag)
		}
	}
	if desired.HistoryImage(long) == desired.HistoryImage(other) {
		t.Error("two projects share a history")
	}
}

// FuzzDecode: whatever is found in the engine, reading it neither panics nor gives revisions without number or file.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"format":1,"revisions":[{"number":1,"command":"up"},{"number":2}]}`), []byte(`{"Name":"shop"}`))
	f.Add([]byte(`{"format":1}`), []byte(`null`))
	f.Add([]byte(`[]`), []byte(``))
	f.Fuzz(func(t *testing.T, index, revision []byte) {
		h, err := history.Decode(map[string][]byte{"index.json": index, "1.json": revision, "2.json": []byte("{}")})
		if err != nil {
			return
		}
		for _, r := range h.Revisions {
			if r.Number < 1 || r.Number > 2 {
				t.Errorf("revision %d has no file", r.Number)
			}
			_, _ = h.File(r.Number)
			_ = r.Short()
		}
		files, err := h.Encode()
		if err != nil {
			return // a time that JSON cannot write
		}
		again, err := history.Decode(files)
		a, _ := json.Marshal(h.Revisions)
		b, _ := json.Marshal(again.Revisions)
		if err != nil || !slices.Equal(a, b) {
			t.Errorf("%v\n%s\n%s", err, a, b)
		}
	})
}
