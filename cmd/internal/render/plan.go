package render

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine/field"
)

// Plan is the text of `tutti plan`: warnings, a line per resource with its sign, a line per reason, and a last line that counts.
func Plan(w io.Writer, p plan.Plan, s Style) error {
	t := newPlanText(p, s)
	t.write()
	_, err := w.Write(t.b.Bytes())
	return err
}

// planText is a plan on its way to text.
type planText struct {
	s     Style
	p     plan.Plan
	nodes map[plan.ID]plan.Node
	b     bytes.Buffer
}

func newPlanText(p plan.Plan, s Style) *planText {
	t := &planText{s: s, p: p, nodes: map[plan.ID]plan.Node{}}
	for _, n := range p.Nodes {
		t.nodes[n.ID] = n
	}
	return t
}

func (t *planText) write() {
	if len(t.p.Warnings) > 0 {
		Diagnostics(&t.b, t.p.Warnings, t.s)
		t.b.WriteByte('\n')
	}
	changes := t.p.Changes()
	if len(changes) == 0 {
		t.s.under(&t.b, 0, "No changes. "+t.p.Project+" is as its file says.")
		return
	}
	for _, section := range sections {
		t.section(section.title, t.fold(ofKind(changes, section.kind)))
	}
	t.rollouts()
	t.waits()
	t.counts(changes)
}

var sections = []struct {
	kind  plan.Kind
	title string
}{{plan.Network, "Networks"}, {plan.Volume, "Volumes"}, {plan.Image, "Images"}, {plan.Model, "Models"}, {plan.Provider, "Providers"}, {plan.Container, "Containers"}, {plan.Artefact, "Registries"}}

func ofKind(changes []plan.Change, k plan.Kind) []plan.Change {
	var out []plan.Change
	for _, c := range changes {
		if c.Resource.Kind == k {
			out = append(out, c)
		}
	}
	return out
}

// entry is what one line tells of: a change, or several equal ones of a service's replicas.
type entry struct {
	plan.Change
	name string
	how  []string
	all  []plan.Change
}

// fold makes one entry of three or more replicas in a row to which the same happens.
func (t *planText) fold(changes []plan.Change) []entry {
	var out []entry
	for len(changes) > 0 {
		n := 1
		for n < len(changes) && t.alike(changes[0], changes[n]) {
			n++
		}
		if n < 3 {
			n = 1
		}
		out = append(out, entry{changes[0], span(changes[:n]), t.how(changes[0]), changes[:n]})
		changes = changes[n:]
	}
	return out
}

func (t *planText) alike(a, b plan.Change) bool {
	text := func(r plan.Reason) string { return r.Text() }
	return a.Resource.Kind == plan.Container && a.Resource.Service == b.Resource.Service && a.Action == b.Action && a.Destructive == b.Destructive &&
		slices.Equal(texts(a.Reasons, text), texts(b.Reasons, text)) && slices.Equal(t.how(a), t.how(b))
}

func texts[T any](in []T, text func(T) string) []string {
	out := make([]string, len(in))
	for i, v := range in {
		out[i] = text(v)
	}
	return out
}

// span of names: "shop-web-{1..12}", or "shop-web-{1,3,7}".
func span(changes []plan.Change) string {
	first := changes[0].Resource.Name
	if len(changes) == 1 {
		return first
	}
	stem := strings.TrimRight(first, "0123456789")
	numbers := texts(changes, func(c plan.Change) string { return strings.TrimPrefix(c.Resource.Name, stem) })
	var from, to int
	_, _ = fmt.Sscan(numbers[0], &from)
	_, _ = fmt.Sscan(numbers[len(numbers)-1], &to)
	if to-from == len(numbers)-1 {
		return fmt.Sprintf("%s{%d..%d}", stem, from, to)
	}
	return stem + "{" + strings.Join(numbers, ",") + "}"
}

func (t *planText) section(title string, entries []entry) {
	if len(entries) == 0 {
		return
	}
	t.b.WriteString(t.s.paint(bold, title) + "\n")
	width := 0
	for _, e := range entries {
		width = max(width, min(ansi.StringWidth(e.name), 40))
	}
	for _, e := range entries {
		t.resource(e, width)
		t.reasons(e.Change)
	}
	t.b.WriteByte('\n')
}

