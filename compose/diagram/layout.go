package diagram

import (
	"cmp"
	"math"
	"slices"

	"github.com/tutti-run/tutti/compose/graph"
)

// Size of a node.
type Size struct{ Width, Height float64 }

// Point of a plane, whose origin is its upper left corner.
type Point struct{ X, Y float64 }

// Box where a node stands.
type Box struct {
	Point // its upper left corner
	Size
}

// Space between what is drawn.
type Space struct {
	Across float64 // between columns
	Down   float64 // between what is in one
	Width  float64 // that may be filled with what is connected with nothing, even if all else is narrower
}

// Layout of a diagram in columns: what needs something is to the left of it.
type Layout struct {
	Size
	Boxes []Box     // of the nodes
	Ways  [][]Point // of the edges: from a box's right side to another's left side; between points 2n and 2n+1 a curve, else a straight line
}

// Layout gives the same for the same diagram. The error is a *graph.CycleError.
func (d Diagram) Layout(size func(Node) Size, sp Space) (Layout, error) {
	out := Layout{Boxes: make([]Box, len(d.Nodes)), Ways: make([][]Point, len(d.Edges))}
	for i, n := range d.Nodes {
		out.Boxes[i].Size = size(n)
	}
	ranks, err := d.ranks()
	if err != nil {
		return Layout{}, err
	}
	var alone []int
	for _, nodes := range d.islands() {
		if len(nodes) == 1 {
			alone = append(alone, nodes[0])
			continue
		}
		d.island(&out, nodes, ranks, sp)
	}
	out.rows(alone, sp)
	return out, nil
}

// ranks are the nodes' columns: each as far to the left as can be, but for those with more to the right of them than to the left.
func (d Diagram) ranks() ([]int, error) {
	var g graph.Graph[int]
	next, before := make([][]int, len(d.Nodes)), make([]int, len(d.Nodes))
	for i := range d.Nodes {
		g.Add(i)
	}
	for _, e := range d.Edges {
		g.After(e.From, e.To)
		next[e.From] = append(next[e.From], e.To)
		before[e.To]++
	}
	order, err := g.Order() // what is needed comes first
	if err != nil {
		return nil, err
	}
	ranks := make([]int, len(d.Nodes))
	for _, n := range slices.Backward(order) {
		for _, to := range next[n] {
			ranks[to] = max(ranks[to], ranks[n]+1)
		}
	}
	for _, n := range order {
		if len(next[n]) == 0 || len(next[n]) < before[n] {
			continue
		}
		nearest := ranks[next[n][0]]
		for _, to := range next[n] {
			nearest = min(nearest, ranks[to])
		}
		ranks[n] = nearest - 1
	}
	return ranks, nil
}

// islands are the nodes that are connected with each other, in order of their first.
func (d Diagram) islands() [][]int {
	root := make([]int, len(d.Nodes))
	for i := range root {
		root[i] = i
	}
	find := func(i int) int {
		for root[i] != i {
			root[i] = root[root[i]]
			i = root[i]
		}
		return i
	}
	for _, e := range d.Edges {
		a, b := find(e.From), find(e.To)
		root[max(a, b)] = min(a, b)
	}
	var out [][]int
	at := map[int]int{}
	for i := range d.Nodes {
		r := find(i)
		if _, ok := at[r]; !ok {
			at[r] = len(out)
			out = append(out, nil)
		}
		out[at[r]] = append(out[at[r]], i)
	}
	return out
}

// rows of boxes of the same width, below all else.
func (l *Layout) rows(nodes []int, sp Space) {
	if len(nodes) == 0 {
		return
	}
	width := 0.0
	for _, n := range nodes {
		width = max(width, l.Boxes[n].Width)
	}
	per := max(1, int((max(l.Width, sp.Width)+sp.Down)/(width+sp.Down)))
	for row := range slices.Chunk(nodes, per) {
		y, height := l.below(sp), 0.0
		for i, n := range row {
			b := &l.Boxes[n]
			b.Point, b.Width = Point{float64(i) * (width + sp.Down), y}, width
			height = max(height, b.Height)
			l.Width = max(l.Width, b.X+width)
		}
		l.Height = y + height
	}
}

// below is where the next thing begins.
func (l *Layout) below(sp Space) float64 {
	if l.Height == 0 {
		return 0
	}
	return l.Height + sp.Down
}

// stop is a node in its column, or where edges to a node pass one.
type stop struct {
	node        int // -1: a place to pass
	height, y   float64
	left, right []int // stops in the columns beside it
}

// columns of an island.
type columns struct {
	stops []stop
	cols  [][]int // stops, from top to bottom
}

