package load

import (
	"context"

	"github.com/tutti-run/tutti/compose/lint"
	"github.com/tutti-run/tutti/compose/load/facts"
)

// Lint reads the project as Load does, and gives what rules look at, however far that came. The user's mistakes are in it; an
// error is one that leaves no files to look at.
func Lint(ctx context.Context, o Options) (lint.Input, error) {
	defer silence()()
	s, err := open(ctx, o)
	if err == nil {
		err = s.load(ctx)
	}
	if len(s.Main) == 0 && err != nil {
		return lint.Input{}, err
	}
	if err != nil {
		if _, err = s.failed(err); !s.Diags.HasErrors() {
			return lint.Input{}, err
		}
	}
	return s.facts()
}

// facts of what was read, even if it is too wrong to be merged.
func (s *session) facts() (out lint.Input, err error) {
	defer recovered(&err)
	in := facts.Input{Files: s.Files, Project: s.project}
	out.Loaded = in.Told(s.Diags)
	settings, wrong := in.Settings()
	out.Settings, out.Loaded = settings, append(out.Loaded, wrong...)
	out.Project = in.Facts()
	return out, nil
}
