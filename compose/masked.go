package compose

import (
	"slices"
	"strings"

	"github.com/tutti-run/tutti/compose/history"
	"github.com/tutti-run/tutti/engine/field"
)

// Find a revision by its number; a diag.Diagnostic if there is none.
func (p Past) Find(project string, number int) (history.Revision, error) {
	if p.Interrupted != nil && p.Interrupted.Intended.Number == number {
		return p.Interrupted.Intended, nil
	}
	return p.target(project, number)
}

// MaskedFile is the file of a revision, with what looks secret masked.
func (p Past) MaskedFile(number int) ([]byte, error) {
	file, err := p.File(number)
	if p.Interrupted != nil && p.Interrupted.Intended.Number == number {
		file, err = p.Interrupted.Before.File(number)
	}
	if err != nil {
		return nil, err
	}
	return file.Masked(maskedValue)
}

// maskedValue of a file: all of a secret's content, what stands under a name that sounds secret, what follows a flag that does, and
// passwords within.
func maskedValue(path []string, before, value string) string {
	named := slices.Contains([]string{"environment", "labels", "annotations", "args", "driver_opts", "options"}, path[max(0, len(path)-2)])
	flag := strings.HasPrefix(before, "-") && !strings.Contains(before, "=") && field.Secret("flag."+strings.ReplaceAll(before, "-", "_"))
	switch last := path[len(path)-1]; {
	case value == "":
		return value
	case flag, path[0] == "secrets" && last == "content", named && field.Secret("value."+last):
		return field.Hidden
	}
	return field.Change{Path: "value", New: value}.Mask().New
}
