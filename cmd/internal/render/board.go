package render

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
)

// board keeps what state each resource is in, as far as the steps' events tell. All views read it.
type board struct {
	nodes    map[plan.ID]plan.Node
	needed   map[plan.ID][]plan.ID // who comes after a step
	ended    map[plan.ID]graph.Outcome
	begun    map[plan.ID]bool
	rows     []*row
	at       map[plan.Resource]*row
	stopping bool
	over     bool
	from, to time.Time // of the first step's begin and the last end
}

// row is one resource.
type row struct {
	id     string // "Container shop-web-1"
	res    plan.Resource
	word   string // "Creating", "Created", …; "" while nothing has happened
	failed bool
	warned bool
	err    error

	left      []plan.ID // steps that have not ended, in the plan's order
	undone    []plan.ID // steps that were skipped or cancelled
	remake    map[plan.ID]bool
	silent    map[plan.ID]bool // steps of a replacement that are not told of
	back      map[plan.ID]bool // steps that take back what was done
	restarted bool

	running  int
	since    time.Time
	busy     time.Duration
	bar      bar
	last     string // what a build last said
	building []buildStep
}

func newBoard() *board {
	return &board{nodes: map[plan.ID]plan.Node{}, needed: map[plan.ID][]plan.ID{}, ended: map[plan.ID]graph.Outcome{}, begun: map[plan.ID]bool{},
		at: map[plan.Resource]*row{}}
}

var kindWord = map[plan.Kind]string{plan.Service: "Service", plan.Network: "Network", plan.Volume: "Volume", plan.Image: "Image", plan.Container: "Container"}

// label of a resource in Docker Compose's words: "Container shop-web-1".
func label(r plan.Resource) string { return strings.TrimSpace(kindWord[r.Kind] + " " + r.Name) }

// event takes an event in. The row is the one it is about, nil if none; news tells whether its word is another than before.
func (b *board) event(e apply.Event) (r *row, news bool) {
	switch e := e.(type) {
	case apply.Planned:
		b.planned(e.Plan)
	case apply.Undoing:
		b.undoing(e.Plan)
	case apply.StepStarted:
		return b.start(e)
	case apply.StepProgress:
		r := b.row(e.Node)
		r.progress(e.Node.Step, e.Progress)
		return r, false
	case apply.StepEnded:
		return b.end(e)
	case apply.Stopping:
		b.stopping = true
	case apply.Ended:
		b.over = true
	}
	return nil, false
}

// planned lays out a row for each resource, those of a kind and service together. Services come in the order in which they get ready: what
// others wait for stands above them. When all goes, networks and volumes go last.
func (b *board) planned(p plan.Plan) {
	for _, res := range p.Kept {
		b.row(plan.Node{Resource: res}).word = "Running"
	}
	depth := map[plan.ID]int{}        // of a step: how many come before it at least
	depths := map[plan.Resource]int{} // of the last step of a group
	for _, n := range p.Nodes {
		b.nodes[n.ID] = n
		r := b.row(n)
		r.left = append(r.left, n.ID)
		for _, before := range slices.Concat(n.After, n.AfterAny) {
			b.needed[before] = append(b.needed[before], n.ID)
			depth[n.ID] = max(depth[n.ID], depth[before]+1)
		}
		depths[r.group()] = max(depths[r.group()], depth[n.ID])
	}
	order, removes := kindOrder, true
	for _, c := range p.Changes() {
		b.at[c.Resource].kind(c, b.nodes)
		removes = removes && c.Action == plan.Remove
	}
	if removes {
		order = slices.Clone(order)
		slices.Reverse(order)
	}
	slices.SortStableFunc(b.rows, func(x, y *row) int {
		return cmp.Or(cmp.Compare(slices.Index(order, x.res.Kind), slices.Index(order, y.res.Kind)),
			cmp.Compare(depths[x.group()], depths[y.group()]), cmp.Compare(x.res.Service, y.res.Service))
	})
}

var kindOrder = []plan.Kind{plan.Network, plan.Volume, plan.Image, plan.Model, plan.Provider, plan.Container, plan.Artefact}

func (r *row) group() plan.Resource { return plan.Resource{Kind: r.res.Kind, Service: r.res.Service} }

// undoing adds the steps of a way back to the rows that there are.
func (b *board) undoing(p plan.Plan) {
	for _, n := range p.Nodes {
		b.nodes[n.ID] = n
		r := b.row(n)
		r.left = append(r.left, n.ID)
		r.back[n.ID] = true
		for _, before := range slices.Concat(n.After, n.AfterAny) {
			b.needed[before] = append(b.needed[before], n.ID)
		}
	}
}

// kind finds out whether a container is replaced or restarted, which has words of its own.
func (r *row) kind(c plan.Change, nodes map[plan.ID]plan.Node) {
	if c.Resource.Kind != plan.Container {
		return
	}
	r.restarted = slices.Contains(c.Verbs, "restart")
	if c.Action != plan.Replace {
		return
	}
	started := false
	for _, id := range c.Steps {
		switch nodes[id].Step.(type) {
		case plan.StartContainer:
			started = true
		case plan.CreateContainer, plan.StopContainer:
			r.remake[id], r.silent[id] = !started, started
		default:
			r.silent[id] = true
		}
	}
}

