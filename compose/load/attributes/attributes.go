// Package attributes is the table of what becomes of each attribute that a Compose file can have.
package attributes

import (
	"cmp"
	"slices"
	"strings"
)

// Row tells what becomes of one attribute, or of all whose paths begin with its own.
type Row struct {
	Path  string // "services.deploy.resources.limits.memory"; neither names nor numbers of items are in it
	Fate  Fate
	Since string // first version of the Engine API that takes it, if older ones are to be met
	Tests string // what shows it, by path from the root of the repository, in short: see Files; several have spaces between
}

// Fate is what becomes of an attribute. The set is closed.
type Fate interface{ fate() }

type (
	// Reaches the engine as those fields of its API, by their names in JSON: "HostConfig.Memory" of a container, "NetworkCreate.Internal",
	// "VolumeCreate.Driver", or a parameter in a query, "build?nocache".
	Reaches string
	// Makes something that is more than a field.
	Makes string
	// Decides what is planned.
	Decides string
	// Read while the files are loaded; what it says is in other attributes then, or for readers.
	Read string
	// Cannot be had, and why. The user is told where it stands.
	Cannot string
)

func (Reaches) fate() {}
func (Makes) fate()   {}
func (Decides) fate() {}
func (Read) fate()    {}
func (Cannot) fate()  {}

// sections in the order of the Compose specification's reference; the top level itself comes last.
var sections = []string{"services", "networks", "volumes", "configs", "secrets", "models", ""}

// All rows, section by section, by path.
func All() []Row {
	all := slices.Concat(top, services, deploy, build, networks, volumes, contents, models)
	slices.SortFunc(all, func(a, b Row) int {
		return cmp.Or(cmp.Compare(slices.Index(sections, a.section()), slices.Index(sections, b.section())), strings.Compare(a.Path, b.Path))
	})
	return all
}

// section that the attribute is in, "" for those of the top level.
func (r Row) section() string {
	return parent(r.Path[:len(r.Path)-len(r.key())])
}

// key within the section: "deploy.mode".
func (r Row) key() string {
	if _, key, ok := strings.Cut(r.Path, "."); ok {
		return key
	}
	return r.Path
}

// Of gives the row of an attribute: its own, or the nearest above it.
func Of(path string) (Row, bool) {
	all := All()
	for at := path; at != ""; at = parent(at) {
		if i := slices.IndexFunc(all, func(r Row) bool { return r.Path == at }); i >= 0 {
			return all[i], true
		}
	}
	return Row{}, false
}

func parent(path string) string {
	i := strings.LastIndexByte(path, '.')
	return path[:max(i, 0)]
}

// Files are the paths that a row's Tests stand for; one that names a test in Go is "dir/file_test.go:TestName".
func (r Row) Files() []string {
	var out []string
	for _, t := range strings.Fields(r.Tests) {
		kind, name, _ := strings.Cut(t, "/")
		if dir, ok := rooms[kind]; ok {
			t = dir + "/" + name + ".txtar"
		}
		out = append(out, t)
	}
	return out
}

// rooms of tests that are files.
var rooms = map[string]string{
	"attributes":  "e2e/testdata/attributes",
	"script":      "e2e/testdata/script",
	"plan":        "compose/testdata/plan",
	"cli":         "cmd/internal/cli/testdata/script",
	"diagnostics": "compose/load/testdata/diagnostics",
	"origins":     "compose/load/testdata/origins",
}
