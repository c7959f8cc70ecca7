package render

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diagram"
)

// Measures of a diagram, in pixels.
const (
	diagramMargin = 16
	diagramHead   = 64 // where the boxes begin
	diagramRow    = 16
	diagramPad    = 9  // within a box
	diagramFits   = 48 // letters of a line
	diagramCap    = 6  // height of a volume's lid
)

var diagramSpace = diagram.Space{Across: 90, Down: 18, Width: 900}

type boxColours struct{ fill, edge string }

var diagramColours = map[diagram.Kind]boxColours{diagram.Service: {"#eaf0f8", "#4c78a8"}, diagram.Model: {"#f3ecf8", "#9467bd"}, diagram.Volume: {"#fbf4dc", "#b8962e"}}

// stroke of an edge.
type stroke struct {
	name, colour, dash string
	width              float64
	arrow              bool
}

// strokes of edges, in the legend's order. What is optional is broken, whatever its colour.
var strokes = []stroke{
	{"started", "#7f7f7f", "", 1.2, true}, {"healthy", "#3f8a3b", "", 2, true}, {"completed", "#1f77b4", "2 3", 2, true},
	{"model", "#9467bd", "", 1.2, true}, {"volume", "#b8962e", "", 1.2, false},
}

func strokeOf(d diagram.Diagram, e diagram.Edge) stroke {
	name := string(d.Nodes[e.To].Kind)
	if e.Condition != "" {
		name = diagram.Short(e.Condition)
	}
	out := strokes[0]
	for _, s := range strokes {
		if s.name == name {
			out = s
		}
	}
	if e.Optional {
		out.dash = "7 4"
	}
	return out
}

// DiagramSVG draws a project as a picture that stands by itself: who needs something stands to the left of it. The error is that of Diagram.Layout.
func DiagramSVG(w io.Writer, d diagram.Diagram) error {
	l, err := d.Layout(boxSize, diagramSpace)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	width, height := max(l.Width, legendWidth(d))+2*diagramMargin, l.Height+diagramHead+diagramMargin
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" font-family="monospace" font-size="12">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#fff"/>`+"\n")
	svgText(&b, diagramMargin, 22, "start", d.Project)
	diagramLegend(&b, d)
	fmt.Fprintf(&b, `<g transform="translate(%d %d)">`+"\n", diagramMargin, diagramHead)
	for i, e := range d.Edges {
		svgEdge(&b, strokeOf(d, e), l.Ways[i], edgeTitle(d, e))
	}
	for i, n := range d.Nodes {
		svgBox(&b, n, l.Boxes[i])
	}
	b.WriteString("</g>\n</svg>\n")
	_, err = w.Write(b.Bytes())
	return err
}

func edgeTitle(d diagram.Diagram, e diagram.Edge) string {
	text := fmt.Sprintf("%s → %s", d.Nodes[e.From].Name, d.Nodes[e.To].Name)
	if words := e.Words(); words != "" {
		text += ": " + words
	}
	return text
}

// boxLines of a node, as they fit.
func boxLines(n diagram.Node) []string {
	out := []string{shorten(tame(n.Name), diagramFits)}
	for _, l := range n.Lines {
		out = append(out, shorten(l.Title+" "+tame(l.Text), diagramFits))
	}
	return out
}

func boxSize(n diagram.Node) diagram.Size {
	widest := 0
	lines := boxLines(n)
	for _, l := range lines {
		widest = max(widest, ansi.StringWidth(l))
	}
	height := float64(diagramRow*len(lines) + 2*diagramPad)
	if n.Kind == diagram.Volume {
		height += diagramCap
	}
	return diagram.Size{Width: max(60, svgLetter*float64(widest)+2*diagramPad), Height: height}
}

func svgBox(b *bytes.Buffer, n diagram.Node, box diagram.Box) {
	c := diagramColours[n.Kind]
	b.WriteString("<g>" + svgTitle(fullText(n)) + "\n")
	y := box.Y + diagramPad
	if n.Kind == diagram.Volume {
		y += diagramCap
		svgCylinder(b, c, box)
	} else {
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="5" fill="%s" stroke="%s"/>`+"\n", box.X, box.Y, box.Width, box.Height, c.fill, c.edge)
	}
	for i, line := range boxLines(n) {
		style := ` font-weight="bold"`
		if i > 0 {
			style = ` fill="#444"`
		}
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f"%s>%s</text>`+"\n", box.X+diagramPad, y+float64(diagramRow*i)+12, style, escaped(line))
	}
	b.WriteString("</g>\n")
}

