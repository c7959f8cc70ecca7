package render

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/tutti-run/tutti/compose/apply"
)

// NewTTY is a live tree: a header and a line per resource, drawn again in place. size is asked before each frame.
func NewTTY(w io.Writer, size func() (cols, rows int), s Style) View {
	v := &tty{out: writer{w: w}, size: size, style: s, board: newBoard(), wake: make(chan struct{}, 1), quit: make(chan struct{}), gone: make(chan struct{})}
	go v.loop()
	return v
}

// tty draws on one goroutine; events only change the board and wake it.
type tty struct {
	mu     sync.Mutex // guards board, kept and closed
	board  *board
	kept   []kept
	closed bool // no frame follows

	out   writer
	size  func() (cols, rows int)
	style Style
	wake  chan struct{}
	quit  chan struct{}
	gone  chan struct{}
	once  sync.Once

	drawn []int // widths of the lines of the last frame
}

// kept is text of another stream that is to stand above the tree.
type kept struct {
	to   io.Writer
	text []byte
}

// above is another stream on the same terminal.
type above struct {
	view *tty
	to   io.Writer
}

// Above keeps lines until the next frame, which is soon.
func (v *tty) Above(w io.Writer) io.Writer { return above{v, w} }

func (a above) Write(p []byte) (int, error) {
	a.view.mu.Lock()
	defer a.view.mu.Unlock()
	if a.view.closed {
		return a.to.Write(p)
	}
	a.view.kept = append(a.view.kept, kept{a.to, slices.Clone(p)})
	a.view.rouse()
	return len(p), nil
}

const (
	beat = 100 * time.Millisecond // of spinner and clock, while something runs
	rest = 30 * time.Millisecond  // between frames, however many events come
)

// Event takes the event in and has a frame drawn soon.
func (v *tty) Event(e apply.Event) {
	v.mu.Lock()
	v.board.event(e)
	v.mu.Unlock()
	v.rouse()
}

func (v *tty) rouse() {
	select {
	case v.wake <- struct{}{}:
	default:
	}
}

// Close draws the last frame, which stays.
func (v *tty) Close() error {
	v.once.Do(func() { close(v.quit) })
	<-v.gone
	return v.out.err
}

func (v *tty) loop() {
	defer close(v.gone)
	defer v.finish()
	var tick <-chan time.Time
	for {
		select {
		case <-v.wake:
		case <-tick:
		case <-v.quit:
			return
		}
		tick = nil
		if v.draw(false) {
			tick = time.After(beat - rest)
		}
		select {
		case <-time.After(rest):
		case <-v.quit:
			return
		}
	}
}

const (
	syncBegin  = "\x1b[?2026h" // terminals that know it show what follows at once; others ignore it
	syncEnd    = "\x1b[?2026l"
	hideCursor = "\x1b[?25l"
	showCursor = "\x1b[?25h"
	eraseRight = "\x1b[K"
	eraseBelow = "\x1b[J"
)

// draw writes a frame in one piece over the one before, and tells whether something runs. The cursor is hidden only within the piece, so that
// it is there again however the process ends.
func (v *tty) draw(last bool) (running bool) {
	cols, rows := v.dimensions()
	v.mu.Lock()
	f := frame{board: v.board, style: v.style, cols: cols, rows: rows, now: time.Now(), last: last}
	text, above := f.lines(), v.kept
	v.kept = nil
	v.mu.Unlock() // a slow terminal does not keep events back
	begin := v.up(cols, rows)
	if len(above) > 0 {
		v.write(syncBegin + begin + eraseBelow)
		flush(above)
		v.drawn, begin = nil, ""
	}
	if len(text) > 0 {
		v.picture(begin, text)
	} else if len(above) > 0 {
		v.write(syncEnd)
	}
	return f.running
}

func flush(lines []kept) {
	for _, k := range lines {
		_, _ = k.to.Write(k.text)
	}
}

// finish draws the last frame; what is written above from then on goes below it.
func (v *tty) finish() {
	v.draw(true)
	v.mu.Lock()
	defer v.mu.Unlock()
	flush(v.kept)
	v.kept, v.closed = nil, true
}

func (v *tty) dimensions() (cols, rows int) {
	cols, rows = v.size()
	if cols <= 0 {
		cols = 80
	}
	if rows <= 0 {
		rows = 24
	}
	return cols, rows
}

func (v *tty) picture(begin string, text []string) {
	var b strings.Builder
	b.WriteString(syncBegin + hideCursor + begin)
	v.drawn = v.drawn[:0]
	for _, l := range text {
		b.WriteString(l + eraseRight + "\r\n")
		v.drawn = append(v.drawn, ansi.StringWidth(l))
	}
	v.write(b.String() + eraseBelow + showCursor + syncEnd)
}

func (v *tty) write(text string) { _, _ = io.WriteString(&v.out, text) }

// up goes to the first line of the last frame. A terminal that has become narrower since has broken its lines.
func (v *tty) up(cols, rows int) string {
	n := 0
	for _, w := range v.drawn {
		n += max(1, (w+cols-1)/cols)
	}
	if n = min(n, rows-1); n == 0 {
		return "\r"
	}
	return fmt.Sprintf("\r\x1b[%dA", n)
}

// frame is one picture of a board.
type frame struct {
	board      *board
	style      Style
	cols, rows int
	now        time.Time
	last       bool // it stays: nothing is folded
	running    bool
}

