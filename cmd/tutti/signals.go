package main

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// signals that come to us, and to whom they go.
type signals struct {
	mu   sync.Mutex
	to   chan os.Signal
	seen chan os.Signal // the first that has come
}

func listen() *signals {
	s := &signals{to: make(chan os.Signal, 3), seen: make(chan os.Signal, 1)}
	signal.Notify(s.to, syscall.SIGINT, syscall.SIGTERM)
	signal.Notify(s.seen, syscall.SIGINT, syscall.SIGTERM)
	return s
}

// tell a signal as if it had come.
func (s *signals) tell(sig os.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.to <- sig:
	default:
	}
}

// together is how far apart a signal may come to docker and to us that was sent to both, as Ctrl-C is.
const together = 300 * time.Millisecond

// hungUp: docker, which passes no signals on, has had one, and wants us to end. If it came to us as well it counts once.
func (s *signals) hungUp() {
	select {
	case <-s.seen:
	case <-time.After(together):
		s.tell(syscall.SIGTERM)
	}
}

// hangups are told from now on, unless whoever started us has us ignore them, as nohup does.
func (s *signals) hangups() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(s.to, syscall.SIGHUP)
	}
}

// taken over by somebody else, from now on.
func (s *signals) taken(which ...os.Signal) <-chan os.Signal {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.to
	s.to = make(chan os.Signal, 16)
	signal.Notify(s.to, which...)
	signal.Stop(before) // not sooner: one that comes in between would end us
	return s.to
}

// interrupts: the first closes stop, and can be asked for then; the second ends the context, the third ends the process.
func (s *signals) interrupts() (ctx context.Context, stop <-chan struct{}, first func() os.Signal) {
	ctx, cancel := context.WithCancel(context.Background())
	stopped, come := make(chan struct{}), s.to
	var which os.Signal
	go func() {
		which = <-come
		close(stopped)
		<-come
		cancel()
		<-come
		os.Exit(130)
	}()
	return ctx, stopped, func() os.Signal { <-stopped; return which }
}
