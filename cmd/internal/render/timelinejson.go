package render

import (
	"encoding/json"
	"io"
	"time"

	"github.com/tutti-run/tutti/compose/timeline"
)

type (
	traceDoc struct {
		Events []traceEvent `json:"traceEvents"`
		Unit   string       `json:"displayTimeUnit"`
	}
	// traceEvent of the Trace Event Format: X is a bar with begin and length in microseconds, M names a lane.
	traceEvent struct {
		Name     string         `json:"name"`
		Category string         `json:"cat"`
		Phase    string         `json:"ph"`
		At       float64        `json:"ts"`
		Took     float64        `json:"dur"`
		Process  int            `json:"pid"`
		Lane     int            `json:"tid"`
		Args     map[string]any `json:"args,omitempty"`
	}
)

// TimelineJSON writes a run in Chrome's Trace Event Format, which chrome://tracing, Perfetto and speedscope show. Each service has a lane, and
// as many as it takes so that no two bars in one overlap.
func TimelineJSON(w io.Writer, t timeline.Timeline) error {
	doc := traceDoc{Unit: "ms", Events: []traceEvent{traceName("process_name", 0, t.Command+" "+t.Project)}}
	var lanes []lane
	for _, b := range t.Bars {
		var n int
		known := len(lanes)
		if lanes, n = place(lanes, b); n == known {
			doc.Events = append(doc.Events, traceName("thread_name", n+1, b.Subject))
		}
		doc.Events = append(doc.Events, traceEvent{Name: string(b.ID), Category: string(b.Phase), Phase: "X", At: micros(b.From), Took: micros(b.Took()), Process: 1, Lane: n + 1,
			Args: map[string]any{"outcome": b.Outcome, "critical": b.Critical, "behind": b.Behind}})
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(doc)
}

// lane of a subject, and when the last bar in it ends.
type lane struct {
	subject string
	free    time.Duration
}

// place a bar into the first lane of its subject that is free, or a new one. Bars come in order of their begin.
func place(lanes []lane, b timeline.Bar) ([]lane, int) {
	for i := range lanes {
		if lanes[i].subject == b.Subject && lanes[i].free <= b.From {
			lanes[i].free = b.To
			return lanes, i
		}
	}
	return append(lanes, lane{b.Subject, b.To}), len(lanes)
}

func traceName(what string, lane int, name string) traceEvent {
	return traceEvent{Name: what, Category: "__metadata", Phase: "M", Process: 1, Lane: lane, Args: map[string]any{"name": name}}
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
