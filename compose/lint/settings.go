package lint

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tutti-run/tutti/compose/diag"
)

// Setting in a file, for the whole project or for what one subject is about.
type Setting struct {
	Subject Subject
	Rule    string
	Level   diag.Severity // of x-lint; "" of x-lint-ignore, Off
	At      diag.Place
	Reason  string // of x-lint-ignore, if it gives one
}

// Off is the level of a rule that is not applied.
const Off diag.Severity = "off"

// run is one run under way.
type run struct {
	Report
	in      Input
	o       Options
	ignores map[key][]int         // indexes of settings
	levels  map[key]diag.Severity // of x-lint
	used    map[int]bool          // settings that hid something
}

type key struct {
	Subject
	rule string
}

func newRun(in Input, o Options) *run {
	r := &run{in: in, o: o, ignores: map[key][]int{}, levels: map[key]diag.Severity{}, used: map[int]bool{}}
	for i, s := range in.Settings {
		k := key{s.Subject, s.Rule}
		if s.Level == "" {
			r.ignores[k] = append(r.ignores[k], i)
		} else {
			r.levels[k] = s.Level
		}
	}
	return r
}

// mayApply tells whether a rule can lead to anything: it is on, or somebody turns it on.
func (r *run) mayApply(rule Rule) bool {
	if slices.Contains(r.o.Disable, rule.ID) {
		return false
	}
	if !rule.Off || slices.Contains(r.o.Enable, rule.ID) {
		return true
	}
	return slices.ContainsFunc(r.in.Settings, func(s Setting) bool { return s.Rule == rule.ID && s.Level != "" })
}

// add a finding unless it is not wanted. A fatal one cannot be ignored: without it being mended nothing runs.
func (r *run) add(f Finding, fatal bool) {
	if f.Rule == "" {
		f.Rule = otherRule
	}
	if !r.wanted(f) {
		return
	}
	if fatal {
		r.Findings = append(r.Findings, f)
		return
	}
	if slices.Contains(r.o.Disable, f.Rule) {
		return
	}
	if f.Severity = r.level(f); f.Severity == Off {
		return
	}
	for _, k := range []key{{f.Subject, f.Rule}, {Subject{}, f.Rule}} {
		all := r.ignores[k]
		for _, i := range all {
			r.used[i] = true
			f.Reason = cmp.Or(f.Reason, r.in.Settings[i].Reason)
		}
		if len(all) > 0 {
			r.Ignored = append(r.Ignored, f)
			return
		}
	}
	r.Findings = append(r.Findings, f)
}

// wanted tells whether a finding is about what the user asked for. Mistakes that are about nothing in particular always are.
func (r *run) wanted(f Finding) bool {
	if len(r.o.Services) == 0 {
		return true
	}
	if f.Subject.Kind == "services" {
		return slices.Contains(r.o.Services, f.Subject.Name)
	}
	return f.Subject == Subject{} && f.Severity == diag.Error
}

// level is the severity that the closest setting gives, else the finding's own.
func (r *run) level(f Finding) diag.Severity {
	for _, k := range []key{{f.Subject, f.Rule}, {Subject{}, f.Rule}} {
		if l, ok := r.levels[k]; ok {
			return l
		}
	}
	if rule, _ := Find(f.Rule); rule.Off && !slices.Contains(r.o.Enable, f.Rule) {
		return Off
	}
	return f.Severity
}

// checkSettings tells about rules that there are not, and about what is ignored and not there.
func (r *run) checkSettings() {
	for i, s := range r.in.Settings {
		f := Finding{Subject: s.Subject}
		f.Place = s.At
		if _, ok := Find(s.Rule); !ok {
			f.Rule, f.Severity, f.Text, f.Hint = "unknown-rule", diag.Warning, fmt.Sprintf("no such rule: %s", s.Rule), diag.DidYouMean(s.Rule, IDs())
			r.add(f, false)
		} else if s.Level == "" && !r.used[i] && r.complete(s) {
			f.Rule, f.Severity, f.Text, f.Hint = "unused-ignore", diag.Info, fmt.Sprintf("%s is ignored, and there is nothing of it", s.Rule), "remove it"
			r.add(f, false)
		}
	}
}

// complete tells whether what a setting ignores would have been found.
func (r *run) complete(s Setting) bool {
	return r.in.Project != nil && len(r.o.Services) == 0 && !slices.Contains(r.o.Disable, s.Rule)
}
