package enginetest

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// commandStreams are apart without a terminal, and one with it.
func commandStreams(r *room) {
	id := r.run("web")
	speak := engine.Exec{Command: []string{"/helper", "say=out", "say=!err", "exit=4"}}
	var out, errs bytes.Buffer
	open := func(s engine.Streaming) int {
		out.Reset()
		errs.Reset()
		cmd, err := r.e.OpenExec(r.Context(), id, speak, s)
		r.must(err)
		defer cmd.Close()
		r.must(cmd.Copy(&out, &errs))
		code, err := cmd.Code(r.Context())
		r.must(err)
		return code
	}
	if code := open(engine.Streaming{}); code != 4 || out.String() != "out\n" || errs.String() != "err\n" {
		r.Errorf("code %d, stdout %q, stderr %q", code, out.String(), errs.String())
	}
	code := open(engine.Streaming{TTY: true, Stdin: true, Cols: 80, Rows: 24})
	if text := strings.ReplaceAll(out.String(), "\r", ""); code != 4 || text != "out\nerr\n" || errs.Len() > 0 {
		r.Errorf("on a terminal: code %d, stdout %q, stderr %q", code, text, errs.String())
	}
	r.must(r.e.StartExec(r.Context(), id, speak, false))
	r.must(r.e.StopContainer(r.Context(), id, ptr(5*time.Second)))
	_, err := r.e.OpenExec(r.Context(), id, speak, engine.Streaming{})
	r.refused(err, engine.ErrConflict)
	r.refused(r.e.StartExec(r.Context(), id, speak, false), engine.ErrConflict)
	_, err = r.e.OpenExec(r.Context(), r.name("nobody"), speak, engine.Streaming{})
	r.refused(err, engine.ErrNotFound)
}

// attached before it starts, one sees all that it writes.
func attached(r *room) {
	id := r.does("web", "say=one", "say=!two", "exit=0", "after=100ms")
	s, err := r.e.AttachContainer(r.Context(), id, engine.Streaming{})
	r.must(err)
	defer s.Close()
	r.start(id)
	var out, errs bytes.Buffer
	r.must(s.Copy(&out, &errs))
	if out.String() != "one\n" || errs.String() != "two\n" {
		r.Errorf("stdout %q, stderr %q", out.String(), errs.String())
	}
	_, err = r.e.AttachContainer(r.Context(), r.name("nobody"), engine.Streaming{})
	r.refused(err, engine.ErrNotFound)
}

// pathsMove in and out of a container that does not run.
func pathsMove(r *room) {
	id := r.make(engine.NewContainer{Name: "web", Spec: container.Spec{NetworkMode: "none", Files: []container.File{put("/etc/app/one", "1"), put("/etc/app/sub/two", "22")}}})
	stat, err := r.e.StatPath(r.Context(), id, "/etc/app")
	r.must(err)
	if stat.Name != "app" || !stat.Mode.IsDir() {
		r.Errorf("a directory: %+v", stat)
	}
	stat, err = r.e.StatPath(r.Context(), id, "/etc/app/one")
	r.must(err)
	if stat.Name != "one" || !stat.Mode.IsRegular() {
		r.Errorf("a file: %+v", stat)
	}
	content, _, err := r.e.GetPath(r.Context(), id, "/etc/app")
	r.must(err)
	files := r.unpacked(content)
	if files["app/one"] != "1" || files["app/sub/two"] != "22" || len(files) != 2 {
		r.Errorf("files %q", files)
	}
	r.must(r.e.PutPath(r.Context(), id, "/etc/app/sub", r.archive("three", "333"), false))
	r.holds(id, "/etc/app/sub/three", "333")
	if r.podman() {
		return // says nothing of what is not there
	}
	r.refused(r.e.PutPath(r.Context(), id, "/no/such", r.archive("three", "333"), false), engine.ErrNotFound)
	_, _, err = r.e.GetPath(r.Context(), id, "/no/such")
	r.refused(err, engine.ErrNotFound)
	_, err = r.e.StatPath(r.Context(), id, "/no/such")
	r.refused(err, engine.ErrNotFound)
	_, err = r.e.StatPath(r.Context(), r.name("nobody"), "/")
	r.refused(err, engine.ErrNotFound)
}

