package convert_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/engine/container"
)

var update = flag.Bool("update", false, "rewrite what the testdata expects")

// TestConversion compares all that becomes of a file that uses every attribute.
func TestConversion(t *testing.T) {
	r := convertible(t)
	got, err := json.MarshalIndent(r.Project, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	got = bytes.ReplaceAll(got, []byte(here), []byte("/here"))
	const path = "testdata/want.json"
	if *update {
		if err := os.WriteFile(path, append(got, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Error(diff)
	}
}

// TestConversionIsWhole checks that no field of the specs is left empty by a file that uses every attribute.
func TestConversionIsWhole(t *testing.T) {
	empty := map[string]bool{}
	unused(reflect.ValueOf(convertible(t).Project), empty)
	for name, never := range empty {
		if never && !slices.Contains(strings.Fields(`Project.Underscore Project.Unused Spec.Name Spec.StdinOnce Spec.AutoRemove Spec.PreStart Spec.NetworkMode Service.Disabled File.Digest Attachment.Links Build.Memory Build.Builder Build.Push`), name) {
			t.Errorf("%s is never filled in", name)
		}
	}
}

// unused marks each field of a struct type that is the zero value wherever the type occurs.
func unused(v reflect.Value, never map[string]bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			unused(v.Elem(), never)
		}
	case reflect.Slice:
		for i := range v.Len() {
			unused(v.Index(i), never)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Name() + "." + v.Type().Field(i).Name
			if was, seen := never[name]; !seen || was {
				never[name] = v.Field(i).IsZero()
			}
			unused(v.Field(i), never)
		}
	}
}

func convertible(t *testing.T) load.Result {
	t.Helper()
	dir, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	r, err := load.Load(t.Context(), load.Options{
		Dir: dir, Files: []string{"compose.yaml"}, ProjectDirectory: "/demo", EnvFiles: []string{"project.env"}, ProjectName: "demo", Profiles: []string{"ops"}, Lenient: true,
		Environment: []string{"TOKEN=in the environment", "DIR=" + dir},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.Project.Files, r.Project.EnvFiles = []string{filepath.Base(r.Project.Files[0])}, []string{filepath.Base(r.Project.EnvFiles[0])}
	for i := range r.Project.Services {
		s := &r.Project.Services[i]
		s.ConfigHash = "hash"
		anywhere(s.Container, dir)
		for _, h := range s.PreStart {
			anywhere(h.Container, dir)
		}
	}
	return r
}

// anywhere makes a container independent of where the repository is.
func anywhere(c container.Spec, dir string) {
	for k, v := range c.Origin {
		c.Origin[k] = strings.ReplaceAll(v, dir, "$DIR")
	}
	for i := range c.Files {
		c.Files[i].HostPath = strings.ReplaceAll(c.Files[i].HostPath, dir, "$DIR")
	}
}
