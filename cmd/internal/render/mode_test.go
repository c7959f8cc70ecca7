package render

import (
	"errors"
	"testing"
)

func TestMode(t *testing.T) {
	type env map[string]string
	for _, c := range []struct {
		progress, ansi string
		tty            bool
		env            env
		want           Progress
		color          bool
		fails          string
	}{
		{tty: true, want: TTY, color: true},
		{want: Plain},
		{tty: true, env: env{"TERM": "dumb"}, want: Plain},
		{tty: true, env: env{"NO_COLOR": "1"}, want: TTY},
		{tty: true, env: env{"NO_COLOR": ""}, want: TTY, color: true},
		{tty: true, env: env{"CLICOLOR": "0"}, want: TTY},
		{env: env{"CLICOLOR_FORCE": "1"}, want: Plain, color: true},
		{env: env{"CLICOLOR_FORCE": "0"}, want: Plain},
		{env: env{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, want: Plain},
		{tty: true, ansi: "never", want: Plain},
		{tty: true, env: env{"COMPOSE_ANSI": "never"}, want: Plain},
		{tty: true, env: env{"COMPOSE_ANSI": "sometimes"}, want: TTY, color: true},
		{ansi: "auto", tty: true, env: env{"COMPOSE_ANSI": "never"}, want: TTY, color: true},
		{ansi: "always", want: TTY, color: true},
		{ansi: "always", env: env{"NO_COLOR": "1"}, want: TTY, color: true},
		{env: env{"COMPOSE_ANSI": "always", "NO_COLOR": "1"}, want: TTY},
		{progress: "tty", want: TTY},
		{progress: "plain", tty: true, want: Plain, color: true},
		{progress: "json", tty: true, want: JSON, color: true},
		{progress: "quiet", tty: true, want: Quiet, color: true},
		{progress: "none", want: Quiet},
		{env: env{"COMPOSE_PROGRESS": "json"}, want: JSON},
		{progress: "plain", env: env{"COMPOSE_PROGRESS": "json"}, want: Plain},
		{progress: "bogus", fails: `unsupported --progress value "bogus"`},
		{ansi: "bogus", fails: `unsupported --ansi value "bogus"`},
		{progress: "tty", ansi: "never", fails: "can't use --progress tty while ANSI support is disabled"},
		{progress: "plain", ansi: "always", fails: "can't use --progress plain while ANSI support is forced"},
	} {
		p, color, err := Mode(c.progress, c.ansi, c.tty, func(k string) string { return c.env[k] })
		if c.fails != "" {
			if err == nil || err.Error() != c.fails {
				t.Errorf("%+v: %v", c, err)
			}
			continue
		}
		if err = errors.Join(err); err != nil || p != c.want || color != c.color {
			t.Errorf("%+v: %s, colour %t, %v", c, p, color, err)
		}
	}
}
