package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/volume"
)

// A volume that is made anew keeps what it holds (--recreate-volumes): those that use it stop, a snapshot is taken, they go, the volume goes, comes
// back as the file says, is filled from the snapshot, and they come back. All of it is one unit: if any step does not get done, the volume
// comes back as it was, filled from the snapshot, and so do its users. The snapshot stays.
//
// A mark, a volume without anything in it, stands from the snapshot until the volume is filled and the containers that use it are made. If the run
// is cut off in between, the next plan fills the volume before anybody sees it empty, and gives the containers the anonymous volumes that
// they had: the mark's labels tell.

// movingUnit is the hand-over of all volumes that are made anew, and of all that use them: they may share some.
const movingUnit = "volumes"

// maxSnapshots of one volume.
const maxSnapshots = 20

// move is a volume that is made anew.
type move struct {
	want     volume.Spec
	live     volume.Live
	why      []Reason
	snapshot string
}

func (b *builder) moveVolume(v volume.Spec, live volume.Live, why []Reason) {
	if b.o.NoRecreate {
		b.fail("volumes."+v.Key, "volume %s cannot be made anew while its containers are not (--no-recreate)", v.Name)
		return
	}
	taken := func(name string) bool {
		return slices.ContainsFunc(b.have.Volumes, func(l volume.Live) bool { return l.Name == name })
	}
	for _, name := range snapshotNames(v.Name) {
		if !taken(name) {
			b.moves = append(b.moves, move{v, live, why, name})
			b.tryVolume(v, why)
			return
		}
	}
	b.fail("volumes."+v.Key, "volume %s has %d snapshots, %s to %s: remove some", v.Name, maxSnapshots, snapshotName(v.Name, 1), snapshotName(v.Name, maxSnapshots))
}

func snapshotName(of string, n int) string { return fmt.Sprintf("%s.snapshot-%d", of, n) }

func snapshotNames(of string) []string {
	var out []string
	for n := 1; n <= maxSnapshots; n++ {
		out = append(out, snapshotName(of, n))
	}
	return out
}

// Snapshots are the names that snapshots of a project's volumes may have: only those that there are not are taken.
func Snapshots(p desired.Project) []string {
	var out []string
	for _, v := range p.Volumes {
		if !v.External {
			out = append(out, snapshotNames(v.Name)...)
		}
	}
	return out
}

// tryVolume before anything is touched, where a definition of the engine's own driver can be wrong. Other drivers may give or take real storage.
func (b *builder) tryVolume(v volume.Spec, why []Reason) {
	if plain(v) || v.Driver != "" && v.Driver != "local" {
		return
	}
	trial := v
	trial.Name += ".try"
	b.checks = append(b.checks, b.add(Node{ID: ID("try volume " + v.Name), Step: TryVolume{trial, b.projectLabel()}, Resource: volumeResource(v.Name), Reasons: why}))
}

// plain volumes are nothing but a directory of the engine's, empty when they are made.
func plain(v volume.Spec) bool {
	return (v.Driver == "" || v.Driver == "local") && len(v.DriverOpts) == 0
}

func volumeResource(name string) Resource { return Resource{Kind: Volume, Name: name} }

func (b *builder) projectLabel() map[string]string {
	return map[string]string{container.LabelProject: b.want.Project.Name}
}

// Mark tells whether what is removed holds nothing, and only said something.
func (s RemoveVolume) Mark() bool { return s.Was != nil && s.Was.Mark }

// movesUnder tells whether a volume that a container mounts is made anew.
func (b *builder) movesUnder(l container.Live) bool { return len(b.movedReasons(l)) > 0 }

func (b *builder) movedReasons(l container.Live) []Reason {
	var out []Reason
	for _, m := range b.moves {
		if mountsVolume(l, m.want.Name) {
			out = append(out, VolumeReplaced{m.want.Name})
		}
	}
	return out
}

