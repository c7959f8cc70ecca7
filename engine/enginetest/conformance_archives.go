package enginetest

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/image"
)

// keep an archive of one file. Its reference goes when the test ends.
func (r *room) keep(ref, content string) string {
	r.Helper()
	id, err := r.e.ImportArchive(r.Context(), ref, nil, map[string][]byte{"file": []byte(content)})
	r.must(err)
	r.forget(ref)
	return id
}

func (r *room) forget(ref string) {
	r.Cleanup(func() { _ = r.e.RemoveImage(context.Background(), ref) })
}

func (r *room) imageID(ref string) string {
	r.Helper()
	in, err := r.e.InspectImage(r.Context(), ref)
	r.must(err)
	return in.ID
}

// tagsMove: a reference stands for one image, and an image without any is still found by its ID.
func tagsMove(r *room) {
	one, two := r.project+"-one:1", r.project+"-two:1"
	first, second := r.keep(one, "1"), r.keep(two, "2")
	more := r.project + "/more:latest"
	r.forget(more)
	r.must(r.e.TagImage(r.Context(), first, more))
	if got := r.imageID(more); got != first {
		r.Errorf("tagged %s, want %s", got, first)
	}
	r.must(r.e.TagImage(r.Context(), second, more))
	r.must(r.e.TagImage(r.Context(), second, more)) // again is fine
	if in, err := r.e.InspectImage(r.Context(), more); err != nil || time.Since(in.Tagged).Abs() > time.Hour && !r.podman() {
		r.Errorf("tagged just now, and known to be at %s, %v", in.Tagged, err)
	}
	if got, kept := r.imageID(more), r.imageID(one); got != second || kept != first {
		r.Errorf("tagged %s, want %s; the first has %s, want %s", got, second, kept, first)
	}
	r.must(r.e.TagImage(r.Context(), second, one))
	if got := r.imageID(first); got != first {
		r.Errorf("without a reference: %s, want %s", got, first)
	}
	r.must(r.e.TagImage(r.Context(), first, one)) // back again
	if got := r.imageID(one); got != first {
		r.Errorf("tagged %s, want %s", got, first)
	}
	r.refused(r.e.TagImage(r.Context(), first, r.project+"/Upper:1"), engine.ErrInvalid)
	r.refused(r.e.TagImage(r.Context(), "sha256:"+strings.Repeat("0123", 16), one), engine.ErrNotFound)
	if !r.podman() { // untags all of them
		r.refused(r.e.RemoveImage(r.Context(), second), engine.ErrConflict)
	}
}

// imagesListed by a label, the newest first; one goes without a reference only, and only if nothing is made of it.
func imagesListed(r *room) {
	label := func(more string) map[string]string {
		return map[string]string{"dev.tutti.list": r.project, "more": more}
	}
	archive := func(ref, content string) string {
		r.forget(ref)
		id, err := r.e.ImportArchive(r.Context(), ref, label(content), map[string][]byte{"file": []byte(content)})
		r.must(err)
		return id
	}
	list := func() []image.Listed {
		all, err := r.e.ListImages(r.Context(), "dev.tutti.list="+r.project)
		r.must(err)
		return all
	}
	one, two, more := r.project+"-one:1", r.project+"-two:1", r.project+"-more:1"
	first := archive(one, "1")
	time.Sleep(1100 * time.Millisecond) // engines count in seconds
	second := archive(two, "2")
	r.forget(more)
	r.must(r.e.TagImage(r.Context(), first, more))
	all := list()
	if len(all) != 2 || all[0].ID != second || all[1].ID != first {
		r.Fatalf("got %+v, want %s, then %s", all, second, first)
	}
	if tags := slices.Sorted(slices.Values(all[1].Tags)); !slices.Equal(tags, []string{more, one}) || !maps.Equal(all[1].Labels, label("1")) {
		r.Errorf("got %+v", all[1])
	}
	none, err := r.e.ListImages(r.Context(), "dev.tutti.list="+r.project+"x")
	if r.must(err); len(none) > 0 {
		r.Errorf("got %+v of another value", none)
	}

	for _, id := range []string{first, "sha256:" + strings.Repeat("0123", 16)} {
		r.must(r.e.RemoveUntagged(r.Context(), id)) // named, or not there
	}
	if all := list(); len(all) != 2 {
		r.Errorf("got %+v, one is gone that had names", all)
	}
	r.must(r.e.TagImage(r.Context(), second, one))
	r.must(r.e.TagImage(r.Context(), second, more))
	r.must(r.e.RemoveUntagged(r.Context(), first))
	if all := list(); len(all) != 1 || all[0].ID != second {
		r.Errorf("got %+v, want only %s", all, second)
	}
}

