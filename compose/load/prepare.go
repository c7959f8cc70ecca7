package load

import (
	"github.com/tutti-run/tutti/compose/load/form"
	"github.com/tutti-run/tutti/compose/load/source"
)

// prepare checks the files one by one and makes them ready for compose-go.
func (s *session) prepare() {
	for _, f := range s.Main {
		s.modernise(f)
		s.dropVersion(f)
	}
	s.Follow(s.Notes)
	s.form = form.Check(s.Files, form.Options{Raw: s.o.NoInterpolate, Strict: s.o.Strict}, s.Notes)
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

func (s *session) dropVersion(f *source.File) {
	for _, d := range f.Docs {
		if k, _ := source.Entry(d, "version"); k != nil {
			s.Warn(f.Spot(k), "the attribute `version` is obsolete and ignored").Hint = "remove it"
			f.Drop(d, k)
		}
	}
}
