package load

import (
	"fmt"
	"slices"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/merged"
)

// enable turns on the profiles of services that the user named.
func (s *session) enable() error {
	p := s.project
	profiles := slices.Clone(p.Profiles)
	for _, name := range s.o.Services {
		if len(merged.Matching(p, name)) > 0 {
			continue
		}
		off, ok := p.DisabledServices[name]
		if !ok {
			return s.noService(name)
		}
		profiles = append(profiles, off.Profiles...)
	}
	if len(profiles) > len(p.Profiles) {
		all := p.AllServices()
		p.Services, p.DisabledServices, p.Profiles = types.Services{}, types.Services{}, profiles
		for name, c := range all {
			if c.HasProfile(profiles) {
				p.Services[name] = c
			} else {
				p.DisabledServices[name] = c
			}
		}
	}
	return nil
}

func (s *session) noService(name string) error {
	return diag.List{{Severity: diag.Error, Text: fmt.Sprintf("no such service: %s", name), Hint: diag.DidYouMean(name, merged.Services(s.project))}}
}
