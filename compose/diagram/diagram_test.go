package diagram_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diagram"
	"github.com/tutti-run/tutti/compose/load"
)

const shop = `
name: shop
services:
  web:
    image: web
    ports: ["8080:80", "127.0.0.1:53:53/udp", "443"]
    depends_on: {api: {condition: service_healthy}, cache: {condition: service_started, required: false}}
    links: [mail]
    models: [llm]
  api: {image: api, depends_on: {job: {condition: service_completed_successfully}}, deploy: {replicas: 3}}
  job: {image: job, network_mode: "service:cache"}
  cache: {image: cache, volumes: ["data:/data", "/tmp:/host", "/nameless"]}
  mail: {image: mail, profiles: [a, b], networks: {back: {}, front: {}}}
  backup: {image: backup, network_mode: host, volumes: ["data:/data:ro", "old:/old"]}
networks: {front: {}, back: {}}
volumes: {data: {}, old: {external: true, name: older}, unused: {}}
models: {llm: {model: ai/small}, unused: {model: x}}
`

func project(t *testing.T, text string) desired.Project {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "compose.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	res, err := load.Load(context.Background(), load.Options{Dir: dir, Profiles: []string{"*"}, Environment: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	return res.Project
}

// text of a diagram, a line for each node and edge.
func text(d diagram.Diagram) string {
	var out []string
	for _, n := range d.Nodes {
		line := string(n.Kind) + " " + n.Name
		for _, l := range n.Lines {
			line += ", " + l.Title + " " + l.Text
		}
		out = append(out, line)
	}
	for _, e := range d.Edges {
		out = append(out, strings.TrimSuffix(fmt.Sprintf("%s > %s: %s", d.Nodes[e.From].Name, d.Nodes[e.To].Name, e.Words()), ": "))
	}
	return strings.Join(out, "\n") + "\n"
}

func TestOf(t *testing.T) {
	p := project(t, shop)
	for _, test := range []struct {
		name, want string
		o          diagram.Options
	}{
		{"names alone", `service api, replicas 3
service backup
service cache
service job
service mail
service web
model llm
api > job: completed
job > cache: network_mode
web > api: healthy
web > cache: optional
web > mail: links
web > llm
`, diagram.Options{}},
		{"all", `service api, replicas 3, image api, network default
service backup, image backup, network host
service cache, image cache, network default
service job, image job
service mail, image mail, network back, network front, profile a, profile b
service web, image web, port 8080:80, port 127.0.0.1:53:53/udp, port 443, network default
model llm, model ai/small
volume data
volume old, external older
api > job: completed
backup > data: ro
backup > old
cache > data
job > cache: network_mode
web > api: healthy
web > cache: optional
web > mail: links
web > llm
`, diagram.Options{Image: true, Ports: true, Networks: true, Profiles: true, Volumes: true}},
		{"some, with what they need", `service api, replicas 3
service cache
service job
volume data
api > job: completed
cache > data
job > cache: network_mode
`, diagram.Options{Services: []string{"api"}, Volumes: true}},
	} {
		if got := text(diagram.Of(p, test.o)); got != test.want {
			t.Errorf("%s:\n%s", test.name, got)
		}
	}
}

// drawn diagrams of any shape without circles.
func drawn(t *rapid.T) diagram.Diagram {
	d := diagram.Diagram{Project: "any"}
	for i := range rapid.IntRange(0, 25).Draw(t, "nodes") {
		d.Nodes = append(d.Nodes, diagram.Node{Kind: diagram.Service, Name: strings.Repeat("x", rapid.IntRange(1, 30).Draw(t, "letters")), Lines: make([]diagram.Line, rapid.IntRange(0, 3).Draw(t, "lines"))})
		for j := range i {
			if rapid.IntRange(0, 4).Draw(t, "edge") == 0 {
				c := rapid.SampledFrom([]desired.Condition{desired.Started, desired.IsHealthy}).Draw(t, "condition")
				d.Edges = append(d.Edges, diagram.Edge{From: j, To: i, Condition: c, Optional: rapid.Bool().Draw(t, "optional")})
			}
		}
	}
	return d
}

func size(n diagram.Node) diagram.Size {
	return diagram.Size{Width: float64(10 * len(n.Name)), Height: float64(20 + 10*len(n.Lines))}
}

