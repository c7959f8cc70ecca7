package render

import (
	"slices"
	"strings"

	"github.com/tutti-run/tutti/engine"
)

// buildStep of an image, under way: what it does, and what it last wrote.
type buildStep struct{ layer, does, wrote string }

// mostSteps of a build that are shown at once. BuildKit runs as many as it can.
const mostSteps = 4

// stepped takes in what a step of a build says: first what it does.
func (r *row) stepped(p engine.Progress, text string) {
	text = strings.TrimPrefix(text, p.Layer+" ")
	i := slices.IndexFunc(r.building, func(s buildStep) bool { return s.layer == p.Layer })
	switch {
	case p.Over && i >= 0:
		r.building = slices.Delete(r.building, i, i+1)
	case p.Over:
	case i >= 0:
		r.building[i].wrote = text
	default:
		r.building = append(r.building, buildStep{layer: p.Layer, does: text})
	}
}

// steps of a build beneath its row, as far as there is room. The last picture has none.
func (f *frame) steps(r *row, room int) []string {
	if f.last || r.word != "Building" || r.running == 0 {
		return nil
	}
	var out []string
	for _, s := range r.building[:max(0, min(len(r.building), mostSteps, room))] {
		line := "   " + f.spinner() + " " + s.does
		if s.wrote != "" {
			line += "  " + f.style.paint(dim, s.wrote)
		}
		out = append(out, f.fit(line, ""))
	}
	return out
}
