package graph

import (
	"container/heap"
	"context"
	"errors"
	"time"
)

// Outcome of a node in a walk.
type Outcome int

// Every node ends in exactly one of these.
const (
	Done      Outcome = iota
	Failed            // its own run gave an error
	Skipped           // something that it comes after was not done
	Cancelled         // the walk was stopped before it began, or it gave up with context.Canceled
)

func (o Outcome) String() string { return [...]string{"done", "failed", "skipped", "cancelled"}[o] }

// Walker says how a graph is walked.
type Walker[K comparable] struct {
	// Run does a node's work; each call has a goroutine to itself.
	Run func(context.Context, K) error
	// Ended is told of each node's end, one call at a time, before anything that comes after it begins. May be nil.
	Ended func(K, Outcome, error)
	// Class names the group that a node counts in; "" is never limited. May be nil.
	Class func(K) string
	// Limit is how many nodes of a class may run at once; classes not in it are not limited.
	Limit map[string]int
	// Patience of a class that is at its limit: if none of its nodes has ended for so long, those that wait for a place begin all the same. Classes
	// not in it keep to their limit.
	Patience map[string]time.Duration
	// Stop, once closed, keeps new nodes from beginning; those that run go on. May be nil.
	Stop <-chan struct{}
}

// Walk runs every node once all that it comes after has ended, independent ones at the same time, and returns when all have ended.
// When ctx ends, no node begins any more and those that run are expected to return. The error is a *CycleError, before anything ran.
func (g *Graph[K]) Walk(ctx context.Context, w Walker[K]) error {
	order, err := g.order()
	if err != nil {
		return err
	}
	s := newWalk(g, w, order)
	defer close(s.work)
	for s.ended < len(g.keys) {
		s.begin(ctx)
		if s.running == 0 {
			s.cancelRest()
			break
		}
		select {
		case r := <-s.results:
			s.running--
			s.idle++
			class := w.class(g.keys[r.node])
			s.busy[class]--
			s.moved[class] = time.Now()
			s.end(r.node, outcome(r.err), r.err)
		case <-s.impatient():
		case <-s.w.Stop:
			s.stopped, s.w.Stop = true, nil
		}
	}
	return nil
}

// outcome of a run: one that gave up because it was told to has not failed.
func outcome(err error) Outcome {
	switch {
	case err == nil:
		return Done
	case errors.Is(err, context.Canceled):
		return Cancelled
	}
	return Failed
}

func (w Walker[K]) class(k K) string {
	if w.Class == nil {
		return ""
	}
	return w.Class(k)
}

// walk is the bookkeeping; one goroutine owns it.
type walk[K comparable] struct {
	g       *Graph[K]
	w       Walker[K]
	missing []int
	next    [][]edge
	height  []int // longest way from the node to an end: the higher, the sooner it should begin
	skip    []bool
	over    []bool
	ready   map[string]*queue    // by class
	busy    map[string]int       // running, by class
	moved   map[string]time.Time // when one of a class has last begun or ended
	results chan result
	work    chan int // to goroutines that have done their node
	idle    int      // goroutines that wait for work, or are about to
	running int
	ended   int
	stopped bool
}

type result struct {
	node int
	err  error
}

func newWalk[K comparable](g *Graph[K], w Walker[K], order []int) *walk[K] {
	s := &walk[K]{g: g, w: w, skip: make([]bool, len(g.keys)), over: make([]bool, len(g.keys)), height: make([]int, len(g.keys)),
		ready: map[string]*queue{}, busy: map[string]int{}, moved: map[string]time.Time{}, results: make(chan result), work: make(chan int)}
	s.missing, s.next = g.missing()
	for i := len(order) - 1; i >= 0; i-- {
		n := order[i]
		for _, e := range s.next[n] {
			s.height[n] = max(s.height[n], s.height[e.to]+1)
		}
	}
	for n, m := range s.missing {
		if m == 0 {
			s.push(n)
		}
	}
	return s
}

func (s *walk[K]) push(n int) {
	class := s.w.class(s.g.keys[n])
	if s.ready[class] == nil {
		s.ready[class] = &queue{height: s.height}
	}
	heap.Push(s.ready[class], n)
}

