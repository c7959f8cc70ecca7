package cli

import (
	"bytes"
	"io"
	"sync"
)

// screen is shared by a live view and by what containers write: while it is held, their lines are kept.
type screen struct {
	mu   sync.Mutex
	held bool
	kept []kept
}

type kept struct {
	to   io.Writer
	text []byte
}

func (s *screen) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = true
}

// release writes what was kept, in order.
func (s *screen) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.kept {
		_, _ = k.to.Write(k.text)
	}
	s.held, s.kept = false, nil
}

// on is a stream that heeds the screen.
func (s *screen) on(w io.Writer) io.Writer { return stream{s, w} }

type stream struct {
	screen *screen
	to     io.Writer
}

func (s stream) Write(p []byte) (int, error) {
	s.screen.mu.Lock()
	defer s.screen.mu.Unlock()
	if !s.screen.held {
		return s.to.Write(p)
	}
	s.screen.kept = append(s.screen.kept, kept{s.to, bytes.Clone(p)})
	return len(p), nil
}
