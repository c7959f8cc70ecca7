package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine/container"
)

// init containers (Compose specification, pre_start) run to completion, in order, before a container of their service starts: once for all
// replicas, unless one of them is up and stays, or once for each.
func (b *builder) emitPreStart(svc desired.Service) {
	b.sweep(svc)
	starting := slices.DeleteFunc(slices.Clone(b.replicas[svc.Name]), func(r *replica) bool { return !r.starts() })
	if len(svc.PreStart) == 0 || len(starting) == 0 || b.o.NoStart {
		return
	}
	once := !slices.ContainsFunc(b.replicas[svc.Name], func(r *replica) bool { return !r.starts() && r.live.Up() })
	var shared []ID // the last one that ran for all
	own := map[*replica][]ID{}
	for i, h := range svc.PreStart {
		if !h.PerReplica {
			if once {
				shared = b.runBefore(svc, starting[0], h, fmt.Sprintf("%s-pre_start-%d", svc.Name, i), shared, values(own))
			}
			continue
		}
		for _, r := range starting {
			own[r] = b.runBefore(svc, r, h, fmt.Sprintf("%s-pre_start-%d", r.Key, i), shared, own[r])
		}
	}
	for _, r := range starting {
		b.initialised[r.Key] = slices.Concat(shared, own[r])
	}
}

func values(m map[*replica][]ID) []ID {
	var out []ID
	for _, ids := range m {
		out = append(out, ids...)
	}
	slices.Sort(out)
	return out
}

// starts tells whether a container of the replica is about to be started.
func (r *replica) starts() bool {
	return r.live == nil || r.replaced() || len(r.start) > 0 || len(r.restart) > 0
}

// runBefore makes an init container, waits for its end, and removes it; it sees the volumes of the container that it comes before.
func (b *builder) runBefore(svc desired.Service, r *replica, h desired.PreStart, name string, before ...[]ID) []ID {
	ref := Ref{Key: name}
	step := b.initContainer(svc, r, h, name)
	ready := b.dependencies(svc)
	resource := Resource{Kind: Container, Service: svc.Name, Name: step.Name}
	why := []Reason{RunsBefore{svc.Name}}
	after := b.beforeCreate(step.Spec)
	if _, swept := b.at[ID("remove "+step.Name)]; swept {
		after = append(after, ID("remove "+step.Name))
	}
	if r.live == nil || r.replaced() && !r.continued {
		after = append(after, ID("create "+r.Key))
	}
	node := func(verb string, s Step, after ...ID) ID {
		return b.add(Node{ID: ID(verb + " " + name), Step: s, Resource: resource, Reasons: why, After: after, Unless: r.unless})
	}
	created := node("create", step, after...)
	start := node("start", StartContainer{Container: ref}, slices.Concat([]ID{created}, ready.done, slices.Concat(before...))...)
	b.nodes[b.at[start]].AfterAny = ready.ended
	ended := node("wait", WaitContainer{Container: ref, Until: UntilCompleted, For: svc.Name, Required: true}, start)
	node("remove finished", RemoveContainer{Container: ref, Volumes: true}, ended)
	return []ID{ended}
}

func (b *builder) initContainer(svc desired.Service, r *replica, h desired.PreStart, name string) CreateContainer {
	spec := h.Container
	spec.Name, spec.Image = b.want.Project.Name+"-"+name, h.Image.Ref
	spec.VolumesFrom = append(slices.Clone(spec.VolumesFrom), "service:"+svc.Name)
	labels := b.want.InitLabels(svc.Name)
	maps.Copy(labels, spec.Labels)
	peers := b.peers(svc)
	peers["service:"+svc.Name] = r.renamed()
	if !r.replaced() && !r.continued {
		peers["service:"+svc.Name] = r.ref()
	}
	step := CreateContainer{Container: Ref{Key: name}, Name: spec.Name, Spec: spec, Labels: labels, Peers: peers}
	if len(b.brings[spec.Image]) == 0 {
		step.ImageID = b.have.Images[spec.Image].ID
	}
	return step
}

// sweep away what an earlier run left of the service's init containers: one that failed is kept to be looked at.
func (b *builder) sweep(svc desired.Service) {
	for _, l := range b.inits[svc.Name] {
		b.add(Node{ID: ID("remove " + l.Name), Step: RemoveContainer{Container: Ref{Key: l.ID, ID: l.ID}, Volumes: true, Force: true},
			Resource: containerResource(l), Reasons: []Reason{Leftover{l.Service()}}, After: b.checks})
	}
}

// specs are all that the containers of a service are made from: its own, and those of its init containers.
func specs(svc desired.Service) []container.Spec {
	out := []container.Spec{svc.Container}
	for _, h := range svc.PreStart {
		out = append(out, h.Container)
	}
	return out
}
