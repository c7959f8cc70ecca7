package render

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine/field"
)

// PlanJSON is the text of `tutti plan --json`. Field names are stable, equal plans give equal bytes. Values that look secret are masked as in
// the text; what containers are made of is not in it (a plan saved with --out has that).
func PlanJSON(w io.Writer, p plan.Plan) error {
	create, update, replace, remove := p.Counts()
	out := planDoc{
		Project: p.Project, Empty: p.Empty(), Changes: []changeDoc{}, Steps: []stepDoc{}, Warnings: p.Warnings,
		Counts: countsDoc{create, update, replace, remove},
	}
	if out.Warnings == nil {
		out.Warnings = diag.List{}
	}
	for _, c := range p.Changes() {
		out.Changes = append(out.Changes, newChangeDoc(c))
	}
	for _, n := range p.Nodes {
		out.Steps = append(out.Steps, step(n))
	}
	return indented(w, out)
}

type (
	planDoc struct {
		Project  string      `json:"project"`
		Empty    bool        `json:"empty"`
		Counts   countsDoc   `json:"counts"`
		Changes  []changeDoc `json:"changes"`
		Steps    []stepDoc   `json:"steps"`
		Warnings diag.List   `json:"warnings"`
	}
	countsDoc struct {
		Create  int `json:"create"`
		Update  int `json:"update"`
		Replace int `json:"replace"`
		Remove  int `json:"remove"`
	}
	resourceDoc struct {
		Kind    plan.Kind `json:"kind"`
		Service string    `json:"service,omitempty"`
		Name    string    `json:"name"`
	}
	changeDoc struct {
		Resource    resourceDoc `json:"resource"`
		Action      string      `json:"action"` // create, update, replace, remove
		Sign        string      `json:"sign"`
		Verbs       []string    `json:"verbs"`
		Reasons     []reasonDoc `json:"reasons"`
		Destructive bool        `json:"destructive"`
		Steps       []plan.ID   `json:"steps"`
	}
	stepDoc struct {
		ID          plan.ID     `json:"id"`
		Kind        string      `json:"kind"` // create_container, wait_container, …
		Resource    resourceDoc `json:"resource"`
		After       []plan.ID   `json:"after"`               // only if these were done
		AfterAny    []plan.ID   `json:"after_any,omitempty"` // once these have ended
		Reasons     []reasonDoc `json:"reasons"`
		Until       plan.Until  `json:"until,omitempty"`       // of wait_container
		Optional    bool        `json:"optional,omitempty"`    // failing only warns
		Conditional bool        `json:"conditional,omitempty"` // needless if an image turns out to be the same, or was pulled
	}
	reasonDoc struct {
		Kind string `json:"kind"` // absent, field_changed, …
		Path string `json:"path,omitempty"`
		Old  string `json:"old,omitempty"`
		New  string `json:"new,omitempty"`
		Note string `json:"note,omitempty"`
		Text string `json:"text"`
	}
)

var actionName = map[plan.Action]string{plan.Create: "create", plan.Update: "update", plan.Replace: "replace", plan.Remove: "remove"}

func resource(r plan.Resource) resourceDoc { return resourceDoc{r.Kind, r.Service, r.Name} }

// list is never null.
func list[T any](in []T) []T {
	if in == nil {
		return []T{}
	}
	return in
}

func newChangeDoc(c plan.Change) changeDoc {
	return changeDoc{resource(c.Resource), actionName[c.Action], string(c.Action), list(c.Verbs), reasons(c.Reasons), c.Destructive, list(c.Steps)}
}

func step(n plan.Node) stepDoc {
	out := stepDoc{ID: n.ID, Kind: kindName(n.Step), Resource: resource(n.Resource), After: list(n.After), AfterAny: n.AfterAny, Reasons: reasons(n.Reasons),
		Conditional: len(n.Unless) > 0}
	out.Optional = plan.Optional(n.Step)
	switch s := n.Step.(type) {
	case plan.WaitContainer:
		out.Until = s.Until
	case plan.BuildImage:
		out.Conditional = s.Unpulled || len(s.For) > 0
	}
	return out
}

func reasons(in []plan.Reason) []reasonDoc {
	out := []reasonDoc{}
	for _, r := range in {
		out = append(out, reason(r))
	}
	return out
}

func reason(r plan.Reason) reasonDoc {
	out := reasonDoc{Kind: kindName(r), Text: r.Text()}
	switch r := r.(type) {
	case plan.FieldChanged:
		out.values(r.Change)
	case plan.Drifted:
		out.values(r.Change)
	case plan.ImageChanged:
		out.Path, out.Old, out.New = "image", r.From, r.To
	}
	return out
}

func (d *reasonDoc) values(c field.Change) {
	c = c.Mask()
	d.Path, d.Old, d.New, d.Note = c.Path, c.Old, c.New, c.Note
}

// kindName of a step or reason is the name of its type: plan.FieldChanged is field_changed.
func kindName(v any) string {
	_, name, _ := strings.Cut(fmt.Sprintf("%T", v), ".")
	var b strings.Builder
	for i, r := range name {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
