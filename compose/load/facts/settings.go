package facts

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/lint"
	"github.com/tutti-run/tutti/compose/load/source"
)

// Settings are what files say to lint, and what of that cannot be read.
func (in Input) Settings() ([]lint.Setting, []lint.Finding) {
	r := reader{}
	done := map[lint.Subject]bool{}
	for _, d := range in.Declared() {
		if d.Key.File.Extended() {
			continue
		}
		r.subject = lint.Subject{Kind: d.Section, Name: d.Name}
		if d.Section != "services" {
			r.read(d.Value)
		} else if !done[r.subject] {
			done[r.subject] = true
			r.readAll(in.Layers(d.Name))
		}
	}
	return r.settings, r.wrong
}

type reader struct {
	settings []lint.Setting
	wrong    []lint.Finding
	subject  lint.Subject
}

// readAll reads what a service is merged from, each part once.
func (r *reader) readAll(layers []source.Spot) {
	seen := map[*yaml.Node]bool{}
	for _, l := range layers {
		if !seen[l.Node] {
			seen[l.Node] = true
			r.read(l)
		}
	}
}

func (r *reader) read(at source.Spot) {
	if n := source.Child(at.Node, "x-lint-ignore"); n != nil {
		r.ignore(at.File.Spot(n))
	}
	if n := source.Child(at.Node, "x-lint"); n != nil {
		r.lint(at.File.Spot(n))
	}
}

// ignore reads a list of ids, or a mapping of ids to reasons.
func (r *reader) ignore(at source.Spot) {
	switch at.Node.Kind {
	case yaml.SequenceNode, yaml.ScalarNode:
		for _, n := range source.Texts(at.Node) {
			r.add(at.File.Spot(n), "", "")
		}
	case yaml.MappingNode:
		for _, p := range source.Pairs(at.Node) {
			r.add(at.File.Spot(p.Key), "", p.Value.Value)
		}
	}
}

// lint reads x-lint: {severity: {id: level}}.
func (r *reader) lint(at source.Spot) {
	if at.Node.Kind != yaml.MappingNode {
		r.bad(at, "x-lint must be a mapping", "write x-lint: {severity: {RULE: warning}}")
		return
	}
	for _, p := range source.Pairs(at.Node) {
		if p.Key.Value != "severity" || p.Value.Kind != yaml.MappingNode {
			r.bad(at.File.Spot(p.Key), fmt.Sprintf("x-lint: %q is not known here, or no mapping", p.Key.Value), diag.DidYouMean(p.Key.Value, []string{"severity"}))
			continue
		}
		for _, s := range source.Pairs(p.Value) {
			r.level(at.File, s)
		}
	}
}

var levels = []string{"error", "warning", "info", "off"}

func (r *reader) level(f *source.File, p source.Pair) {
	word := strings.ToLower(p.Value.Value)
	if !slices.Contains(levels, word) {
		r.bad(f.Spot(p.Value), fmt.Sprintf("x-lint: severity %q is not one of %s", p.Value.Value, strings.Join(levels, ", ")), diag.DidYouMean(word, levels))
		return
	}
	r.add(f.Spot(p.Key), diag.Severity(word), "")
}

func (r *reader) add(at source.Spot, level diag.Severity, reason string) {
	r.settings = append(r.settings, lint.Setting{Subject: r.subject, Rule: at.Node.Value, Level: level, Reason: reason, At: at.Place()})
}

func (r *reader) bad(at source.Spot, text, hint string) {
	f := lint.Finding{Subject: r.subject}
	f.Rule, f.Severity, f.Place, f.Text, f.Hint = "bad-setting", diag.Warning, at.Place(), text, hint
	r.wrong = append(r.wrong, f)
}
