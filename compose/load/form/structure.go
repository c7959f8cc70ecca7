package form

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/source"
)

// structure checks one file against the specification. What is wrong is told and taken out of the tree, so that the rest
// can be loaded and all mistakes be told at once.
type structure struct {
	*checker
	f       *source.File
	seen    map[visit]bool // anchors are checked once for each shape
	partial bool           // other files or base services may complete what is here
	before  []*yaml.Node   // documents that this one is merged over
	after   []*yaml.Node   // and those that are merged over it
	other   bool           // it is included or extended
	bases   map[*yaml.Node]bool
	path    []string
}

type visit struct {
	node  *yaml.Node
	shape *shape
}

func (s *structure) check() {
	for _, d := range s.f.Docs {
		if len(s.after) > 0 {
			s.after = s.after[1:]
		}
		s.value(d, specification(), "")
		s.before = append(s.before, d)
	}
}

// value checks one node; false means that it cannot be used at all. generic is its path with * for names of the user and
// [] for items.
func (c *structure) value(n *yaml.Node, sh *shape, generic string) bool {
	if n.Tag == "!reset" || sh == nil {
		return true
	}
	if n.Kind != yaml.ScalarNode {
		v := visit{n, sh}
		if c.seen[v] {
			return true
		}
		c.seen[v] = true
	}
	types := c.types(n)
	if types[0] == "null" && generic == "include" {
		return true
	}
	if !sh.takes(types...) {
		return c.wrongType(n, sh, generic)
	}
	sh = sh.choose(types...)
	switch n.Kind {
	case yaml.MappingNode:
		return c.mapping(n, sh, generic)
	case yaml.SequenceNode:
		return c.list(n, sh, generic)
	}
	return c.scalar(n, sh, generic)
}

// types that a node is of. Interpolated text may become a number or a boolean.
func (c *structure) types(n *yaml.Node) []string {
	switch n.Kind {
	case yaml.MappingNode:
		return []string{"object"}
	case yaml.SequenceNode:
		return []string{"array"}
	}
	switch n.ShortTag() {
	case "!!int":
		return []string{"integer", "number"}
	case "!!float":
		return []string{"number"}
	case "!!bool":
		return []string{"boolean"}
	case "!!null":
		return []string{"null"}
	}
	if !strings.Contains(n.Value, "$") {
		return []string{"string"}
	}
	if c.Raw {
		return []string{"string", "integer", "number", "boolean"}
	}
	return append([]string{"string"}, parsed(c.f.Interpolate(n.Value))...)
}

func parsed(text string) []string {
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		return []string{"integer", "number"}
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return []string{"number"}
	}
	if _, ok := boolean(text); ok {
		return []string{"boolean"}
	}
	return nil
}

func (c *structure) wrongType(n *yaml.Node, sh *shape, generic string) bool {
	is := typeWords[c.types(n)[0]]
	if is == "text" && n.Value == "" {
		is = "empty"
	}
	d := c.fail("wrong-type", n, "%s must be %s, not %s", c.label(), strings.Join(sh.words(), " or "), is)
	words := sh.words()
	switch {
	case n.Kind != yaml.ScalarNode || is == "empty":
	case slices.Contains(words, "a list"):
		d.Hint = "write it as a list: put \"- \" before it"
	case slices.Contains(words, "text"):
		d.Hint = fmt.Sprintf("put it in quotes: %q", n.Value)
		if check := meanings()[generic]; check != nil && check(n.Value) != "" {
			_, d.Hint, _ = strings.Cut(check(n.Value), "; ")
		}
	}
	return false
}

func (c *structure) mapping(n *yaml.Node, sh *shape, generic string) bool {
	all := source.Pairs(n)
	for _, p := range all {
		sub, named, ok := sh.key(p.Key.Value)
		if !ok {
			if c.unknown(p, n, sh); !c.unused() {
				c.remove(p.In, p.Key, p.Key.Value)
			}
			continue
		}
		if sub == nil || !named && strings.HasPrefix(p.Key.Value, "x-") && !source.IsName(generic) {
			continue
		}
		next := join(generic, p.Key.Value)
		if !named {
			next = join(generic, "*")
		}
		c.path = append(c.path, p.Key.Value)
		switch empty := isNull(p.Value) && !sub.takes("null"); {
		case empty && c.merged(): // compose-go leaves what the other says
		case empty && c.said(c.before):
			c.f.Drop(p.In, p.Key)
		case !c.value(p.Value, sub, next):
			c.remove(p.In, p.Key, "")
		}
		c.path = c.path[:len(c.path)-1]
	}
	return c.complete(n, sh, all, generic)
}