var signColour = map[plan.Action]colour{plan.Create: green, plan.Update: yellow, plan.Replace: magenta, plan.Remove: red}

func (t *planText) resource(e entry, width int) {
	c := signColour[e.Action]
	head := t.s.paint(c, fmt.Sprintf("%3s", string(e.Action))) + " " + t.s.paint(bold, e.name)
	how := t.s.paint(dim, strings.Join(e.how, ", "))
	if len(e.all) > 1 {
		how = strings.TrimSpace(t.s.paint(bold, fmt.Sprintf("×%d", len(e.all))) + "  " + how)
	}
	if e.Destructive {
		how = strings.TrimSpace(t.s.paint(boldRed, loss(e.Resource.Kind)) + "  " + how)
	}
	line := strings.TrimRight(pad(head, 4+width)+"  "+how, " ")
	if t.s.fits(line) || how == "" {
		t.b.WriteString(line + "\n")
		return
	}
	t.b.WriteString(head + "\n")
	t.s.under(&t.b, 8, how)
}

func loss(k plan.Kind) string {
	if k == plan.Container {
		return "! destroys its anonymous volumes"
	}
	return "! destroys data"
}

// how a change is made, where the sign does not say it.
func (t *planText) how(c plan.Change) []string {
	var out []string
	start, conditional, given, beside := false, false, false, false
	for _, id := range c.Steps {
		n := t.nodes[id]
		for _, s := range n.Unless {
			given = given || s.Given()
			conditional = conditional || !s.Given()
		}
		switch step := n.Step.(type) {
		case plan.StopContainer:
			beside = start
		case plan.CreateContainer:
			out = append(out, step.Spec.Image)
		case plan.StartContainer:
			start = true
		}
	}
	switch {
	case conditional && given:
		out = append(out, "only if its image or what it is given differs by then")
	case conditional:
		out = append(out, "only if its image differs by then")
	case given:
		out = append(out, "only if what it is given differs by then")
	}
	if beside && c.Action == plan.Replace {
		out = append(out, "start-first")
	}
	out = append(out, c.Verbs...)
	made := c.Resource.Kind == plan.Container && (c.Action == plan.Create || c.Action == plan.Replace)
	if made && !start {
		out = append(out, "not started")
	}
	if after := t.after(c); after != "" {
		return startsAfter(out, after)
	}
	return out
}

// startsAfter says what the start waits for, beside the verb if there is one.
func startsAfter(how []string, after string) []string {
	i := slices.IndexFunc(how, func(v string) bool { return v == "start" || v == "restart" })
	if i < 0 {
		return append(how, "start after "+after)
	}
	how[i] += " after " + after
	return how
}

// after is what a container's steps wait for: "db healthy, migrate completed".
func (t *planText) after(c plan.Change) string {
	var out []string
	for _, id := range c.Steps {
		for _, before := range slices.Concat(t.nodes[id].After, t.nodes[id].AfterAny) {
			n := t.nodes[before]
			w, wait := n.Step.(plan.WaitContainer)
			if !wait || n.Resource == c.Resource {
				continue
			}
			text := n.Resource.Service + " " + string(w.Until)
			if n.Resource.Service == c.Resource.Service {
				text = "its pre_start"
			}
			if !w.Required {
				text += " (optional)"
			}
			if !slices.Contains(out, text) {
				out = append(out, text)
			}
		}
	}
	return strings.Join(out, ", ")
}

// reasons under a resource: fields first, in columns, then the others.
func (t *planText) reasons(c plan.Change) {
	var rows [][2]string
	var rest []string
	for _, r := range c.Reasons {
		if implied(r, c.Action) {
			continue
		}
		if head, tail, ok := fieldText(r); ok {
			rows = append(rows, [2]string{head, tail})
		} else {
			rest = append(rest, tame(r.Text()))
		}
	}
	width := 0
	for _, r := range rows {
		width = max(width, min(ansi.StringWidth(r[0]), 40))
	}
	for _, r := range rows {
		t.field(r[0], r[1], width)
	}
	for _, text := range rest {
		t.s.under(&t.b, reasonIndent, text)
	}
}

