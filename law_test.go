// The import law: which package of ours may import which, and who alone may import what is big.
package tutti_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tutti-run/tutti"

// law of one package. A name that ends in "/..." stands for the package and all below it.
type law struct {
	ours   []string // packages of this module
	others []string // packages of other modules
	tests  []string // what its tests may import beside that, of either
}

// leaves are at the bottom: plain values that many rooms share.
var leaves = []string{"engine/field", "image", "network", "volume", "engine/container"}

// rooms of compose, without those under compose/load, which are its own.
var rooms = []string{"compose/apply", "compose/bake", "compose/desired", "compose/diag", "compose/diagram", "compose/endpoint", "compose/graph", "compose/history", "compose/lint", "compose/load", "compose/lock", "compose/plan", "compose/preflight", "compose/timeline", "compose/transfer", "compose/watch", "compose/watch/notify"}

// dockerClient is the client and what its types come from.
var dockerClient = []string{"github.com/moby/moby/...", "github.com/containerd/errdefs/...", "github.com/docker/go-connections/...",
	"github.com/docker/go-units", "github.com/moby/patternmatcher/...", "github.com/distribution/reference", "github.com/opencontainers/...", "github.com/moby/docker-image-spec/...", "go.opentelemetry.io/..."}

// yaml is compose-go, what it logs and reads durations through, and the parser.
var yaml = []string{"github.com/compose-spec/compose-go/v2/...", "github.com/sirupsen/logrus", "github.com/xhit/go-str2duration/v2", "go.yaml.in/yaml/v4", "go.yaml.in/yaml/v3", "github.com/distribution/reference"}

// oci are the client of registries and its types.
var oci = []string{"oras.land/oras-go/v2/...", "github.com/opencontainers/image-spec/..."}

// terminal are the libraries that know columns, colours and keys, and words for times.
var terminal = []string{"charm.land/...", "github.com/charmbracelet/...", "github.com/mattn/go-runewidth", "golang.org/x/term", "github.com/muesli/...", "github.com/docker/go-units"}

// checks are what any test may use.
var checks = []string{"pgregory.net/rapid", "go.uber.org/goleak", "github.com/google/go-cmp/...", "github.com/rogpeppe/go-internal/...", "github.com/rogpeppe/go-internal/txtar", "github.com/creack/pty", "github.com/owenrumney/go-sarif/..."}