// emitMoves of the volumes. The steps of their users are emitted later; their ids are known.
func (b *builder) emitMoves() {
	b.emitResumed()
	for _, m := range b.moves {
		name := m.want.Name
		node := func(verb string, s Step, after ...ID) ID {
			return b.add(Node{ID: ID(verb + " volume " + name), Step: s, Resource: volumeResource(name), Reasons: m.why, After: after, Unit: movingUnit})
		}
		stopped, gone := b.users(m)
		kept := b.add(Node{ID: ID("snapshot volume " + name), Step: SnapshotVolume{name, m.snapshot, b.snapshotLabels(name)},
			Resource: volumeResource(m.snapshot), Reasons: []Reason{Keeps{name}}, After: slices.Concat(b.checks, stopped), Unit: movingUnit})
		mark := b.mark(m)
		marked := node("mark", mark, appendIf([]ID{kept}, b.planned(ID("drop mark of volume "+name)))...)
		removed := node("remove", RemoveVolume{name, wasVolume(m.live), m.snapshot}, append(gone, marked)...)
		labels := b.want.VolumeLabels(m.want)
		labels[container.LabelRestoredFrom] = m.snapshot
		created := node("create", CreateVolume{Volume: m.want, Labels: labels}, removed)
		filled := node("fill", FillVolume{Name: name, From: m.snapshot}, created)
		b.nodes[b.at[filled]].Reasons = []Reason{FilledFrom{m.snapshot}}
		b.made[name] = filled
		b.unmarked[name] = node("unmark", RemoveVolume{mark.Volume.Name, &mark, ""}, append(b.creations(name), filled)...)
		b.ends[movingUnit] = append(b.ends[movingUnit], b.unmarked[name])
	}
}

// creations are the steps that make containers which use a volume.
func (b *builder) creations(name string) []ID {
	var out []ID
	for _, service := range b.order {
		for _, r := range b.replicas[service] {
			if mounting(r.Spec, name) && (r.live == nil || r.moved) {
				out = append(out, ID("create "+r.Key))
			}
		}
	}
	return out
}

func mounting(s container.Spec, name string) bool {
	return slices.ContainsFunc(s.Mounts, func(m volume.Mount) bool { return m.Type == volume.Volume && m.Source == name })
}

// settledVolumes are the steps after which the volumes of a service may be written to.
func (b *builder) settledVolumes(svc desired.Service) []ID {
	var out []ID
	for _, m := range svc.Container.Mounts {
		out = appendIf(out, b.unmarked[m.Source])
	}
	return out
}

func (b *builder) snapshotLabels(of string) map[string]string {
	return map[string]string{container.LabelSnapshotOf: of, container.LabelSnapshotFor: b.want.Project.Name}
}

func (b *builder) mark(m move) CreateVolume {
	labels := b.projectLabel()
	labels[container.LabelMoving], labels[container.LabelRestoredFrom] = m.want.Name, m.snapshot
	had := map[string][]volume.Mounted{}
	for _, service := range b.order {
		for _, r := range b.replicas[service] {
			if own := b.inherited(r); (r.moved || r.live == nil) && len(own) > 0 {
				had[r.Key] = own
			}
		}
	}
	if len(had) > 0 {
		text, _ := json.Marshal(had) // plain values
		labels[container.LabelInherit] = string(text)
	}
	return CreateVolume{Volume: volume.Spec{Name: m.want.Name + container.MoveSuffix}, Labels: labels, Mark: true}
}

// wasVolume is the volume as it was, should it be wanted back.
func wasVolume(l volume.Live) *CreateVolume {
	return &CreateVolume{Volume: volume.Spec{Name: l.Name, Driver: l.Driver, DriverOpts: l.Options}, Labels: maps.Clone(l.Labels), Mark: l.Labels[container.LabelMoving] != ""}
}

