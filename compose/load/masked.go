package load

import (
	"fmt"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// Masked is the YAML to show. hide is asked for each value, with its path in the file and, within a list, the value before it.
func (r Resolved) Masked(hide func(path []string, before, value string) string) ([]byte, error) {
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(r.YAML), &root); err != nil {
		return nil, fmt.Errorf("read resolved file: %w", err)
	}
	for _, n := range root.Content {
		maskNode(n, nil, "", hide)
	}
	return yaml.Dump(&root, yaml.WithV3Defaults(), yaml.WithIndent(2), yaml.WithLineWidth(-1))
}

func maskNode(n *yaml.Node, path []string, before string, hide func([]string, string, string) string) {
	switch n.Kind {
	case yaml.ScalarNode:
		if v := hide(path, before, n.Value); v != n.Value {
			n.Value, n.Tag = v, "!!str"
		}
	case yaml.SequenceNode:
		for i, e := range n.Content {
			old := e.Value
			maskNode(e, append(path[:len(path):len(path)], strconv.Itoa(i)), before, hide)
			before = old
		}
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			maskNode(n.Content[i+1], append(path[:len(path):len(path)], n.Content[i].Value), "", hide)
		}
	}
}
