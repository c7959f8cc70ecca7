package load

import "go.yaml.in/yaml/v4"

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// pair is a key of a mapping and its value, aliases resolved.
type pair struct {
	key, value *yaml.Node
	in         *yaml.Node // the mapping that holds it
}

// pairs of a mapping as it reads once merge keys are carried out: own keys first, then merged ones that they do not hide.
func pairs(m *yaml.Node) []pair {
	var out []pair
	var merged []*yaml.Node
	for i := 0; i+1 < len(m.Content); i += 2 {
		k, v := m.Content[i], m.Content[i+1]
		if isMerge(k) {
			merged = append(merged, bases(v)...)
			continue
		}
		out = append(out, pair{k, resolve(v), m})
	}
	if len(merged) == 0 {
		return out
	}
	seen := map[string]bool{}
	for _, p := range out {
		seen[p.key.Value] = true
	}
	done := map[*yaml.Node]bool{m: true}
	for len(merged) > 0 { // merged mappings may merge others
		b := merged[0]
		merged = merged[1:]
		if b.Kind != yaml.MappingNode || done[b] {
			continue
		}
		done[b] = true
		for i := 0; i+1 < len(b.Content); i += 2 {
			k, v := b.Content[i], b.Content[i+1]
			if isMerge(k) {
				merged = append(merged, bases(v)...)
			} else if !seen[k.Value] {
				seen[k.Value] = true
				out = append(out, pair{k, resolve(v), b})
			}
		}
	}
	return out
}

func isMerge(k *yaml.Node) bool { return k.Value == "<<" && k.ShortTag() == "!!merge" }

// bases are the mappings that a merge key names.
func bases(v *yaml.Node) []*yaml.Node {
	v = resolve(v)
	if v.Kind != yaml.SequenceNode {
		return []*yaml.Node{v}
	}
	var out []*yaml.Node
	for _, e := range v.Content {
		out = append(out, resolve(e))
	}
	return out
}

// child is the value under key, nil if there is none.
func child(m *yaml.Node, key string) *yaml.Node {
	_, v := entry(m, key)
	return v
}

func entry(m *yaml.Node, key string) (k, v *yaml.Node) {
	if m == nil || m.Kind != yaml.MappingNode {
		return nil, nil
	}
	plain := true
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key && !isMerge(m.Content[i]) {
			return m.Content[i], resolve(m.Content[i+1])
		}
		plain = plain && !isMerge(m.Content[i])
	}
	if plain {
		return nil, nil
	}
	for _, p := range pairs(m) {
		if p.key.Value == key {
			return p.key, p.value
		}
	}
	return nil, nil
}

// drop removes a key from a mapping, or an item from a list.
func drop(from, n *yaml.Node) {
	step := 1
	if from.Kind == yaml.MappingNode {
		step = 2
	}
	for i := 0; i < len(from.Content); i += step {
		if from.Content[i] == n {
			from.Content = append(from.Content[:i:i], from.Content[i+step:]...)
			return
		}
	}
}

// texts are the scalars of a text or list.
func texts(n *yaml.Node) []*yaml.Node {
	switch {
	case n == nil:
		return nil
	case n.Kind == yaml.ScalarNode:
		return []*yaml.Node{n}
	case n.Kind == yaml.SequenceNode:
		var out []*yaml.Node
		for _, e := range n.Content {
			if e = resolve(e); e.Kind == yaml.ScalarNode {
				out = append(out, e)
			}
		}
		return out
	}
	return nil
}
