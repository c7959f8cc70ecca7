package render

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) {
	time.Local = time.UTC // what users read is in their time zone
	flag.Parse()
	os.Exit(m.Run())
}

// golden compares with testdata/NAME. Escape codes are written as ␛ there, so that diffs can be read.
func golden(t *testing.T, name, got string) {
	t.Helper()
	got = strings.ReplaceAll(got, "\x1b", "␛")
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for n, l := range lineByLine(got, string(want)) {
		if l[0] != l[1] {
			t.Errorf("%s:%d differs (write it with -update)\n got %s\nwant %s", name, n+1, l[0], l[1])
			return
		}
	}
}

// lineByLine puts the lines of two texts side by side.
func lineByLine(a, b string) [][2]string {
	var out [][2]string
	la, lb := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(la), len(lb)) {
		pair := [2]string{"(end)", "(end)"}
		if i < len(la) {
			pair[0] = la[i]
		}
		if i < len(lb) {
			pair[1] = lb[i]
		}
		out = append(out, pair)
	}
	return out
}

// noEscapes fails if there is a control character other than the end of a line.
func noEscapes(t *testing.T, text string) {
	t.Helper()
	if i := strings.IndexFunc(text, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f }); i >= 0 {
		t.Errorf("control character at %d in %q", i, text)
	}
}