// said tells whether one of these documents has a value for what is looked at: a key without one leaves what is before, and what is after replaces
// it, as compose-go merges them (override.MergeYaml).
func (c *structure) said(docs []*yaml.Node) bool {
	return slices.ContainsFunc(docs, func(d *yaml.Node) bool {
		for _, key := range c.path {
			if d = source.Child(d, key); d == nil {
				return false
			}
		}
		return !isNull(d)
	})
}

// merged tells whether compose-go merges where it is with what only it knows: the base of a service, another file of an include.
func (c *structure) merged() bool {
	if c.other {
		return true
	}
	if len(c.path) < 3 || c.path[0] != "services" {
		return false
	}
	return slices.ContainsFunc(c.f.Docs, func(d *yaml.Node) bool {
		return source.Child(source.Child(source.Child(d, "services"), c.path[1]), "extends") != nil
	})
}

// unused is what stands in a file that is only extended, outside of the services that are: compose-go does not validate it (loader.getExtendsBaseFromFile).
func (c *structure) unused() bool {
	if !c.f.Extended() {
		return false
	}
	if len(c.path) < 2 || c.path[0] != "services" {
		return true
	}
	return !slices.ContainsFunc(c.f.Docs, func(d *yaml.Node) bool { return c.bases[source.Child(source.Child(d, "services"), c.path[1])] })
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag != "!reset" && n.ShortTag() == "!!null"
}

func join(generic, key string) string {
	if generic == "" {
		return key
	}
	return generic + "." + key
}

// remove takes a key or item out of the tree and remembers that it was there.
func (c *structure) remove(from, n *yaml.Node, key string) {
	c.f.Drop(from, n)
	path := c.path
	if key != "" {
		path = append(path[:len(path):len(path)], key)
	}
	c.Dropped[strings.Join(path, ".")] = true
}

func (c *structure) unknown(p source.Pair, m *yaml.Node, sh *shape) {
	d := c.fail("unknown-key", p.Key, "%sunknown key %q", c.prefix(), p.Key.Value)
	d.Path = strings.Join(append(c.path[:len(c.path):len(c.path)], p.Key.Value), ".")
	if c.unused() {
		d.Severity, d.Text = diag.Warning, d.Text+", where nothing is extended"
		return
	}
	var names []string
	for k := range sh.keys {
		if source.Child(m, k) == nil {
			names = append(names, k)
		}
	}
	if d.Hint = diag.DidYouMean(p.Key.Value, names); d.Hint != "" {
		return
	}
	if len(sh.keys) == 0 && len(sh.patterns) > 0 {
		d.Text = fmt.Sprintf("%s%q cannot be a name here: letters, digits, dots, dashes and underscores only", c.prefix(), p.Key.Value)
	} else if len(c.path) == 0 && source.LooksLikeService(p.Value) {
		d.Hint = "a service belongs under \"services\""
	}
}

// complete checks that what is required is there. What another file may add cannot be missed here.
func (c *structure) complete(n *yaml.Node, sh *shape, all []source.Pair, generic string) bool {
	ok := true
	for _, r := range sh.required {
		if slices.ContainsFunc(all, func(p source.Pair) bool { return p.Key.Value == r }) {
			continue
		}
		if c.partial && !strings.Contains(generic, "[]") {
			continue
		}
		c.fail("missing-key", n, "%s needs %q", c.label(), r)
		ok = false
	}
	return ok
}

