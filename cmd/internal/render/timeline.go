package render

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/tutti-run/tutti/compose/timeline"
)

// Timeline draws a run as bars over time, and its critical path. The bars are as wide as the terminal; in a file they are plain ASCII.
func Timeline(w io.Writer, t timeline.Timeline, s Style) error {
	var b bytes.Buffer
	if len(t.Bars) == 0 {
		fmt.Fprintf(&b, "%s %s: there was nothing to do\n", tame(t.Command), tame(t.Project))
	} else {
		c := newChart(t, s)
		fmt.Fprintf(&b, "%s %s: %s\n", tame(t.Command), s.paint(bold, tame(t.Project)), seconds(t.Took))
		for _, bar := range t.Bars {
			c.line(&b, bar)
		}
		c.axis(&b)
		c.critical(&b)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// chart says where on a line things are.
type chart struct {
	timeline.Timeline
	Style
	names, cols int // widths of the names and of the bars
	full, thin  string
}

const (
	chartWidth  = 100 // in a file
	chartTime   = 10  // columns of how long a step took
	fewestOfBar = 8
)

func newChart(t timeline.Timeline, s Style) chart {
	c := chart{Timeline: t, Style: s, full: "█", thin: "░"}
	width := s.Width
	if width <= 0 {
		width, c.full, c.thin = chartWidth, "#", "="
	}
	for _, b := range t.Bars {
		c.names = max(c.names, ansi.StringWidth(tame(string(b.ID))))
	}
	c.names = max(min(c.names, width/3), 1)
	c.cols = max(width-c.names-chartTime-2, fewestOfBar)
	return c
}

// line of one bar: name, bar, time.
func (c chart) line(b *bytes.Buffer, bar timeline.Bar) {
	from, to := c.at(bar.From), c.at(bar.To)
	to = min(max(to, from+1), c.cols)
	from = min(from, to-1)
	sign := c.thin
	if bar.Critical {
		sign = c.full
	}
	took := fmt.Sprintf("%7s", seconds(bar.Took()))
	if bar.Failed() {
		took += " !"
	}
	drawn := strings.Repeat(" ", from) + c.paint(c.colour(bar), strings.Repeat(sign, to-from)) + strings.Repeat(" ", c.cols-to)
	b.WriteString(pad(c.name(bar), c.names) + " " + drawn + " " + took + "\n")
}

func (c chart) name(bar timeline.Bar) string {
	name := tame(string(bar.ID))
	if c.Width > 0 {
		return shorten(name, c.names)
	}
	return strings.ReplaceAll(shorten(name, c.names), "…", "~")
}

// at is the column of a time.
func (c chart) at(d time.Duration) int {
	if c.Took <= 0 {
		return 0
	}
	return int(float64(c.cols) * float64(d) / float64(c.Took))
}

func (c chart) colour(bar timeline.Bar) colour {
	if bar.Failed() {
		return red
	}
	switch bar.Phase {
	case timeline.Pull, timeline.Build:
		return blue
	case timeline.Healthy, timeline.Look:
		return yellow
	case timeline.Stop, timeline.Remove:
		return magenta
	}
	return green
}

// axis from 0 to the end.
func (c chart) axis(b *bytes.Buffer) {
	end := seconds(c.Took)
	b.WriteString(strings.Repeat(" ", c.names+1) + c.paint(dim, "0s"+strings.Repeat(" ", max(c.cols-2-len(end), 1))+end) + "\n")
}

// critical path, a line each: when it began, how long it took, and how long it had to wait for its turn.
func (c chart) critical(b *bytes.Buffer) {
	b.WriteString(fmt.Sprintf("\nCritical path (%s):\n", c.full))
	var ended time.Duration
	for _, bar := range c.Critical() {
		text := fmt.Sprintf("%8s  %8s  %s", seconds(bar.From), "+"+seconds(bar.Took()), tame(string(bar.ID)))
		if idle := bar.From - ended; idle >= 100*time.Millisecond {
			text += fmt.Sprintf(" (%s after the one before)", seconds(idle))
		}
		c.under(b, 0, text)
		ended = bar.To
	}
}
