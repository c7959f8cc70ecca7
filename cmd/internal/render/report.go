package render

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"syscall"

	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// Report tells of each step that failed: what it is, why, what the container last said, and who was waiting for it. Before
// that comes what the engine left out of containers, behind it the snapshots that were taken. If there is nothing to tell it writes nothing.
func Report(w io.Writer, r apply.Report, s Style) {
	var b bytes.Buffer
	for _, line := range warnings(r.Warnings) {
		s.under(&b, 0, s.paint(yellow, "!")+" "+line)
	}
	for _, f := range merge(r.Failures) {
		if !madeUpFor(f, r.Failures) {
			failure(&b, f, s)
		}
	}
	takenBack(&b, r.Undone, s)
	for _, v := range r.Snapshots {
		s.under(&b, 0, fmt.Sprintf("What volume %s held is kept in volume %s.", v.Name, v.Snapshot))
		s.under(&b, 4, "to have it back, with nothing running: docker run --rm -v "+v.Snapshot+":/from:ro -v "+v.Name+":/to busybox cp -a /from/. /to")
		s.under(&b, 4, "when you need it no more: docker volume rm "+v.Snapshot)
	}
	if r.Interrupted {
		done, left := 0, 0
		for _, res := range r.Results {
			switch res.Outcome {
			case graph.Done:
				done++
			case graph.Cancelled:
				left++
			}
		}
		s.under(&b, 0, s.paint(yellow, "! Interrupted")+fmt.Sprintf(": %d of %d steps done, %d not begun.", done, len(r.Results), left))
	}
	_, _ = w.Write(b.Bytes())
}

// warnings of the engine, each once with all that it is about: "container shop-web-1: Your kernel does not support …".
func warnings(all []apply.Warning) []string {
	about := map[string][]string{}
	var out []string
	for _, w := range all {
		if w.Image != "" {
			out = append(out, tameLines("image "+w.Image+": "+w.Text))
			continue
		}
		about[w.Text] = append(about[w.Text], container.OwnName(w.Container))
	}
	for _, text := range slices.Sorted(maps.Keys(about)) {
		names, one := slices.Sorted(slices.Values(about[text])), "container "
		if len(names) > 1 {
			one = "containers "
		}
		out = append(out, tameLines(one+strings.Join(names, ", ")+": "+text))
	}
	return out
}

// madeUpFor tells a pull whose image was built instead.
func madeUpFor(f apply.Failure, all []apply.Failure) bool {
	pull, is := f.Node.Step.(plan.PullImage)
	return is && pull.Else == plan.BuildInstead &&
		!slices.ContainsFunc(all, func(o apply.Failure) bool { return o.Node.Resource == f.Node.Resource && o.Node.ID != f.Node.ID })
}

// merge tells once of a container that several steps failed on for the same reason: two waits for one that is unhealthy.
func merge(failures []apply.Failure) []apply.Failure {
	var out []apply.Failure
	for _, f := range failures {
		i := slices.IndexFunc(out, func(o apply.Failure) bool {
			return o.Node.Resource == f.Node.Resource && headline(o) == headline(f)
		})
		if i < 0 {
			f.Waiting = slices.Clone(f.Waiting)
			out = append(out, f)
			continue
		}
		for _, w := range f.Waiting {
			if !slices.Contains(out[i].Waiting, w) {
				out[i].Waiting = append(out[i].Waiting, w)
			}
		}
		out[i].Tolerated = out[i].Tolerated && f.Tolerated
	}
	return out
}

func failure(b *bytes.Buffer, f apply.Failure, s Style) {
	glyph, c := "✘", boldRed
	if f.Tolerated {
		glyph, c = "!", yellow
	}
	head := headline(f)
	s.under(b, 0, s.paint(c, glyph)+" "+s.paint(bold, head))
	if f.Err != nil && !errors.As(f.Err, new(*apply.NotReady)) && !errors.As(f.Err, new(*apply.NotUpdated)) {
		s.under(b, 4, tameLines(f.Err.Error()))
	}
	if f.Diagnosis != nil {
		diagnosis(b, f, head, s)
	}
	lastLogs(b, f.Logs, s)
	if len(f.Waiting) > 0 {
		s.under(b, 4, s.paint(yellow, "not started because of it:")+" "+strings.Join(f.Waiting, ", "))
	}
	if pull, is := f.Node.Step.(plan.PullImage); is && pull.Image.Build != nil && (pull.Else == plan.NoFallback || pull.Else == plan.GoWithout) {
		s.under(b, 4, "it can be built: run build")
	}
	if f.Tolerated {
		s.under(b, 4, excuse(f.Node.Step))
	}
}