// users of a volume: the steps after which none of them writes to it any more, and those after which none is there.
func (b *builder) users(m move) (stopped, gone []ID) {
	for _, l := range b.have.Containers {
		if !mountsVolume(l, m.want.Name) {
			continue
		}
		switch r := b.replicaOf(l); {
		case r != nil:
			if l.Up() {
				stopped = append(stopped, ID("stop "+r.Key))
			}
			gone = append(gone, ID("remove "+r.Key))
		case b.doomed[l.ID] && !b.o.Atomic, b.leftover(l), l.Hook() && b.selected[l.Service()]:
			stopped, gone = append(stopped, ID("remove "+l.Name)), append(gone, ID("remove "+l.Name))
		default:
			b.fail("volumes."+m.want.Key, "volume %s cannot be made anew: container %s uses it, and would stay; stop and remove that first", m.want.Name, l.Name)
		}
	}
	return stopped, gone
}

// replicaOf gives the replica that a container stands for.
func (b *builder) replicaOf(l container.Live) *replica {
	for _, r := range b.replicas[l.Service()] {
		if r.live != nil && r.live.ID == l.ID {
			return r
		}
	}
	return nil
}

func (b *builder) leftover(l container.Live) bool {
	return slices.ContainsFunc(b.replicas[l.Service()], func(r *replica) bool {
		return slices.ContainsFunc(r.leftovers, func(o container.Live) bool { return o.ID == l.ID })
	})
}

// emitMoved takes a container away before its volume goes, and makes it anew behind that.
func (b *builder) emitMoved(svc desired.Service, r *replica) {
	old := slices.Concat(b.checks, b.brings[r.Spec.Image], b.restartedDependents(svc))
	if r.live.Up() {
		stop := r.node("stop", StopContainer{r.oldRef(), b.o.Timeout, hooksOf(svc)}, r.create, old...)
		stop.Unit = movingUnit
		old = []ID{b.add(stop)}
	}
	for _, m := range b.moves {
		if mountsVolume(*r.live, m.want.Name) {
			old = append(old, ID("mark volume "+m.want.Name))
		}
	}
	remove := r.node("remove", RemoveContainer{Container: r.oldRef(), Was: b.asItWas(r), Contents: b.contentsOf(*r.live)}, r.create, old...)
	remove.Unit = movingUnit
	b.add(remove)
	created := b.emitCreate(svc, r, r.Spec.Name, false)
	n := &b.nodes[b.at[created]]
	n.Unit, n.After = movingUnit, append(slices.Clone(n.After), remove.ID)
	last := b.emitMovedStart(svc, r, created)
	b.ends[movingUnit] = append(b.ends[movingUnit], last)
}

// emitMovedStart starts and watches it as a hand-over does, and gives the last step.
func (b *builder) emitMovedStart(svc desired.Service, r *replica, created ID) ID {
	if b.o.NoStart {
		return created
	}
	start := b.emitStart(svc, r, r.ref(), r.create, created)
	b.nodes[b.at[start]].Unit = movingUnit
	if !r.live.Up() && !r.live.Stopped {
		return start
	}
	well := r.node("wait", WaitContainer{Container: r.ref(), Until: UntilWell, Required: true, Unprobed: unprobed}, []Reason{DependsOn{svc.Name, string(UntilWell)}}, start)
	well.ID, well.Unit = well.ID+" well", movingUnit
	return b.add(well)
}

// asItWas is the container that goes, should it be wanted back: what it was found to be if the file says otherwise by now.
func (b *builder) asItWas(r *replica) *CreateContainer {
	spec, labels := r.Spec, maps.Clone(r.live.Labels)
	if _, differs := container.Known(r.Spec, "", *r.live); differs && r.live.Found != nil {
		files := spec.Files
		spec = *r.live.Found
		spec.Files = files
	}
	if !b.imageOf(*r.live, spec.Image) {
		spec.Image = r.live.ImageID
	}
	return &CreateContainer{Container: r.oldRef(), Name: r.live.Name, Spec: spec, Labels: labels, ImageID: r.live.ImageID, Peers: b.peersFound(*r.live), Inherit: anonymous(*r.live, r.Spec)}
}

