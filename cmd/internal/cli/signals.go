package cli

import (
	"context"
	"os"
	"syscall"
)

// forwarded are the signals for a container that we are connected with: all that come from now on, by name, as the engine may have other numbers. They
// end nothing here.
func (c *cli) forwarded(ctx context.Context) <-chan string {
	come, stop, out := (<-chan os.Signal)(nil), c.Stop, make(chan string)
	if c.Signals != nil {
		come, stop = c.Signals(forwardedSignals...), nil
	}
	go func() {
		for {
			s := os.Signal(os.Interrupt)
			select {
			case s = <-come:
			case <-stop:
				stop = nil
			case <-ctx.Done():
				return
			}
			if n, ok := s.(syscall.Signal); ok {
				select {
				case out <- signalName(n):
				case <-ctx.Done():
				}
			}
		}
	}()
	return out
}