func (c *structure) list(n *yaml.Node, sh *shape, generic string) bool {
	have := map[string]int{}
	for i, item := range slices.Clone(n.Content) {
		e := source.Resolve(item)
		c.path = append(c.path, strconv.Itoa(i))
		ok := c.value(e, sh.items, generic+".[]")
		if ok && sh.unique && e.Kind == yaml.ScalarNode && !deduplicated[generic] {
			if _, twice := have[e.Value]; twice {
				c.fail("duplicate-item", e, "%s: %q stands in the list twice", strings.TrimSuffix(c.label(), "."+strconv.Itoa(i)), e.Value)
				ok = false
			}
			have[e.Value] = i
		}
		if !ok {
			c.remove(n, item, "")
		}
		c.path = c.path[:len(c.path)-1]
	}
	return true
}

// deduplicated are the lists in which compose-go lets the last of equal items win.
var deduplicated = func() map[string]bool {
	m := map[string]bool{"networks.*.labels": true}
	for _, k := range strings.Fields(`annotations build.args build.additional_contexts build.labels cap_add cap_drop devices
		configs deploy.labels dns dns_opt dns_search environment env_file expose labels links networks.*.aliases
		networks.*.link_local_ips ports profiles secrets sysctls tmpfs volumes`) {
		m["services.*."+k] = true
		m["services.*.pre_start.[]."+k] = true
	}
	return m
}()

func (c *structure) scalar(n *yaml.Node, sh *shape, generic string) bool {
	if n.ShortTag() == "!!null" || c.Raw && strings.Contains(n.Value, "$") {
		return true
	}
	text := n.Value
	if strings.Contains(text, "$") {
		text = c.f.Interpolate(text)
	}
	if len(sh.enum) > 0 && !slices.Contains(sh.enum, text) {
		d := c.fail("bad-value", n, "%s: %q is not one of %s", c.label(), text, strings.Join(sh.enum, ", "))
		d.Hint = diag.DidYouMean(text, sh.enum)
		return false
	}
	if sh.match != nil && !sh.match.MatchString(text) {
		c.fail("bad-value", n, "%s: %q is not valid here", c.label(), text)
		return false
	}
	return c.inRange(n, sh, text) && c.truth(n, sh, text) && c.meaning(n, generic, text)
}

func (c *structure) inRange(n *yaml.Node, sh *shape, text string) bool {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return true
	}
	if sh.min != nil && v < *sh.min {
		c.fail("bad-value", n, "%s: %s is less than %v", c.label(), text, *sh.min)
		return false
	}
	if sh.max != nil && v > *sh.max {
		c.fail("bad-value", n, "%s: %s is more than %v", c.label(), text, *sh.max)
		return false
	}
	return true
}

// truth checks text that stands for true or false.
func (c *structure) truth(n *yaml.Node, sh *shape, text string) bool {
	if len(sh.types) < 2 || sh.types[0] != "boolean" || n.ShortTag() == "!!bool" {
		return true
	}
	v, ok := boolean(text)
	if !ok {
		c.fail("wrong-type", n, "%s must be true or false, not %q", c.label(), text)
		return false
	}
	if _, err := strconv.ParseBool(text); err != nil {
		d := c.notes.Warn(c.f.Spot(n), "%s: %q for true or false is not YAML 1.2", c.label(), text)
		d.Rule, d.Path, d.Hint = "yaml-boolean", strings.Join(c.path, "."), fmt.Sprintf("write %t", v)
	}
	return true
}

func boolean(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "true", "y", "yes", "on":
		return true, true
	case "false", "n", "no", "off":
		return false, true
	}
	return false, false
}

func (c *structure) meaning(n *yaml.Node, generic, text string) bool {
	check := meanings()[generic]
	if check == nil {
		return true
	}
	msg := check(text)
	if msg == "" || c.said(c.after) {
		return true
	}
	d := c.fail("bad-value", n, "%s: %s", c.label(), msg)
	if c.Lenient && late(generic) {
		d.Severity = diag.Warning
		return true
	}
	return false
}

func (c *structure) fail(rule string, n *yaml.Node, format string, args ...any) *diag.Diagnostic {
	d := c.notes.Complain(c.f.Spot(n), format, args...)
	d.Rule, d.Path = rule, strings.Join(c.path, ".")
	return d
}

func (c *structure) label() string { return source.Label(c.path) }

func (c *structure) prefix() string {
	if len(c.path) == 0 {
		return ""
	}
	return c.label() + ": "
}
