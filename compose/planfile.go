package compose

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/tutti-run/tutti/compose/plan"
)

// SavedPlan is what `plan --out` keeps of a plan: how it came about, and a fingerprint of every step. The values themselves stay where
// they are, so the file holds no secret; carrying it out builds the plan again and goes on only if it is the very same.
type SavedPlan struct {
	Format  int    `json:"format"`
	Tool    string `json:"tool"`
	Project string `json:"project"`

	Dir              string   `json:"dir"` // where relative paths start
	Files            []string `json:"files,omitempty"`
	ProjectDirectory string   `json:"projectDirectory,omitempty"`
	ProjectName      string   `json:"projectName,omitempty"`
	Profiles         []string `json:"profiles,omitempty"`
	EnvFiles         []string `json:"envFiles,omitempty"`

	Options UpOptions   `json:"options"`
	Steps   []SavedStep `json:"steps"`
}

// SavedStep is one step of a saved plan.
type SavedStep struct {
	ID          plan.ID  `json:"id"`
	Fingerprint string   `json:"fingerprint"`
	Reasons     []string `json:"reasons,omitempty"`
}

// planFormat is the format that this version writes, and the only one it reads.
const planFormat = 1

// Save writes the plan; the fields that say how it was loaded are the caller's.
func (s SavedPlan) Save(w io.Writer, p plan.Plan) error {
	s.Format, s.Tool, s.Project, s.Steps = planFormat, Version, p.Project, savedSteps(p)
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(s)
}

func savedSteps(p plan.Plan) []SavedStep {
	out := []SavedStep{}
	for _, n := range p.Nodes {
		step := SavedStep{ID: n.ID, Fingerprint: n.Fingerprint()}
		for _, r := range n.Reasons {
			step.Reasons = append(step.Reasons, r.Text())
		}
		out = append(out, step)
	}
	return out
}

// LoadPlan reads what Save wrote.
func LoadPlan(r io.Reader) (SavedPlan, error) {
	var s SavedPlan
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return SavedPlan{}, fmt.Errorf("read plan: %w", err)
	}
	if s.Format != planFormat {
		return SavedPlan{}, fmt.Errorf("read plan: format %d is not %d, which this version knows", s.Format, planFormat)
	}
	return s, nil
}

// Same gives an error that names what moved if p is not the plan that was saved.
func (s SavedPlan) Same(p plan.Plan) error {
	now, then := map[plan.ID]SavedStep{}, map[plan.ID]SavedStep{}
	for _, step := range savedSteps(p) {
		now[step.ID] = step
	}
	var moved []string
	for _, step := range s.Steps {
		then[step.ID] = step
		switch n, ok := now[step.ID]; {
		case !ok:
			moved = append(moved, fmt.Sprintf("  %s: not needed any more", step.ID))
		case n.Fingerprint != step.Fingerprint:
			moved = append(moved, fmt.Sprintf("  %s: would be done otherwise now%s", step.ID, because(n.Reasons)))
		}
	}
	for _, n := range p.Nodes {
		if _, ok := then[n.ID]; !ok {
			moved = append(moved, fmt.Sprintf("  %s: needed now%s", n.ID, because(now[n.ID].Reasons)))
		}
	}
	if len(moved) > 0 {
		return fmt.Errorf("the plan cannot be carried out: the files or the engine have changed since it was made\n%s\nmake a new one with `plan --out`",
			strings.Join(moved, "\n"))
	}
	return nil
}

func because(reasons []string) string {
	if len(reasons) == 0 {
		return ""
	}
	return " (" + strings.Join(reasons, "; ") + ")"
}
