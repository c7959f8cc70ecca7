package load

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/compose/desired"
)

// TestOrigins loads each archive and compares where its services' variables come from. The comment is that of TestDiagnostics.
func TestOrigins(t *testing.T) {
	checkArchives(t, "origins", func(t *testing.T, r Result, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return told(t, r.Project)
	})
}

// told is a line for each variable with what the container gets, and under it a line for each source.
func told(t *testing.T, p desired.Project) string {
	var b strings.Builder
	for _, s := range p.Services {
		all := p.Variables(s.Name)
		if len(all) != len(s.Container.Environment) {
			t.Errorf("%s: %d variables, not %d", s.Name, len(all), len(s.Container.Environment))
		}
		for _, v := range all {
			final := "unset"
			if text := s.Container.Environment[v.Name]; text != nil {
				final = fmt.Sprintf("%q", *text)
			}
			fmt.Fprintf(&b, "%s %s %s\n", s.Name, v.Name, final)
			for _, src := range v.Sources {
				fmt.Fprintf(&b, "  %s\n", toldSource(src))
			}
		}
	}
	return b.String()
}

func toldSource(s desired.Source) string {
	text := fmt.Sprintf("%s %s %q", s.Kind, s.Place, s.Value)
	if s.PassThrough {
		text += " passes through"
	}
	if s.Unset {
		text += " unset"
	}
	for _, f := range s.From {
		text += strings.TrimSuffix(fmt.Sprintf(", %s of %s %s", f.Name, f.Kind, f.Place), " ")
	}
	return text
}