// excuse is why a failure does not count.
func excuse(s plan.Step) string {
	switch s := s.(type) {
	case plan.PullImage:
		return map[plan.Fallback]string{plan.GoWithout: "ignored (--ignore-pull-failures)", plan.BuildInstead: "so it is built"}[s.Else]
	case plan.PushImage:
		return "ignored: push it before somebody uses it"
	case plan.RemoveImage, plan.RemoveNetwork, plan.RemoveVolume:
		return "somebody else still uses it"
	}
	return "it is optional (required: false): what depends on it starts all the same"
}

// takenBack tells what was undone, what is left to be looked at, and what could not be undone.
func takenBack(b *bytes.Buffer, all []apply.Undone, s Style) {
	var back, aside []string
	var failures []apply.Failure
	whole := false
	for _, u := range all {
		whole, failures = whole || u.All, append(failures, u.Failures...)
		for _, n := range u.Plan.Nodes {
			if name := n.Resource.Name; n.Resource.Kind == plan.Container && !slices.Contains(back, name) {
				back = append(back, name)
			}
			if r, is := n.Step.(plan.RenameContainer); is && strings.HasSuffix(r.Name, plan.AsideSuffix) {
				aside = append(aside, r.Name)
			}
		}
	}
	slices.Sort(back)
	slices.Sort(aside)
	switch {
	case len(all) == 0:
		return
	case len(failures) > 0:
		s.under(b, 0, s.paint(boldRed, "✘")+" "+s.paint(bold, "Not all could be rolled back; run up again to go on, or rollback to go back."))
	case whole:
		s.under(b, 0, s.paint(yellow, "↩")+" "+s.paint(bold, "Rolled back: all that was done was undone."))
	default:
		s.under(b, 0, s.paint(yellow, "↩")+" "+s.paint(bold, "Rolled back, as before:")+" "+strings.Join(back, ", "))
	}
	if len(aside) > 0 {
		s.under(b, 4, "put aside, stopped, until the next up: "+strings.Join(aside, ", "))
	}
	for _, f := range merge(failures) {
		failure(b, f, s)
	}
}

// headline of a failure: what is wrong with which resource.
func headline(f apply.Failure) string {
	name := label(f.Node.Resource)
	var n *apply.NotReady
	var u *apply.NotUpdated
	switch {
	case errors.As(f.Err, &u):
		return fmt.Sprintf("%s was not updated: %d of %d replicas could not be replaced", name, u.Failed, u.Of)
	case !errors.As(f.Err, &n):
		return name + " " + cmp.Or(wordsOf(f.Node.Step).undone, "did not get where it should")
	case n.TimedOut:
		return name + " was not " + string(n.Until) + " in time"
	}
	return name + " " + n.State
}

// diagnosis is what the engine knows about the container, as far as the headline does not say it.
func diagnosis(b *bytes.Buffer, f apply.Failure, head string, s Style) {
	d := *f.Diagnosis
	ended := d.State == container.Exited || d.State == container.Dead || d.OOMKilled
	if why := whatKilled(d); ended && (!strings.Contains(head, fmt.Sprintf("(%d)", d.ExitCode)) || why != "" && !strings.HasSuffix(head, why)) {
		s.under(b, 4, strings.TrimSuffix(fmt.Sprintf("exit code: %d, %s", d.ExitCode, why), ", "))
	}
	if d.Error != "" && (f.Err == nil || !strings.Contains(f.Err.Error(), d.Error)) {
		s.under(b, 4, "engine: "+d.Error)
	}
	if probe := tameLines(d.Probe); probe != "" {
		first, more, _ := strings.Cut(probe, "\n")
		s.under(b, 4, "probe: "+first)
		if more != "" {
			s.under(b, 11, more)
		}
	}
}

// whatKilled a process: the kernel for want of memory, or a signal.
func whatKilled(d engine.Diagnosis) string {
	switch {
	case d.OOMKilled:
		return "out of memory"
	case d.ExitCode > 128 && d.ExitCode < 160:
		return fmt.Sprintf("signal %d: %s", d.ExitCode-128, syscall.Signal(d.ExitCode-128))
	}
	return ""
}

// lastLogs are not wrapped: a line of a log stays one line.
func lastLogs(b *bytes.Buffer, lines []engine.LogLine, s Style) {
	if len(lines) == 0 {
		return
	}
	b.WriteString("    last log lines:\n")
	for _, l := range lines {
		at := ""
		if !l.Time.IsZero() {
			at = s.paint(dim, l.Time.Local().Format("15:04:05")) + " "
		}
		b.WriteString("      " + s.paint(dim, "|") + " " + at + tame(l.Text) + "\n")
	}
}