func (f *frame) lines() []string {
	rows := f.board.rows
	if len(rows) == 0 {
		return nil
	}
	idWidth, done := 0, 0
	for _, r := range rows {
		idWidth = max(idWidth, ansi.StringWidth(r.id))
		f.running = f.running || r.running > 0
		if r.done() {
			done++
		}
	}
	idWidth = min(idWidth, max(24, f.cols*2/5))
	out := []string{f.header(done, len(rows))}
	shown, folded := f.visible(rows)
	room := f.rows - 2 - len(shown) - len(folded)
	for _, r := range shown {
		steps := f.steps(r, room)
		out = append(append(out, f.row(r, idWidth, len(steps) > 0)), steps...)
		room -= len(steps)
	}
	for _, l := range folded {
		out = append(out, f.fit(" "+f.style.paint(dim, l), ""))
	}
	return out
}

func (f *frame) header(done, all int) string {
	title := f.style.Title
	if title == "" {
		title = "Running"
	}
	head := fmt.Sprintf("[+] %s %d/%d", title, done, all)
	if done == all {
		head = f.style.paint(blue, head)
	}
	if b := f.board; !b.from.IsZero() {
		to := f.now
		if b.over || f.last {
			to = b.to
		}
		head += "  " + f.style.paint(blue, seconds(to.Sub(b.from)))
	}
	if f.board.stopping && !f.board.over {
		head += "  " + f.style.paint(yellow, "stopping: running steps finish; Ctrl+C again stops at once")
	}
	return f.fit(head, "")
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1fs", max(0, d.Seconds())) }

// visible are the rows that there is room for: when there are too many, those done are folded into a count, then those that wait.
func (f *frame) visible(rows []*row) (shown []*row, folded []string) {
	room := f.rows - 2
	if f.last || len(rows) <= room {
		return rows, nil
	}
	shown, n := without(rows, len(rows)-room+1, (*row).done)
	if n > 0 {
		folded = append(folded, fmt.Sprintf("✔ %d more done", n))
	}
	over := len(shown) + len(folded) - room
	if over <= 0 {
		return shown, folded
	}
	slices.Reverse(shown) // those that come last are the first that can be missed
	shown, n = without(shown, over+1, func(r *row) bool { return r.running == 0 && !r.failed })
	slices.Reverse(shown)
	if over = len(shown) + len(folded) + 1 - room; over > 0 {
		keep := max(0, len(shown)-over)
		shown, n = shown[:keep], n+len(shown)-keep
	}
	return shown, append(folded, fmt.Sprintf("· %d more", n))
}

// without the first n rows that match.
func without(rows []*row, n int, match func(*row) bool) (kept []*row, gone int) {
	for _, r := range rows {
		if gone < n && match(r) {
			gone++
			continue
		}
		kept = append(kept, r)
	}
	return kept, gone
}

var dots = []string{"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"}

// spinner turns with the clock, so that all of them turn together.
func (f *frame) spinner() string {
	return f.style.paint(yellow, dots[f.now.UnixMilli()/beat.Milliseconds()%int64(len(dots))])
}

// row of a resource; what a build does stands beneath it, if there is room.
func (f *frame) row(r *row, idWidth int, beneath bool) string {
	glyph, word, c := f.state(r)
	left := " " + glyph + " " + pad(shorten(r.id, idWidth), idWidth) + "  " + f.style.paint(c, word)
	if d := f.detail(r); d != "" && !beneath {
		left += gap(word) + d
	}
	right := ""
	if e := r.elapsed(f.now); e > 0 || r.word != "" {
		right = f.style.paint(blue, seconds(e))
	}
	return f.fit(left, right)
}

// gap between a word and what goes on from it: "Waiting until healthy", but "Error  port is taken".
func gap(word string) string {
	switch word {
	case "":
		return ""
	case "Waiting":
		return " "
	}
	return "  "
}

// fit puts right at the right edge, cutting left if need be. The last column stays free: terminals differ in what they do there.
func (f *frame) fit(left, right string) string {
	room := f.cols - 1
	if w := ansi.StringWidth(right) + 1; right != "" && w < room/2 {
		return pad(ansi.Truncate(left, room-w, "…"), room-w) + " " + right
	}
	return ansi.Truncate(left, room, "…")
}

// state of a row: its glyph, word and colour.
func (f *frame) state(r *row) (glyph, word string, c colour) {
	s := f.style
	switch {
	case r.failed:
		return s.paint(boldRed, "✘"), r.word, boldRed
	case r.running > 0 && r.word == "":
		return f.spinner(), "Checking", plain
	case r.running > 0:
		return f.spinner(), r.word, plain
	case r.warned:
		return s.paint(yellow, "!"), r.word, yellow
	case r.done():
		return s.paint(green, "✔"), r.word, green
	case f.board.over || f.last:
		return s.paint(dim, "-"), r.word, dim
	}
	return s.paint(dim, "·"), r.word, dim
}

// detail says what the word does not: how far a pull is, what a build said, what is waited for, what went wrong.
func (f *frame) detail(r *row) string {
	switch {
	case r.err != nil:
		text := tame(strings.Join(strings.Fields(r.err.Error()), " "))
		return strings.TrimPrefix(text, "container "+r.res.Name+" ")
	case len(r.back) > 0:
		return ""
	case r.word == "Pulling" && r.running > 0:
		return r.bar.text(f.style, f.barWidth())
	case r.word == "Building" && r.running > 0:
		return f.style.paint(dim, r.last)
	case r.running > 0:
		return f.style.paint(dim, f.board.waitedFor(r))
	case r.done():
		return ""
	case f.board.over || f.last:
		return f.style.paint(dim, f.board.notDone(r))
	}
	return f.style.paint(dim, f.board.waiting(r))
}

// barWidth is none on a narrow terminal, where the sizes are enough.
func (f *frame) barWidth() int {
	if f.cols < 72 {
		return 0
	}
	return min(max(0, f.cols-80)/2+10, 30)
}
