package source

import (
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/tutti-run/tutti/compose/diag"
)

// What is beyond these limits nobody writes, and what reads the model needs far more than its size for it.
const (
	deepestNode = 100     // levels of mappings and lists
	manyNodes   = 100_000 // that aliases may make without being asked about
	mostCopies  = 4       // nodes for each one that is written, where there are many
)

// limit tells about a document that is nested too deep, or that aliases make too large. Circles of aliases are told elsewhere.
func (f *File) limit(root *yaml.Node) diag.List {
	m := measure{sizes: map[*yaml.Node]int{}}
	size := m.size(root, 0)
	switch {
	case m.deep != nil:
		return diag.List{{Severity: diag.Error, Rule: "broken-yaml", Place: f.place(m.deep), Text: fmt.Sprintf("nested more than %d levels deep", deepestNode)}}
	case size > max(manyNodes, mostCopies*m.written):
		return diag.List{{Severity: diag.Error, Rule: "broken-yaml", Place: f.place(m.alias), Text: "aliases make the file too large",
			Hint: fmt.Sprintf("without aliases it would be more than %d times as large", mostCopies)}}
	}
	return nil
}

// measure counts the nodes of a tree.
type measure struct {
	sizes   map[*yaml.Node]int // with all below, aliases carried out
	written int
	deep    *yaml.Node // the first that is too deep
	alias   *yaml.Node // the first that makes the tree larger than what may be without question
	made    int        // by aliases so far
}

// size of a node that is under depth others. Numbers beyond the limit are as good as any.
func (m *measure) size(n *yaml.Node, depth int) int {
	if n.Kind == yaml.AliasNode {
		return m.copied(n)
	}
	m.written++
	if depth > deepestNode && len(n.Content) > 0 {
		if m.deep == nil {
			m.deep = n
		}
		return 1
	}
	size := 1
	for _, e := range n.Content {
		size = min(size+m.size(e, depth+1), 1<<30)
	}
	m.sizes[n] = size
	return size
}

// copied is the size of what an alias stands for; that of one within it is not known yet, and does not count.
func (m *measure) copied(n *yaml.Node) int {
	m.written++
	size := max(m.sizes[n.Alias], 1)
	if m.made = min(m.made+size, 1<<30); m.made > manyNodes && m.alias == nil {
		m.alias = n
	}
	return size
}
