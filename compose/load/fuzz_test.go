package load

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
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

// FuzzPorts: what our check of a port lets through, compose-go takes.
func FuzzPorts(f *testing.F) {
	for _, s := range strings.Fields("80 80:80 127.0.0.1:80:80/udp [::1]:1:2 1-2:3-4 99999:1 ::: 0 80/tpc :80 1-:2 a:b:c") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		msg := shortPort(text)
		_, err := types.ParsePortConfig(text)
		if msg == "" && err != nil {
			t.Errorf("%q passed, but: %v", text, err)
		}
		_, _, _ = portRange(text)
	})
}