var space = diagram.Space{Across: 50, Down: 10, Width: 300}

// TestLayout: whatever the diagram, no box is on another or out of the picture, each edge goes to the right from its box to the other and passes no
// box, and the same diagram looks the same.
func TestLayout(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawn(rt)
		l, err := d.Layout(size, space)
		if err != nil {
			rt.Fatal(err)
		}
		for i, b := range l.Boxes {
			if b.X < 0 || b.Y < -0.01 || b.X+b.Width > l.Width+0.01 || b.Y+b.Height > l.Height+0.01 {
				rt.Errorf("box %d %+v is out of %+v", i, b, l.Size)
			}
			if s := size(d.Nodes[i]); b.Width < s.Width || b.Height != s.Height {
				rt.Errorf("box %d is %+v and has to hold %+v", i, b.Size, s)
			}
			for j, o := range l.Boxes[:i] {
				if b.X < o.X+o.Width && o.X < b.X+b.Width && b.Y < o.Y+o.Height-0.01 && o.Y < b.Y+b.Height-0.01 {
					rt.Errorf("boxes %d %+v and %d %+v overlap", i, b, j, o)
				}
			}
		}
		for i, e := range d.Edges {
			checkWay(rt, l, l.Ways[i], e)
		}
		again, _ := d.Layout(size, space)
		if fmt.Sprint(l) != fmt.Sprint(again) {
			rt.Error("a second layout is another")
		}
	})
}

func checkWay(t *rapid.T, l diagram.Layout, way []diagram.Point, e diagram.Edge) {
	from, to := l.Boxes[e.From], l.Boxes[e.To]
	if len(way)%2 != 0 || way[0] != (diagram.Point{X: from.X + from.Width, Y: from.Y + from.Height/2}) {
		t.Errorf("%v does not begin at %+v", way, from)
	}
	if last := way[len(way)-1]; last.X != to.X || last.Y <= to.Y || last.Y >= to.Y+to.Height {
		t.Errorf("%v does not end at %+v", way, to)
	}
	if !slices.IsSortedFunc(way, func(a, b diagram.Point) int { return int(a.X - b.X) }) {
		t.Errorf("%v goes back", way)
	}
	for i := 1; i < len(way)-2; i += 2 { // over columns
		for _, b := range l.Boxes {
			if way[i].X < b.X+b.Width && b.X < way[i+1].X && way[i].Y > b.Y && way[i].Y < b.Y+b.Height {
				t.Errorf("%v passes through %+v", way, b)
			}
		}
	}
}

// TestLayoutUncrosses: what can be drawn without a crossing is.
func TestLayoutUncrosses(t *testing.T) {
	d := diagram.Diagram{Nodes: make([]diagram.Node, 6)}
	for from, to := range []int{5, 3, 4} {
		d.Edges = append(d.Edges, diagram.Edge{From: from, To: to}, diagram.Edge{From: from, To: 3})
	}
	l, err := d.Layout(func(diagram.Node) diagram.Size { return diagram.Size{Width: 10, Height: 10} }, space)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range d.Edges {
		for j, b := range d.Edges[:i] {
			from, to := l.Boxes[a.From].Y-l.Boxes[b.From].Y, l.Boxes[a.To].Y-l.Boxes[b.To].Y
			if from*to < 0 {
				t.Errorf("edges %d and %d cross: %+v", i, j, l.Boxes)
			}
		}
	}
}

func TestLayoutOfACircle(t *testing.T) {
	d := diagram.Diagram{Nodes: make([]diagram.Node, 2), Edges: []diagram.Edge{{From: 0, To: 1}, {From: 1, To: 0}}}
	if _, err := d.Layout(size, space); err == nil || !strings.Contains(err.Error(), "cycle") {
		t.Error(err)
	}
}

// BenchmarkLayout of two thousand services, each with three of the ten before it.
func BenchmarkLayout(b *testing.B) {
	d := diagram.Diagram{Nodes: make([]diagram.Node, 2000)}
	for i := 10; i < len(d.Nodes); i++ {
		for j := range 3 {
			d.Edges = append(d.Edges, diagram.Edge{From: i, To: i - 1 - (i*7+j*3)%10})
		}
	}
	for b.Loop() {
		if _, err := d.Layout(size, space); err != nil {
			b.Fatal(err)
		}
	}
}
