package load

import (
	"fmt"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/load/merged"
)

// DOTOptions of DOT: what is told of a service beside its name.
type DOTOptions struct {
	Indent                  string // in front of each line in the graph
	Networks, Ports, Images bool
}

// DOT draws the services and what they depend on for Graphviz, as Docker Compose 2.40 does with `alpha viz`, but in order of name. A model that is
// not interpolated draws nothing.
func (m *Model) DOT(o DOTOptions) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "digraph \"%s\" {\n%slayout=dot;\n", m.name, o.Indent)
	if m.project != nil {
		m.nodes(&b, o)
		b.WriteString("\n")
		m.edges(&b, o)
	}
	b.WriteString("}\n")
	return []byte(b.String())
}

func (m *Model) nodes(b *strings.Builder, o DOTOptions) {
	for _, name := range sorted(m.project.Services) {
		c := m.project.Services[name]
		fmt.Fprintf(b, "%s\"%s\" [style=\"filled\" label=<<font point-size=\"15\">%[2]s</font>", o.Indent, name)
		if o.Networks && len(c.Networks) > 0 {
			list(b, "<b>Networks:</b>", c.NetworksByPriority())
		}
		if o.Ports && len(c.Ports) > 0 {
			list(b, "<b>Ports:</b>", portsOf(c))
		}
		if o.Images {
			list(b, "<b>Image:</b>", []string{merged.Image(m.project, c)})
		}
		b.WriteString(">];\n")
	}
}

// list in smaller letters below what is there.
func list(b *strings.Builder, title string, lines []string) {
	fmt.Fprintf(b, "<font point-size=\"10\"><br/><br/>%s<br/>%s</font>", title, strings.Join(lines, "<br/>"))
}

func portsOf(c types.ServiceConfig) []string {
	var out []string
	for _, p := range c.Ports {
		host := p.HostIP
		if host != "" {
			host += ":"
		}
		out = append(out, fmt.Sprintf("%s%s:%d (%s, %s)", host, p.Published, p.Target, p.Protocol, p.Mode))
	}
	return out
}

func (m *Model) edges(b *strings.Builder, o DOTOptions) {
	for _, name := range sorted(m.project.Services) {
		for _, on := range sorted(m.project.Services[name].DependsOn) {
			if _, ok := m.project.Services[on]; ok {
				fmt.Fprintf(b, "%s\"%s\" -> \"%s\";\n", o.Indent, name, on)
			}
		}
	}
}
