package render

import (
	"errors"
	"fmt"
	"io"
)

// Progress is how a run is shown.
type Progress string

// The ways to show a run.
const (
	TTY   Progress = "tty"   // a live tree
	Plain Progress = "plain" // a line per event
	JSON  Progress = "json"  // an object per line
	Quiet Progress = "quiet" // only what fails
)

// Mode decides how a run is shown and whether in colour. progress and ansi are the flags, "" if not given; then COMPOSE_PROGRESS and
// COMPOSE_ANSI count. tty tells whether the stream is a terminal.
func Mode(progress, ansi string, tty bool, env func(string) string) (p Progress, color bool, err error) {
	if progress == "" {
		progress = env("COMPOSE_PROGRESS")
	}
	color = Color(ansi, tty, env)
	ansi = given(ansi, env)
	switch ansi {
	case "auto", "always", "never":
	default:
		return "", false, fmt.Errorf("unsupported --ansi value %q", ansi)
	}
	switch progress {
	case "", "auto":
		return auto(ansi, tty, env), color, nil
	case "tty":
		if ansi == "never" {
			return "", false, errors.New("can't use --progress tty while ANSI support is disabled")
		}
	case "plain":
		if ansi == "always" {
			return "", false, errors.New("can't use --progress plain while ANSI support is forced")
		}
	case "quiet", "none":
		return Quiet, color, nil
	case "json":
	default:
		return "", false, fmt.Errorf("unsupported --progress value %q", progress)
	}
	return Progress(progress), color, nil
}

func auto(ansi string, tty bool, env func(string) string) Progress {
	if ansi == "always" || ansi == "auto" && tty && env("TERM") != "dumb" {
		return TTY
	}
	return Plain
}

func given(ansi string, env func(string) string) string {
	if ansi != "" {
		return ansi
	}
	switch ansi = env("COMPOSE_ANSI"); ansi {
	case "always", "never":
		return ansi
	}
	return "auto" // also for what is none: only the flag can be wrong
}

// Color decides whether text on a stream is coloured: by the flag --ansi if it says so (a flag is above NO_COLOR, as no-color.org has it),
// else by NO_COLOR, COMPOSE_ANSI, CLICOLOR_FORCE and whether the stream is a terminal that knows colours.
func Color(ansi string, tty bool, env func(string) string) bool {
	switch {
	case ansi == "always":
		return true
	case ansi == "never", env("NO_COLOR") != "":
		return false
	}
	switch given(ansi, env) {
	case "always":
		return true
	case "never":
		return false
	}
	if f := env("CLICOLOR_FORCE"); f != "" && f != "0" {
		return true
	}
	return tty && env("TERM") != "dumb" && env("CLICOLOR") != "0"
}

// New gives the view of that kind.
func New(p Progress, w io.Writer, size func() (cols, rows int), s Style) View {
	switch p {
	case TTY:
		return NewTTY(w, size, s)
	case JSON:
		return NewJSON(w)
	case Quiet:
		return NewQuiet(w)
	}
	return NewPlain(w)
}
