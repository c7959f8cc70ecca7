package plan

import (
	"maps"
	"slices"
	"time"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine/container"
)

// Did is what became of the steps of a plan so far.
type Did struct {
	Ran  func(ID) bool // it was begun: it may have done its work even if it failed
	Done func(ID) bool
}

// UndoUnits is the way back from what was done of hand-overs: the old containers serve again, the new ones are put aside, stopped, to be
// looked at. Replicas go back as they came, the last batch first; with how, in batches of their own.
func UndoUnits(p Plan, did Did, units []string, how *desired.Rollout) Plan {
	u := newUndo(p, did, how)
	u.aside, u.apart = true, how != nil
	u.walk(func(n Node) bool { return n.Unit != "" && slices.Contains(units, n.Unit) })
	if how != nil {
		u.inOrder(how.Order)
		u.inBatches(*how)
	}
	return u.plan()
}

// UndoAll is the way back from all that was done of an atomic plan; nil nodes if it was committed.
func UndoAll(p Plan, did Did) Plan {
	u := newUndo(p, did, nil)
	if !did.Done(commitID) {
		u.walk(func(Node) bool { return true })
	}
	return u.plan()
}

// undo is a way back that is being laid out: what takes each step back, in reverse order.
type undo struct {
	p       Plan
	did     Did
	aside   bool // new containers are kept, if they have run
	apart   bool // hand-overs are taken back whatever order they were made in
	monitor time.Duration
	probes  map[string]time.Duration // how often waits run the probe themselves, by service
	next    map[ID][]ID              // what comes after a step in the plan
	ends    map[ID][]ID              // what must have been taken back before the step is
	nodes   []Node
	at      map[ID]int
}

func newUndo(p Plan, did Did, how *desired.Rollout) *undo {
	u := &undo{p: p, did: did, next: map[ID][]ID{}, ends: map[ID][]ID{}, at: map[ID]int{}, probes: map[string]time.Duration{}}
	if how != nil {
		u.monitor = how.Monitor
	}
	for _, n := range p.Nodes {
		if w, ok := n.Step.(WaitContainer); ok && w.Probe > 0 {
			u.probes[n.Resource.Service] = w.Probe
		}
		for _, before := range slices.Concat(n.After, n.AfterAny) {
			u.next[before] = append(u.next[before], n.ID)
		}
	}
	return u
}

func (u *undo) plan() Plan {
	out := Plan{Project: u.p.Project, Nodes: u.nodes}
	if err := out.sort(); err != nil {
		panic(err) // the reverse of what has an order has one
	}
	return out
}

// walk the plan from its end.
func (u *undo) walk(part func(Node) bool) {
	for _, n := range slices.Backward(u.p.Nodes) {
		before := u.before(n)
		if part(n) && u.did.Ran(n.ID) {
			for i, s := range u.inverse(n) {
				before = []ID{u.add(n, i, s, before)}
			}
		}
		u.ends[n.ID] = before
	}
}

// before a step is taken back, what came after it has to be.
func (u *undo) before(n Node) []ID {
	var out []ID
	seen := map[ID]bool{}
	for _, next := range u.next[n.ID] {
		for _, end := range u.ends[next] {
			if !seen[end] && !(u.apart && u.nodes[u.at[end]].Unit != n.Unit) {
				seen[end] = true
				out = append(out, end)
			}
		}
	}
	return out
}

// add a step of the way back. It is tried even if what was to be stopped or put aside first could not be; but nothing is stopped whose
// predecessor did not come back.
func (u *undo) add(n Node, i int, s Step, before []ID) ID {
	id := ID("undo " + string(n.ID))
	if i > 0 {
		id = ID("then " + string(id))
	}
	out := Node{ID: id, Step: s, Resource: n.Resource, Reasons: []Reason{Undone{n.Unit}}, Unit: n.Unit}
	for _, b := range before {
		if comesBack(u.nodes[u.at[b]].Step) {
			out.After = append(out.After, b)
		} else {
			out.AfterAny = append(out.AfterAny, b)
		}
	}
	u.at[id] = len(u.nodes)
	u.nodes = append(u.nodes, out)
	return id
}

// comesBack tells of steps that bring back what serves.
func comesBack(s Step) bool {
	switch s.(type) {
	case StartContainer, WaitContainer, ConnectNetwork, CreateNetwork, CreateVolume, FillVolume, CreateContainer:
		return true
	}
	return false
}

// inverse of a step: what takes it back, in order.
func (u *undo) inverse(n Node) []Step {
	switch s := n.Step.(type) {
	case CreateContainer:
		if !u.did.Done(n.ID) {
			return nil
		}
		return u.uncreate(n, s)
	case RemoveContainer:
		if s.Was != nil {
			return []Step{*s.Was}
		}
	case StartContainer:
		return []Step{StopContainer{Container: s.Container, Hooks: s.Hooks}}
	case StopContainer:
		return []Step{StartContainer{s.Container, s.Hooks},
			WaitContainer{Container: s.Container, Until: UntilWell, Required: true, Monitor: u.monitor, Probe: u.probes[n.Resource.Service]}}
	case PauseContainer:
		return []Step{UnpauseContainer(s)}
	case UnpauseContainer:
		return []Step{PauseContainer(s)}
	case RenameContainer:
		return []Step{RenameContainer{s.Container, s.From, s.Name}}
	case UpdateContainer:
		if s.Was != nil {
			return []Step{UpdateContainer{s.Container, *s.Was, &s.Spec}}
		}
	case ReloadContainer:
		return []Step{ReloadContainer{s.Container, s.Was, s.Files, s.Signals}}
	case ConnectNetwork:
		return []Step{DisconnectNetwork{s.Container, s.Attachment.Name, s.Attachment, s.Keep}}
	case DisconnectNetwork:
		return []Step{ConnectNetwork{s.Container, s.Was, s.Keep}}
	}
	return inverseOfResource(n.Step)
}

