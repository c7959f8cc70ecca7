package load

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/claim"
	"github.com/tutti-run/tutti/compose/load/remote"
	"github.com/tutti-run/tutti/compose/load/source"
)

// Claim is something that a file from elsewhere asks of this machine, and that nobody has accepted yet.
type Claim struct {
	Place diag.Place
	Text  string

	of *remote.Tree
}

// Claims that nobody has accepted yet of the files that are from elsewhere: host paths, privileges, programs and variables of
// the environment that they ask for.
func (r Result) Claims(ctx context.Context) ([]Claim, error) {
	if r.session == nil {
		return nil, nil
	}
	return r.session.claims(ctx)
}

// Accept claims, so that they are claims no more: until the same reference brings other files.
func (r Result) Accept(all []Claim) error {
	var errs []error
	for _, c := range all {
		errs = append(errs, r.session.Remote.Accept(c.of, c.Text))
	}
	return errors.Join(errs...)
}

func (s *session) claims(ctx context.Context) (out []Claim, err error) {
	defer silence()()
	defer recovered(&err)
	fetched := s.Fetched()
	if len(fetched) == 0 {
		return nil, nil
	}
	parts := s.Parts(sorted(s.project.Services))
	for _, f := range fetched {
		all, err := s.claimsOf(ctx, f, parts[f])
		if err != nil {
			return nil, err
		}
		for _, c := range all {
			again := slices.ContainsFunc(out, func(o Claim) bool { return o.Text == c.Text && o.of == c.of })
			if !again && !s.Remote.Accepted(c.of, c.Text) {
				out = append(out, c)
			}
		}
	}
	return out, nil
}

// claimsOf a file by itself, document by document: what other files make of it does not hide what it asks for.
func (s *session) claimsOf(ctx context.Context, f *source.File, services []string) ([]Claim, error) {
	details, err := f.Alone()
	if err != nil {
		return nil, err
	}
	tree := s.TreeOf(f)
	var out []Claim
	for _, document := range details.ConfigFiles {
		details.ConfigFiles = []types.ConfigFile{document}
		p, err := s.byItself(ctx, details)
		if err != nil {
			return nil, s.explain(err)
		}
		for _, c := range claim.Of(p, services, tree.Holds) {
			if c.Variable == "" || s.users(c.Variable) {
				out = append(out, Claim{f.PlaceIn(c.Path), c.Text, tree})
			}
		}
	}
	takes := f.Takes()
	for _, name := range sorted(takes) {
		if s.users(name) {
			out = append(out, Claim{takes[name], claim.Takes(name), tree})
		}
	}
	slices.SortStableFunc(out, func(a, b Claim) int {
		return cmp.Or(cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Column, b.Place.Column))
	})
	return out, nil
}

// byItself is what a file says without what it includes and extends. Names of variables stay names.
func (s *session) byItself(ctx context.Context, details types.ConfigDetails) (*types.Project, error) {
	env := details.Environment
	details.Environment = types.Mapping{}
	set := func(lo *loader.Options) {
		s.loaderOptions(lo)
		lo.Interpolate.LookupValue = env.Resolve
		lo.Profiles, lo.ResolvePaths = []string{"*"}, true
		lo.SkipInclude, lo.SkipExtends, lo.SkipNormalization = true, true, true
	}
	return loader.LoadWithContext(ctx, details, set)
}

// users tells whether a variable is the user's: not one that is always there, or that the file brings itself.
func (s *session) users(name string) bool {
	_, ok := s.env[name]
	return ok && name != "PWD" && !strings.HasPrefix(name, "COMPOSE_")
}
