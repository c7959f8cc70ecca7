package load

import (
	"strings"

	"github.com/compose-spec/compose-go/v2/template"
)

// substitute is compose-go's, quiet, and quick for what holds no variable.
func substitute(text string, lookup template.Mapping) (string, error) {
	if !strings.Contains(text, "$") {
		return text, nil
	}
	return template.SubstituteWithOptions(text, lookup, template.WithPattern(template.DefaultPattern), template.WithoutLogging)
}

// interpolate is the text with the file's variables put in; where that fails, the text itself.
func (f *file) interpolate(text string) string {
	out, err := substitute(text, func(name string) (string, bool) {
		v, ok := f.env[name]
		return v, ok
	})
	if err != nil {
		return text
	}
	return out
}
