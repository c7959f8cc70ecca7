package render

import (
	"io"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/engine/container"
)

// ExplainJSON is the text of `tutti explain --json`. Field names are stable; values that look secret are masked as in the text.
func ExplainJSON(w io.Writer, e compose.Explanation) error {
	out := explainDoc{
		Project: e.Project, Service: e.Service, Image: imageDoc{e.Image, e.ImageHere}, Changes: []changeDoc{}, Kept: stateDocs(e.Kept()),
		WaitsFor: waitDocs(e.WaitsFor), AwaitedBy: waitDocs(e.AwaitedBy), Environment: []variableDoc{},
		Precedence: []desired.SourceKind{desired.FromEnvironment, desired.FromEnvFile, desired.FromImage},
	}
	for _, c := range e.Changes() {
		out.Changes = append(out.Changes, newChangeDoc(c))
	}
	for _, v := range e.Variables {
		out.Environment = append(out.Environment, newVariableDoc(v))
	}
	return indented(w, out)
}

type (
	explainDoc struct {
		Project     string               `json:"project"`
		Service     string               `json:"service"`
		Image       imageDoc             `json:"image"`
		Changes     []changeDoc          `json:"changes"` // of its image and containers
		Kept        []stateDoc           `json:"kept"`    // containers that are as the file says
		WaitsFor    []waitDoc            `json:"waits_for"`
		AwaitedBy   []waitDoc            `json:"awaited_by"`
		Environment []variableDoc        `json:"environment"`
		Precedence  []desired.SourceKind `json:"precedence"` // of sources, the first wins
	}
	imageDoc struct {
		Ref     string `json:"ref"`
		Present bool   `json:"present"`
	}
	waitDoc struct {
		Service    string            `json:"service"` // the other one
		Condition  desired.Condition `json:"condition"`
		Required   bool              `json:"required"`
		Restart    bool              `json:"restart"`
		Via        string            `json:"via"`
		Containers []stateDoc        `json:"containers"` // of the other one, as they are now
	}
	stateDoc struct {
		Name     string           `json:"name"`
		State    container.State  `json:"state"`
		Health   container.Health `json:"health,omitempty"`
		ExitCode *int             `json:"exit_code,omitempty"` // of one that has exited
	}
	variableDoc struct {
		Name    string      `json:"name"`
		Value   *string     `json:"value"` // null: it is not set
		Sources []sourceDoc `json:"sources"`
	}
	sourceDoc struct {
		Kind        desired.SourceKind `json:"kind"` // environment, env_file, image
		Wins        bool               `json:"wins"`
		Value       *string            `json:"value"`
		diag.Place                     // file, line, column
		PassThrough bool               `json:"pass_through,omitempty"`
		From        []ingredientDoc    `json:"from,omitempty"`
	}
	ingredientDoc struct {
		Name       string             `json:"name"`
		Kind       desired.SourceKind `json:"kind"` // shell, env_file, default, environment, project, unset
		diag.Place                    // file, line, column
	}
)

func waitDocs(all []compose.Wait) []waitDoc {
	out := []waitDoc{}
	for _, w := range all {
		out = append(out, waitDoc{w.Service, w.Condition, w.Required, w.Restart, w.Via, stateDocs(w.Containers)})
	}
	return out
}

func stateDocs(all []container.Live) []stateDoc {
	out := []stateDoc{}
	for _, l := range all {
		doc := stateDoc{Name: l.Name, State: l.State, Health: l.Health}
		if l.State == container.Exited {
			doc.ExitCode = &l.ExitCode
		}
		out = append(out, doc)
	}
	return out
}

func newVariableDoc(v desired.Variable) variableDoc {
	out := variableDoc{Name: v.Name, Sources: []sourceDoc{}}
	for i, s := range v.Sources {
		doc := sourceDoc{Kind: s.Kind, Wins: i == 0, Place: s.Place, PassThrough: s.PassThrough}
		if !s.Unset {
			doc.Value = &s.Value
		}
		for _, f := range s.From {
			doc.From = append(doc.From, ingredientDoc{f.Name, f.Kind, f.Place})
		}
		out.Sources = append(out.Sources, doc)
	}
	if len(out.Sources) > 0 {
		out.Value = out.Sources[0].Value
	}
	return out
}
