package compose

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/tutti-run/tutti/compose/transfer"
	"github.com/tutti-run/tutti/engine/container"
)

// Place of a copy: a path in the containers of a service, or with Service "" on this machine, where "-" is a stream.
type Place struct{ Service, Path string }

// ParsePlace reads "SERVICE:PATH" or a path. What begins like a path is one, whatever colons it has.
func ParsePlace(text string) Place {
	service, path, ok := strings.Cut(text, ":")
	if !ok || strings.HasPrefix(text, ".") || filepath.IsAbs(text) || service == "" {
		return Place{Path: text}
	}
	return Place{service, path}
}

// CopyOptions of Copy.
type CopyOptions struct {
	From, To Place
	Index    int  // of the replica; 0: the first to copy from, all to copy to
	OneOffs  bool // also into containers that `run` made
	transfer.Options
	Stdin  io.Reader
	Stdout io.Writer
	Tell   func(container.Live, bool) // before and after each container's copy, one at a time; may be nil
}

// Copy files between this machine and containers, whether those run or not.
func (t Tool) Copy(ctx context.Context, p Project, o CopyOptions) error {
	service := cmp.Or(o.From.Service, o.To.Service)
	switch {
	case o.From.Service != "" && o.To.Service != "":
		return errors.New("copying between services is not supported")
	case service == "":
		return errors.New("unknown copy direction: one side must be SERVICE:PATH")
	}
	all, err := t.toCopy(ctx, p, service, o)
	if err != nil {
		return err
	}
	var mu sync.Mutex
	tell := func(l container.Live, done bool) {
		mu.Lock()
		defer mu.Unlock()
		if o.Tell != nil {
			o.Tell(l, done)
		}
	}
	errs := make([]error, len(all))
	var copies sync.WaitGroup
	for i, l := range all {
		copies.Go(func() {
			tell(l, false)
			if errs[i] = t.copy(ctx, l, o); errs[i] == nil {
				tell(l, true)
			}
		})
	}
	copies.Wait()
	return errors.Join(errs...)
}

func (t Tool) copy(ctx context.Context, l container.Live, o CopyOptions) error {
	if o.From.Service != "" {
		return transfer.Out(ctx, t.Engine, l.ID, o.From.Path, o.To.Path, o.Stdout, o.Options)
	}
	return transfer.In(ctx, t.Engine, l.ID, o.From.Path, o.To.Path, o.Stdin, o.Options)
}

// toCopy are the containers to copy from or to. A stream can be read but once.
func (t Tool) toCopy(ctx context.Context, p Project, service string, o CopyOptions) ([]container.Live, error) {
	all, err := t.Engine.ListContainers(ctx, p.Name)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(l container.Live) bool {
		return l.Service() != service || l.Hook() || l.OneOff() && !o.OneOffs || o.Index > 0 && l.Number() != o.Index
	})
	slices.SortStableFunc(all, byName)
	switch {
	case len(all) == 0 && o.Index > 0:
		return nil, fmt.Errorf("service %q has no container #%d", service, o.Index)
	case len(all) == 0:
		return nil, fmt.Errorf("no container found for service %q", service)
	case o.From.Service != "" || o.From.Path == "-":
		return all[:1], nil
	}
	return all, nil
}
