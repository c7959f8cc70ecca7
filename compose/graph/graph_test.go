package graph_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/tutti-run/tutti/compose/graph"
	"pgregory.net/rapid"
)

// random draws a graph whose edges all go from higher to lower numbers: it has no cycle.
func random(t *rapid.T) (*graph.Graph[int], [][2]int) {
	n := rapid.IntRange(1, 40).Draw(t, "nodes")
	g := &graph.Graph[int]{}
	var edges [][2]int
	for i := range n {
		g.Add(i)
		for _, j := range rapid.SliceOfNDistinct(rapid.IntRange(0, max(0, i-1)), 0, min(i, 5), rapid.ID).Draw(t, "after") {
			if j < i {
				g.After(i, j)
				edges = append(edges, [2]int{i, j})
			}
		}
	}
	return g, edges
}

func TestOrderPutsEachNodeBehindWhatItComesAfter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, edges := random(t)
		order, err := g.Order()
		if err != nil {
			t.Fatal(err)
		}
		if len(order) != g.Len() {
			t.Fatalf("%d of %d nodes", len(order), g.Len())
		}
		for _, e := range edges {
			if slices.Index(order, e[0]) < slices.Index(order, e[1]) {
				t.Fatalf("%d stands before %d in %v", e[0], e[1], order)
			}
		}
	})
}

func TestOrderNamesTheCycle(t *testing.T) {
	for _, test := range []struct {
		edges [][2]string
		want  string
	}{
		{[][2]string{{"a", "a"}}, "cycle: a → a"},
		{[][2]string{{"a", "b"}, {"b", "a"}}, "cycle: a → b → a"},
		{[][2]string{{"in", "a"}, {"a", "b"}, {"b", "c"}, {"c", "a"}, {"c", "out"}}, "cycle: a → b → c → a"},
	} {
		g := &graph.Graph[string]{}
		for _, e := range test.edges {
			g.After(e[0], e[1])
		}
		_, err := g.Order()
		var cycle *graph.CycleError[string]
		if !errors.As(err, &cycle) || err.Error() != test.want {
			t.Errorf("%v: got %v, want %s", test.edges, err, test.want)
		}
	}
}

func TestReachAndNeeds(t *testing.T) {
	g := &graph.Graph[string]{}
	for _, n := range []string{"db", "cache", "api", "web", "other"} {
		g.Add(n)
	}
	g.After("api", "db", "cache")
	g.After("web", "api")
	if got := fmt.Sprint(g.Reach("cache")); got != "[cache api web]" {
		t.Errorf("reach of cache: %s", got)
	}
	if got := fmt.Sprint(g.Needs("web")); got != "[db cache api web]" {
		t.Errorf("needs of web: %s", got)
	}
}

// layered links every node of a layer to every node of the one before: paths double with each layer, edges do not.
func layered(layers, width int) *graph.Graph[int] {
	g := &graph.Graph[int]{}
	for i := range layers * width {
		g.Add(i)
		for j := range width {
			if below := (i/width - 1) * width; below >= 0 {
				g.After(i, below+j)
			}
		}
	}
	return g
}

func TestDeepAndLayeredGraphs(t *testing.T) {
	for _, g := range []*graph.Graph[int]{layered(300, 3), layered(200_000, 1)} {
		if order, err := g.Order(); err != nil || len(order) != g.Len() {
			t.Fatalf("%d of %d, %v", len(order), g.Len(), err)
		}
		if n := len(g.Needs(g.Len() - 1)); n < g.Len()-2 {
			t.Fatalf("the last node needs %d of %d", n, g.Len())
		}
	}
}

func BenchmarkOrder(b *testing.B) {
	g := layered(1000, 3)
	for b.Loop() {
		if _, err := g.Order(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*g.Len()), "ns/node")
}