// fullText is what a box says, nothing shortened.
func fullText(n diagram.Node) string {
	text := string(n.Kind) + " " + n.Name
	for _, l := range n.Lines {
		text += ", " + l.Title + " " + l.Text
	}
	return text
}

func svgTitle(text string) string { return "<title>" + escaped(text) + "</title>" }

func svgCylinder(b *bytes.Buffer, c boxColours, box diagram.Box) {
	left, right, top, bottom := box.X, box.X+box.Width, box.Y+diagramCap, box.Y+box.Height-diagramCap
	fmt.Fprintf(b, `<path d="M%.1f %.1f A%.1f %d 0 0 1 %.1f %.1f V%.1f A%.1f %d 0 0 1 %.1f %.1f Z" fill="%s" stroke="%s"/>`+"\n",
		left, top, box.Width/2, diagramCap, right, top, bottom, box.Width/2, diagramCap, left, bottom, c.fill, c.edge)
	fmt.Fprintf(b, `<path d="M%.1f %.1f A%.1f %d 0 0 0 %.1f %.1f" fill="none" stroke="%s"/>`+"\n", left, top, box.Width/2, diagramCap, right, top, c.edge)
}

// svgEdge is a curve between columns and a straight line over what it passes.
func svgEdge(b *bytes.Buffer, s stroke, way []diagram.Point, title string) {
	var path strings.Builder
	fmt.Fprintf(&path, "M%.1f %.1f", way[0].X, way[0].Y)
	for i, p := range way[1:] {
		last := way[i]
		if i%2 == 1 {
			fmt.Fprintf(&path, " L%.1f %.1f", p.X, p.Y)
			continue
		}
		end := p.X
		if s.arrow && i == len(way)-2 {
			end -= arrowLong // whose point is at the box
		}
		middle := (last.X + end) / 2
		fmt.Fprintf(&path, " C%.1f %.1f %.1f %.1f %.1f %.1f", middle, last.Y, middle, p.Y, end, p.Y)
	}
	fmt.Fprintf(b, `<g>%s<path d="%s" fill="none" stroke="%s" stroke-width="%.1f"%s/>`, svgTitle(title), path.String(), s.colour, s.width, s.dashes())
	if s.arrow {
		b.WriteString(arrowAt(way[len(way)-1], s.colour))
	}
	b.WriteString("</g>\n")
}

func (s stroke) dashes() string {
	if s.dash == "" {
		return ""
	}
	return fmt.Sprintf(` stroke-dasharray="%s"`, s.dash)
}

const arrowLong = 8

func arrowAt(p diagram.Point, colour string) string {
	return fmt.Sprintf(`<path d="M%.1f %.1f l-%d -4 v8 Z" fill="%s"/>`, p.X, p.Y, arrowLong, colour)
}

// legendOf the strokes that there are.
func legendOf(d diagram.Diagram) []stroke {
	var out []stroke
	there, optional := map[string]bool{}, false
	for _, e := range d.Edges {
		there[strokeOf(d, e).name] = true
		optional = optional || e.Optional
	}
	for _, s := range strokes {
		if there[s.name] {
			out = append(out, s)
		}
	}
	if optional {
		out = append(out, stroke{"optional", strokes[0].colour, "7 4", strokes[0].width, true})
	}
	return out
}

func legendWidth(d diagram.Diagram) float64 {
	width := 0.0
	for _, s := range legendOf(d) {
		width += legendStep(s)
	}
	return max(width, svgLetter*float64(ansi.StringWidth(d.Project)))
}

func legendStep(s stroke) float64 { return 64 + svgLetter*float64(len(s.word())) }

// word of a stroke in the legend.
func (s stroke) word() string {
	switch s.name {
	case diagram.Short(desired.Started), diagram.Short(desired.IsHealthy), diagram.Short(desired.Completed):
		return "needs it " + s.name
	}
	return s.name
}

func diagramLegend(b *bytes.Buffer, d diagram.Diagram) {
	x := float64(diagramMargin)
	for _, s := range legendOf(d) {
		svgEdge(b, s, []diagram.Point{{X: x, Y: 40}, {X: x + 36, Y: 40}}, s.word())
		svgText(b, x+42, 44, "start", s.word())
		x += legendStep(s)
	}
}
