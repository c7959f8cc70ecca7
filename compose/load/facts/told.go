package facts

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/lint"
	"github.com/tutti-run/tutti/compose/load/source"
)

// Told are diagnostics as findings: each with what it is about, and what would mend it where that is certain.
func (in Input) Told(list diag.List) []lint.Finding {
	starts := in.starts()
	var out []lint.Finding
	for _, d := range list {
		f := lint.Finding{Diagnostic: d, Edits: in.edits(d)}
		if f.Subject = subjectAt(starts, d.Place); f.Subject == (lint.Subject{}) {
			f.Subject = subjectOf(d.Path)
		}
		out = append(out, f)
	}
	return out
}

// edits that the hint of a diagnostic amounts to.
func (in Input) edits(d diag.Diagnostic) []lint.Edit {
	if d.Rule == "obsolete-version" {
		if from, to, ok := in.Line(d.Place, "version:"); ok {
			return []lint.Edit{{From: from, To: to}}
		}
		return nil
	}
	word, from, to := in.Word(d.Place)
	better, ok := diag.Meant(d.Hint)
	if d.Rule == "yaml-boolean" {
		better, ok = strings.CutPrefix(d.Hint, "write ")
	}
	if !ok || word == "" || !strings.Contains(d.Text, strconv.Quote(word)) {
		return nil
	}
	return []lint.Edit{{From: from, To: to, Text: better}}
}

// start of something that a file declares; what it is about goes on until the next one.
type start struct {
	diag.Place
	subject lint.Subject
}

func (in Input) starts() []start {
	var out []start
	for _, d := range in.Declared() {
		if d.Key.File.Extended() {
			continue
		}
		out = append(out, start{d.Key.Place(), lint.Subject{Kind: d.Section, Name: d.Name}})
		if d.Section == "" {
			for _, p := range source.Pairs(d.Value.Node) {
				out = append(out, start{d.Key.File.Spot(p.Key).Place(), lint.Subject{}})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b start) int { return compare(a.Place, b.Place) })
	return out
}

func compare(a, b diag.Place) int {
	return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

// subjectAt is what the last start before a place is of.
func subjectAt(starts []start, at diag.Place) lint.Subject {
	i, found := slices.BinarySearchFunc(starts, at, func(s start, at diag.Place) int { return compare(s.Place, at) })
	if !found {
		i--
	}
	if i < 0 || at.Line == 0 || starts[i].File != at.File {
		return lint.Subject{}
	}
	return starts[i].subject
}

// subjectOf a path: "services.web.ports".
func subjectOf(path string) lint.Subject {
	parts := strings.SplitN(path, ".", 3)
	if len(parts) < 2 {
		return lint.Subject{}
	}
	return lint.Subject{Kind: parts[0], Name: parts[1]}
}
