package source

import "go.yaml.in/yaml/v4"

// Resolve follows an alias to what it stands for.
func Resolve(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// Pair is a key of a mapping and its value, aliases resolved.
type Pair struct {
	Key, Value *yaml.Node
	In         *yaml.Node // the mapping that holds it
}

// Pairs of a mapping as it reads once merge keys are carried out: own keys first, then merged ones that they do not hide.
func Pairs(m *yaml.Node) []Pair {
	all, merged := own(m)
	if len(merged) == 0 {
		return all
	}
	var out []Pair
	seen := map[string]bool{}
	for _, p := range stacked(m) {
		if !seen[p.Key.Value] {
			seen[p.Key.Value] = true
			out = append(out, p)
		}
	}
	return out
}

// stacked are the pairs of a mapping and then of those that it merges in, which may merge others; hidden ones, too.
func stacked(m *yaml.Node) []Pair {
	var out []Pair
	done := map[*yaml.Node]bool{}
	for todo := []*yaml.Node{m}; len(todo) > 0; todo = todo[1:] {
		if todo[0].Kind != yaml.MappingNode || done[todo[0]] {
			continue
		}
		done[todo[0]] = true
		pairs, more := own(todo[0])
		out, todo = append(out, pairs...), append(todo, more...)
	}
	return out
}

// own pairs of a mapping, and the mappings that it merges in.
func own(m *yaml.Node) (pairs []Pair, merged []*yaml.Node) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		k, v := m.Content[i], m.Content[i+1]
		if IsMerge(k) {
			merged = append(merged, bases(v)...)
		} else {
			pairs = append(pairs, Pair{k, Resolve(v), m})
		}
	}
	return pairs, merged
}

// IsMerge tells whether a key is <<, which merges other mappings in.
func IsMerge(k *yaml.Node) bool { return k.Value == "<<" && k.ShortTag() == "!!merge" }

// bases are the mappings that a merge key names.
func bases(v *yaml.Node) []*yaml.Node {
	v = Resolve(v)
	if v.Kind != yaml.SequenceNode {
		return []*yaml.Node{v}
	}
	var out []*yaml.Node
	for _, e := range v.Content {
		out = append(out, Resolve(e))
	}
	return out
}

// Child is the value under key, nil if there is none.
func Child(m *yaml.Node, key string) *yaml.Node {
	_, v := Entry(m, key)
	return v
}

// Entry is the key and its value, nil if there is none.
func Entry(m *yaml.Node, key string) (k, v *yaml.Node) {
	if m == nil || m.Kind != yaml.MappingNode {
		return nil, nil
	}
	plain := true
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key && !IsMerge(m.Content[i]) {
			return m.Content[i], Resolve(m.Content[i+1])
		}
		plain = plain && !IsMerge(m.Content[i])
	}
	if plain {
		return nil, nil
	}
	for _, p := range Pairs(m) {
		if p.Key.Value == key {
			return p.Key, p.Value
		}
	}
	return nil, nil
}

// Texts are the scalars of a text or list.
func Texts(n *yaml.Node) []*yaml.Node {
	switch {
	case n == nil:
		return nil
	case n.Kind == yaml.ScalarNode:
		return []*yaml.Node{n}
	case n.Kind == yaml.SequenceNode:
		var out []*yaml.Node
		for _, e := range n.Content {
			if e = Resolve(e); e.Kind == yaml.ScalarNode {
				out = append(out, e)
			}
		}
		return out
	}
	return nil
}

// LooksLikeService tells whether a mapping has an image or a build.
func LooksLikeService(n *yaml.Node) bool { return Child(n, "image") != nil || Child(n, "build") != nil }
