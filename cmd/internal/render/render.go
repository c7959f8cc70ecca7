// Package render turns results and events into text for terminals, logs and machines. It never touches the engine.
package render

import (
	"bytes"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/charmbracelet/x/ansi"
)

// Over is written before what takes the place of a whole screen.
const Over = ansi.CursorHomePosition + ansi.EraseScreenBelow

// Style of text output. The zero Style is fit for a file: no escape codes, lines as long as they get.
type Style struct {
	Color bool
	Width int    // columns; 0: lines are as long as they get
	Title string // heads the live view: "up", "down"
}

// colour is what stands between ESC [ and m. lipgloss looks at the environment when it is imported, and may even run tmux; codes of our own
// cost nothing.
type colour string

const (
	plain   colour = ""
	bold    colour = "1"
	dim     colour = "2"
	red     colour = "31"
	boldRed colour = "1;31"
	green   colour = "32"
	yellow  colour = "33"
	blue    colour = "34"
	magenta colour = "35"
)

func (s Style) paint(c colour, text string) string {
	if !s.Color || c == plain || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// fits tells whether a line is within the width.
func (s Style) fits(line string) bool { return s.Width <= 0 || ansi.StringWidth(line) <= s.Width }

// wrap breaks text into lines that fit behind an indent; nothing is lost.
func (s Style) wrap(text string, indent int) []string {
	if room := s.Width - indent; s.Width > 0 && room > 10 {
		text = ansi.Wrap(text, room, " ")
	}
	lines := strings.Split(text, "\n")
	for i, l := range lines[:len(lines)-1] {
		lines[i] = strings.TrimRight(l, " ") // which may be one too many
	}
	return lines
}

// under puts each line of text on a line of its own behind an indent.
func (s Style) under(b *bytes.Buffer, indent int, text string) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		for _, part := range s.wrap(strings.TrimRight(line, "\r"), indent) {
			b.WriteString(strings.Repeat(" ", indent) + part + "\n")
		}
	}
}

// tame makes text that others wrote fit to stand in a line of ours: colours go, and other control characters are shown, not obeyed.
func tame(text string) string {
	text = strings.ReplaceAll(ansi.Strip(text), "\t", "    ")
	if !strings.ContainsFunc(text, unicode.IsControl) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if unicode.IsControl(r) {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// tameLines does so line by line.
func tameLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, l := range lines {
		lines[i] = tame(strings.TrimRight(l, "\r"))
	}
	return strings.Join(lines, "\n")
}

// pad fills text up to width columns.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-ansi.StringWidth(text)))
}

// shorten takes out of the middle what is more than width: a name's number is at its end.
func shorten(text string, width int) string {
	over := ansi.StringWidth(text) - width
	if over <= 0 {
		return text
	}
	tail := width / 3
	return ansi.Truncate(text, width-tail-1, "") + "…" + ansi.TruncateLeft(text, ansi.StringWidth(text)-tail, "")
}

// indented JSON that people can read: arrows and angle brackets as they are.
func indented(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// line of JSON.
func jsonLine(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
