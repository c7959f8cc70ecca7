package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine/container"
)

// Explain is the text of `tutti explain`: what `up` would do to the service, as in a plan; who waits for whom; and each variable with the
// value that wins and, beneath it, those that it overrides.
func Explain(w io.Writer, e compose.Explanation, s Style) error {
	t := &explainText{newPlanText(e.Plan, s), e}
	t.head()
	t.containers()
	t.waits("Waits for", e.WaitsFor)
	t.waits("Awaited by", e.AwaitedBy)
	t.variables()
	_, err := w.Write(t.b.Bytes())
	return err
}

// explainText is an explanation on its way to text.
type explainText struct {
	*planText
	e compose.Explanation
}

func (t *explainText) head() {
	text := "image " + tame(t.e.Image)
	if !t.e.ImageHere {
		text += ", which the engine does not have"
	}
	t.s.under(&t.b, 0, t.s.paint(bold, t.e.Service)+"  "+t.s.paint(dim, text))
	t.b.WriteByte('\n')
}

func (t *explainText) containers() {
	changes, kept := t.e.Changes(), t.e.Kept()
	t.section("Images", t.fold(ofKind(changes, plan.Image)))
	entries := t.fold(ofKind(changes, plan.Container))
	if len(entries)+len(kept) == 0 {
		t.b.WriteString(t.s.paint(bold, "Containers") + "\n")
		t.s.under(&t.b, 2, "none: it has no replicas")
		t.b.WriteByte('\n')
		return
	}
	for _, l := range kept {
		entries = append(entries, entry{Change: plan.Change{Action: "=", Resource: plan.Resource{Kind: plan.Container, Name: l.Name}}, name: l.Name,
			how: []string{"as its file says", stateOf(l)}})
	}
	t.section("Containers", entries)
}

func (t *explainText) waits(title string, all []compose.Wait) {
	if len(all) == 0 {
		return
	}
	t.b.WriteString(t.s.paint(bold, title) + "\n")
	names, until := columns(all, func(w compose.Wait) string { return w.Service }), columns(all, condition)
	for _, w := range all {
		t.s.row(&t.b, cell{bold, w.Service, names}, cell{plain, condition(w), until}, cell{urgency(w.Containers), "now " + states(w.Containers), 0})
	}
	t.b.WriteByte('\n')
}

// urgency of a state, as a colour.
func urgency(all []container.Live) colour {
	ill := func(l container.Live) bool {
		return l.Health == container.Unhealthy || l.State == container.Exited && l.ExitCode != 0
	}
	switch {
	case len(all) == 0:
		return yellow
	case slices.ContainsFunc(all, ill):
		return red
	}
	return plain
}

// columns that the texts of all need, within reason.
func columns[T any](all []T, text func(T) string) int {
	width := 0
	for _, v := range all {
		width = max(width, min(ansi.StringWidth(text(v)), 32))
	}
	return width
}

var conditionWord = map[desired.Condition]string{desired.Started: "started", desired.IsHealthy: "healthy", desired.Completed: "completed"}

// condition of a wait in the words of a run: "until healthy, optional, restart: true".
func condition(w compose.Wait) string {
	out := []string{"until " + conditionWord[w.Condition]}
	if !w.Required {
		out = append(out, "optional")
	}
	if w.Restart {
		out = append(out, "restart: true")
	}
	if w.Via != "depends_on" {
		out = append(out, "by "+w.Via)
	}
	return strings.Join(out, ", ")
}

// states of containers, each once: "healthy", or "2 healthy, 1 exited (1)".
func states(all []container.Live) string {
	var order []string
	count := map[string]int{}
	for _, l := range all {
		if text := stateOf(l); count[text] == 0 {
			order = append(order, text)
		}
		count[stateOf(l)]++
	}
	if len(order) == 0 {
		return "not there"
	}
	if len(all) == 1 {
		return order[0]
	}
	return strings.Join(texts(order, func(s string) string { return fmt.Sprintf("%d %s", count[s], s) }), ", ")
}

func stateOf(l container.Live) string {
	switch {
	case l.State == container.Exited:
		return fmt.Sprintf("exited (%d)", l.ExitCode)
	case l.State == container.Running && l.Health != container.NoHealth:
		return string(l.Health)
	}
	return string(l.State)
}

const legend = "The first wins: environment of the Compose files, the last file first ($NAMES, and names without a value, from the shell, " +
	"else from .env or --env-file, else a default); env_file, the last one first; the image."

func (t *explainText) variables() {
	t.b.WriteString(t.s.paint(bold, "Environment") + "\n")
	if !t.e.ImageHere {
		t.s.under(&t.b, 2, t.s.paint(yellow, "what its image sets is not known, for it is not there"))
	}
	if len(t.e.Variables) == 0 {
		if t.e.ImageHere {
			t.s.under(&t.b, 2, "none")
		}
		return
	}
	c := t.widths()
	for _, v := range t.e.Variables {
		t.variable(v, c)
	}
	t.b.WriteByte('\n')
	t.s.under(&t.b, 0, t.s.paint(dim, legend))
}

// widths of the columns of names and values. Long texts do not count: they get lines of their own.
type widths struct{ names, values int }

func (t *explainText) widths() (w widths) {
	for _, v := range t.e.Variables {
		w.names = max(w.names, limited(v.Name, 24))
		for _, s := range v.Sources {
			w.values = max(w.values, limited(valueText(s), 20))
		}
	}
	return w
}

func limited(text string, most int) int {
	if n := ansi.StringWidth(text); n <= most {
		return n
	}
	return 0
}

func (t *explainText) variable(v desired.Variable, w widths) {
	for i, s := range v.Sources {
		if i == 0 {
			t.s.row(&t.b, cell{bold, v.Name, w.names}, cell{plain, valueText(s), w.values}, cell{plain, sourceText(s), 0})
		} else {
			t.s.row(&t.b, cell{plain, "", w.names}, cell{dim, valueText(s), w.values}, cell{dim, sourceText(s) + " (overridden)", 0})
		}
	}
}

func valueText(s desired.Source) string {
	switch {
	case s.Unset:
		return "(not set)"
	case s.Value == "":
		return `""`
	}
	return tame(s.Value)
}

// sourceText is "compose.yaml:4:7, COLOR from .env:2".
func sourceText(s desired.Source) string {
	text := s.Place.String()
	if text == "" {
		text = string(s.Kind)
	}
	if s.PassThrough {
		return tame(text + ", " + passed(s.From))
	}
	var from []string
	for _, i := range s.From {
		if word := ingredient(i); !slices.Contains(from, word) {
			from = append(from, word)
		}
	}
	return tame(strings.Join(append([]string{text}, from...), ", "))
}

func passed(from []desired.Ingredient) string {
	if len(from) == 0 || from[0].Kind == desired.FromNowhere {
		return "passed through, set nowhere"
	}
	return "passed through" + strings.TrimPrefix(ingredient(from[0]), from[0].Name)
}

func ingredient(i desired.Ingredient) string {
	switch i.Kind {
	case desired.FromShell:
		return i.Name + " from the shell"
	case desired.FromDefault:
		return "default of " + i.Name
	case desired.FromNowhere:
		return i.Name + " not set"
	case desired.FromProject:
		return i.Name + " from the project"
	}
	return i.Name + " from " + i.Place.String()
}
