package render

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"time"

	"github.com/tutti-run/tutti/compose/timeline"
)

// Measures of the picture, in pixels.
const (
	svgWidth  = 1000
	svgNames  = 260 // where the bars begin
	svgBars   = 660 // how long they may be
	svgRow    = 20
	svgHead   = 60
	svgTicks  = 5
	svgLetter = 7.2 // width of a letter, about
	svgFits   = 33  // letters of a name
)

var svgColours = map[timeline.Phase]string{timeline.Pull: "#4c78a8", timeline.Build: "#9467bd", timeline.Create: "#72b7b2", timeline.Start: "#54a24b", timeline.Healthy: "#eeca3b",
	timeline.Stop: "#f58518", timeline.Remove: "#b279a2", timeline.Change: "#9d755d", timeline.Look: "#bab0ac"}

// TimelineSVG draws a run as a picture that stands by itself: bars coloured by phase, those of the critical path with a red edge.
func TimelineSVG(w io.Writer, t timeline.Timeline) error {
	var b bytes.Buffer
	height := svgHead + svgRow*len(t.Bars) + svgRow
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="monospace" font-size="12">`+"\n", svgWidth, height, svgWidth, height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#fff"/>`+"\n")
	svgText(&b, 10, 18, "start", fmt.Sprintf("%s %s: %s", t.Command, t.Project, seconds(t.Took)))
	svgLegend(&b)
	svgAxis(&b, t, height)
	for i, bar := range t.Bars {
		svgBar(&b, t, bar, svgHead+svgRow*i)
	}
	b.WriteString("</svg>\n")
	_, err := w.Write(b.Bytes())
	return err
}

func svgText(b *bytes.Buffer, x, y float64, anchor, text string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", x, y, anchor, escaped(text))
}

// escaped for XML; what that cannot hold is shown in other characters.
func escaped(text string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(tame(text)))
	return b.String()
}

func svgLegend(b *bytes.Buffer) {
	x := float64(svgNames)
	for _, p := range timeline.Phases {
		fmt.Fprintf(b, `<rect x="%.1f" y="8" width="12" height="12" fill="%s"/>`+"\n", x, svgColours[p])
		svgText(b, x+16, 18, "start", string(p))
		x += 28 + svgLetter*float64(len(p))
	}
}

// svgAxis with a line at each fifth of the time.
func svgAxis(b *bytes.Buffer, t timeline.Timeline, height int) {
	for i := range svgTicks + 1 {
		at := t.Took * time.Duration(i) / svgTicks
		x := float64(svgNames) + float64(svgBars*i)/svgTicks
		fmt.Fprintf(b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#ddd"/>`+"\n", x, svgHead-12, x, height-svgRow/2)
		svgText(b, x, svgHead-16, "middle", seconds(at))
	}
}

func svgBar(b *bytes.Buffer, t timeline.Timeline, bar timeline.Bar, y int) {
	x, width := svgX(t, bar.From), max(svgX(t, bar.To)-svgX(t, bar.From), 1)
	edge, how := "none", ""
	if bar.Critical {
		edge = "#d62728"
	}
	if bar.Failed() {
		how = " " + bar.Outcome
	}
	svgText(b, svgNames-8, float64(y)+14, "end", shorten(tame(string(bar.ID)), svgFits))
	fmt.Fprintf(b, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s" stroke="%s" stroke-width="2"><title>%s</title></rect>`+"\n",
		x, y+3, width, svgRow-6, svgColours[bar.Phase], edge, escaped(fmt.Sprintf("%s: %s%s, from %s to %s", bar.ID, seconds(bar.Took()), how, seconds(bar.From), seconds(bar.To))))
	svgText(b, x+width+5, float64(y)+14, "start", seconds(bar.Took())+how)
}

func svgX(t timeline.Timeline, d time.Duration) float64 {
	if t.Took <= 0 {
		return svgNames
	}
	return svgNames + svgBars*float64(d)/float64(t.Took)
}
