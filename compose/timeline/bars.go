package timeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutti-run/tutti/compose/plan"
)

// bars of the steps that ran, in order of their begin.
func (r *Recorder) bars(began time.Time) []Bar {
	out, behind := []Bar{}, map[plan.ID]plan.ID{}
	for _, n := range r.nodes {
		behind[n.ID] = r.latest(n, behind)
		if s := r.spans[n.ID]; s != nil {
			out = append(out, Bar{ID: n.ID, Subject: subject(n.Resource), Phase: phaseOf(n.Step), From: s.from.Sub(began), To: r.end(s).Sub(began),
				Outcome: s.outcome.String(), Behind: behind[n.ID]})
		}
	}
	slices.SortStableFunc(out, func(a, b Bar) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	return out
}

// latest is the step that ended last of those that one comes after. In place of one that never ran stands what that came after.
func (r *Recorder) latest(n plan.Node, behind map[plan.ID]plan.ID) plan.ID {
	var out plan.ID
	for _, id := range slices.Concat(n.After, n.AfterAny) {
		if r.spans[id] == nil {
			id = behind[id]
		}
		s := r.spans[id]
		if s != nil && (out == "" || r.end(s).After(r.end(r.spans[out]))) {
			out = id
		}
	}
	return out
}

func (r *Recorder) end(s *span) time.Time {
	if s.to.IsZero() {
		return r.last
	}
	return s.to
}

// markCritical goes from what ended last back to what it waited for last, and so on.
func markCritical(bars []Bar) {
	if len(bars) == 0 {
		return
	}
	at := map[plan.ID]int{}
	for i, b := range bars {
		at[b.ID] = i
	}
	last := len(bars) - 1
	for i := range bars {
		if bars[i].To > bars[last].To {
			last = i
		}
	}
	for ok := true; ok; last, ok = at[bars[last].Behind] {
		bars[last].Critical = true
	}
}

func subject(r plan.Resource) string {
	if r.Service != "" {
		return r.Service
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s", r.Kind, r.Name))
}