// island lays out nodes that are connected, below all else.
func (d Diagram) island(l *Layout, nodes, ranks []int, sp Space) {
	first := ranks[nodes[0]]
	for _, n := range nodes {
		first = min(first, ranks[n])
	}
	var c columns
	at := map[int]int{} // node → stop
	for _, n := range nodes {
		at[n] = c.add(ranks[n]-first, stop{node: n, height: l.Boxes[n].Height})
	}
	passed := d.passes(&c, at, ranks, first)
	c.sort()
	c.place(sp.Down)

	beside := l.put(&c, sp)
	for e, stops := range passed {
		way := []Point{}
		for i, s := range stops {
			side, y := beside[ranks[d.Edges[e].From]-first+i], c.stops[s].y
			if i > 0 {
				way = append(way, Point{side.left, y})
			}
			if i < len(stops)-1 {
				way = append(way, Point{side.right, y})
			}
		}
		l.Ways[e] = way
	}
	d.spread(l, passed)
}

// sides of a column.
type sides struct{ left, right float64 }

// put the boxes of placed columns below all else.
func (l *Layout) put(c *columns, sp Space) []sides {
	highest := math.Inf(1)
	for _, s := range c.stops {
		highest = min(highest, s.y-s.height/2)
	}
	down, x := l.below(sp)-highest, 0.0
	var out []sides
	for _, col := range c.cols {
		width := 0.0
		for _, s := range col {
			if n := c.stops[s].node; n >= 0 {
				width = max(width, l.Boxes[n].Width)
			}
		}
		for _, s := range col {
			at := &c.stops[s]
			at.y += down
			l.Height = max(l.Height, at.y)
			if at.node >= 0 {
				b := &l.Boxes[at.node]
				b.Point, b.Width = Point{x, at.y - b.Height/2}, width
				l.Height = max(l.Height, b.Y+b.Height)
			}
		}
		out = append(out, sides{x, x + width})
		l.Width = max(l.Width, x+width)
		x += width + sp.Across
	}
	return out
}

func (c *columns) add(col int, s stop) int {
	for len(c.cols) <= col {
		c.cols = append(c.cols, nil)
	}
	c.stops = append(c.stops, s)
	c.cols[col] = append(c.cols[col], len(c.stops)-1)
	return len(c.stops) - 1
}

// look of an edge: those that look the same share their way to where they all go.
type look struct {
	condition string
	via       bool
	alone     int // from where, if it shares with none: broken lines would fill each other's gaps
}

func lookOf(e Edge) look {
	out := look{condition: string(e.Condition), via: e.Via != "", alone: -1}
	if e.Optional {
		out.alone = e.From
	}
	return out
}

// passes puts in the places where edges pass a column, and gives the stops of each edge.
func (d Diagram) passes(c *columns, at map[int]int, ranks []int, first int) map[int][]int {
	type place struct {
		to, col int
		look    look
	}
	places, linked, out := map[place]int{}, map[[2]int]bool{}, map[int][]int{}
	for i, e := range d.Edges {
		if _, here := at[e.From]; !here {
			continue
		}
		stops := []int{at[e.From]}
		for col := ranks[e.From] + 1; col < ranks[e.To]; col++ {
			p := place{e.To, col, lookOf(e)}
			if _, ok := places[p]; !ok {
				places[p] = c.add(col-first, stop{node: -1, height: 2})
			}
			stops = append(stops, places[p])
		}
		stops = append(stops, at[e.To])
		for j := range len(stops) - 1 {
			a, b := stops[j], stops[j+1]
			if !linked[[2]int{a, b}] {
				linked[[2]int{a, b}] = true
				c.stops[a].right, c.stops[b].left = append(c.stops[a].right, b), append(c.stops[b].left, a)
			}
		}
		out[i] = stops
	}
	return out
}

const (
	sweeps = 24 // over all columns, there and back
	pulls  = 16
)

// sort each column so that few edges cross: by the middle of what a stop is connected with, there and back (Sugiyama, Tagawa and Toda, 1981).
func (c *columns) sort() {
	best, fewest := c.clone(), c.crossings()
	for i := 0; i < sweeps && fewest > 0; i++ {
		where := c.where()
		by := func(beside func(stop) []int) func(col []int) {
			return func(col []int) {
				middle := map[int]float64{}
				for _, s := range col {
					middle[s] = mean(beside(c.stops[s]), float64(where[s]), func(o int) float64 { return float64(where[o]) })
				}
				slices.SortStableFunc(col, func(a, b int) int { return cmp.Compare(middle[a], middle[b]) })
				for at, s := range col {
					where[s] = at
				}
			}
		}
		if i%2 == 0 {
			each(slices.Values(c.cols), by(func(s stop) []int { return s.left }))
		} else {
			each(backward(c.cols), by(func(s stop) []int { return s.right }))
		}
		if n := c.crossings(); n < fewest {
			best, fewest = c.clone(), n
		}
	}
	c.cols = best
}

func (c *columns) clone() [][]int {
	out := make([][]int, len(c.cols))
	for i, col := range c.cols {
		out[i] = slices.Clone(col)
	}
	return out
}

