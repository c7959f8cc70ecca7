package compose

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// LogsOptions of Logs.
type LogsOptions struct {
	Services []string // none: all of the file that profiles enable
	Index    int      // of the replica; 0: all
	Follow   bool
	Tail     string // lines of each container: "all", "" or a number
	Since    string // a time, or how long ago
	Until    string
	// Found is told which containers there are, before their first line; may be nil.
	Found func([]container.Live)
}

// Output is what following containers tells. The set is closed.
type Output interface{ output() }

// The outputs.
type (
	// Line that a container wrote.
	Line struct {
		From *container.Live
		Line engine.LogLine
	}
	// Exited: a container has ended.
	Exited struct {
		From       container.Live
		Code       int
		Restarting bool // the engine starts it again
	}
	// Unreadable: the lines of a container cannot be had.
	Unreadable struct {
		From container.Live
		Err  error
	}
)

func (Line) output()       {}
func (Exited) output()     {}
func (Unreadable) output() {}

// Logs tells what the containers of a project wrote, in order of time: one list call, then one call for each container. With Follow it goes on
// with what comes, also from containers that are started or made later, until all of them have ended or ctx ends. tell is called from one
// goroutine at a time.
func (t Tool) Logs(ctx context.Context, p Project, o LogsOptions, tell func(Output)) error {
	if err := CheckServices(p, o.Services); err != nil {
		return err
	}
	if len(o.Services) == 0 {
		for _, s := range p.Services {
			o.Services = append(o.Services, s.Name)
		}
	}
	if !o.Follow {
		_, err := t.past(ctx, p, o, tell)
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	events, broken, err := t.Engine.Subscribe(ctx, p.Name)
	if err != nil {
		return err
	}
	seen, err := t.past(ctx, p, o, tell)
	if err != nil {
		return err
	}
	f := newFollower(ctx, t.Engine, o.wants, tell)
	f.until = o.Until
	f.settled = true
	for _, c := range seen {
		f.resume(c)
	}
	return f.run(events, broken)
}

// wants tells whether the lines of a container were asked for.
func (o LogsOptions) wants(l container.Live) bool {
	return !l.OneOff() && (len(o.Services) == 0 || slices.Contains(o.Services, l.Service())) && (o.Index == 0 || o.Index == l.Number())
}

// past tells what is there already, and how far each container was read.
func (t Tool) past(ctx context.Context, p Project, o LogsOptions, tell func(Output)) ([]*cursor, error) {
	all, err := t.shown(ctx, p.Name)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(l container.Live) bool { return !o.wants(l) })
	if o.Index > 0 && len(all) == 0 {
		return nil, fmt.Errorf("service %q is not running container #%d", strings.Join(o.Services, ", "), o.Index)
	}
	if o.Found != nil {
		o.Found(all)
	}
	lines := engine.LogOptions{Tail: o.Tail, Since: o.Since, Until: o.Until}
	cursors := make([]*cursor, len(all))
	for i, l := range all {
		cursors[i] = &cursor{live: l, since: o.Since}
		if o.Tail == "0" {
			cursors[i].fromNow()
		}
	}
	return cursors, merge(ctx, t.Engine, cursors, lines, tell)
}

// merge reads the containers side by side and tells their lines in order of time. What cannot be read is told and left out.
func merge(ctx context.Context, e engine.Logs, cursors []*cursor, o engine.LogOptions, tell func(Output)) error {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	heads := make([]*head, len(cursors))
	for i, c := range cursors {
		heads[i] = &head{cursor: c, lines: make(chan engine.LogLine, 256)}
		all.Go(func() { heads[i].read(ctx, e, o) })
	}
	heads = slices.DeleteFunc(heads, func(h *head) bool { return !h.next(tell) })
	for len(heads) > 0 && ctx.Err() == nil {
		first := slices.MinFunc(heads, func(a, b *head) int { return a.line.Time.Compare(b.line.Time) })
		first.cursor.take(first.line)
		tell(Line{&first.cursor.live, first.line})
		if !first.next(tell) {
			heads = slices.DeleteFunc(heads, func(h *head) bool { return h == first })
		}
	}
	return ctx.Err()
}

// head of one container's lines.
type head struct {
	cursor *cursor
	lines  chan engine.LogLine
	line   engine.LogLine
	err    error // once lines is closed
}

func (h *head) read(ctx context.Context, e engine.Logs, o engine.LogOptions) {
	defer close(h.lines)
	h.err = e.Logs(ctx, h.cursor.live.ID, o, func(l engine.LogLine) error {
		select {
		case h.lines <- l:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

func (h *head) next(tell func(Output)) (ok bool) {
	if h.line, ok = <-h.lines; !ok && readable(h.err) != nil {
		tell(Unreadable{h.cursor.live, h.err})
	}
	return ok
}

// readable drops errors that only say that reading has come to its end.
func readable(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, engine.ErrNotFound) {
		return nil
	}
	return err
}

// cursor is how far the lines of a container were read. The engine stamps lines before it stores them, and two streams may be stored in
// another order: so reading goes on a little before the last line, and leaves out what was told already.
type cursor struct {
	live  container.Live
	tail  string // of the next reading, which then takes no since
	since string // as long as there was no line
	last  time.Time
	told  []told // those close before last
}

// told is what is kept of a line, to know it again: writers may write thousands within the overlap.
type told struct {
	at   int64 // nanoseconds
	what uint64
}

var tellApart = maphash.MakeSeed()

func toldOf(l engine.LogLine) told {
	what := maphash.String(tellApart, l.Text)
	if l.Stderr {
		what = ^what
	}
	return told{l.Time.UnixNano(), what}
}

const overlap = 100 * time.Millisecond

// fromNow leaves out what is there already.
func (c *cursor) fromNow() { c.tail, c.since = "0", stamp(time.Now()) }

// next is how to go on reading.
func (c *cursor) next() engine.LogOptions {
	switch {
	case c.tail != "":
		tail := c.tail
		c.tail = ""
		return engine.LogOptions{Tail: tail}
	case c.last.IsZero():
		return engine.LogOptions{Tail: "all", Since: c.since}
	}
	return engine.LogOptions{Tail: "all", Since: stamp(c.last.Add(-overlap))}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// take remembers a line; false: it was told before.
func (c *cursor) take(l engine.LogLine) bool {
	if l.Time.IsZero() {
		return true
	}
	t := toldOf(l)
	if !l.Time.After(c.last) && slices.Contains(c.told, t) {
		return false
	}
	if l.Time.After(c.last) {
		c.last = l.Time
	}
	c.told = append(c.told, t)
	if n := len(c.told); n >= 64 && n&(n-1) == 0 { // now and then is often enough
		since := c.last.Add(-overlap).UnixNano()
		c.told = slices.DeleteFunc(c.told, func(o told) bool { return o.at < since })
	}
	return true
}

// shown are the containers of a project under the names that people know: one that is taking over from another will have that.
func (t Tool) shown(ctx context.Context, project string) ([]container.Live, error) {
	all, err := t.Engine.ListContainers(ctx, project)
	for i := range all {
		all[i].Name = container.OwnName(all[i].Name)
	}
	return all, err
}

// byName puts replicas in the order in which people count.
func byName(a, b container.Live) int {
	return cmp.Or(cmp.Compare(a.Service(), b.Service()), cmp.Compare(a.Number(), b.Number()), cmp.Compare(a.Name, b.Name))
}
