package load

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestGolden compares with what Docker Compose 2.40.3 printed for the same files, byte for byte. The files *.out were made by
//
//	env -i PATH=… HOME=/home/demo PWD=/demo docker-compose -f compose.yaml --project-directory /demo -p demo --profile dev \
//	    config | config --format json | config --no-interpolate | config --hash '*'
//
// Where a case reads other files they were copied to /demo.
func TestGolden(t *testing.T) {
	cases, err := filepath.Glob("testdata/golden/*/compose.yaml")
	if err != nil || len(cases) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, path := range cases {
		t.Run(filepath.Base(filepath.Dir(path)), func(t *testing.T) { golden(t, filepath.Dir(path)) })
	}
}

func golden(t *testing.T, dir string) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Dir: dir, Files: []string{"compose.yaml"}, ProjectDirectory: "/demo", ProjectName: "demo", Profiles: []string{"dev"}, Lenient: true,
		Environment: []string{"HOME=/home/demo", "PWD=/demo"},
	}
	alone := true
	if entries, _ := filepath.Glob(dir + "/*"); len(entries) > 5 { // it reads other files
		o.ProjectDirectory, alone = dir, false
	}
	same := func(name string, got []byte) {
		t.Helper()
		want, err := os.ReadFile(filepath.Join(dir, name+".out"))
		if err != nil {
			t.Fatal(err)
		}
		text := string(want)
		if !alone {
			text = strings.ReplaceAll(text, "/demo", dir)
			text = strings.ReplaceAll(text, "/home"+dir, "/home/demo")
		}
		if diff := cmp.Diff(text, string(got)); diff != "" {
			t.Errorf("%s: -docker compose +tutti\n%s", name, diff)
		}
	}
	r, err := Load(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	same("config.yaml", must(r.Model.YAML()))
	same("config.json", must(r.Model.JSON()))
	if alone {
		same("hash", hashes(t, r))
	}
	o.NoInterpolate = true
	r, err = Load(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	same("raw.yaml", must(r.Model.YAML()))
}

// hashes of the model; without env files they are also what the labels hold.
func hashes(t *testing.T, r Result) []byte {
	t.Helper()
	list, err := r.Model.Hashes(nil)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, h := range list {
		fmt.Fprintln(&b, h.Service, h.Hash)
		if s, _ := r.Project.Service(h.Service); s.ConfigHash != h.Hash {
			t.Errorf("service %s: label %s, printed %s", h.Service, s.ConfigHash, h.Hash)
		}
	}
	return []byte(b.String())
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
