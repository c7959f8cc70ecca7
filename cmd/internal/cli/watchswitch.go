package cli

import (
	"context"
	"sync"

	"github.com/tutti-run/tutti/compose"
)

// watchSwitch turns a watch of files on and off beside an attached up.
type watchSwitch struct {
	watch func(ctx context.Context, quit <-chan struct{})
	ctx   context.Context

	turned func() // once it is on, or off again; may be nil

	mu     sync.Mutex
	cancel func()        // nil: it is off
	ended  chan struct{} // closed once it has
}

// prepareWatch reads the rules; what is wrong with them is told before anything is done, if they were asked for.
func (o *upOptions) prepareWatch(ctx context.Context, p compose.Project) error {
	t, err := o.tool(ctx)
	if err == nil {
		o.watched, err = o.watching(t, p, o.services)
	}
	if o.watch {
		return err
	}
	o.unwatchable = err
	return nil
}

func (o *upOptions) watchSwitch(ctx context.Context, t compose.Tool, p compose.Project, at *compose.Attachment) *watchSwitch {
	return &watchSwitch{ctx: ctx, watch: func(watching context.Context, quit <-chan struct{}) {
		f := filesWatcher{cli: o.cli, ctx: ctx, tool: t, project: p, options: o.options(), quiet: silence{o.quietPull, o.quietBuild}, logs: o.printed, hold: at.Hold}
		done := make(chan struct{})
		defer close(done)
		f.tool.Stop = first(t.Stop, quit, done)
		if err := f.watch(watching, o.watched, false); err != nil {
			o.printed.Watch("Watch disabled with errors: " + err.Error())
		}
	}}
}

func (s *watchSwitch) tell() {
	if s.turned != nil {
		s.turned()
	}
}

func (s *watchSwitch) on() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cancel != nil && !closed(s.ended)
}

func (s *watchSwitch) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithCancel(s.ctx)
	quit, ended := make(chan struct{}), make(chan struct{})
	s.cancel, s.ended = func() { close(quit); cancel() }, ended
	go func() {
		s.tell()
		s.watch(ctx, quit)
		close(ended)
		s.tell()
	}()
}

// stop it, and wait until what it is at has ended: no new steps begin.
func (s *watchSwitch) stop() {
	s.mu.Lock()
	cancel, ended := s.cancel, s.ended
	s.cancel = nil
	s.mu.Unlock() // what is to end asks whether it is on
	if cancel != nil {
		cancel()
	}
	if ended != nil {
		<-ended
	}
}