var laws = map[string]law{
	"engine/field":     {},
	"image":            {},
	"network":          {ours: []string{"engine/field"}},
	"volume":           {ours: []string{"engine/field"}},
	"engine/container": {ours: []string{"engine/field", "image", "network", "volume"}},
	"compose/graph":    {},
	"compose/diag":     {},
	"host":             {},
	"extension":        {},

	"engine":          {ours: leaves},
	"compose/desired": {ours: append([]string{"compose/diag"}, leaves...), tests: []string{"compose/load"}},
	"compose/plan": {ours: append([]string{"compose/desired", "compose/graph", "compose/diag", "engine"}, leaves...),
		tests: []string{"compose/load", "engine/enginetest"}},
	"compose/bake":      {ours: append([]string{"compose/desired", "compose/graph"}, leaves...), tests: []string{"compose/load"}},
	"compose/diagram":   {ours: append([]string{"compose/desired", "compose/graph"}, leaves...), tests: []string{"compose/load"}},
	"compose/preflight": {ours: append([]string{"compose/desired", "compose/diag", "compose/plan", "engine", "host"}, leaves...)},
	"compose/history":   {ours: []string{"compose/desired", "compose/load", "engine"}, tests: []string{"engine/enginetest"}},
	"compose/apply": {ours: append([]string{"compose/plan", "compose/graph", "engine"}, leaves...),
		tests: []string{"compose/desired", "compose/load", "compose/diag", "engine/enginetest"}},
	"compose/endpoint":               {ours: []string{"compose/desired", "compose/diag", "engine/container"}},
	"compose/timeline":               {ours: []string{"compose/apply", "compose/graph", "compose/plan"}},
	"compose/transfer":               {ours: []string{"engine"}, others: []string{"github.com/moby/go-archive/..."}},
	"compose/watch":                  {ours: []string{"compose/desired", "compose/diag", "engine/container", "image", "volume"}, others: []string{"github.com/moby/patternmatcher"}},
	"compose/watch/notify":           {others: []string{"github.com/fsnotify/fsnotify"}},
	"compose/lock":                   {ours: []string{"engine"}, tests: []string{"engine/enginetest"}},
	"compose/secret":                 {},
	"compose/load/publish":           {ours: []string{"compose/diag", "compose/load/remote", "compose/load/source", "compose/secret"}, others: yaml},
	"compose/lint":                   {ours: []string{"compose/diag", "compose/secret"}, tests: []string{"compose/load"}},
	"compose/load/facts":             {ours: []string{"compose/diag", "compose/lint", "compose/load/source"}, others: yaml},
	"compose/load":                   {ours: append([]string{"compose/load/...", "compose/desired", "compose/diag", "compose/lint"}, leaves...), others: append([]string{"github.com/mattn/go-shellwords"}, yaml...)},
	"compose/load/attributes":        {tests: append([]string{"compose/load", "github.com/moby/moby/api/..."}, yaml...)},
	"compose/load/source":            {ours: []string{"compose/diag", "compose/load/remote"}, others: yaml},
	"compose/load/remote":            {others: append([]string{"github.com/distribution/reference"}, oci...), tests: []string{"compose/load/remote/remotetest"}},
	"compose/load/remote/remotetest": {others: append([]string{"github.com/google/go-containerregistry/pkg/registry"}, oci...)},
	"compose/load/claim":             {others: yaml},
	"compose/load/form":              {ours: []string{"compose/diag", "compose/load/source"}, others: yaml},
	"compose/load/bind":              {others: yaml},
	"compose/load/canon":             {others: yaml},
	"compose/load/isolate":           {ours: []string{"compose/diag", "compose/load/merged"}, others: yaml},
	"compose/load/merged":            {others: yaml},
	"compose/load/check":             {ours: []string{"compose/diag", "compose/graph", "compose/load/form", "compose/load/merged", "compose/load/source"}, others: yaml},
	"compose/load/revert":            {ours: leaves, others: yaml, tests: []string{"compose/load", "compose/desired"}},
	"compose/load/convert": {ours: append([]string{"compose/desired", "compose/diag", "compose/load/canon", "compose/load/merged", "compose/load/source"}, leaves...), others: yaml,
		tests: []string{"compose/load"}},
	"compose/load/origin": {ours: []string{"compose/desired", "compose/diag", "compose/load/source"},
		tests: []string{"github.com/compose-spec/compose-go/v2/dotenv"}},
	"compose/load/legacy": {ours: []string{"compose/load/form", "compose/load/source"}, others: yaml},

	"compose": {ours: append([]string{"engine", "extension", "host"}, append(rooms, leaves...)...), others: []string{"github.com/moby/patternmatcher/ignorefile"},
		tests: []string{"engine/enginetest", "engine/docker"}},

	"engine/docker":   {ours: append([]string{"engine"}, leaves...), others: append([]string{"golang.org/x/sync/errgroup"}, dockerClient...), tests: []string{"engine/enginetest"}},
	"engine/buildkit": {ours: append([]string{"engine"}, leaves...), others: append([]string{"github.com/moby/buildkit/...", "github.com/tonistiigi/fsutil/...", "google.golang.org/grpc", "github.com/containerd/containerd/v2/..."}, dockerClient...)},
	"engine/enginetest/served": {ours: append([]string{"engine", "engine/enginetest"}, leaves...), others: []string{"github.com/moby/moby/api/..."},
		tests: []string{"engine/docker"}},
	"engine/enginetest/simulated": {ours: []string{"engine/enginetest", "engine/enginetest/served"}},
	"engine/enginetest":           {ours: append([]string{"engine"}, leaves...), others: []string{"pgregory.net/rapid"}},

	"cmd/internal/render": {ours: append([]string{"compose", "compose/apply", "compose/plan", "compose/graph", "compose/desired", "compose/diag", "compose/diagram", "compose/history", "compose/lint", "compose/timeline", "engine"}, leaves...),
		others: terminal, tests: []string{"engine/enginetest"}},
	"cmd/internal/table": {ours: append([]string{"compose", "engine"}, leaves...), others: append([]string{"github.com/distribution/reference"}, terminal...)},
	"cmd/internal/cli": {ours: append([]string{"compose", "engine", "cmd/internal/plugin", "cmd/internal/render", "cmd/internal/table"}, append(rooms, leaves...)...), others: []string{"github.com/spf13/...", "golang.org/x/term", "golang.org/x/sys/unix", "github.com/moby/term", "github.com/docker/go-units"},
		tests: []string{"engine/enginetest", "engine/docker", "compose/load/remote/remotetest"}},
	"cmd/internal/plugin": {},
	"cmd/tutti": {ours: []string{"cmd/internal/cli", "cmd/internal/plugin", "cmd/internal/render", "compose", "engine", "engine/docker", "engine/buildkit"},
		tests: []string{"engine/enginetest"}},

	"e2e/...":      {ours: []string{"e2e/..."}, others: []string{"github.com/google/go-containerregistry/pkg/registry"}, tests: []string{"github.com/rogpeppe/go-internal/...", "github.com/creack/pty", "golang.org/x/crypto/bcrypt"}},
	"examples/...": {},
	".":            {},
}

