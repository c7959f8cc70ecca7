package source

import "testing"

// FuzzUses: whatever a text holds, listing its variables ends.
func FuzzUses(f *testing.F) {
	for _, s := range []string{"$A ${B:-c} ${D?e} $$ ${", "${A:-${B:+${C}}}", "$", "${}"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, text string) { _ = uses(text, func(string) (string, bool) { return "", false }) })
}
