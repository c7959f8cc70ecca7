package enginetest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// mark one, by who; it goes when the test ends.
func (r *room) mark(name, who string) map[string]string {
	r.Helper()
	found, err := r.e.Mark(r.Context(), name, map[string]string{"who": who})
	r.must(err)
	r.Cleanup(func() { _ = r.e.Unmark(context.Background(), name) })
	return found
}

func marksObey(r *room) {
	name := r.project + "_lock"
	if found := r.mark(name, "first"); !maps.Equal(found, map[string]string{"who": "first"}) {
		r.Errorf("made with %v", found)
	}
	if found := r.mark(name, "second"); !maps.Equal(found, map[string]string{"who": "first"}) {
		r.Errorf("found with %v", found)
	}
	r.must(r.e.Unmark(r.Context(), name))
	r.must(r.e.Unmark(r.Context(), name)) // again is fine
	if found := r.mark(name, "third"); !maps.Equal(found, map[string]string{"who": "third"}) {
		r.Errorf("made anew with %v", found)
	}
}

func marksAreAtomic(r *room) {
	name := r.project + "_lock"
	found := make([]string, 8)
	var all sync.WaitGroup
	for i := range found {
		all.Go(func() { found[i] = r.mark(name, fmt.Sprint(i))["who"] })
	}
	all.Wait()
	if slices.Sort(found); found[0] == "" || found[0] != found[len(found)-1] {
		r.Errorf("several had it: %q", found)
	}
}

func marksWatched(r *room) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	before, name, other := r.project+"_lock_before", r.project+"_lock_a", r.project+"_other"
	r.mark(before, "me")
	marks, errs, err := r.e.WatchMarks(ctx, r.project+"_lock")
	r.must(err)
	r.mark(other, "me")
	r.mark(name, "me")
	r.mark(name, "another")
	r.must(r.e.Unmark(r.Context(), name))
	r.must(r.e.Unmark(r.Context(), before))
	r.must(r.e.CreateVolume(r.Context(), volume.Spec{Name: name}, nil)) // any volume of that name counts
	r.awaitMarks(marks, []engine.MarkEvent{{Name: name}, {Name: name, Removed: true}, {Name: before, Removed: true}, {Name: name}})
	cancel()
	for range marks {
	}
	if err := <-errs; err != nil {
		r.Errorf("got %v, want nil", err)
	}
}

// awaitMarks reads these events in order, each once or more.
func (r *room) awaitMarks(marks <-chan engine.MarkEvent, want []engine.MarkEvent) {
	r.Helper()
	var last engine.MarkEvent
	for i := 0; i < len(want); {
		select {
		case got := <-marks:
			if got == want[i] {
				i++
			} else if got != last {
				r.Fatalf("event %d: %+v, want %+v", i, got, want[i])
			}
			last = got
		case <-time.After(10 * time.Second):
			r.Fatalf("event %d, %+v, was missed", i, want[i])
		}
	}
}

func survey(r *room) {
	spec, port := container.Spec{Labels: map[string]string{container.LabelService: "web", container.LabelWorkingDir: "/srv/" + r.project}}, 33000+rand.IntN(1000)
	spec.Ports = []container.Port{{HostIP: "127.0.0.1", Published: fmt.Sprint(port), Target: 80, Protocol: "tcp"}}
	spec.Networks = []network.Attachment{r.network("default")}
	id := r.make(engine.NewContainer{Name: "web", Spec: spec})
	r.start(id)
	idle := r.does("idle")
	s, err := r.e.Survey(r.Context())
	r.must(err)
	if s.Memory <= 0 || s.CPUs <= 0 || len(s.Pools) == 0 {
		r.Errorf("memory %d, %d cpus, pools %v", s.Memory, s.CPUs, s.Pools)
	}
	n := r.neighbour(s, id)
	if n.Name != r.name("web") || n.Project != r.project || n.Service != "web" || n.WorkingDir != "/srv/"+r.project || n.State != container.Running {
		r.Errorf("neighbour %+v", n)
	}
	if !slices.ContainsFunc(n.Ports, func(p container.Published) bool {
		return p.Published == port && p.Target == 80 && p.Protocol == "tcp" && (p.HostIP == "127.0.0.1" || r.podman())
	}) {
		r.Errorf("ports %+v", n.Ports)
	}
	if n := r.neighbour(s, idle); n.State != container.Created || n.Service != "" || n.OneOff {
		r.Errorf("neighbour %+v", n)
	}
	r.surveyed(s)
	s.Containers, err = r.e.Neighbours(r.Context())
	r.must(err)
	again := r.neighbour(s, id)
	if r.podman() { // has no network's ID in a list of containers
		again.Networks = n.Networks
	}
	if !reflect.DeepEqual(again, n) {
		r.Errorf("neighbours alone: %+v, not %+v", again, n)
	}
}

func (r *room) neighbour(s engine.Surroundings, id string) engine.Neighbour {
	r.Helper()
	i := slices.IndexFunc(s.Containers, func(n engine.Neighbour) bool { return n.ID == id })
	if i < 0 {
		r.Fatalf("no neighbour %s", id)
	}
	return s.Containers[i]
}

// surveyed: the network that asked for no subnet has one, and all is in order.
func (r *room) surveyed(s engine.Surroundings) {
	r.Helper()
	i := slices.IndexFunc(s.Networks, func(n engine.NeighbourNetwork) bool { return n.Name == r.project+"_default" })
	if i < 0 || s.Networks[i].Project != r.project || len(s.Networks[i].Subnets) != 1 {
		r.Fatalf("network %d of %+v", i, s.Networks)
	}
	if _, err := netip.ParsePrefix(s.Networks[i].Subnets[0]); err != nil {
		r.Error(err)
	}
	if !slices.IsSortedFunc(s.Containers, func(a, b engine.Neighbour) int { return strings.Compare(a.Name, b.Name) }) ||
		!slices.IsSortedFunc(s.Networks, func(a, b engine.NeighbourNetwork) int { return strings.Compare(a.Name, b.Name) }) {
		r.Error("not in order")
	}
}

// subnetsOverlap: a subnet within another's is refused, whoever asked for that one.
func subnetsOverlap(r *room) {
	make := func(name, subnet string) error {
		_, err := r.e.CreateNetwork(r.Context(), network.Spec{Name: r.project + "_" + name, IPAM: network.IPAM{Pools: []network.Pool{{Subnet: subnet}}}}, r.labels())
		return err
	}
	base := fmt.Sprintf("10.%d.%d", 120+rand.IntN(70), rand.IntN(250))
	r.must(make("wide", base+".0/24"))
	r.refused(make("narrow", base+".64/26"), engine.ErrConflict)
	r.network("auto")
	s, err := r.e.Survey(r.Context())
	r.must(err)
	i := slices.IndexFunc(s.Networks, func(n engine.NeighbourNetwork) bool { return n.Name == r.project+"_auto" })
	r.refused(make("same", s.Networks[i].Subnets[0]), engine.ErrConflict)
}
