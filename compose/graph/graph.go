// Package graph is a directed acyclic graph of what comes after what: order, cycles, and a concurrent walk,
// all linear in nodes and edges and none recursive.
package graph

import (
	"fmt"
	"slices"
	"strings"
)

// Graph of nodes known by a key. The zero value is empty and ready.
type Graph[K comparable] struct {
	keys  []K
	index map[K]int
	after [][]edge // of each node: what it comes after
}

type edge struct {
	to   int
	soft bool
}

// Add puts a node in, once.
func (g *Graph[K]) Add(k K) { g.at(k) }

// After says that node comes after each of others, and only if they were done. Nodes not yet in the graph are added.
func (g *Graph[K]) After(node K, others ...K) { g.link(node, others, false) }

// AfterAny says that node comes after each of others, however they ended.
func (g *Graph[K]) AfterAny(node K, others ...K) { g.link(node, others, true) }

func (g *Graph[K]) link(node K, others []K, soft bool) {
	n := g.at(node)
	for _, o := range others {
		i := g.at(o)
		g.after[n] = append(g.after[n], edge{i, soft})
	}
}

func (g *Graph[K]) at(k K) int {
	if i, ok := g.index[k]; ok {
		return i
	}
	if g.index == nil {
		g.index = map[K]int{}
	}
	g.index[k] = len(g.keys)
	g.keys = append(g.keys, k)
	g.after = append(g.after, nil)
	return len(g.keys) - 1
}

// Len is the number of nodes.
func (g *Graph[K]) Len() int { return len(g.keys) }

// CycleError names the nodes of a cycle, the first again at the end.
type CycleError[K comparable] struct{ Nodes []K }

func (e *CycleError[K]) Error() string {
	names := make([]string, len(e.Nodes))
	for i, n := range e.Nodes {
		names[i] = fmt.Sprint(n)
	}
	return "cycle: " + strings.Join(names, " → ")
}

// Order lists the nodes so that each stands behind all that it comes after; among equals, in the order they were added.
// The error is a *CycleError.
func (g *Graph[K]) Order() ([]K, error) {
	order, err := g.order()
	if err != nil {
		return nil, err
	}
	out := make([]K, len(order))
	for i, n := range order {
		out[i] = g.keys[n]
	}
	return out, nil
}

func (g *Graph[K]) order() ([]int, error) {
	missing, next := g.missing()
	var ready, order []int
	for n := range g.keys {
		if missing[n] == 0 {
			ready = append(ready, n)
		}
	}
	for len(ready) > 0 {
		n := ready[0]
		ready = ready[1:]
		order = append(order, n)
		for _, e := range next[n] {
			if missing[e.to]--; missing[e.to] == 0 {
				ready = append(ready, e.to)
			}
		}
	}
	if len(order) < len(g.keys) {
		return nil, &CycleError[K]{g.cycle(missing)}
	}
	return order, nil
}

// missing counts for each node what it comes after; next are the same edges the other way round.
func (g *Graph[K]) missing() (missing []int, next [][]edge) {
	missing, next = make([]int, len(g.keys)), make([][]edge, len(g.keys))
	for n, edges := range g.after {
		missing[n] = len(edges)
		for _, e := range edges {
			next[e.to] = append(next[e.to], edge{n, e.soft})
		}
	}
	return missing, next
}

// cycle walks backwards from a node that never got ready, over others of the kind, until it meets one again.
func (g *Graph[K]) cycle(missing []int) []K {
	n := slices.IndexFunc(missing, func(m int) bool { return m > 0 })
	seen, path := map[int]int{}, []int{}
	for {
		if at, again := seen[n]; again {
			return g.named(append(path[at:], n))
		}
		seen[n] = len(path)
		path = append(path, n)
		for _, e := range g.after[n] {
			if missing[e.to] > 0 {
				n = e.to
				break
			}
		}
	}
}

func (g *Graph[K]) named(path []int) []K {
	out := make([]K, len(path))
	for i, n := range path {
		out[i] = g.keys[n]
	}
	return out
}

// Reach are the nodes that come after any of from, directly or through others, and from itself, in the order they were added.
func (g *Graph[K]) Reach(from ...K) []K {
	_, next := g.missing()
	return g.reach(next, from)
}

// Needs are the nodes that any of from comes after, directly or through others, and from itself, in the order they were added.
func (g *Graph[K]) Needs(from ...K) []K { return g.reach(g.after, from) }

func (g *Graph[K]) reach(edges [][]edge, from []K) []K {
	seen := make([]bool, len(g.keys))
	var todo []int
	for _, k := range from {
		if i, ok := g.index[k]; ok && !seen[i] {
			seen[i] = true
			todo = append(todo, i)
		}
	}
	for len(todo) > 0 {
		n := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, e := range edges[n] {
			if !seen[e.to] {
				seen[e.to] = true
				todo = append(todo, e.to)
			}
		}
	}
	var out []K
	for i, k := range g.keys {
		if seen[i] {
			out = append(out, k)
		}
	}
	return out
}
