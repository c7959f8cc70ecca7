// Package legacy turns what is out of date in a file's tree into today's form: services at the top level, and version.
package legacy

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/compose/load/form"
	"github.com/tutti-run/tutti/compose/load/source"
	"go.yaml.in/yaml/v4"
)

// The first form of the file had its services at the top level and knew no other section. Such a file is turned into
// today's form in its tree, so that everything keeps its place; the differences are those of the Compose file reference,
// "upgrading", version 1 to 2.

// Modernise turns the documents of a file that are in the first form into today's, takes version out, and warns of both.
func Modernise(f *source.File, to *source.Notes) {
	for _, d := range f.Docs {
		if isLegacy(d) {
			l := &legacy{f: f, root: d}
			l.convert()
			w := to.Warn(f.Spot(d), "services stand at the top level: this is the version 1 form")
			w.Rule, w.Hint = "v1-form", "write it like this today:\n"+l.text()
			f.Edited = true
		}
	}
	for _, d := range f.Docs {
		if k, _ := source.Entry(d, "version"); k != nil {
			w := to.Warn(f.Spot(k), "the attribute `version` is obsolete and ignored")
			w.Rule, w.Hint = "obsolete-version", "remove it"
			f.Drop(d, k)
		}
	}
}

func isLegacy(d *yaml.Node) bool {
	if source.Child(d, "services") != nil || source.Child(d, "include") != nil {
		return false
	}
	if v := source.Child(d, "version"); v != nil && !strings.HasPrefix(v.Value, "1") {
		return false
	}
	return slices.ContainsFunc(source.Pairs(d), func(p source.Pair) bool { return source.LooksLikeService(p.Value) })
}

// legacy is one document under conversion.
type legacy struct {
	f       *source.File
	root    *yaml.Node
	names   []string              // of the services
	volumes map[string]*yaml.Node // named ones → the driver, nil for the default
}

func (l *legacy) convert() {
	services := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: l.root.Line, Column: l.root.Column}
	var rest []*yaml.Node
	for i := 0; i+1 < len(l.root.Content); i += 2 {
		k, v := l.root.Content[i], l.root.Content[i+1]
		if l.isService(k.Value, source.Resolve(v)) {
			services.Content = append(services.Content, k, v)
			l.names = append(l.names, k.Value)
		} else if k.Value != "version" {
			rest = append(rest, k, v)
		}
	}
	l.volumes = map[string]*yaml.Node{}
	for i := 1; i < len(services.Content); i += 2 {
		l.service(source.Resolve(services.Content[i]))
	}
	l.root.Content = append(rest, text("services", l.root), services)
	l.declare()
}

func (l *legacy) isService(key string, v *yaml.Node) bool {
	if v.Kind != yaml.MappingNode || strings.HasPrefix(key, "x-") {
		return false
	}
	return !form.Section(key) || source.LooksLikeService(v)
}

// lists are the attributes that took a single text for a list; blanks round their colons meant nothing.
var lists = strings.Fields("ports volumes links external_links expose volumes_from devices extra_hosts cap_add cap_drop security_opt environment labels")

var colon = regexp.MustCompile(`\s*:\s*`)

func (l *legacy) service(c *yaml.Node) {
	for _, key := range lists {
		if v := source.Child(c, key); v != nil && (v.Kind != yaml.MappingNode) {
			l.list(c, key, v)
		}
	}
	l.build(c)
	l.net(c)
	l.logging(c)
	l.volumesFrom(c)
	l.named(c)
	l.f.Drop(c, keyOf(c, "lxc_conf"))
}

func (l *legacy) list(c *yaml.Node, key string, v *yaml.Node) {
	if v.Kind == yaml.ScalarNode {
		if v.ShortTag() == "!!null" {
			return
		}
		item := *v
		v = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Line: v.Line, Column: v.Column, Content: []*yaml.Node{&item}}
		replace(c, key, v)
	}
	if key == "environment" || key == "labels" || key == "security_opt" {
		return
	}
	for i, e := range v.Content {
		if e.Kind == yaml.MappingNode && len(e.Content) == 2 { // 5000 : 5000 without quotes
			e = text(e.Content[0].Value+":"+e.Content[1].Value, e)
		}
		if e.Kind == yaml.ScalarNode {
			e.Value = colon.ReplaceAllString(strings.TrimSpace(e.Value), ":")
		}
		v.Content[i] = e
	}
}