func inverseOfResource(s Step) []Step {
	switch s := s.(type) {
	case CreateNetwork:
		return []Step{RemoveNetwork{ID: s.Network.Name, Name: s.Network.Name}}
	case RemoveNetwork:
		if s.Was != nil {
			return []Step{*s.Was}
		}
	case CreateVolume:
		return []Step{RemoveVolume{Name: s.Volume.Name, Was: &s}}
	case RemoveVolume:
		return remadeVolume(s)
	case PullImage:
		return retag(s.Image.Ref, s.Was)
	case BuildImage:
		return retag(s.Image.Ref, s.Was)
	case TagImage:
		return retag(s.Ref, s.Was)
	}
	return nil
}

// remadeVolume as it was, with what was in it.
func remadeVolume(s RemoveVolume) []Step {
	switch {
	case s.Was == nil:
		return nil
	case s.From == "":
		return []Step{*s.Was}
	}
	was := *s.Was
	was.Labels = maps.Clone(was.Labels)
	was.Labels[container.LabelRestoredFrom] = s.From // should this be cut off
	return []Step{was, FillVolume{Name: s.Name, From: s.From}}
}

// retag an image as it was; a new one stays: nobody else's name was taken for it.
func retag(ref, was string) []Step {
	if was == "" {
		return nil
	}
	return []Step{TagImage{Ref: ref, ID: was}}
}

// uncreate a container: away with it, or if it has run aside, where it is not started again by itself.
func (u *undo) uncreate(n Node, s CreateContainer) []Step {
	started := slices.ContainsFunc(u.p.Nodes, func(o Node) bool {
		start, is := o.Step.(StartContainer)
		return is && start.Container == s.Container && u.did.Ran(o.ID)
	})
	if n.Unit == movingUnit { // it would hold the volume; and what it has inherited is nobody else's
		return []Step{RemoveContainer{Container: s.Container, Force: true, Volumes: len(s.Inherit) == 0}}
	}
	if !u.aside || !started {
		return []Step{RemoveContainer{Container: s.Container, Force: true, Volumes: true}}
	}
	var out []Step
	if s.Spec.Restart.Name == "always" {
		quiet := s.Spec
		quiet.Restart = container.Restart{Name: "no"}
		out = append(out, UpdateContainer{s.Container, quiet, nil})
	}
	return append(out, RenameContainer{s.Container, asideName(n.Resource.Name), s.Name})
}

// inOrder turns the way back round where rollback_config asks for another order than the update had.
func (u *undo) inOrder(order string) {
	for i := range u.nodes {
		start, stop := &u.nodes[i], (*Node)(nil)
		if _, is := start.Step.(StartContainer); !is {
			continue
		}
		for k := range u.nodes {
			if _, is := u.nodes[k].Step.(StopContainer); is && u.nodes[k].Unit == start.Unit {
				stop = &u.nodes[k]
			}
		}
		if order == stopFirst && stop != nil && !slices.Contains(start.AfterAny, stop.ID) {
			stop.After, stop.AfterAny = nil, nil
			start.AfterAny = append(start.AfterAny, stop.ID)
		}
	}
}

// inBatches makes replicas go back a few at a time.
func (u *undo) inBatches(how desired.Rollout) {
	units := u.units()
	if how.Parallelism <= 0 || len(units) <= how.Parallelism {
		return
	}
	var gate []ID
	for len(units) > 0 {
		n := min(how.Parallelism, len(units))
		ends := u.gated(units[:n], gate, how.FailureAction == goOn)
		units, gate = units[n:], ends
		if how.Delay > 0 && len(units) > 0 {
			pause := Node{ID: ID("pause before undo " + units[0]), Step: Pause{how.Delay}, Resource: Resource{Kind: Service}, AfterAny: ends}
			if how.FailureAction != goOn {
				pause.After, pause.AfterAny = ends, nil
			}
			u.nodes, gate = append(u.nodes, pause), []ID{pause.ID}
		}
	}
}

// units that are undone, last first.
func (u *undo) units() []string {
	var out []string
	for _, n := range u.nodes {
		if !slices.Contains(out, n.Unit) {
			out = append(out, n.Unit)
		}
	}
	return out
}

// gated puts all steps of some units behind the gate, and gives those steps.
func (u *undo) gated(units []string, gate []ID, soft bool) []ID {
	var out []ID
	for i := range u.nodes {
		n := &u.nodes[i]
		if !slices.Contains(units, n.Unit) {
			continue
		}
		if soft {
			n.AfterAny = append(n.AfterAny, gate...)
		} else {
			n.After = append(n.After, gate...)
		}
		out = append(out, n.ID)
	}
	return out
}

const commitID ID = "commit"

// atomic puts all that cannot be undone behind all that can.
func (p *Plan) atomic() {
	p.Atomic = true
	commit := Node{ID: commitID, Step: Commit{}, Resource: Resource{Kind: Service}}
	for i := range p.Nodes {
		switch n := &p.Nodes[i]; {
		case n.Late:
			n.After = append(slices.Clone(n.After), commitID)
		case Optional(n.Step):
			commit.AfterAny = append(commit.AfterAny, n.ID)
		default:
			commit.After = append(commit.After, n.ID)
		}
	}
	p.Nodes = append(p.Nodes, commit)
}
