// Package cli is the command line: one file per verb, each of them flags into options, one call into compose, one call into render.
package cli

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/tutti-run/tutti/cmd/internal/render"
	"github.com/tutti-run/tutti/engine"
)

// App is what the command line needs of the world.
type App struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Environ        []string // KEY=VALUE
	Dir            string   // what relative paths start from; "" is the current directory
	Version        string   // "v0.1.0"
	AsCompose      bool     // it was called as docker-compose: what it says is in Docker Compose's form
	// Dial reaches the engine that --host and --context name, or the one that the environment says.
	Dial func(ctx context.Context, host, contextName string) (engine.Engine, error)
	// Stop is closed by the first interrupt; the second ends the context of Run.
	Stop <-chan struct{}
	// Signal is which interrupt closed Stop; nil: Ctrl-C.
	Signal func() os.Signal
	// Signals gives these signals from now on, and none of them ends anything here any more. nil: only Stop tells of one.
	Signals func(...os.Signal) <-chan os.Signal
	// Hangups ask to stop, too, from now on, unless they are ignored. May be nil.
	Hangups func()
}

// Run carries out one command line, without the program's name, and gives the exit code.
func (a App) Run(ctx context.Context, args []string) int {
	c := &cli{App: a, g: &globals{}}
	root := c.root()
	root.SetArgs(args)
	root.SetIn(a.Stdin)
	root.SetOut(a.Stdout)
	root.SetErr(a.Stderr)
	if a.AsCompose {
		asCompose(root)
	}
	cmd, err := root.ExecuteContextC(ctx)
	if c.engine != nil {
		c.engine.Close()
	}
	return c.exit(cmd, err)
}

// cli is one command line under way.
type cli struct {
	App
	g          *globals
	dotenv     map[string]string // variables of env files; nil until looked for
	engine     engine.Engine     // nil until dialled
	screen     screen
	lines      *bufio.Reader // of answers; nil until one is asked for
	piped      bytes.Buffer  // what was read of the file that comes by stdin
	json       bool          // results, and what is wrong with the files, as JSON on stdout
	detachKeys string        // "" is docker's
	noWait     bool          // fail where another command changes the project
}

// gentle is a context that ends with the first interrupt: for what changes nothing.
func (c *cli) gentle(ctx context.Context) (context.Context, context.CancelFunc) {
	return until(ctx, c.Stop)
}

// until is a context that ends when stop is closed, too.
func until(ctx context.Context, stop <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// size of a terminal; ok is false of anything else.
func size(w io.Writer) (cols, rows int, ok bool) {
	f, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(f.Fd())) {
		return 0, 0, false
	}
	cols, rows, err := term.GetSize(int(f.Fd()))
	return cols, rows, err == nil
}

// style of text on a stream.
func (c *cli) style(w io.Writer) render.Style {
	cols, _, tty := size(w)
	return render.Style{Color: render.Color(c.g.ansi, tty, c.getenv), Width: cols}
}