func (r *room) unpacked(content io.ReadCloser) map[string]string {
	r.Helper()
	defer content.Close()
	files := map[string]string{}
	for t := tar.NewReader(content); ; {
		h, err := t.Next()
		if err == io.EOF {
			return files
		}
		r.must(err)
		if h.Typeflag == tar.TypeReg {
			b, err := io.ReadAll(t)
			r.must(err)
			files[h.Name] = string(b)
		}
	}
}

func (r *room) archive(name, content string) io.Reader {
	r.Helper()
	var b bytes.Buffer
	t := tar.NewWriter(&b)
	r.must(t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content))}))
	_, err := t.Write([]byte(content))
	r.must(err)
	r.must(t.Close())
	return &b
}

// filesystemsKept as an archive, and as an image that containers can be made from.
func filesystemsKept(r *room) {
	if r.podman() {
		r.Skip("Podman does not say what it commits")
	}
	id := r.make(engine.NewContainer{Name: "web", Spec: container.Spec{NetworkMode: "none", Files: []container.File{put("/etc/app", "1")}}})
	content, err := r.e.ExportContainer(r.Context(), id)
	r.must(err)
	if files := r.unpacked(content); files["etc/app"] != "1" {
		r.Errorf("etc/app holds %q", files["etc/app"])
	}
	ref := r.project + ":kept"
	image, err := r.e.CommitContainer(r.Context(), id, engine.Commit{Ref: ref, Message: "as it was", Pause: true})
	r.must(err)
	r.Cleanup(func() { _ = r.e.RemoveImage(context.Background(), ref) })
	live, err := r.e.InspectImage(r.Context(), ref)
	r.must(err)
	if live.ID != image {
		r.Errorf("%s is %s, not %s", ref, live.ID, image)
	}
	_, err = r.e.ExportContainer(r.Context(), r.name("nobody"))
	r.refused(err, engine.ErrNotFound)
	_, err = r.e.CommitContainer(r.Context(), r.name("nobody"), engine.Commit{})
	r.refused(err, engine.ErrNotFound)
	r.must(r.e.RemoveContainer(r.Context(), id, true, true))
}

// monitored: what runs in a container, and what it uses.
func monitored(r *room) {
	if r.podman() {
		r.Skip("Podman runs the image's ps, and the helper's has none")
	}
	id := r.does("web")
	_, _, err := r.e.Processes(r.Context(), id)
	r.refused(err, engine.ErrConflict)
	r.start(id)
	titles, rows, err := r.e.Processes(r.Context(), id)
	r.must(err)
	at := slices.IndexFunc(titles, func(t string) bool { return t == "CMD" || t == "COMMAND" })
	for at >= 0 && len(rows) == 1 && rows[0][at] == "runc init" { // about to become it
		_, rows, err = r.e.Processes(r.Context(), id)
		r.must(err)
	}
	if at < 0 || len(rows) != 1 || !strings.Contains(rows[0][at], "helper") {
		r.Errorf("titles %q, rows %q", titles, rows)
	}
	n := 0
	r.must(r.e.Usage(r.Context(), id, true, func(u engine.Usage) error {
		if n++; u.Processes == 0 || u.Memory == 0 {
			r.Errorf("usage %+v", u)
		}
		return nil
	}))
	if n != 1 {
		r.Errorf("%d samples, want one", n)
	}
	_, _, err = r.e.Processes(r.Context(), r.name("nobody"))
	r.refused(err, engine.ErrNotFound)
	r.refused(r.e.Usage(r.Context(), r.name("nobody"), true, func(engine.Usage) error { return nil }), engine.ErrNotFound)
}

// happeningsTold are the project's own, up to the time that was asked for.
func happeningsTold(r *room) {
	var seen []string
	until := time.Now().Add(3 * time.Second)
	over := make(chan error, 1)
	go func() {
		over <- r.e.Happenings(r.Context(), r.project, "", until.Format(time.RFC3339Nano), func(h engine.Happening) { seen = append(seen, h.Action+" "+h.Attributes["name"]) })
	}()
	time.Sleep(200 * time.Millisecond) // nothing tells when the engine listens
	r.run("web")
	r.must(<-over)
	if want := []string{"create " + r.name("web"), "start " + r.name("web")}; !slices.Equal(seen, want) && !r.podman() {
		r.Errorf("seen %q, want %q", seen, want)
	}
}
