package cli

import (
	"io"
	"sync"

	"github.com/tutti-run/tutti/cmd/internal/render"
)

// screen is shared by the views of runs and by what containers write, which stands above a live view.
type screen struct {
	mu   sync.Mutex
	view render.View // nil: none is shown
	line string      // at the bottom of a terminal while no view is shown; "": none
	at   io.Writer
}

// shows the view from now on; nil: none.
func (s *screen) shows(v render.View) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	s.view = v
	s.draw()
}

// stands at the bottom of a terminal from now on: a line, below all that is written; "": none.
func (s *screen) stands(line string, at io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.erase()
	s.line, s.at = line, at
	s.draw()
}

func (s *screen) erase() {
	if s.line != "" && s.view == nil {
		_, _ = io.WriteString(s.at, "\r\x1b[K")
	}
}

func (s *screen) draw() {
	if s.line != "" && s.view == nil {
		_, _ = io.WriteString(s.at, s.line)
	}
}

// on is a stream that heeds the view. It takes whole lines.
func (s *screen) on(w io.Writer) io.Writer { return stream{s, w} }

type stream struct {
	screen *screen
	to     io.Writer
}

func (s stream) Write(p []byte) (int, error) {
	s.screen.mu.Lock()
	defer s.screen.mu.Unlock()
	if s.screen.view == nil {
		s.screen.erase()
		defer s.screen.draw()
		return s.to.Write(p)
	}
	return s.screen.view.Above(s.to).Write(p)
}