func (b *board) row(n plan.Node) *row {
	r, ok := b.at[n.Resource]
	if !ok {
		r = &row{id: label(n.Resource), res: n.Resource, remake: map[plan.ID]bool{}, silent: map[plan.ID]bool{}, back: map[plan.ID]bool{}}
		b.at[n.Resource] = r
		if n.Resource.Kind != plan.Service { // it is told of only if it fails
			b.rows = append(b.rows, r)
		}
	}
	return r
}

func (b *board) start(e apply.StepStarted) (*row, bool) {
	r := b.row(e.Node)
	b.begun[e.Node.ID] = true
	if b.from.IsZero() {
		b.from = e.At
	}
	if r.running++; r.running == 1 {
		r.since = e.At
	}
	if b, is := e.Node.Step.(plan.BuildImage); is && b.Unpulled {
		r.warned, r.err = false, nil
	}
	during, after := r.words(e.Node)
	if _, wait := e.Node.Step.(plan.WaitContainer); wait && r.word == after {
		return r, false // another wait has told already
	}
	return r, r.say(during)
}

func (b *board) end(e apply.StepEnded) (*row, bool) {
	r := b.row(e.Node)
	b.ended[e.Node.ID], b.to = e.Outcome, e.At
	r.left = slices.DeleteFunc(r.left, func(id plan.ID) bool { return id == e.Node.ID })
	began := b.begun[e.Node.ID]
	if began {
		if r.running--; r.running == 0 {
			r.busy += e.At.Sub(r.since)
		}
	}
	switch e.Outcome {
	case graph.Failed:
		return r, b.fail(r, e)
	case graph.Skipped, graph.Cancelled:
		r.undone = append(r.undone, e.Node.ID)
		return r, began && r.say("Cancelled")
	}
	_, after := r.words(e.Node)
	if r.back[e.Node.ID] && !slices.ContainsFunc(r.left, func(id plan.ID) bool { return r.back[id] }) {
		after = "Rolled back"
	}
	delete(r.remake, e.Node.ID)
	if !began {
		return r, r.unchanged()
	}
	return r, r.say(after)
}

func (b *board) has(id plan.ID) bool {
	_, ended := b.ended[id]
	return ended
}

// unchanged is the word for what turned out to need nothing.
func (r *row) unchanged() bool {
	if r.word != "" || len(r.left) > 0 || len(r.undone) > 0 {
		return false
	}
	if r.res.Kind == plan.Container {
		return r.say("Running")
	}
	return r.say("Unchanged")
}

func (b *board) fail(r *row, e apply.StepEnded) bool {
	r.err = e.Err
	switch s := e.Node.Step.(type) {
	case plan.WaitContainer:
		if !s.Required {
			r.warned = true
			return r.say("Skipped: optional dependency")
		}
	case plan.PullImage, plan.PushImage:
		r.warned = plan.Optional(s)
	case plan.RemoveImage, plan.RemoveNetwork, plan.RemoveVolume:
		if errors.Is(e.Err, engine.ErrConflict) {
			r.warned = true
			return r.say("Resource is still in use")
		}
	}
	if r.warned {
		return r.say("Warning")
	}
	if !r.failed && r.res.Kind == plan.Service {
		b.rows = append(b.rows, r)
	}
	r.failed = true
	return r.say("Error")
}

// say another word; "" keeps the one there is.
func (r *row) say(word string) bool {
	if word == "" || word == r.word || r.failed && word != "Error" && len(r.back) == 0 {
		return false
	}
	r.word = word
	return true
}

// words for a row while a step runs and once it is done.
func (r *row) words(n plan.Node) (during, after string) {
	if r.back[n.ID] {
		return "Rolling back", ""
	}
	if r.silent[n.ID] {
		return "", ""
	}
	if r.remake[n.ID] {
		if len(r.remake) > 1 {
			return "Recreate", ""
		}
		return "Recreate", "Recreated"
	}
	if r.restarted {
		switch n.Step.(type) {
		case plan.StopContainer:
			return "Restarting", ""
		case plan.StartContainer:
			return "Restarting", "Started"
		}
	}
	w := wordsOf(n.Step)
	return w.doing, w.done
}

// talks tells whether a step's progress is what a program says.
func talks(s plan.Step) bool {
	switch s.(type) {
	case plan.BuildImage, plan.Provide, plan.ServeModel:
		return true
	}
	return false
}

func (r *row) progress(s plan.Step, p engine.Progress) {
	if talks(s) {
		text := tameLines(p.Text)
		if text != "" {
			r.last = text[strings.LastIndexByte(text, '\n')+1:]
		}
		if p.Layer != "" {
			r.stepped(p, text)
		}
		return
	}
	r.bar.take(p)
}

// done tells whether all that was to happen to the resource has.
func (r *row) done() bool { return len(r.left) == 0 && !r.failed && len(r.undone) == 0 }

func (r *row) elapsed(now time.Time) time.Duration {
	if r.running > 0 {
		return r.busy + max(0, now.Sub(r.since))
	}
	return r.busy
}
