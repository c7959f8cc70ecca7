package render

import (
	"bytes"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// cell of a row: text in a colour, in a column of that width.
type cell struct {
	colour colour
	text   string
	width  int
}

// row of cells: one line in a file; on a terminal they stay in their columns, whatever lines that takes, while there is room for the last one.
func (s Style) row(b *bytes.Buffer, cells ...cell) {
	last := rowIndent
	for _, c := range cells[:len(cells)-1] {
		last += c.width + 2
	}
	switch {
	case s.Width <= 0:
		line := ""
		for _, c := range cells {
			line += pad(s.paint(c.colour, c.text), c.width) + "  "
		}
		b.WriteString(strings.Repeat(" ", rowIndent) + strings.TrimRight(line, " ") + "\n")
	case s.Width-last >= 20:
		s.columned(b, cells)
	default:
		s.stacked(b, cells)
	}
}

const rowIndent = 2

// columned cells: a text that is wider than its column has lines for itself.
func (s Style) columned(b *bytes.Buffer, cells []cell) {
	line, indent := "", rowIndent
	end := func() {
		b.WriteString(strings.TrimRight(line, " ") + "\n")
		line = ""
	}
	for _, c := range cells {
		for i, part := range s.wrap(c.text, indent) {
			if i > 0 {
				end()
			}
			line = pad(line, indent) + s.paint(c.colour, part)
		}
		if ansi.StringWidth(line) > indent+c.width {
			end()
		}
		indent += c.width + 2
	}
	if line != "" {
		end()
	}
}

// stacked cells, one beneath the other.
func (s Style) stacked(b *bytes.Buffer, cells []cell) {
	for i, c := range cells {
		if c.text != "" {
			s.under(b, rowIndent+4*min(i, 1), s.paint(c.colour, c.text))
		}
	}
}
