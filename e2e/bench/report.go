package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// report is what was measured, in the order of the cases.
type report struct {
	CPUs  int   `json:"cpus"`
	Rows  []row `json:"rows"`
	tools []string
}

// row is one step.
type row struct {
	Name   string             `json:"name"`
	Tools  map[string]figures `json:"tools"`
	Ratios []ratio            `json:"ratios"`
}

// figures of a tool in a step: medians.
type figures struct {
	Runs       int     `json:"runs"`
	Seconds    float64 `json:"seconds"` // of the wall clock
	Over       bool    `json:"over,omitempty"`
	CPU        float64 `json:"cpu_seconds"`
	Peak       int64   `json:"peak_bytes"`
	Calls      *int    `json:"calls,omitempty"`
	LineRate   float64 `json:"lines_per_second,omitempty"`
	CPUPerLine float64 `json:"cpu_seconds_per_line,omitempty"`
}

// ratio of tutti to another.
type ratio struct {
	Of     string  `json:"of"` // "time", "cpu per line", "memory"
	To     string  `json:"to"` // "compose", "floor"
	Is     float64 `json:"is"`
	AtMost bool    `json:"at_most,omitempty"` // the other was cut off: it is less
	Target float64 `json:"target,omitempty"`
	Met    *bool   `json:"met,omitempty"`
}

func newReport(cases []benchCase, tools []tool, all results) report {
	r := report{CPUs: runtime.NumCPU()}
	for _, t := range tools {
		r.tools = append(r.tools, t.name)
	}
	for _, c := range cases {
		for _, s := range c.steps {
			if s.name == "" {
				continue
			}
			row := row{Name: s.name, Tools: map[string]figures{}}
			for _, t := range r.tools {
				if got := all[[2]string{s.name, t}]; got != nil && len(got.samples) > 0 {
					row.Tools[t] = got.figures(s.follow > 0)
				}
			}
			if len(row.Tools) == 0 {
				continue // interrupted before
			}
			row.Ratios = ratios(row.Tools, s.target)
			r.Rows = append(r.Rows, row)
		}
	}
	return r
}

func (s *series) figures(lines bool) figures {
	f := figures{
		Runs:    len(s.samples),
		Seconds: median(s.samples, func(x sample) float64 { return x.Seconds }),
		CPU:     median(s.samples, func(x sample) float64 { return x.CPU }),
		Peak:    median(s.samples, func(x sample) int64 { return x.Peak }),
		Over:    s.samples[len(s.samples)-1].Over,
	}
	if s.calls >= 0 {
		f.Calls = &s.calls
	}
	if lines {
		f.LineRate = median(s.samples, func(x sample) float64 { return float64(x.Lines) / x.Seconds })
		f.CPUPerLine = median(s.samples, func(x sample) float64 { return x.CPU / float64(max(1, x.Lines)) })
	}
	return f
}

func median[T cmp.Ordered](samples []sample, of func(sample) T) T {
	var all []T
	for _, s := range samples {
		all = append(all, of(s))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

func ratios(tools map[string]figures, t target) []ratio {
	us, ok := tools["tutti"]
	if !ok || us.Over {
		return nil
	}
	var out []ratio
	if them, ok := tools["compose"]; ok {
		if us.CPUPerLine > 0 {
			out = append(out, against("cpu per line", "compose", us.CPUPerLine, them.CPUPerLine, t.compose, them.Over))
		} else {
			out = append(out, against("time", "compose", us.Seconds, them.Seconds, t.compose, them.Over))
		}
		out = append(out, against("memory", "compose", float64(us.Peak), float64(them.Peak), cmp.Or(t.memory, memoryTarget), them.Over))
	}
	if floor, ok := tools["floor"]; ok {
		switch {
		case us.CPUPerLine > 0:
			out = append(out, against("cpu per line", "floor", us.CPUPerLine, floor.CPUPerLine, t.floor, floor.Over))
		default:
			limit := t.floor
			if limit > 0 {
				limit += t.more.Seconds() / floor.Seconds
			}
			out = append(out, against("time", "floor", us.Seconds, floor.Seconds, limit, floor.Over))
		}
	}
	return out
}

func against(of, to string, us, them, target float64, cut bool) ratio {
	r := ratio{Of: of, To: to, Is: us / them, AtMost: cut, Target: target}
	if met := r.Is <= target; target > 0 && (met || !cut) {
		r.Met = &met
	}
	return r
}

func (r report) json(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// cells are the table: a head and a line for each row.
func (r report) cells() [][]string {
	head := []string{"case"}
	for _, t := range r.tools {
		head = append(head, t, "CPU", "peak", "calls")
	}
	kinds := []ratio{{Of: "time", To: "compose"}, {Of: "memory", To: "compose"}, {Of: "time", To: "floor"}}
	if !slices.Contains(r.tools, "compose") {
		kinds = kinds[2:]
	}
	for _, k := range kinds {
		head = append(head, k.Of+" ÷ "+k.To, "target")
	}
	out := [][]string{head}
	for _, row := range r.Rows {
		line := []string{row.Name}
		for _, t := range r.tools {
			f, ok := row.Tools[t]
			line = append(line, f.cells(ok)...)
		}
		for _, k := range kinds {
			line = append(line, row.ratio(k)...)
		}
		out = append(out, line)
	}
	return out
}

func (f figures) cells(ok bool) []string {
	if !ok {
		return []string{"–", "", "", ""}
	}
	out := []string{seconds(f.Seconds), seconds(f.CPU), fmt.Sprintf("%.0f MB", float64(f.Peak)/1e6), ""}
	if f.Over {
		out[0] = "> " + out[0]
	}
	if f.CPUPerLine > 0 {
		out[0], out[1] = fmt.Sprintf("%.0f lines/s", f.LineRate), fmt.Sprintf("%.2f µs/line", f.CPUPerLine*1e6)
	}
	if f.Calls != nil {
		out[3] = fmt.Sprint(*f.Calls)
	}
	return out
}

// ratio of a kind as two cells. What is followed has one of CPU time a line instead of one of time.
func (r row) ratio(kind ratio) []string {
	for _, x := range r.Ratios {
		if x.To != kind.To || x.Of != kind.Of && (kind.Of != "time" || x.Of != "cpu per line") {
			continue
		}
		is, target := fmt.Sprintf("%.2f", x.Is), ""
		if x.AtMost {
			is = "< " + is
		}
		if x.Target > 0 {
			target = fmt.Sprintf("≤ %.3g", x.Target)
		}
		switch {
		case x.Met == nil:
		case *x.Met:
			target += " ✓"
		default:
			target += " ✗"
		}
		return []string{is, target}
	}
	return []string{"", ""}
}

func seconds(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%.0f ms", s*1000)
	}
	return fmt.Sprintf("%.2f s", s)
}

func (r report) table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, line := range r.cells() {
		fmt.Fprintln(t, strings.Join(line, "\t")+"\t")
	}
	return t.Flush()
}

func (r report) markdown(w io.Writer) error {
	for i, line := range r.cells() {
		fmt.Fprintln(w, "| "+strings.Join(line, " | ")+" |")
		if i == 0 {
			fmt.Fprintln(w, "|---|"+strings.Repeat("---:|", len(line)-1))
		}
	}
	return nil
}
