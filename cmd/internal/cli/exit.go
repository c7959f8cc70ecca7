package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tutti-run/tutti/cmd/internal/render"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/engine"
)

// The exit codes. Docker Compose has 0, 1 and 130 and passes on a container's own; the others are ours.
const (
	exitDone        = 0
	exitError       = 1
	exitChanges     = 2
	exitNoEngine    = 14
	exitInterrupted = 130
)

const exitHelp = `Exit codes:
  0    done; of plan --detailed-exitcode: nothing to do
  1    error: in the command line, in the files, or a step that failed
  2    plan --detailed-exitcode: there are changes
  14   no engine answers
  130  interrupted
  up --abort-on-container-exit, --abort-on-container-failure and --exit-code-from give the container's own;
  ci gives the command's, and 143 after SIGTERM.
`

// exitCode ends the command with a code when all that is to be said was said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// usageError is a mistake in the command line.
type usageError struct{ text, hint string }

func (e usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return usageError{text: fmt.Sprintf(format, args...)} }

// exit tells what went wrong, and with which code to end.
func (c *cli) exit(cmd *cobra.Command, err error) int {
	code := codeOf(err)
	if c.AsCompose && code == exitNoEngine {
		code = exitError
	}
	if _, told := errors.AsType[exitCode](err); err != nil && !told && code != exitInterrupted {
		c.complain(cmd, err)
	}
	return code
}

func codeOf(err error) int {
	own, ok := errors.AsType[exitCode](err)
	switch {
	case err == nil:
		return exitDone
	case ok:
		return int(own)
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, engine.ErrUnavailable):
		return exitNoEngine
	}
	return exitError
}

// complain in one form: "error: …", with a place in front and a hint below where there are any. A machine that asked for JSON on stdout gets
// a list of diagnostics there; one that asked for JSON progress gets {"error": true, "message": …} on stderr, as from Docker Compose.
func (c *cli) complain(cmd *cobra.Command, err error) {
	list := diagnostics(cmd, err)
	if c.AsCompose {
		err = inItsWords(err)
		list = inItsName(diagnostics(cmd, err))
	}
	switch {
	case c.json:
		_ = render.DiagnosticsJSON(c.Stdout, list)
	case c.progressJSON():
		c.jsonLine(map[string]any{"error": true, "message": err.Error()})
	case c.AsCompose && len(list) == 1 && list[0].Place.String() == "" && list[0].Path == "":
		render.Bare(c.Stderr, list[0])
	default:
		render.Diagnostics(c.Stderr, list, c.style(c.Stderr))
	}
}

func diagnostics(cmd *cobra.Command, err error) diag.List {
	if list, ok := errors.AsType[diag.List](err); ok {
		return list
	}
	if d, ok := errors.AsType[diag.Diagnostic](err); ok {
		return diag.List{d}
	}
	d := diag.Diagnostic{Severity: diag.Error}
	d.Text, d.Hint, _ = strings.Cut(err.Error(), "\n")
	d.Hint = strings.ReplaceAll(d.Hint, "\n  ", "\n") // the whole is indented anyway
	d.Hint = strings.TrimPrefix(d.Hint, "  ")
	if u, ok := errors.AsType[usageError](err); ok {
		switch asCompose := cmd != nil && cmd.Root().Annotations[dropin] != ""; {
		case asCompose: // Docker Compose says no more of a command line that is not right
			d.Hint = ""
		case u.hint == "" && cmd != nil:
			d.Hint = fmt.Sprintf("see '%s --help'", cmd.CommandPath())
		default:
			d.Hint = u.hint
		}
	}
	return diag.List{d}
}
