// Package lint judges files that can be loaded: what in them is risky, of no use, or not what their author meant. It is pure:
// compose/load gives it the project with its places and what loading told, and it gives findings.
package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/compose/diag"
)

// Finding is something that a rule has to say.
type Finding struct {
	diag.Diagnostic
	Edits   []Edit  `json:"edits,omitempty"` // what would mend it, to be made together
	Subject Subject `json:"-"`
	Reason  string  `json:"-"` // of one that is ignored: why
}

// Subject is what a finding is about: "services", "web". The zero Subject is the project.
type Subject struct{ Kind, Name string }

// Edit replaces the text of a file from one place up to another.
type Edit struct {
	From diag.Place `json:"from"`
	To   diag.Place `json:"to"` // behind the last character
	Text string     `json:"text"`
}

// Input is what compose/load gives.
type Input struct {
	Project  *Project  // nil: the files are too wrong to be merged
	Loaded   []Finding // what loading them told
	Settings []Setting
}

// Options of the user.
type Options struct {
	Enable, Disable []string // ids of rules
	Services        []string // only what is about these; none: all
}

// Report of a run, both in order of place.
type Report struct {
	Findings []Finding
	Ignored  []Finding // what x-lint-ignore in a file hides
}

// Run applies all rules. Mistakes that keep the files from being loaded are in the report whatever is ignored.
func Run(in Input, o Options) Report {
	r := newRun(in, o)
	for _, f := range in.Loaded {
		r.add(f, f.Severity == diag.Error)
	}
	if in.Project != nil {
		for _, rule := range rules {
			if rule.check != nil && r.mayApply(rule) {
				r.apply(rule)
			}
		}
	}
	r.checkSettings()
	r.Findings, r.Ignored = tidy(r.Findings), tidy(r.Ignored)
	return r.Report
}

func (r *run) apply(rule Rule) {
	for _, f := range rule.check(r.in.Project) {
		f.Rule = rule.ID
		f.Severity = cmp.Or(f.Severity, rule.Severity)
		r.add(f, false)
	}
}

// tidy brings findings in order, and makes one of those that say the same of several services at one place.
func tidy(all []Finding) []Finding {
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(compare(a.Place, b.Place), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Text, b.Text))
	})
	var out []Finding
	for i := 0; i < len(all); {
		j := i + 1
		for j < len(all) && all[j].Rule == all[i].Rule && all[j].Place == all[i].Place && all[i].Place.Line > 0 {
			j++
		}
		out = append(out, merge(all[i:j])...)
		i = j
	}
	return out
}

// merge findings at one place; those of one subject stay apart.
func merge(same []Finding) []Finding {
	bySubject := map[Subject]bool{}
	for _, f := range same {
		bySubject[f.Subject] = true
	}
	if len(bySubject) < len(same) || len(same) == 1 {
		return same
	}
	f := same[0]
	more := "1 more service"
	if n := len(same) - 1; n > 1 {
		more = fmt.Sprintf("%d more services", n)
	}
	f.Text += " (and " + more + ")"
	return []Finding{f}
}

func compare(a, b diag.Place) int {
	return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// AtLeast tells whether a severity is as bad as another or worse.
func AtLeast(s, level diag.Severity) bool {
	return slices.Index(levels, s) >= slices.Index(levels, level)
}

var levels = []diag.Severity{diag.Info, diag.Warning, diag.Error}
