package cli

import (
	"errors"
	"io"
	"strings"
	"sync"

	"github.com/tutti-run/tutti/cmd/internal/render"
	"github.com/tutti-run/tutti/compose/watch"
)

// menu is the line at the bottom of an attached up, and the keys that it names.
type menu struct {
	o        *upOptions
	watch    *watchSwitch
	detached chan struct{} // closed by the key that leaves the containers running
	restore  func()        // gives the terminal back

	mu     sync.Mutex
	closed bool
}

// menu on a terminal that is one at both ends, if it is asked for; nil: there is none.
func (o *upOptions) openMenu(s *watchSwitch) *menu {
	in, isTerminal := terminalOf(o.Stdin)
	mode, _, _ := o.mode()
	if _, _, out := size(o.Stdout); !o.menu || !out || !isTerminal || mode != render.TTY {
		return nil
	}
	restore, err := keywise(in)
	if err != nil {
		return nil // it is no terminal that can do so
	}
	m := &menu{o: o, watch: s, detached: make(chan struct{}), restore: restore}
	s.turned = m.draw
	m.draw()
	go m.read(in)
	go func() { // an interrupt may end the program: the terminal is given back before
		<-o.Stop
		m.close()
	}()
	return m
}

// keys of the menu; nil: nobody presses any.
func (m *menu) left() <-chan struct{} {
	if m == nil {
		return nil
	}
	return m.detached
}

func (m *menu) close() {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	m.closed = true
	m.o.screen.stands("", m.o.Stdout)
	m.restore()
}

// draw the line, until the menu is closed.
func (m *menu) draw() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return
	}
	watch := "Enable Watch"
	if m.watch.on() {
		watch = "Disable Watch"
	}
	m.o.screen.stands(render.Menu(m.o.style(m.o.Stdout), [][2]string{{"w", watch}, {"d", "Detach"}}), m.o.Stdout)
}

// read keys until the program ends.
func (m *menu) read(in io.Reader) {
	key := make([]byte, 1)
	for {
		if n, err := in.Read(key); err != nil || n == 0 {
			return
		}
		m.mu.Lock()
		over := m.closed
		m.mu.Unlock()
		if over || !m.press(key[0]) {
			return
		}
	}
}

// press a key, and tell whether there may be more.
func (m *menu) press(key byte) bool {
	switch key {
	case 'w':
		m.toggle()
	case 'd':
		m.close()
		close(m.detached)
		return false
	case '\r', '\n':
		_, _ = io.WriteString(m.o.screen.on(m.o.Stdout), "\n")
	}
	return true
}

func (m *menu) toggle() {
	switch {
	case m.watch.on():
		m.watch.stop()
	case m.o.unwatchable != nil:
		text := m.o.unwatchable.Error()
		if errors.Is(m.o.unwatchable, watch.ErrNone) {
			text = "Watch is not yet configured: " + strings.TrimPrefix(text, "none of ")
		}
		m.o.printed.Watch(text)
	default:
		m.watch.start()
	}
	m.draw()
}
