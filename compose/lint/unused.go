package lint

import (
	"fmt"

	"github.com/tutti-run/tutti/compose/diag"
)

const unusedWhy = "It says nothing, and a reader looks for who uses it."

var unusedRules = []Rule{
	{ID: "unused-volume", Severity: diag.Warning, Title: "no service uses a volume that is declared", Why: unusedWhy, Fix: "Remove it.",
		check: unused("volumes", func(p *Project) []Resource { return p.Volumes }, func(s Service) []string { return s.Volumes })},
	{ID: "unused-network", Severity: diag.Warning, Title: "no service uses a network that is declared", Why: unusedWhy, Fix: "Remove it.",
		check: unused("networks", func(p *Project) []Resource { return p.Networks }, func(s Service) []string { return s.Networks })},
	{ID: "unused-secret", Severity: diag.Warning, Title: "no service uses a secret that is declared", Why: unusedWhy, Fix: "Remove it.",
		check: unused("secrets", func(p *Project) []Resource { return p.Secrets }, func(s Service) []string { return s.Secrets })},
	{ID: "unused-config", Severity: diag.Warning, Title: "no service uses a config that is declared", Why: unusedWhy, Fix: "Remove it.",
		check: unused("configs", func(p *Project) []Resource { return p.Configs }, func(s Service) []string { return s.Configs })},
}

// unused makes a check for what is declared in a section and used by no service, whatever its profiles.
func unused(section string, declared func(*Project) []Resource, uses func(Service) []string) func(*Project) []Finding {
	return func(p *Project) []Finding {
		used := map[string]bool{}
		for _, s := range p.Services {
			for _, name := range uses(s) {
				used[name] = true
			}
		}
		var out []Finding
		for _, r := range declared(p) {
			if !used[r.Name] && r.At.File != "" && !(section == "networks" && r.Name == "default") {
				out = append(out, r.about(section, r.At, fmt.Sprintf("no service uses %s %q", section[:len(section)-1], r.Name), "remove it", removal(r.Entry)...))
			}
		}
		return out
	}
}

// about a resource: a finding at a place in it.
func (r Resource) about(section string, at diag.Place, text, hint string, edits ...Edit) Finding {
	return Finding{Subject: Subject{section, r.Name}, Edits: edits,
		Diagnostic: diag.Diagnostic{Place: at, Path: section + "." + r.Name, Text: text, Hint: hint}}
}

func removal(r *Range) []Edit {
	if r == nil {
		return nil
	}
	return []Edit{{r.From, r.To, ""}}
}
