package lint

import (
	"slices"
	"strings"

	"github.com/tutti-run/tutti/compose/diag"
)

// Rule is one thing that lint looks for. Its id is a promise: files and CI name it.
type Rule struct {
	ID       string
	Severity diag.Severity
	Off      bool   // applied only if asked for
	Title    string // one line
	Why      string // sentences
	Fix      string // sentences

	check func(*Project) []Finding // nil: found while the files are loaded, or by lint itself
}

// Loaded tells whether the rule is one that every command applies while it loads the files.
func (r Rule) Loaded() bool { return r.check == nil && !slices.Contains(own, r.ID) }

// otherRule is that of what loading tells without an id.
const otherRule = "invalid-file"

// rules in order of id.
var rules = func() []Rule {
	all := slices.Concat(imageRules, portRules, secretRules, isolationRules, storageRules, dependencyRules, commandRules, unusedRules, formRules,
		settingRules, loadedRules)
	slices.SortFunc(all, func(a, b Rule) int { return strings.Compare(a.ID, b.ID) })
	return all
}()

// Rules are all there are, in order of id.
func Rules() []Rule { return slices.Clone(rules) }

// IDs of all rules, in order.
func IDs() []string {
	var out []string
	for _, r := range rules {
		out = append(out, r.ID)
	}
	return out
}

// Find a rule by its id.
func Find(id string) (Rule, bool) {
	i, ok := slices.BinarySearchFunc(rules, id, func(r Rule, id string) int { return strings.Compare(r.ID, id) })
	if !ok {
		return Rule{}, false
	}
	return rules[i], true
}

// each makes a check of the project of one of a service.
func each(check func(Service) []Finding) func(*Project) []Finding {
	return func(p *Project) []Finding {
		var out []Finding
		for _, s := range p.Services {
			out = append(out, check(s)...)
		}
		return out
	}
}

// about a service: a finding at a place in it.
func (s Service) about(at diag.Place, text, hint string, edits ...Edit) Finding {
	if at.File == "" {
		at = s.At
	}
	return Finding{Subject: Subject{"services", s.Name}, Edits: edits,
		Diagnostic: diag.Diagnostic{Place: at, Path: "services." + s.Name, Text: "service \"" + s.Name + "\": " + text, Hint: hint}}
}

func one(f Finding) []Finding { return []Finding{f} }

// settingRules are about what files say to lint.
var settingRules = []Rule{
	{ID: "bad-setting", Severity: diag.Warning, Title: "x-lint or x-lint-ignore is not of the form that lint reads",
		Why: "What lint cannot read it cannot do.", Fix: "Write a list of ids, or a mapping of ids to reasons or severities."},
	{ID: "unknown-rule", Severity: diag.Warning, Title: "a setting names a rule that there is not",
		Why: "It has no effect.", Fix: "See `tutti lint --rules`."},
	{ID: "unused-ignore", Severity: diag.Info, Title: "x-lint-ignore names a rule that finds nothing there",
		Why: "It would hide a finding that comes later.", Fix: "Remove it."},
}

var own = []string{"bad-setting", "unknown-rule", "unused-ignore"}
