package load

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// FuzzLoad: whatever a file holds, a load ends, and in a result or an error.
func FuzzLoad(f *testing.F) {
	cases, _ := filepath.Glob("testdata/diagnostics/*.txtar")
	for _, path := range cases {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(a.Files[0].Data))
	}
	f.Add("services: {a: {image: x, ports: [1-2:3-4]}}\n---\nservices: !reset {}")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		o := Options{Dir: dir, Files: []string{"-"}, ProjectName: "demo", Environment: []string{"A=b"}, Stdin: strings.NewReader(text)}
		r, err := Load(t.Context(), o)
		if err == nil && r.Diags.HasErrors() {
			t.Error("errors, but loaded")
		}
		if err == nil {
			if _, err := r.Model.YAML(); err != nil {
				t.Error(err)
			}
		}
	})
}