// where in its column each stop is.
func (c *columns) where() []int {
	out := make([]int, len(c.stops))
	for _, col := range c.cols {
		for i, s := range col {
			out[s] = i
		}
	}
	return out
}

// crossings of edges: between two columns, the pairs that end in another order than they begin.
func (c *columns) crossings() int {
	n, where := 0, c.where()
	for i, col := range c.cols[:max(0, len(c.cols)-1)] {
		tree := make([]int, len(c.cols[i+1])+1) // of sums (Fenwick): how many have ended at or above a place
		seen := 0
		for _, s := range col {
			var ends []int
			for _, o := range c.stops[s].right {
				ends = append(ends, where[o]+1)
			}
			for _, e := range ends {
				n += seen
				for k := e; k > 0; k -= k & -k {
					n -= tree[k]
				}
			}
			for _, e := range ends {
				for k := e; k < len(tree); k += k & -k {
					tree[k]++
				}
			}
			seen += len(ends)
		}
	}
	return n
}

// place the stops in their columns, each as near as can be to the middle of what it is connected with.
func (c *columns) place(gap float64) {
	for _, col := range c.cols {
		y := 0.0
		for _, s := range col {
			c.stops[s].y = y + c.stops[s].height/2
			y += c.stops[s].height + gap
		}
	}
	at := func(o int) float64 { return c.stops[o].y }
	by := func(beside func(stop) []int) func(col []int) {
		return func(col []int) {
			wish := make([]float64, len(col))
			for i, s := range col {
				wish[i] = mean(beside(c.stops[s]), c.stops[s].y, at)
			}
			c.settle(col, wish, gap)
		}
	}
	left, right := func(s stop) []int { return s.left }, func(s stop) []int { return s.right }
	for range pulls {
		each(slices.Values(c.cols), by(left))
		each(backward(c.cols), by(right))
	}
	each(slices.Values(c.cols), by(func(s stop) []int { return slices.Concat(s.left, s.right) }))
}

// settle gives a column the places nearest to what is wished (least squares) that keep their order and distances: neighbours whose wishes collide
// become a block, in the middle of them (pool adjacent violators).
func (c *columns) settle(col []int, wish []float64, gap float64) {
	type block struct {
		sum   float64
		count int
	}
	var blocks []block
	offsets := make([]float64, len(col)) // from the first one, if all stood as near as they may
	for i, s := range col {
		if i > 0 {
			offsets[i] = offsets[i-1] + (c.stops[col[i-1]].height+c.stops[s].height)/2 + gap
		}
		b := block{wish[i] - offsets[i], 1}
		for len(blocks) > 0 {
			last := blocks[len(blocks)-1]
			if last.sum/float64(last.count) <= b.sum/float64(b.count) {
				break
			}
			b = block{b.sum + last.sum, b.count + last.count}
			blocks = blocks[:len(blocks)-1]
		}
		blocks = append(blocks, b)
	}
	i := 0
	for _, b := range blocks {
		for range b.count {
			c.stops[col[i]].y = b.sum/float64(b.count) + offsets[i]
			i++
		}
	}
}

// spread the ends of edges that look different over the side of the box where they end, so that all can be seen.
func (d Diagram) spread(l *Layout, passed map[int][]int) {
	type end struct {
		look look
		from float64 // where the first comes from
	}
	ends := map[int][]end{} // node → what comes in
	for i, e := range d.Edges {
		if _, here := passed[i]; !here {
			continue
		}
		way := l.Ways[i]
		if !slices.ContainsFunc(ends[e.To], func(k end) bool { return k.look == lookOf(e) }) {
			ends[e.To] = append(ends[e.To], end{lookOf(e), way[len(way)-2].Y})
		}
	}
	for _, all := range ends {
		slices.SortStableFunc(all, func(a, b end) int { return cmp.Compare(a.from, b.from) })
	}
	for i, e := range d.Edges {
		if _, here := passed[i]; !here {
			continue
		}
		all, box, way := ends[e.To], l.Boxes[e.To], l.Ways[i]
		at := slices.IndexFunc(all, func(k end) bool { return k.look == lookOf(e) })
		way[len(way)-1].Y = box.Y + box.Height*float64(at+1)/float64(len(all)+1)
	}
}

// mean of what is beside something; without any, as it is.
func mean(beside []int, as float64, of func(int) float64) float64 {
	if len(beside) == 0 {
		return as
	}
	sum := 0.0
	for _, o := range beside {
		sum += of(o)
	}
	return sum / float64(len(beside))
}

func each(all func(func([]int) bool), do func([]int)) {
	for col := range all {
		do(col)
	}
}

func backward(cols [][]int) func(func([]int) bool) {
	return func(yield func([]int) bool) {
		for _, col := range slices.Backward(cols) {
			if !yield(col) {
				return
			}
		}
	}
}
