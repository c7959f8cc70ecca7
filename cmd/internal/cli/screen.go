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
}

// shows the view from now on; nil: none.
func (s *screen) shows(v render.View) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.view = v
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
		return s.to.Write(p)
	}
	return s.screen.view.Above(s.to).Write(p)
}
