package enginetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/network"
)

// Harness is an engine to be tested, with the helper's image under Image.
type Harness struct {
	Engine engine.Engine
	Image  string
}

// Conformance is what every engine must do. Each test works in a project of its own and leaves nothing. An engine that is a part of one only
// names the tests that it is without.
func Conformance(t *testing.T, newEngine func(t *testing.T) Harness, without ...string) {
	left := slices.Clone(without)
	defer func() {
		if len(left) > 0 {
			t.Errorf("no tests of these names: %q", left)
		}
	}()
	for _, test := range []struct {
		name string
		run  func(*room)
	}{
		{"SpecComesBack", specComesBack},
		{"CreateRefuses", createRefuses},
		{"Lifecycle", lifecycle},
		{"RemovesItself", removesItself},
		{"Rename", rename},
		{"Pause", pause},
		{"StopKillsTheDeaf", stopKillsTheDeaf},
		{"EventsInOrder", eventsInOrder},
		{"EventsOfTheProjectOnly", eventsOfTheProjectOnly},
		{"SubscriptionEnds", subscriptionEnds},
		{"Health", health},
		{"Sick", sick},
		{"Networks", networksObey},
		{"NetworkMissing", networkMissing},
		{"Connect", connect},
		{"Volumes", volumesObey},
		{"AnonymousVolumes", anonymousVolumes},
		{"Data", dataMoves},
		{"DataRefuses", dataRefuses},
		{"Contents", contentsObey},
		{"FoundByName", foundByName},
		{"Logs", logsInOrder},
		{"LogsFollow", logsFollow},
		{"StoppedOrFinished", stoppedOrFinished},
		{"UpdateShows", updateShows},
		{"ReconnectShows", reconnectShows},
		{"SharedNetwork", sharedNetwork},
		{"PortTaken", portTaken},
		{"Images", imagesObey},
		{"Tags", tagsMove},
		{"ImagesListed", imagesListed},
		{"Archives", archivesObey},
		{"ArchivesRefuse", archivesRefuse},
		{"Exec", execsObey},
		{"CommandStreams", commandStreams},
		{"Attached", attached},
		{"PathsMove", pathsMove},
		{"FilesystemsKept", filesystemsKept},
		{"Monitored", monitored},
		{"HappeningsTold", happeningsTold},
		{"ExecRefuses", execRefuses},
		{"ExecFails", execFails},
		{"ExecEndsEarly", execEndsEarly},
		{"Marks", marksObey},
		{"MarksWatched", marksWatched},
		{"MarksAreAtomic", marksAreAtomic},
		{"Survey", survey},
		{"SubnetsOverlap", subnetsOverlap},
		{"Projects", projectsListed},
		{"Diagnose", diagnose},
		{"GivenUp", givenUp},
	} {
		if i := slices.Index(left, test.name); i >= 0 {
			left = slices.Delete(left, i, i+1)
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(newRoom(t, newEngine(t)))
		})
	}
}

// room is one test's project on an engine.
type room struct {
	*testing.T
	e       engine.Engine
	image   string
	project string
	events  <-chan engine.Event
	seen    []engine.Event
}

func newRoom(t *testing.T, h Harness) *room {
	b := make([]byte, 5)
	rand.Read(b)
	r := &room{T: t, e: h.Engine, image: h.Image, project: "conf" + hex.EncodeToString(b)}
	t.Cleanup(r.clear)
	return r
}

// clear takes away whatever the project has.
func (r *room) clear() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := r.e.Observe(ctx, engine.Query{Project: r.project})
	if err != nil {
		r.Errorf("clean up: %v", err)
	}
	for _, c := range s.Containers {
		if err := r.e.RemoveContainer(ctx, c.ID, true, true); err != nil {
			r.Errorf("clean up: %v", err)
		}
	}
	for _, n := range s.Networks {
		if err := r.e.RemoveNetwork(ctx, n.ID); err != nil {
			r.Errorf("clean up: %v", err)
		}
	}
	for _, v := range s.Volumes {
		if err := r.e.RemoveVolume(ctx, v.Name); err != nil {
			r.Errorf("clean up: %v", err)
		}
	}
}

