package render

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diagram"
)

// odd has what each of the languages would take for something else.
var odd = diagram.Diagram{Project: `a "shop" & <more>\`, Nodes: []diagram.Node{
	{Kind: diagram.Service, Name: "end", Lines: []diagram.Line{{Title: "image", Text: "registry.example.com/a/very/long/name/of/an/image/that/does/not/fit:1"}}},
	{Kind: diagram.Service, Name: `"<b>` + "`#;%%{" + `\`, Lines: []diagram.Line{{Title: "port", Text: "[::1]:8080:80"}, {Title: "network", Text: "back & front"}, {Title: "profile", Text: "\x1b[31mred\x07"}}},
	{Kind: diagram.Service, Name: "job"},
	{Kind: diagram.Service, Name: "alone"},
	{Kind: diagram.Model, Name: "llm", Lines: []diagram.Line{{Title: "model", Text: "ai/small"}}},
	{Kind: diagram.Volume, Name: "end", Lines: []diagram.Line{{Title: "external", Text: "older"}}},
}, Edges: []diagram.Edge{
	{From: 0, To: 1, Condition: desired.IsHealthy}, {From: 0, To: 2, Condition: desired.Completed, Optional: true}, {From: 0, To: 4}, {From: 0, To: 5, Via: "ro"},
	{From: 1, To: 2, Condition: desired.Started, Via: "links"}, {From: 2, To: 5},
}}

func TestDiagramDOT(t *testing.T) {
	var b bytes.Buffer
	if err := DiagramDOT(&b, odd, "  "); err != nil {
		t.Fatal(err)
	}
	golden(t, "diagram.dot", b.String())
	noEscapes(t, b.String())
}

func TestDiagramMermaid(t *testing.T) {
	var b bytes.Buffer
	if err := DiagramMermaid(&b, odd); err != nil {
		t.Fatal(err)
	}
	golden(t, "diagram.mmd", b.String())
	noEscapes(t, b.String())
}

func TestDiagramSVG(t *testing.T) {
	var b bytes.Buffer
	if err := DiagramSVG(&b, odd); err != nil {
		t.Fatal(err)
	}
	golden(t, "diagram.svg", b.String())
	text, dec := "", xml.NewDecoder(bytes.NewReader(b.Bytes()))
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := token.(xml.CharData); ok {
			text += string(c)
		}
	}
	for _, n := range odd.Nodes {
		if !strings.Contains(text, string(n.Kind)+" "+n.Name) {
			t.Errorf("the picture does not name %s", n.Name)
		}
	}
	circle := diagram.Diagram{Nodes: make([]diagram.Node, 2), Edges: []diagram.Edge{{From: 0, To: 1}, {From: 1, To: 0}}}
	if err := DiagramSVG(io.Discard, circle); err == nil {
		t.Error("a circle is drawn")
	}
}

func TestDiagramOfNothing(t *testing.T) {
	var b bytes.Buffer
	if err := DiagramSVG(&b, diagram.Diagram{Project: "empty"}); err != nil {
		t.Fatal(err)
	}
	if err := xml.Unmarshal(b.Bytes(), new(struct{})); err != nil {
		t.Error(err)
	}
}
