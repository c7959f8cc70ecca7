package main

import (
	"fmt"
	"time"
)

// benchCase is a stack, and steps that each tool takes in a project of its own.
type benchCase struct {
	name      string
	stack     stack
	simulated bool     // on the simulated engine
	without   []string // tools that do not take part
	steps     []step
}

// step is one command. What it leaves behind is what the next one finds.
type step struct {
	name   string        // its row in the table; "": it only prepares
	args   []string      // of tutti and Docker Compose
	floor  []string      // of the floor; nil: it has nothing to do
	env    string        // a variable for this step and all after it
	follow time.Duration // it is ended after so long, and the lines that it wrote are counted
	target target
}

// target of a step: how much of the time, and of peak memory, of another tutti may take. 0: there is none.
type target struct {
	compose float64       // of Docker Compose's time; of a step that is followed: of its CPU time a line
	floor   float64       // of the floor's time
	more    time.Duration // and so much more than the floor
	memory  float64       // of Docker Compose's peak memory; 0 stands for memoryTarget
}

// memoryTarget holds for all cases.
const memoryTarget = 0.7

var (
	up     = []string{"up", "-d"}
	lists  = []string{"lists"}
	follow = 5 * time.Second
)

func cases() []benchCase {
	out := []benchCase{
		{name: "start-up", steps: []step{
			{name: "version", args: []string{"version"}, target: target{compose: 0.5}},
			{name: "--help", args: []string{"--help"}, target: target{compose: 0.5}},
		}},
		configures("config 100", rich(100), 0.5),
		configures("config 1,000", rich(1000), 0.5),
		configures("config 5,000", rich(5000), 0.5),
		configures("config layered 14 × 3", layered(14, 3), 0.05),
		configures("config layered 30 × 5", layered(30, 5), 0.05),
		{name: "flat 10", stack: flat(10), steps: []step{
			{name: "first up, 10 flat", args: up, floor: []string{"up"}, target: target{compose: 0.6, floor: 1.08}},
		}},
		{name: "flat 50", stack: flat(50), steps: []step{
			{name: "first up, 50 flat", args: up, floor: []string{"up"}, target: target{compose: 0.6, floor: 1.08}},
			{name: "no-op up, 50 flat", args: up, floor: lists, target: target{compose: 0.4, floor: 2}},
			{name: "ps, 50", args: []string{"ps"}, floor: []string{"ps"}, target: target{compose: 0.4}},
			{name: "logs --tail 1, 50", args: []string{"logs", "--tail", "1"}, floor: []string{"logs", "tail=1"}},
			{name: "change of 1 in 50", args: up, env: "COLOR=blue", floor: []string{"recreate", "s0000"}},
			{name: "--force-recreate, 50", args: append(up, "--force-recreate"), floor: []string{"recreate"}, target: target{compose: 0.6, floor: 1.1}},
			{name: "down, 50", args: []string{"down"}, floor: []string{"down"}, target: target{compose: 0.85, floor: 1.08}},
		}},
		{name: "chain 5", stack: chain(5), steps: []step{
			{name: "first up, chain of 5", args: up, floor: []string{"up"}, target: target{compose: 0.7, floor: 1, more: 4 * 50 * time.Millisecond}},
			{name: "no-op up, chain of 5", args: up, floor: lists, target: target{compose: 0.05}},
		}},
		{name: "logs 20", stack: writers(20), steps: []step{
			{args: up, floor: []string{"up"}},
			{name: "logs -f, 20 writers", args: []string{"logs", "-f", "--tail", "0"}, floor: []string{"logs", "follow=1&tail=0"}, follow: follow, target: target{compose: 0.5}},
		}},
	}
	for _, n := range []int{1000, 10000} {
		name := thousands(n) + " simulated"
		out = append(out, benchCase{name: name, stack: flat(n), simulated: true, without: []string{"compose"}, steps: []step{
			{name: "first up, " + name, args: up, floor: []string{"up"}},
			{name: "no-op up, " + name, args: up, floor: lists},
			{name: "plan, " + name, args: []string{"plan"}, floor: lists},
			{name: "down, " + name, args: []string{"down"}, floor: []string{"down"}},
		}})
	}
	return out
}

func configures(name string, s stack, of float64) benchCase {
	return benchCase{name: name, stack: s, steps: []step{{name: name, args: []string{"config"}, target: target{compose: of}}}}
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
