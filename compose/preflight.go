package compose

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/compose/preflight"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/host"
)

// PreflightOptions of Preflight.
type PreflightOptions struct {
	// NameGiven: the user chose the project's name on the command line or in the environment.
	NameGiven bool
}

// Preflight looks around before the first change of a plan. The error is a diag.List of all that would make it fail half-way. Otherwise it gives
// the plan to carry out: with subnets for networks that the engine could not find one for, and with warnings behind those that it had. A plan that
// makes and starts nothing is given back without a call.
func (t Tool) Preflight(ctx context.Context, p Project, pl plan.Plan, o PreflightOptions) (plan.Plan, error) {
	if !preflight.Needed(pl) {
		return pl, nil
	}
	in := preflight.Input{Plan: pl, Project: p, NameGiven: o.NameGiven, Snapshot: engine.Snapshot{Project: p.Name, Containers: pl.Found, Caps: t.Engine.Info().Caps}}
	err := t.lookAround(ctx, &in)
	if err != nil && ctx.Err() == nil { // an engine that is busy with other projects may list what is gone the next moment
		err = t.lookAround(ctx, &in)
	}
	if err != nil {
		if ctx.Err() != nil || errors.Is(err, engine.ErrUnavailable) {
			return pl, err
		}
		return warned(pl, diag.Diagnostic{Severity: diag.Warning, Text: fmt.Sprintf("what else there is cannot be seen: %v", err)}), nil
	}
	found := append(preflight.Check(in), located(t.outside().missing(ctx, pl), p)...)
	found.Sort()
	if found.HasErrors() {
		return pl, append(found, located(t.absentImages(ctx, pl), p)...)
	}
	return warned(preflight.Settle(in), found...), nil
}

// absentImages are those that no registry has. They are asked for only when the plan will not be carried out, to tell all that is wrong at once:
// a plan that is carried out begins with these very questions.
func (t Tool) absentImages(ctx context.Context, pl plan.Plan) diag.List {
	var mu sync.Mutex
	var out diag.List
	var all sync.WaitGroup
	for _, n := range pl.Nodes {
		check, is := n.Step.(plan.CheckImage)
		if !is {
			continue
		}
		all.Go(func() {
			if _, err := t.Engine.ResolveImage(ctx, check.Image.Ref); err != nil {
				mu.Lock()
				defer mu.Unlock()
				d := diag.Diagnostic{Severity: diag.Error, Text: fmt.Sprintf("image %s cannot be had: %v", check.Image.Ref, err)}
				if n.Resource.Service != "" {
					d.Path = "services." + n.Resource.Service + ".image"
				}
				out = append(out, d)
			}
		})
	}
	all.Wait()
	out.Sort()
	return out
}

// warned is the plan with more warnings.
func warned(p plan.Plan, more ...diag.Diagnostic) plan.Plan {
	p.Warnings = append(slices.Clone(p.Warnings), more...)
	return p
}

// lookAround fills in what there is beside the project.
func (t Tool) lookAround(ctx context.Context, in *preflight.Input) (err error) {
	if in.Surroundings, err = t.Engine.Survey(ctx); err != nil {
		return err
	}
	if in.Surroundings.Local {
		in.Host = thisHost()
	}
	return nil
}

// thisHost is what this machine knows of itself. What it does not let us see is in nobody's way.
func thisHost() preflight.Host {
	sockets, _ := host.Listening()
	routes, _ := host.Routes()
	return preflight.Host{Sockets: sockets, Routes: routes, Exists: exists, SameDir: sameDir, Owner: host.Owner, OnlyIPv6: host.OnlyIPv6}
}

// exists is also true of what we may not look at: the engine may.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// sameDir sees through symbolic links.
func sameDir(a, b string) bool {
	x, err := os.Stat(a)
	y, otherErr := os.Stat(b)
	return err == nil && otherErr == nil && os.SameFile(x, y)
}