func (r *room) podman() bool { return r.e.Info().Caps.Engine == "podman" }

func (r *room) labels() map[string]string {
	return map[string]string{container.LabelProject: r.project, container.LabelConfigHash: "made"}
}

func (r *room) name(n string) string { return r.project + "-" + n }

func (r *room) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *room) refused(err, kind error) {
	r.Helper()
	if !errors.Is(err, kind) {
		r.Errorf("got error %v, want one that is %q", err, kind)
	}
}

// make a container that was made from spec, with the helper's image.
func (r *room) make(n engine.NewContainer) string {
	r.Helper()
	id, err := r.tryMake(n)
	r.must(err)
	return id
}

func (r *room) tryMake(n engine.NewContainer) (string, error) {
	n.Spec.Image = r.image
	n.Name = r.name(n.Name)
	n.Labels = r.labels()
	for k, v := range n.Spec.Labels {
		n.Labels[k] = v
	}
	return r.e.CreateContainer(r.Context(), n)
}

// does makes a container with the helper's words and no network.
func (r *room) does(name string, words ...string) string {
	r.Helper()
	return r.make(engine.NewContainer{Name: name, Spec: container.Spec{Command: words, NetworkMode: "none"}})
}

func (r *room) start(id string) {
	r.Helper()
	r.must(r.e.StartContainer(r.Context(), id))
}

func (r *room) run(name string, words ...string) string {
	r.Helper()
	id := r.does(name, words...)
	r.start(id)
	return id
}

func (r *room) inspect(id string) container.Live {
	r.Helper()
	l, err := r.e.Inspect(r.Context(), id)
	r.must(err)
	return l
}

// observed is one container of the project as lists show it.
func (r *room) observed(id string) container.Live {
	r.Helper()
	s, err := r.e.Observe(r.Context(), engine.Query{Project: r.project})
	r.must(err)
	i := slices.IndexFunc(s.Containers, func(l container.Live) bool { return l.ID == id })
	if i < 0 {
		r.Fatalf("no container %s in %+v", id, s.Containers)
	}
	return s.Containers[i]
}

func (r *room) network(name string) network.Attachment {
	r.Helper()
	full := r.project + "_" + name
	_, err := r.e.CreateNetwork(r.Context(), network.Spec{Name: full}, r.labels())
	r.must(err)
	return network.Attachment{Network: name, Name: full}
}

// watch subscribes, once.
func (r *room) watch() {
	r.Helper()
	events, _, err := r.e.Subscribe(r.Context(), r.project)
	r.must(err)
	r.events = events
}

// await reads events until one is of the kind and the container.
func (r *room) await(kind engine.EventKind, id string) engine.Event {
	r.Helper()
	patience := time.After(30 * time.Second)
	for {
		select {
		case ev, ok := <-r.events:
			if !ok {
				r.Fatalf("events ended before %s of %s", kind, id)
			}
			r.seen = append(r.seen, ev)
			if ev.Kind == kind && ev.Container == id {
				return ev
			}
		case <-patience:
			r.Fatalf("no %s of %s within 30 s; seen: %+v", kind, id, r.seen)
		}
	}
}

// awaitAll reads events until all kinds were seen, in any order.
func (r *room) awaitAll(id string, kinds ...engine.EventKind) {
	r.Helper()
	for _, k := range kinds {
		if !slices.Contains(r.kinds(id), k) {
			r.await(k, id)
		}
	}
}

// kinds seen so far of a container.
func (r *room) kinds(id string) []engine.EventKind {
	var out []engine.EventKind
	for _, ev := range r.seen {
		if ev.Container == id {
			out = append(out, ev.Kind)
		}
	}
	return out
}

func ptr[T any](v T) *T { return &v }
