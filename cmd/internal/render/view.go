package render

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
)

// View shows a run while it goes on.
type View interface {
	// Event is what compose.Tool.Events calls.
	Event(e apply.Event)
	// Close waits for the last frame. It may be called more than once, and must be called before anything else is written to the terminal.
	Close() error
	// Above gives a writer for whole lines of another stream, such as what containers write to stdout: they reach w, and where a live tree is
	// on the terminal they stand above it. Once the view is closed they go straight to w. It may be used from several goroutines.
	Above(w io.Writer) io.Writer
}

// writer keeps the first error of its writes.
type writer struct {
	w   io.Writer
	err error
}

func (w *writer) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	if w.err == nil {
		w.err = err
	}
	return n, err
}

// lines is a view that writes as events come and never takes anything back.
type lines struct {
	mu    sync.Mutex
	out   writer
	board *board
	show  func(e apply.Event, r *row, news bool)
}

func newLines(w io.Writer) *lines { return &lines{out: writer{w: w}, board: newBoard()} }

// Event takes the event in and shows it.
func (l *lines) Event(e apply.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, news := l.board.event(e)
	l.show(e, r, news)
}

// Close gives the first error of a write.
func (l *lines) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.err
}

// Above is w: lines stay where they were written.
func (l *lines) Above(w io.Writer) io.Writer { return w }

// NewPlain writes a line per change of state, in Docker Compose's words, what a build says, and errors in full.
func NewPlain(w io.Writer) View {
	l := newLines(w)
	l.show = func(e apply.Event, r *row, news bool) {
		switch e := e.(type) {
		case apply.StepProgress:
			l.built(e, r)
		case apply.Stopping:
			fmt.Fprintln(&l.out, stopping(e.Running))
		case apply.Planned:
			for _, res := range e.Plan.Kept {
				io.WriteString(&l.out, plainLine(l.board.at[res])) //nolint:errcheck // Close tells
			}
		default:
			if news {
				io.WriteString(&l.out, plainLine(r)) //nolint:errcheck // Close tells
			}
		}
	}
	return l
}

// NewPretence writes lines as NewPlain does, each marked as what is not really done, in Docker Compose's way.
func NewPretence(w io.Writer) View { return NewPlain(&marking{w}) }

// marking writes a mark before each line.
type marking struct{ w io.Writer }

func (m *marking) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		if _, err := fmt.Fprintf(m.w, " DRY-RUN MODE - %s", line); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// built writes what a build says, or a program beside the engine, line by line.
func (l *lines) built(e apply.StepProgress, r *row) {
	if !talks(e.Node.Step) {
		return
	}
	for line := range strings.SplitSeq(tameLines(e.Progress.Text), "\n") {
		if line != "" {
			fmt.Fprintf(&l.out, " %s  | %s\n", r.id, line)
		}
	}
}

// plainLine is " Container shop-web-1  Created", and behind it how what failed begins: the report has all of it.
func plainLine(r *row) string {
	line := fmt.Sprintf(" %s  %s", r.id, r.word)
	if r.err != nil && len(r.back) == 0 {
		first, _, _ := strings.Cut(tameLines(r.err.Error()), "\n")
		line += "  " + first
	}
	return line + "\n"
}

func stopping(running int) string {
	if running == 0 {
		return "Stopping: no new steps begin"
	}
	return fmt.Sprintf("Stopping: no new steps begin, %d finish; press Ctrl+C again to stop at once", running)
}

// NewQuiet writes nothing of the steps: what failed is in the report.
func NewQuiet(w io.Writer) View {
	l := newLines(w)
	l.show = func(apply.Event, *row, bool) {}
	return l
}

// eventDoc is a line of the JSON view: Docker Compose's fields, then ours.
type eventDoc struct {
	ID       string `json:"id,omitempty"`
	ParentID string `json:"parent_id,omitempty"`
	Text     string `json:"text,omitempty"`
	Status   string `json:"status,omitempty"`
	Current  int64  `json:"current,omitempty"`
	Total    int64  `json:"total,omitempty"`
	Percent  int    `json:"percent,omitempty"`

	Project   string      `json:"project,omitempty"` // with text "Planned"
	Steps     int         `json:"steps,omitempty"`   // with text "Planned"
	Step      plan.ID     `json:"step,omitempty"`
	Reasons   []reasonDoc `json:"reasons,omitempty"`    // when a step begins
	Outcome   string      `json:"outcome,omitempty"`    // when it has ended: done, failed, skipped, cancelled
	ElapsedMS *int64      `json:"elapsed_ms,omitempty"` // when it has ended
	Error     string      `json:"message,omitempty"`
	Warnings  []string    `json:"warnings,omitempty"` // of the engine, with text "Ended"
}

// NewJSON writes an object per event and line.
func NewJSON(w io.Writer) View {
	l := newLines(w)
	l.show = func(e apply.Event, r *row, _ bool) {
		if d := document(e, r); d != nil {
			_ = jsonLine(&l.out, d)
		}
	}
	return l
}

func document(e apply.Event, r *row) *eventDoc {
	switch e := e.(type) {
	case apply.Planned:
		return &eventDoc{Text: "Planned", Project: e.Plan.Project, Steps: len(e.Plan.Nodes)}
	case apply.Undoing:
		return &eventDoc{Text: "Undoing", Project: e.Plan.Project, Steps: len(e.Plan.Nodes)}
	case apply.StepStarted:
		return &eventDoc{ID: r.id, Status: r.word, Step: e.Node.ID, Reasons: reasons(e.Node.Reasons)}
	case apply.StepProgress:
		p := e.Progress
		d := &eventDoc{ID: p.Layer, ParentID: r.id, Text: p.Text, Current: p.Current, Total: p.Total, Percent: percent(p.Current, p.Total), Step: e.Node.ID}
		if d.ID == "" {
			d.ID, d.ParentID = r.id, ""
		}
		return d
	case apply.StepEnded:
		return endedDoc(e, r)
	case apply.Stopping:
		return &eventDoc{Text: stopping(e.Running)}
	case apply.Ended:
		return &eventDoc{Text: "Ended", Outcome: ending(e.Report), ElapsedMS: millis(e.Report.Took), Warnings: warnings(e.Report.Warnings)}
	}
	return nil
}

func endedDoc(e apply.StepEnded, r *row) *eventDoc {
	d := &eventDoc{ID: r.id, Status: r.word, Step: e.Node.ID, Outcome: e.Outcome.String(), ElapsedMS: millis(e.Took)}
	if e.Err != nil {
		d.Error = e.Err.Error()
	}
	return d
}

func ending(r apply.Report) string {
	switch {
	case r.Failed():
		return graph.Failed.String()
	case r.Interrupted:
		return graph.Cancelled.String()
	}
	return graph.Done.String()
}

func millis(d time.Duration) *int64 {
	ms := d.Milliseconds()
	return &ms
}