// peersFound are the containers whose namespaces a container shares, as far as they stay.
func (b *builder) peersFound(l container.Live) map[string]Ref {
	svc, _ := b.want.Service(l.Service())
	out := map[string]Ref{}
	for _, d := range svc.Depends {
		for _, r := range b.replicas[d.Service] {
			if d.Namespace != "" && r.live != nil && out["service:"+d.Service] == (Ref{}) {
				out["service:"+d.Service] = r.oldRef()
			}
		}
	}
	return out
}

func anonymous(l container.Live, s container.Spec) []volume.Mounted {
	return slices.DeleteFunc(slices.Clone(l.Mounts), func(m volume.Mounted) bool { return !m.Anonymous() || holdsContents(s, m.Target) })
}

func (b *builder) contentsOf(l container.Live) []string {
	svc, _ := b.want.Service(l.Service())
	return contentsOf(l, svc)
}

// resume of a volume that a run was making anew when it was cut off.
type resume struct {
	volume string
	mark   volume.Live
	fill   ID // "": it had not gone yet
}

// resumeVolume goes on with such a volume, and tells whether that is all there is to do about it. i is where the volume is among those found, -1 if
// it is not.
func (b *builder) resumeVolume(v volume.Spec, i int) bool {
	marked := slices.IndexFunc(b.have.Volumes, func(l volume.Live) bool { return l.Labels[container.LabelMoving] == v.Name })
	if marked < 0 {
		return false
	}
	mark := b.have.Volumes[marked]
	b.readHeirs(mark)
	from, why := mark.Labels[container.LabelRestoredFrom], []Reason{Interrupted{v.Name}}
	if i >= 0 && b.have.Volumes[i].Labels[container.LabelRestoredFrom] != from { // it had not gone yet
		b.resumes = append(b.resumes, resume{v.Name, mark, ""})
		return false
	}
	busy := slices.ContainsFunc(b.have.Containers, func(l container.Live) bool { return l.Up() && mountsVolume(l, v.Name) })
	fill := Node{ID: ID("fill volume " + v.Name), Step: FillVolume{v.Name, from, plain(v) && !busy}, Resource: volumeResource(v.Name),
		Reasons: append(why, FilledFrom{from}), After: b.checks}
	if i < 0 {
		labels := b.want.VolumeLabels(v)
		labels[container.LabelRestoredFrom] = from
		fill.After = []ID{b.add(Node{ID: ID("create volume " + v.Name), Step: CreateVolume{Volume: v, Labels: labels}, Resource: volumeResource(v.Name), Reasons: why, After: b.checks})}
	}
	b.made[v.Name] = b.add(fill)
	b.resumes = append(b.resumes, resume{v.Name, mark, fill.ID})
	return true
}

// readHeirs are the anonymous volumes of containers that had gone when a run was cut off; none if the label is not ours.
func (b *builder) readHeirs(mark volume.Live) {
	var had map[string][]volume.Mounted
	if json.Unmarshal([]byte(mark.Labels[container.LabelInherit]), &had) == nil {
		maps.Copy(b.heirs, had)
	}
}

// emitResumed drops the marks: of a volume that is made anew once more at once, for that has a mark of its own.
func (b *builder) emitResumed() {
	for _, m := range b.resumes {
		after := appendIf(slices.Clone(b.checks), m.fill)
		if !slices.ContainsFunc(b.moves, func(o move) bool { return o.want.Name == m.volume }) {
			after = append(after, b.creations(m.volume)...)
		}
		b.unmarked[m.volume] = b.add(Node{ID: ID("drop mark of volume " + m.volume), Step: RemoveVolume{m.mark.Name, wasVolume(m.mark), ""},
			Resource: volumeResource(m.volume), Reasons: []Reason{Interrupted{m.volume}}, After: after})
	}
}