// build: . and dockerfile: X become one mapping.
func (l *legacy) build(c *yaml.Node) {
	file := source.Child(c, "dockerfile")
	if file == nil {
		return
	}
	l.f.Drop(c, keyOf(c, "dockerfile"))
	if b := source.Child(c, "build"); b != nil && b.Kind == yaml.ScalarNode {
		context := *b
		m := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: b.Line, Column: b.Column}
		m.Content = []*yaml.Node{text("context", b), &context, text("dockerfile", file), file}
		replace(c, "build", m)
	}
}

func (l *legacy) net(c *yaml.Node) {
	k := keyOf(c, "net")
	if k == nil {
		return
	}
	k.Value = "network_mode"
	v := source.Child(c, "network_mode")
	if name, ok := strings.CutPrefix(v.Value, "container:"); ok && slices.Contains(l.names, name) {
		v.Value = "service:" + name
	}
}

func (l *legacy) logging(c *yaml.Node) {
	m := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: c.Line, Column: c.Column}
	for _, k := range [][2]string{{"log_driver", "driver"}, {"log_opt", "options"}} {
		if v := source.Child(c, k[0]); v != nil {
			m.Content = append(m.Content, text(k[1], v), v)
			l.f.Drop(c, keyOf(c, k[0]))
		}
	}
	if len(m.Content) > 0 {
		m.Line, m.Column = m.Content[0].Line, m.Content[0].Column
		c.Content = append(c.Content, text("logging", m), m)
	}
}

// volumesFrom named a service or, if there was none of that name, a container.
func (l *legacy) volumesFrom(c *yaml.Node) {
	for _, e := range source.Texts(source.Child(c, "volumes_from")) {
		name, _, _ := strings.Cut(e.Value, ":")
		if name != "container" && !slices.Contains(l.names, name) {
			e.Value = "container:" + e.Value
		}
	}
}

// named collects the named volumes, which needed no declaration.
func (l *legacy) named(c *yaml.Node) {
	driver := source.Child(c, "volume_driver")
	l.f.Drop(c, keyOf(c, "volume_driver"))
	for _, e := range source.Texts(source.Child(c, "volumes")) {
		name, _, ok := strings.Cut(e.Value, ":")
		if !ok || name == "" || strings.ContainsAny(name, "/\\~$") || name == "." || name == ".." {
			continue
		}
		if _, known := l.volumes[name]; !known || driver != nil {
			l.volumes[name] = driver
		}
	}
}

// declare writes the volumes section. Names were those of the engine, without the project before them.
func (l *legacy) declare() {
	if len(l.volumes) == 0 || source.Child(l.root, "volumes") != nil {
		return
	}
	all := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: l.root.Line, Column: l.root.Column}
	for _, name := range slices.Sorted(maps.Keys(l.volumes)) {
		v := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: l.root.Line, Column: l.root.Column}
		v.Content = []*yaml.Node{text("name", l.root), text(name, l.root)}
		if d := l.volumes[name]; d != nil {
			v.Content = append(v.Content, text("driver", d), d)
		}
		all.Content = append(all.Content, text(name, l.root), v)
	}
	l.root.Content = append(l.root.Content, text("volumes", l.root), all)
}

// text is a scalar that stands where another node does.
func text(value string, at *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Line: at.Line, Column: at.Column}
}

func keyOf(m *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return m.Content[i]
		}
	}
	return nil
}

func replace(m *yaml.Node, key string, v *yaml.Node) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			m.Content[i+1] = v
		}
	}
}

func (l *legacy) text() string {
	b, err := yaml.Dump(l.root, yaml.WithV3Defaults(), yaml.WithIndent(2), yaml.WithLineWidth(-1))
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(b), "\n")
}
