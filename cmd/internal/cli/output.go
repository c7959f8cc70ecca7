package cli

import (
	"encoding/json"
	"io"
	"slices"

	"github.com/tutti-run/tutti/cmd/internal/render"
	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
)

// mode of progress on the stream where the story goes.
func (c *cli) mode() (render.Progress, render.Style, error) {
	cols, _, tty := size(c.status())
	mode, color, err := render.Mode(c.g.progress, c.g.ansi, tty, c.getenv)
	if err != nil {
		return "", render.Style{}, usageError{text: err.Error()}
	}
	return mode, render.Style{Color: color, Width: cols}, nil
}

func (c *cli) progressJSON() bool {
	mode, _, err := c.mode()
	return err == nil && mode == render.JSON
}

// view of a run.
func (c *cli) view(title string) render.View {
	mode, style, _ := c.mode() // checked at the beginning
	style.Title = title
	w := c.status()
	return render.New(mode, w, func() (int, int) { cols, rows, _ := size(w); return cols, rows }, style)
}

// warn of what is not quite right, on stderr.
func (c *cli) warn(list diag.List) {
	if c.AsCompose {
		list = inItsName(list)
	}
	if !c.progressJSON() {
		render.Diagnostics(c.screen.on(c.Stderr), list, c.style(c.Stderr))
		return
	}
	for _, d := range list {
		c.jsonLine(map[string]any{"level": string(d.Severity), "msg": d.Error()})
	}
}

func (c *cli) jsonLine(v any) { jsonTo(c.Stderr, v) }

func jsonTo(w io.Writer, v any) {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
}

// silence is what a run does not show.
type silence struct{ pull, build bool }

// events to a view, but those that are not to be shown.
func (s silence) events(v render.View) func(apply.Event) {
	return func(e apply.Event) {
		if e = withoutBooks(e); e == nil {
			return
		}
		if p, ok := e.(apply.StepProgress); ok {
			switch p.Node.Step.(type) {
			case plan.PullImage:
				if s.pull {
					return
				}
			case plan.BuildImage:
				if s.build {
					return
				}
			}
		}
		v.Event(e)
	}
}

// withoutBooks is an event without what tutti does for its own records; nil: it is of nothing else. A plan tells of it, and a failure is reported.
func withoutBooks(e apply.Event) apply.Event {
	switch e := e.(type) {
	case apply.Planned:
		e.Plan.Nodes = slices.DeleteFunc(slices.Clone(e.Plan.Nodes), ofBooks)
		return e
	case apply.StepStarted:
		if ofBooks(e.Node) {
			return nil
		}
	case apply.StepEnded:
		if ofBooks(e.Node) {
			return nil
		}
	}
	return e
}

func ofBooks(n plan.Node) bool {
	return slices.ContainsFunc(n.Reasons, func(r plan.Reason) bool { _, is := r.(plan.Forgotten); return is })
}
