package docker

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/engine"
)

const (
	oldID = "sha256:00000000000000000000000000000000000000000000000000000000000000aa"
	newID = "sha256:00000000000000000000000000000000000000000000000000000000000000bb"
)

// TestImportTakesFewCalls: one to look, one to bring, one to clear away if there is what.
func TestImportTakesFewCalls(t *testing.T) {
	look, bring, clear := "GET /images/a:1/json", "POST /images/create", "DELETE /images/"+oldID
	for found, want := range map[string][]string{
		"": {look, bring},
		`{"Id":"` + oldID + `","RepoTags":["a:1"]}`:       {look, bring, clear},
		`{"Id":"` + oldID + `","RepoTags":["a:1","b:1"]}`: {look, bring},
		`{"Id":"` + newID + `","RepoTags":["a:1"]}`:       {look, bring},
	} {
		s := newStub(0)
		s.answers["/images/create"] = `{"status":"Importing"}` + "\n" + `{"status":"` + newID + `"}`
		if found != "" {
			s.answers["/images/a:1/json"] = found
		}
		e := s.dial(t)
		s.calls = nil
		id, err := e.ImportArchive(t.Context(), "a:1", nil, map[string][]byte{"f": nil})
		if id != newID || err != nil || !slices.Equal(s.calls, want) {
			t.Errorf("%s: got %s, %v by %v, want %v", found, id, err, s.calls, want)
		}
	}
}

func TestImportThatFailsWithinTheStream(t *testing.T) {
	s := newStub(0)
	s.answers["/images/create"] = `{"status":"Importing"}` + "\n" + `{"errorDetail":{"message":"disk full"},"error":"disk full"}`
	if id, err := s.dial(t).ImportArchive(t.Context(), "a:1", nil, nil); id != "" || err == nil || err.Error() != "import archive a:1: disk full" {
		t.Errorf("got %q, %v", id, err)
	}
}

func TestLabelling(t *testing.T) {
	got, err := labelling(map[string]string{"b": `say "$HOME" \n`, "a": ""})
	if want := []string{`LABEL a=""`, `LABEL b="say \"\$HOME\" \\n"`}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	for _, l := range []map[string]string{{"a b": ""}, {"": "x"}, {"a=b": ""}, {"a": "b\nLABEL c=d"}, {"$a": ""}} {
		if _, err := labelling(l); !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("%q: %v", l, err)
		}
	}
}

// tarred, with a directory before each file that has one.
func tarred(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for name, content := range files {
		if dir, _, ok := strings.Cut(name, "/"); ok {
			_ = w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755})
		}
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		w.Write(content)
	}
	w.Close()
	return out.Bytes()
}

func gzipped(data []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(data)
	w.Close()
	return out.Bytes()
}

// TestExportReadsEveryLayout: of Engine 20.10, of 25 and later, of containerd's store.
func TestExportReadsEveryLayout(t *testing.T) {
	want := map[string][]byte{"compose.yaml": []byte("services: {}"), "env/.env": []byte("A=b"), "empty": {}}
	layer := tarred(t, want)
	for name, layout := range map[string]map[string][]byte{
		"20.10":      {"manifest.json": []byte(`[{"Config":"c.json","Layers":["abc/layer.tar"]}]`), "abc/layer.tar": layer, "abc/VERSION": []byte("1.0")},
		"OCI":        {"manifest.json": []byte(`[{"Layers":["blobs/sha256/abc"]}]`), "blobs/sha256/abc": layer, "oci-layout": []byte("{}")},
		"containerd": {"manifest.json": []byte(`[{"Layers":["blobs/sha256/abc"]}]`), "blobs/sha256/abc": gzipped(layer)},
	} {
		s := newStub(0)
		s.answers["/images/get"] = string(tarred(t, layout))
		got, err := s.dial(t).ExportArchive(t.Context(), "a:1")
		if err != nil || !maps.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestExportRefusesWhatIsNoArchive(t *testing.T) {
	for manifest, kind := range map[string]error{`[{"Layers":["a","b"]}]`: engine.ErrInvalid, `[]`: engine.ErrInvalid, `nonsense`: nil} {
		s := newStub(0)
		s.answers["/images/get"] = string(tarred(t, map[string][]byte{"manifest.json": []byte(manifest)}))
		if _, err := s.dial(t).ExportArchive(t.Context(), "a:1"); err == nil || kind != nil && !errors.Is(err, kind) {
			t.Errorf("%s: got %v", manifest, err)
		}
	}
	if _, err := newStub(0).dial(t).ExportArchive(t.Context(), "a:1"); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// TestSameFilesSameBytes: what is sent does not depend on chance or on the hour.
func TestSameFilesSameBytes(t *testing.T) {
	files := map[string][]byte{"a": []byte("1"), "b/c": []byte("2"), "d": nil}
	one, _ := packed(files)
	two, err := packed(maps.Clone(files))
	if err != nil || !bytes.Equal(one, two) {
		t.Errorf("%d and %d bytes, %v", len(one), len(two), err)
	}
}