// begin starts what is ready and within its class's limit.
func (s *walk[K]) begin(ctx context.Context) {
	if s.stopped || ctx.Err() != nil || s.stopNow() {
		return
	}
	for class, q := range s.ready {
		limit := s.w.Limit[class]
		if patience, has := s.w.Patience[class]; has && s.busy[class] >= limit && time.Since(s.moved[class]) >= patience {
			limit = 0
		}
		for q.Len() > 0 && (limit <= 0 || class == "" || s.busy[class] < limit) {
			s.moved[class] = time.Now()
			n := heap.Pop(q).(int)
			s.running++
			s.busy[class]++
			if s.idle == 0 {
				go s.worker(ctx, n)
				continue
			}
			s.idle--
			s.work <- n
		}
	}
}

// impatient is told when those of a class that wait for a place have waited long enough; nil if there are none.
func (s *walk[K]) impatient() <-chan time.Time {
	first := time.Duration(-1)
	for class, patience := range s.w.Patience {
		if q := s.ready[class]; q == nil || q.Len() == 0 || s.stopped {
			continue
		}
		if left := max(0, patience-time.Since(s.moved[class])); first < 0 || left < first {
			first = left
		}
	}
	if first < 0 {
		return nil
	}
	return time.After(first)
}

// worker runs a node and then others: a goroutine whose stack has grown for one need not be made, and grown, for the next.
func (s *walk[K]) worker(ctx context.Context, n int) {
	for more := true; more; n, more = <-s.work {
		s.results <- result{n, s.w.Run(ctx, s.g.keys[n])}
	}
}

func (s *walk[K]) stopNow() bool {
	select {
	case <-s.w.Stop:
		s.stopped, s.w.Stop = true, nil
	default:
	}
	return s.stopped
}

// end records a node's end and passes it on: what came after it is ready, or skipped in turn.
func (s *walk[K]) end(n int, o Outcome, err error) {
	todo := []result{{n, err}}
	outcomes := []Outcome{o}
	for len(todo) > 0 {
		r, o := todo[0], outcomes[0]
		todo, outcomes = todo[1:], outcomes[1:]
		s.record(r.node, o, r.err)
		for _, e := range s.next[r.node] {
			if o != Done && !e.soft {
				s.skip[e.to] = true
			}
			if s.missing[e.to]--; s.missing[e.to] > 0 {
				continue
			}
			if s.skip[e.to] {
				todo, outcomes = append(todo, result{e.to, nil}), append(outcomes, s.why(o))
			} else {
				s.push(e.to)
			}
		}
	}
}

// why a node does not run: because the walk was stopped, or because something failed.
func (s *walk[K]) why(before Outcome) Outcome {
	if before == Cancelled {
		return Cancelled
	}
	return Skipped
}

func (s *walk[K]) record(n int, o Outcome, err error) {
	s.over[n] = true
	s.ended++
	if s.w.Ended != nil {
		s.w.Ended(s.g.keys[n], o, err)
	}
}

// cancelRest ends what never began, in order.
func (s *walk[K]) cancelRest() {
	for n, over := range s.over {
		if over {
			continue
		}
		o := Cancelled
		if s.skip[n] {
			o = Skipped
		}
		s.record(n, o, nil)
	}
}

// queue of ready nodes: those with the longest way to go first, then in the order they were added.
type queue struct {
	nodes  []int
	height []int
}

func (q queue) Len() int { return len(q.nodes) }
func (q queue) Less(i, j int) bool {
	a, b := q.nodes[i], q.nodes[j]
	if q.height[a] != q.height[b] {
		return q.height[a] > q.height[b]
	}
	return a < b
}
func (q queue) Swap(i, j int) { q.nodes[i], q.nodes[j] = q.nodes[j], q.nodes[i] }
func (q *queue) Push(x any)   { q.nodes = append(q.nodes, x.(int)) }
func (q *queue) Pop() any {
	n := q.nodes[len(q.nodes)-1]
	q.nodes = q.nodes[:len(q.nodes)-1]
	return n
}