// pkg is what `go list -json` tells of a package.
type pkg struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func TestImportLaw(t *testing.T) {
	packages := list(t)
	if len(packages) < 10 {
		t.Fatalf("go list knows only %d packages", len(packages))
	}
	for _, p := range packages {
		for _, text := range breaches(p) {
			t.Error(text)
		}
	}
}

func list(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatal("go list: ", err)
	}
	var all []pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal("go list: ", err)
		}
		all = append(all, p)
	}
}

// breaches of the law by one package, a line each.
func breaches(p pkg) []string {
	name := local(p.ImportPath)
	l, ok := lawOf(name)
	if !ok {
		return []string{name + ": no law for this package; write one in law_test.go and in DESIGN's table"}
	}
	var out []string
	allowed := append(append([]string{name}, l.ours...), l.others...)
	for _, i := range p.Imports {
		if !standard(i) && !covered(local(i), allowed) {
			out = append(out, fmt.Sprintf("%s may not import %s", name, local(i)))
		}
	}
	allowed = append(append(allowed, l.tests...), checks...)
	for _, i := range append(p.TestImports, p.XTestImports...) {
		if !standard(i) && !covered(local(i), allowed) {
			out = append(out, fmt.Sprintf("tests of %s may not import %s", name, local(i)))
		}
	}
	return out
}

func lawOf(name string) (law, bool) {
	if l, ok := laws[name]; ok {
		return l, true
	}
	for pattern, l := range laws {
		if covered(name, []string{pattern}) {
			return l, true
		}
	}
	return law{}, false
}

// local is the path within the module, or the whole path of what is not ours.
func local(path string) string {
	if path == module {
		return "."
	}
	return strings.TrimPrefix(path, module+"/")
}

// standard library paths have no dot in their first element.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

func covered(path string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if stem, ok := strings.CutSuffix(p, "/..."); ok {
			return path == stem || strings.HasPrefix(path, stem+"/")
		}
		return path == p
	})
}

// TestLawBites: a law that nothing breaks might be one that nothing can break.
func TestLawBites(t *testing.T) {
	for _, p := range []pkg{
		{ImportPath: module + "/compose/plan", Imports: []string{"context", module + "/engine/docker"}},
		{ImportPath: module + "/engine", Imports: []string{"github.com/moby/moby/client"}},
		{ImportPath: module + "/engine/field", Imports: []string{module + "/network"}},
		{ImportPath: module + "/e2e", XTestImports: []string{module + "/compose"}},
		{ImportPath: module + "/cmd/internal/cli", Imports: []string{module + "/compose/load/source"}},
		{ImportPath: module + "/compose", Imports: []string{"github.com/compose-spec/compose-go/v2/types"}},
		{ImportPath: module + "/nowhere"},
	} {
		if len(breaches(p)) != 1 {
			t.Errorf("%s importing %v%v: breaches %q, want one", p.ImportPath, p.Imports, p.XTestImports, breaches(p))
		}
	}
	if b := breaches(pkg{ImportPath: module + "/engine/docker", Imports: []string{"net/http", "github.com/moby/moby/client", module + "/volume"}}); b != nil {
		t.Errorf("lawful imports are breaches: %q", b)
	}
}
