package origin

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
)

// TestScanDotenv: the lines are those where each statement begins, and the names those that compose-go finds.
func TestScanDotenv(t *testing.T) {
	for text, want := range map[string]string{
		"A=1\nB=2\n":                       "A:1 B:2",
		"# A=1\n\n  B = 2":                 "B:3",
		"A=\"x\nB=y\n\"\nC=3":              "A:1 C:4",
		"A='it\\'s'\nB=\"\\\"\nC=\"\nD=4":  "A:1 B:2 D:4",
		"A=\nB=2":                          "A:1 B:2",
		"export A=1\r\nexport B='2'\r\n":   "A:1 B:2",
		"A: 1\nB-1.x[0]=2":                 "A:1 B-1.x[0]:2",
		"A=\"1\" B=2\nC=3":                 "A:1 B:1 C:2",
		"A=1 # C=3\n#\nB=\"2\" # D=4\nE=5": "A:1 B:3 E:4",
		"A=1\nA=2":                         "A:1 A:2",
		"":                                 "",
	} {
		var got []string
		names := map[string]bool{}
		for _, a := range scanDotenv(text) {
			got = append(got, fmt.Sprintf("%s:%d", a.name, a.line))
			names[a.name] = true
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%q: %s, want %s", text, s, want)
		}
		theirs, err := dotenv.Parse(strings.NewReader(text))
		if a, b := slices.Sorted(maps.Keys(theirs)), slices.Sorted(maps.Keys(names)); err != nil || !slices.Equal(a, b) {
			t.Errorf("%q: compose-go finds %v, %v; not %v", text, a, err, b)
		}
	}
}

// FuzzScan: whatever a file holds, it is read to its end.
func FuzzScan(f *testing.F) {
	f.Add("A=1\nB='\n\\")
	f.Fuzz(func(_ *testing.T, text string) {
		scanDotenv(text)
		scanRaw(text)
	})
}
