package render

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/charmbracelet/x/ansi"
)

// screen is a small terminal: it knows the sequences that the live tree may use, and notes every other one as a mistake.
type screen struct {
	mu         sync.Mutex
	cols, rows int
	lines      [][]string // cells, a grapheme each; also what has scrolled off
	top        int        // index of the first line that can be reached
	x, y       int        // y counts from top
	cursor     bool
	sync       bool
	mistakes   []string
	writes     int
	free       bool // who writes now may use the whole width
}

// stdout of a container on the same screen: ends of lines are what the terminal driver makes of them.
type stdout struct{ *screen }

func (o stdout) Write(p []byte) (int, error) {
	o.mu.Lock()
	o.free = true
	o.mu.Unlock()
	n, err := o.screen.Write([]byte(strings.ReplaceAll(string(p), "\n", "\r\n")))
	o.mu.Lock()
	o.free = false
	o.mu.Unlock()
	return n, err
}

func newScreen(cols, rows int) *screen {
	return &screen{cols: cols, rows: rows, cursor: true, lines: [][]string{nil}}
}

func (s *screen) wrong(format string, a ...any) {
	s.mistakes = append(s.mistakes, fmt.Sprintf(format, a...))
}

// Write takes one frame, or a part: the cursor must be shown at its end.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	for b := string(p); b != ""; {
		seq, width, n, _ := ansi.DecodeSequence(b, ansi.NormalState, nil)
		if width > 0 {
			s.put(seq, width)
		} else {
			s.control(seq)
		}
		b = b[n:]
	}
	if !s.cursor {
		s.wrong("a write ends with the cursor hidden")
	}
	return len(p), nil
}

func (s *screen) size() (cols, rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cols, s.rows
}

// resize gives an empty screen with the cursor at its end.
func (s *screen) resize(cols int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cols, s.lines, s.top, s.y, s.x, s.mistakes = cols, [][]string{nil}, 0, s.rows-1, 0, nil
}

// noted are the mistakes and how many frames there were.
func (s *screen) noted() (mistakes []string, writes, scrolled int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sync {
		s.wrong("the picture is held")
	}
	return s.mistakes, s.writes, s.top
}

func (s *screen) line() *[]string {
	for s.top+s.y >= len(s.lines) {
		s.lines = append(s.lines, nil)
	}
	return &s.lines[s.top+s.y]
}

func (s *screen) put(cell string, width int) {
	if s.x+width >= s.cols && !s.free {
		s.wrong("column %d of %d is written: %q", s.x+width, s.cols, cell)
	}
	if s.x+width > s.cols {
		s.control("\r")
		s.control("\n")
	}
	l := s.line()
	for len(*l) < s.x+width {
		*l = append(*l, " ")
	}
	(*l)[s.x] = cell
	for i := 1; i < width; i++ {
		(*l)[s.x+i] = ""
	}
	s.x += width
}

func (s *screen) control(seq string) {
	switch {
	case seq == "\r":
		s.x = 0
	case seq == "\n":
		if s.y++; s.y == s.rows {
			s.y--
			s.top++
		}
		s.line()
	case seq == hideCursor, seq == showCursor:
		s.cursor = seq == showCursor
	case seq == syncBegin, seq == syncEnd:
		s.sync = seq == syncBegin
	case seq == eraseRight:
		l := s.line()
		*l = (*l)[:min(s.x, len(*l))]
	case seq == eraseBelow:
		s.lines = s.lines[:s.top+s.y+1]
		*s.line() = nil
	case strings.HasSuffix(seq, "A"):
		n, _ := strconv.Atoi(seq[2 : len(seq)-1])
		if s.y -= n; s.y < 0 {
			s.wrong("%d lines above the screen", -s.y)
			s.y = 0
		}
	case strings.HasPrefix(seq, "\x1b[") && strings.HasSuffix(seq, "m"):
	default:
		s.wrong("unknown sequence %q", seq)
	}
}

// text is all that was ever shown, the scrollback above the screen.
func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, l := range s.lines {
		b.WriteString(strings.TrimRight(strings.Join(l, ""), " ") + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}
