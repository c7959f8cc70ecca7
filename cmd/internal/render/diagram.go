package render

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/tutti-run/tutti/compose/diagram"
)

// DiagramDOT writes a project in Graphviz's language, each level indented by indent.
func DiagramDOT(w io.Writer, d diagram.Diagram, indent string) error {
	var b bytes.Buffer
	line := func(format string, args ...any) { b.WriteString(indent + fmt.Sprintf(format, args...) + "\n") }
	fmt.Fprintf(&b, "digraph %s {\n", dotQuoted(d.Project))
	line("layout=dot;")
	line("rankdir=LR;")
	line("node [shape=box style=filled fillcolor=%q];", diagramColours[diagram.Service].fill)
	for _, n := range d.Nodes {
		line("%s [label=<%s>%s];", dotID(n), dotLabel(n), dotShape(n.Kind))
	}
	for _, e := range d.Edges {
		line("%s -> %s%s;", dotID(d.Nodes[e.From]), dotID(d.Nodes[e.To]), dotAttributes(d, e))
	}
	b.WriteString("}\n")
	_, err := w.Write(b.Bytes())
	return err
}

// dotID of a node: a service's name, as no other kind's can be.
func dotID(n diagram.Node) string {
	if n.Kind == diagram.Service {
		return dotQuoted(n.Name)
	}
	return dotQuoted(string(n.Kind) + " " + n.Name)
}

// dotQuoted text: only quotes are escaped in it, and a backslash before one is not to be taken for an escape.
func dotQuoted(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(tame(text)) + `"`
}

// dotLabel is Graphviz's HTML: the name, and lines in smaller letters.
func dotLabel(n diagram.Node) string {
	text := "<b>" + escaped(n.Name) + "</b>"
	for _, l := range n.Lines {
		text += fmt.Sprintf(`<br/><font point-size="10">%s: %s</font>`, escaped(l.Title), escaped(l.Text))
	}
	return text
}

func dotShape(k diagram.Kind) string {
	switch k {
	case diagram.Volume:
		return fmt.Sprintf(" shape=cylinder fillcolor=%q", diagramColours[k].fill)
	case diagram.Model:
		return fmt.Sprintf(" shape=component fillcolor=%q", diagramColours[k].fill)
	}
	return ""
}

func dotAttributes(d diagram.Diagram, e diagram.Edge) string {
	var out []string
	if words := e.Words(); words != "" {
		out = append(out, "label="+dotQuoted(words))
	}
	if e.Optional {
		out = append(out, "style=dashed")
	}
	if d.Nodes[e.To].Kind == diagram.Volume {
		out = append(out, "dir=none")
	}
	if len(out) == 0 {
		return ""
	}
	return " [" + strings.Join(out, " ") + "]"
}

// DiagramMermaid writes a project as a flowchart of Mermaid's.
func DiagramMermaid(w io.Writer, d diagram.Diagram) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "---\ntitle: %q\n---\nflowchart LR\n", tame(d.Project))
	for i, n := range d.Nodes {
		text := mermaidText(n.Name)
		for _, l := range n.Lines {
			text += "<br/>" + mermaidText(l.Title+": "+l.Text)
		}
		open, shut := `["`, `"]`
		switch n.Kind {
		case diagram.Volume:
			open, shut = `[("`, `")]`
		case diagram.Model:
			open, shut = `[["`, `"]]`
		}
		fmt.Fprintf(&b, "    n%d%s%s%s\n", i, open, text, shut)
	}
	for _, e := range d.Edges {
		arrow := "-->"
		switch {
		case e.Optional:
			arrow = "-.->"
		case d.Nodes[e.To].Kind == diagram.Volume:
			arrow = "---"
		}
		if words := e.Words(); words != "" {
			arrow += `|"` + mermaidText(words) + `"|`
		}
		fmt.Fprintf(&b, "    n%d %s n%d\n", e.From, arrow, e.To)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// mermaidText within quotes: what means something to Mermaid or in HTML is written by name or number, between # and ;.
func mermaidText(text string) string { return mermaidEntities.Replace(tame(text)) }

var mermaidEntities = strings.NewReplacer("#", "#35;", `"`, "#quot;", "&", "#amp;", "<", "#lt;", ">", "#gt;", "`", "#96;", "%", "#37;", `\`, "#92;", ";", "#59;")