const reasonIndent = 6

// implied reasons are those that the sign tells.
func implied(r plan.Reason, a plan.Action) bool {
	switch r.(type) {
	case plan.Absent, plan.ImageAbsent:
		return a == plan.Create
	case plan.DependsOn:
		return true
	}
	return false
}

// fieldText splits the text of a reason that names a field at the end of the name.
func fieldText(r plan.Reason) (name, values string, ok bool) {
	var c field.Change
	switch r := r.(type) {
	case plan.FieldChanged:
		c = r.Change
	case plan.Drifted:
		c = r.Change
	default:
		return "", "", false
	}
	text := tame(r.Text())
	i := strings.Index(text, c.Path)
	if i < 0 {
		return "", "", false
	}
	name, values, ok = strings.Cut(text[i+len(c.Path):], ": ")
	return text[:i+len(c.Path)] + name, values, ok
}

// field is one line, or if that is too long, the name and under it what it was and what it becomes.
func (t *planText) field(name, values string, width int) {
	line := strings.Repeat(" ", reasonIndent) + pad(name, width) + "  " + values
	if t.s.fits(line) {
		t.b.WriteString(line + "\n")
		return
	}
	t.s.under(&t.b, reasonIndent, name)
	before, after, both := strings.Cut(values, " → ")
	if !both {
		t.s.under(&t.b, reasonIndent+4, values)
		return
	}
	t.s.under(&t.b, reasonIndent+4, before)
	lines := t.s.wrap(after, reasonIndent+4)
	t.b.WriteString(strings.Repeat(" ", reasonIndent+2) + "→ " + lines[0] + "\n")
	for _, l := range lines[1:] {
		t.b.WriteString(strings.Repeat(" ", reasonIndent+4) + l + "\n")
	}
}

// rollouts tells of services whose replicas are replaced a few at a time.
func (t *planText) rollouts() {
	batches, apart := map[string][]plan.Verify{}, map[string]time.Duration{}
	for _, n := range t.p.Nodes {
		switch s := n.Step.(type) {
		case plan.Pause:
			if n.Resource.Kind == plan.Service { // of a container it is part of its hand-over
				apart[n.Resource.Service] = s.For
			}
		case plan.Verify:
			batches[s.Service] = append(batches[s.Service], s)
		}
	}
	for _, service := range slices.Sorted(maps.Keys(batches)) {
		if len(batches[service]) == 1 {
			continue
		}
		text := fmt.Sprintf("Replaces %s %d at a time", service, len(batches[service][0].Units))
		if d := apart[service]; d > 0 {
			text += ", " + d.String() + " apart"
		}
		t.s.under(&t.b, 0, text+".")
		t.b.WriteByte('\n')
	}
}

// waits tells what --wait waits for at the end.
func (t *planText) waits() {
	var of []string
	for _, n := range t.p.Nodes {
		if w, ok := n.Step.(plan.WaitContainer); ok && w.Until == plan.UntilUp && !slices.Contains(of, n.Resource.Service) {
			of = append(of, n.Resource.Service)
		}
	}
	if len(of) > 0 {
		slices.Sort(of)
		t.s.under(&t.b, 0, "Then waits until up: "+strings.Join(of, ", ")+".")
		t.b.WriteByte('\n')
	}
}

func (t *planText) counts(changes []plan.Change) {
	create, update, replace, remove := t.p.Counts()
	text := fmt.Sprintf("%s %s, %s, %s, %s.", t.s.paint(bold, "Plan:"), t.count(plan.Create, create, "to create"), t.count(plan.Update, update, "to update"),
		t.count(plan.Replace, replace, "to replace"), t.count(plan.Remove, remove, "to remove"))
	lost := 0
	for _, c := range changes {
		if c.Destructive {
			lost++
		}
	}
	if lost > 0 {
		text += t.s.paint(boldRed, fmt.Sprintf(" ! %d of them lose data for good.", lost))
	}
	t.s.under(&t.b, 0, text)
}

// count is coloured when it is not zero.
func (t *planText) count(a plan.Action, n int, what string) string {
	text := fmt.Sprintf("%d %s", n, what)
	if n == 0 {
		return text
	}
	return t.s.paint(signColour[a], text)
}
