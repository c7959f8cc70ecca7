package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/moby/term"
	xterm "golang.org/x/term"

	"github.com/tutti-run/tutti/compose"
)

// console is the user's side of a process, and what gives the user's terminal back.
type console struct {
	compose.Terminal
	restore func()
}

// console with a terminal or without one, and with the user's input or without it.
func (c *cli) console(tty, stdin bool) (console, error) {
	out := console{Terminal: compose.Terminal{Stdout: c.Stdout, Stderr: c.Stderr}, restore: func() {}}
	if stdin {
		out.Stdin = c.Stdin
	}
	if stdin && tty {
		keys, err := term.ToBytes(cmp.Or(c.detachKeys, c.dockerConfig().DetachKeys, "ctrl-p,ctrl-q"))
		if err != nil {
			return out, usagef("invalid detach keys %q", c.detachKeys)
		}
		out.Stdin = detachable{term.NewEscapeProxy(c.Stdin, keys)}
	}
	if out.TTY = tty; !tty {
		return out, nil
	}
	out.Cols, out.Rows, _ = size(c.Stdout)
	sizes, stop := c.sizes()
	out.Resized = sizes
	in, isTerminal := terminalOf(c.Stdin)
	switch {
	case !stdin:
		out.restore = stop
		return out, nil
	case !isTerminal:
		stop()
		return out, errNoTTY
	}
	before, err := xterm.MakeRaw(int(in.Fd()))
	out.restore = func() {
		stop()
		if err == nil {
			_ = xterm.Restore(int(in.Fd()), before)
		}
	}
	return out, err
}

// errNoTTY is Docker's word for a terminal that is wanted where there is none.
var errNoTTY = errors.New("the input device is not a TTY")

// outcome of a process that we were connected with: its code is ours. To be detached from it is fine, and told in Docker's words.
func (c *cli) outcome(code int, err error) error {
	switch {
	case errors.Is(err, compose.ErrDetached):
		_, err = fmt.Fprintln(c.Stderr, "\nread escape sequence")
	case err == nil && code != 0:
		return exitCode(code)
	}
	return err
}

// sizes of the user's terminal, whenever it has another.
func (c *cli) sizes() (sizes <-chan [2]int, stop func()) {
	changes, over, out := make(chan os.Signal, 1), make(chan struct{}), make(chan [2]int)
	signal.Notify(changes, resizeSignals...)
	go func() {
		for {
			select {
			case <-changes:
			case <-over:
				return
			}
			if cols, rows, ok := size(c.Stdout); ok {
				select {
				case out <- [2]int{cols, rows}:
				case <-over:
					return
				}
			}
		}
	}()
	return out, func() { signal.Stop(changes); close(over) }
}

// detachable is an input in which some keys say to leave the process to itself.
type detachable struct{ io.Reader }

func (d detachable) Read(p []byte) (int, error) {
	n, err := d.Reader.Read(p)
	if _, detach := errors.AsType[term.EscapeError](err); detach {
		err = compose.ErrDetached
	}
	return n, err
}

func terminalOf(v any) (*os.File, bool) {
	f, ok := v.(*os.File)
	return f, ok && xterm.IsTerminal(int(f.Fd()))
}
