package compose

import (
	"context"
	"regexp"
	"slices"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// ListOptions of List.
type ListOptions struct {
	All   bool     // projects of which nothing runs, too
	Names []string // regular expressions, one of which must match; none: all
}

// List gives the projects that the engine has, in order of name.
func (t Tool) List(ctx context.Context, o ListOptions) ([]engine.Project, error) {
	all, err := t.Engine.Projects(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(p engine.Project) bool { return !o.All && !runs(p) || !o.named(p.Name) })
	if !o.All {
		for i, p := range all {
			all[i].States = upStates(p.States)
		}
	}
	return all, nil
}

func up(s container.State) bool { return container.Live{State: s}.Up() }

func runs(p engine.Project) bool { return len(upStates(p.States)) > 0 }

// upStates: without All only what runs is counted, as Docker Compose does.
func upStates(n map[container.State]int) map[container.State]int {
	out := map[container.State]int{}
	for s, count := range n {
		if up(s) && count > 0 {
			out[s] = count
		}
	}
	return out
}

// named as Docker's filters match: equal, or by expression.
func (o ListOptions) named(name string) bool {
	return len(o.Names) == 0 || slices.ContainsFunc(o.Names, func(want string) bool {
		re, err := regexp.Compile(want)
		return want == name || err == nil && re.MatchString(name)
	})
}
