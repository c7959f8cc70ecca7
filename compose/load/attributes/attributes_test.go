package attributes_test

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/schema"
	"github.com/compose-spec/compose-go/v2/tree"
	"github.com/compose-spec/compose-go/v2/types"
	apicontainer "github.com/moby/moby/api/types/container"
	apinetwork "github.com/moby/moby/api/types/network"
	apivolume "github.com/moby/moby/api/types/volume"

	"github.com/tutti-run/tutti/compose/load/attributes"
)

var update = flag.Bool("update", false, "rewrite docs/attributes.md")

const root = "../../../"

// TestAllAttributes compares the table with what compose-go can read: with its types, and with the schema that it checks files by.
func TestAllAttributes(t *testing.T) {
	known := append(ofSchema(), ofTypes("", reflect.TypeFor[types.Project]())...)
	slices.Sort(known)
	for _, path := range slices.Compact(known) {
		leaf := !slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, path+".") })
		if _, ok := attributes.Of(path); leaf && !ok && !isUnwritable(path) {
			t.Errorf("%s has no row: say what becomes of it", path)
		}
	}
	seen := map[string]bool{}
	for _, r := range attributes.All() {
		if !slices.Contains(known, r.Path) {
			t.Errorf("%s has a row, but compose-go does not know it", r.Path)
		}
		if isUnwritable(r.Path) {
			t.Errorf("%s has a row, but no file can have it", r.Path)
		}
		if seen[r.Path] {
			t.Errorf("%s has two rows", r.Path)
		}
		seen[r.Path] = true
	}
}

// unwritable are fields of compose-go that no file can fill in: the schema refuses the key, or it is how another one is kept.
var unwritable = set(`
	services.name services.dockerfile services.log_driver services.log_opt services.net services.volume_driver
	services.ulimits.single services.build.ulimits.single services.build.ssh.id services.build.ssh.path
	services.deploy.resources.limits.devices services.deploy.resources.limits.generic_resources services.deploy.resources.reservations.pids
	secrets.content configs.driver configs.driver_opts`)

func isUnwritable(path string) bool {
	for p := range unwritable {
		if path == p || strings.HasPrefix(path, p+".") {
			return true
		}
	}
	return false
}

func set(words string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(words) {
		out[w] = true
	}
	return out
}

func TestUnwritableIs(t *testing.T) {
	written := ofSchema()
	for path := range unwritable {
		if slices.Contains(written, path) {
			t.Errorf("%s is in the schema: a file can have it", path)
		}
	}
}

// ofSchema are the paths of all that the specification has, without names and items. What jobs and init containers have of a service is
// told there.
func ofSchema() []string {
	own := set("profiles triggers per_replica")
	var out []string
	for _, p := range schema.AttributePaths() {
		parts := slices.DeleteFunc(strings.Split(string(p), "."), func(s string) bool { return s == tree.PathMatchAll || s == tree.PathMatchList })
		path := strings.Join(parts, ".")
		for _, as := range []string{"jobs.", "services.pre_start."} {
			if rest, ok := strings.CutPrefix(path, as); ok && !own[strings.Split(rest, ".")[0]] {
				path = ""
			}
		}
		if path != "" {
			out = append(out, path)
		}
	}
	return out
}

// ofTypes are the paths of all that compose-go's types have.
func ofTypes(at string, t reflect.Type) []string {
	for slices.Contains([]reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Map}, t.Kind()) {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	var out []string
	for i := range t.NumField() {
		f := t.Field(i)
		name := keyOf(f)
		if !f.IsExported() {
			continue
		}
		switch path := strings.TrimPrefix(at+"."+name, "."); {
		case f.Anonymous && (at == "jobs" || at == "services.pre_start"): // as services have it
		case f.Anonymous:
			out = append(out, ofTypes(at, f.Type)...)
		case name != "-" && name != "#extensions" && f.Type != reflect.TypeFor[types.Extensions]():
			out = append(append(out, path), ofTypes(path, f.Type)...)
		}
	}
	return out
}

func keyOf(f reflect.StructField) string {
	for _, tag := range []string{"yaml", "json"} {
		if name, _, _ := strings.Cut(f.Tag.Get(tag), ","); name != "" {
			return name
		}
	}
	return strings.ToLower(f.Name)
}

// TestFieldsOfTheEngine: what an attribute is said to reach is a field of the Engine API.
func TestFieldsOfTheEngine(t *testing.T) {
	rooms := map[string]reflect.Type{
		"NetworkCreate": reflect.TypeFor[apinetwork.CreateRequest](), "VolumeCreate": reflect.TypeFor[apivolume.CreateRequest](),
		"ExecCreate": reflect.TypeFor[apicontainer.ExecCreateRequest](), "Config": reflect.TypeFor[apicontainer.Config](),
		"HostConfig": reflect.TypeFor[apicontainer.HostConfig](), "NetworkingConfig": reflect.TypeFor[apinetwork.NetworkingConfig](),
	}
	for _, r := range attributes.All() {
		reaches, _ := r.Fate.(attributes.Reaches)
		for _, path := range strings.FieldsFunc(string(reaches), func(r rune) bool { return r == ',' || r == ' ' }) {
			room, rest, ok := strings.Cut(path, ".")
			if strings.Contains(path, "?") {
				continue
			}
			if in := rooms[room]; in == nil || ok && !hasField(in, rest) {
				t.Errorf("%s: the Engine API has no %s", r.Path, path)
			}
		}
	}
}

func hasField(t reflect.Type, path string) bool {
	for slices.Contains([]reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Map}, t.Kind()) {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return false
	}
	first, rest, more := strings.Cut(path, ".")
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && hasField(f.Type, path) {
			return true
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == first || name == "" && f.Name == first {
			return !more || hasField(f.Type, rest)
		}
	}
	return false
}

// awaited are rows whose tests are still to be written.
var awaited = regexp.MustCompile(`^networks\.ipam\.options$`)

// TestTests: what a row is tested by is there, and speaks of the attribute. What is only read needs none.
func TestTests(t *testing.T) {
	for _, r := range attributes.All() {
		if _, read := r.Fate.(attributes.Read); r.Tests == "" && !read && !awaited.MatchString(r.Path) {
			t.Errorf("%s: nothing tests it", r.Path)
		}
		for _, name := range r.Files() {
			path, test, inGo := strings.Cut(name, ":")
			text, err := os.ReadFile(filepath.Join(root, path))
			if err != nil {
				t.Errorf("%s: %v", r.Path, err)
				continue
			}
			key := r.Path[strings.LastIndexByte(r.Path, '.')+1:]
			if inGo && !strings.Contains(string(text), "\nfunc "+test+"(") {
				t.Errorf("%s: %s has no %s", r.Path, path, test)
			}
			speaks := regexp.MustCompile(`\b` + regexp.QuoteMeta(key) + `\b`)
			if inGo {
				speaks = regexp.MustCompile(`(?i)` + strings.ReplaceAll(regexp.QuoteMeta(key), "_", "_?"))
			}
			if !speaks.Match(text) {
				t.Errorf("%s: %s does not speak of %s", r.Path, path, key)
			}
		}
	}
}

// TestDocs: docs/attributes.md is the table.
func TestDocs(t *testing.T) {
	const path = root + "docs/attributes.md"
	want := attributes.Markdown()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(path); err != nil || string(have) != want {
		t.Errorf("docs/attributes.md is not as the table says (%v): go generate ./compose/load/attributes", err)
	}
}
