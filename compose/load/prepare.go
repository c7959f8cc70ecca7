package load

import (
	"context"

	"github.com/tutti-run/tutti/compose/load/form"
	"github.com/tutti-run/tutti/compose/load/legacy"
)

// prepare checks the files one by one and makes them ready for compose-go.
func (s *session) prepare(ctx context.Context) {
	for _, f := range s.Main {
		legacy.Modernise(f, s.Notes)
	}
	s.Follow(ctx, s.Notes)
	s.form = form.Check(s.Files, form.Options{Raw: s.o.NoInterpolate, Strict: s.o.Strict, Lenient: s.o.Lenient}, s.Notes)
	s.CheckExtends(s.Notes)
}

// blocked tells whether nothing more can be found out: a mistake that could not be taken out of the tree.
func (s *session) blocked() bool {
	if s.Fatal {
		return true
	}
	for _, f := range s.Others {
		if f.Edited {
			return true // compose-go reads it from disk as it is
		}
	}
	return false
}
