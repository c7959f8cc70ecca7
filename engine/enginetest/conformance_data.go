package enginetest

import (
	"strings"
	"time"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/volume"
)

func quiet(engine.Progress) {}

// keeper is a container that mounts a volume at /data and has files.
func (r *room) keeper(name, of string, files ...container.File) string {
	r.Helper()
	return r.make(engine.NewContainer{Name: name, Spec: container.Spec{
		NetworkMode: "none", Command: []string{"exit=0"}, Files: files, Mounts: []volume.Mount{{Type: volume.Volume, Source: of, Target: "/data"}},
	}})
}

func put(target, content string) container.File {
	return container.File{Kind: "config", Source: "x", Target: target, Content: []byte(content)}
}

func (r *room) volume(name string, opts map[string]string) string {
	r.Helper()
	v := volume.Spec{Name: r.project + "_" + name, DriverOpts: opts}
	r.must(r.e.CreateVolume(r.Context(), v, r.labels()))
	return v.Name
}

func (r *room) holds(id, path, want string) {
	r.Helper()
	got, err := r.e.ReadFile(r.Context(), id, path)
	r.must(err)
	if string(got) != want {
		r.Errorf("%s holds %.40q, want %.40q", path, got, want)
	}
}

func (r *room) empty(name string, want bool) {
	r.Helper()
	empty, err := r.e.VolumeEmpty(r.Context(), name)
	r.must(err)
	if empty != want {
		r.Errorf("volume %s is empty: %t, want %t", name, empty, want)
	}
}

// dataMoves from a volume that a container uses to one that another does, and stays where it was.
func dataMoves(r *room) {
	if r.podman() {
		r.Skip("Podman puts files beside a volume of a container that does not run")
	}
	old, new := r.volume("old", nil), r.volume("new", nil)
	r.empty(old, true)
	big := strings.Repeat("0123456789abcdef", 1<<16)
	from := r.keeper("from", old, put("/data/big", big), put("/data/a/deep/file", "deep"), put("/data/none", ""))
	r.empty(old, false)
	r.empty(new, true)
	r.must(r.e.CopyVolume(r.Context(), old, new, quiet))
	to := r.keeper("to", new)
	for _, id := range []string{from, to} {
		r.holds(id, "/data/big", big)
		r.holds(id, "/data/a/deep/file", "deep")
		r.holds(id, "/data/none", "")
	}
	r.must(r.e.PutFiles(r.Context(), from, []container.File{put("/data/none", "no more")}))
	r.must(r.e.CopyVolume(r.Context(), old, new, quiet)) // over what is there
	r.holds(to, "/data/none", "no more")
	r.must(r.e.RemoveContainer(r.Context(), from, true, true))
	r.must(r.e.RemoveVolume(r.Context(), old)) // nobody uses it any more
}

// dataRefuses what cannot be mounted; the other volume is as it was.
func dataRefuses(r *room) {
	if r.podman() {
		r.Skip("Podman reads a volume that it cannot mount as empty")
	}
	good := r.volume("good", nil)
	bad := r.volume("bad", map[string]string{"type": "none", "o": "bind", "device": "broken"})
	if _, err := r.e.VolumeEmpty(r.Context(), bad); err == nil || !strings.Contains(err.Error(), bad) {
		r.Errorf("got %v, want an error that names the volume", err)
	}
	if err := r.e.CopyVolume(r.Context(), good, bad, quiet); err == nil || !strings.Contains(err.Error(), bad) {
		r.Errorf("got %v, want an error that names the volume", err)
	}
	_, err := r.e.VolumeEmpty(r.Context(), r.project+"_none")
	r.refused(err, engine.ErrNotFound)
	r.refused(r.e.CopyVolume(r.Context(), good, r.project+"_none", quiet), engine.ErrNotFound)
	r.empty(good, true)
	r.must(r.e.RemoveVolume(r.Context(), bad))
	r.must(r.e.RemoveVolume(r.Context(), good))
}

// contentsObey: files are put into containers that have not run, run, and have run.
func contentsObey(r *room) {
	id := r.make(engine.NewContainer{Name: "web", Spec: container.Spec{NetworkMode: "none", Files: []container.File{put("/etc/app.conf", "one")}}})
	r.holds(id, "/etc/app.conf", "one")
	_, err := r.e.ReadFile(r.Context(), id, "/etc/other.conf")
	r.refused(err, engine.ErrNotFound)
	_, err = r.e.ReadFile(r.Context(), r.name("nobody"), "/etc/app.conf")
	r.refused(err, engine.ErrNotFound)
	r.start(id)
	r.must(r.e.PutFiles(r.Context(), id, []container.File{put("/etc/app.conf", "two"), put("/run/secrets/new", "more")}))
	r.holds(id, "/etc/app.conf", "two")
	r.holds(id, "/run/secrets/new", "more")
	r.must(r.e.StopContainer(r.Context(), id, ptr(time.Duration(0))))
	r.must(r.e.PutFiles(r.Context(), id, []container.File{put("/etc/app.conf", "three")}))
	r.holds(id, "/etc/app.conf", "three")
	r.refused(r.e.PutFiles(r.Context(), r.name("nobody"), []container.File{put("/x", "x")}), engine.ErrNotFound)
	fixed := r.make(engine.NewContainer{Name: "fixed", Spec: container.Spec{NetworkMode: "none", ReadOnly: true}})
	if !r.podman() { // puts them in
		r.refused(r.e.PutFiles(r.Context(), fixed, []container.File{put("/etc/app.conf", "one")}), engine.ErrConflict)
	}
}