func archivesObey(r *room) {
	ref := r.project + "/archive:7"
	r.forget(ref)
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	files := map[string][]byte{"compose.yaml": []byte("services: {}\n"), "env/.env": []byte("A=b\n"), "bytes": bytes.Repeat(all, 300), "empty": {}}
	labels := map[string]string{"dev.tutti.test": `{"a":"it's $HOME \\ 100%"}`, "plain": "yes", "none": ""}
	old, err := r.e.ImportArchive(r.Context(), ref, labels, files)
	r.must(err)
	r.exported(ref, files)
	in, err := r.e.InspectImage(r.Context(), ref)
	r.must(err)
	if in.ID != old || !maps.Equal(in.Defaults.Labels, labels) {
		r.Errorf("inspected %s with labels %q, want %s with %q", in.ID, in.Defaults.Labels, old, labels)
	}
	files = map[string][]byte{"compose.yaml": []byte("services: {web: {}}\n")}
	next, err := r.e.ImportArchive(r.Context(), ref, labels, files)
	r.must(err)
	if got := r.imageID(ref); got != next || next == old {
		r.Errorf("the reference has %s, want %s; before %s", got, next, old)
	}
	r.exported(ref, files)
	_, err = r.e.InspectImage(r.Context(), old)
	r.refused(err, engine.ErrNotFound)
	r.must(r.e.RemoveImage(r.Context(), ref))
	_, err = r.e.ExportArchive(r.Context(), ref)
	r.refused(err, engine.ErrNotFound)
}

func (r *room) exported(ref string, want map[string][]byte) {
	r.Helper()
	got, err := r.e.ExportArchive(r.Context(), ref)
	r.must(err)
	if !maps.EqualFunc(got, want, bytes.Equal) {
		r.Errorf("exported %d files, want %d, or others", len(got), len(want))
	}
}

// archivesRefuse what a layer cannot hold, and leave alone what has another reference.
func archivesRefuse(r *room) {
	ref, other := r.project+"-a:1", r.project+"-b:1"
	for _, name := range []string{"", ".", "/etc/passwd", "../up", "a/../b", "a/", ".wh.gone", "a/.wh.gone"} {
		_, err := r.e.ImportArchive(r.Context(), ref, nil, map[string][]byte{name: nil})
		r.refused(err, engine.ErrInvalid)
	}
	_, err := r.e.ImportArchive(r.Context(), ref, map[string]string{"two": "lines\nof it"}, nil)
	r.refused(err, engine.ErrInvalid)
	_, err = r.e.ImportArchive(r.Context(), "no name:1", nil, nil)
	r.refused(err, engine.ErrInvalid)
	_, err = r.e.InspectImage(r.Context(), ref)
	r.refused(err, engine.ErrNotFound)
	id := r.keep(ref, "1")
	r.must(r.e.TagImage(r.Context(), id, other))
	r.forget(other)
	next := r.keep(ref, "2")
	r.exported(other, map[string][]byte{"file": []byte("1")})
	r.must(r.e.TagImage(r.Context(), id, ref))
	r.exported(ref, map[string][]byte{"file": []byte("1")})
	r.must(r.e.RemoveImage(r.Context(), next)) // a tag leaves what it moved away from
}
