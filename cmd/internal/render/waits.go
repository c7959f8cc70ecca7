package render

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
)

// waiting says what a row waits for that has not begun, or not gone on: "waiting for db healthy".
func (b *board) waiting(r *row) string {
	var out []string
	for _, id := range r.left {
		for _, before := range slices.Concat(b.nodes[id].After, b.nodes[id].AfterAny) {
			if _, ended := b.ended[before]; ended || b.nodes[before].Resource == r.res {
				continue
			}
			if text := b.condition(b.nodes[before]); !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
		if len(out) > 0 {
			break // later steps wait for this one
		}
	}
	text := "queued"
	if len(out) > 0 {
		text = "waiting for " + enumerate(out)
	}
	if r.word == "" {
		return strings.ToUpper(text[:1]) + text[1:]
	}
	return text
}

// condition that a step brings about, in few words: "db healthy", "network shop_default".
func (b *board) condition(n plan.Node) string {
	name := n.Resource.Service
	if name == "" {
		name = n.Resource.Name
	}
	switch s := n.Step.(type) {
	case plan.WaitContainer:
		return name + " " + string(s.Until)
	case plan.StartContainer:
		return name + " started"
	case plan.StopContainer:
		return name + " stopped"
	case plan.CreateContainer:
		return name + " created"
	case plan.RemoveContainer:
		return name + " removed"
	case plan.CheckImage, plan.PullImage, plan.BuildImage:
		return "image " + n.Resource.Name
	}
	if n.Resource.Kind == plan.Service {
		return "the replicas before it"
	}
	if n.Resource.Kind != plan.Container {
		return string(n.Resource.Kind) + " " + n.Resource.Name
	}
	return name
}

// waitedFor says who waits for a container, and for what: "until healthy, for api, web". What a service waits for goes before what --wait does.
func (b *board) waitedFor(r *row) string {
	text := ""
	for _, id := range r.left {
		w, ok := b.nodes[id].Step.(plan.WaitContainer)
		if !ok || !b.begun[id] {
			continue
		}
		if who := b.waiters(id); len(who) > 0 {
			return "until " + string(w.Until) + ", for " + enumerate(who)
		}
		text = "until " + string(w.Until)
	}
	return text
}

// waiters are the services that come after a step.
func (b *board) waiters(id plan.ID) []string {
	var out []string
	for _, next := range b.needed[id] {
		if s := b.nodes[next].Resource.Service; s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// notDone says at the end why a row is not where it should be.
func (b *board) notDone(r *row) string {
	if r.word == "Cancelled" {
		return ""
	}
	text := "not done"
	for _, id := range r.undone {
		if _, starts := b.nodes[id].Step.(plan.StartContainer); starts {
			text = "not started"
		}
	}
	if name := b.culprit(r.undone); name != "" {
		text += " because of " + name
	}
	return text
}

// culprit is the resource of the failed step that is nearest on the way to these.
func (b *board) culprit(todo []plan.ID) string {
	seen := map[plan.ID]bool{}
	for todo = slices.Clone(todo); len(todo) > 0; todo = todo[1:] {
		id := todo[0]
		switch {
		case seen[id]:
		case b.has(id) && b.ended[id] == graph.Failed:
			return b.nodes[id].Resource.Name
		default:
			seen[id] = true
			todo = append(todo, b.nodes[id].After...)
		}
	}
	return ""
}

// enumerate the first three, and count the others.
func enumerate(names []string) string {
	if len(names) <= 3 {
		return strings.Join(names, ", ")
	}
	return strings.Join(names[:3], ", ") + " and " + strconv.Itoa(len(names)-3) + " more"
}
