package buildkit

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutti-run/tutti/engine"
)

// kept writes what buildx keeps: a file for each path.
func kept(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var instances = map[string]string{
	"instances/far":    `{"Name":"far","Driver":"remote","Nodes":[{"Name":"far0","Endpoint":"tcp://far:1234","DriverOpts":{"cacert":"/ca","servername":"far"}}]}`,
	"instances/boxed":  `{"Name":"boxed","Driver":"docker-container","Nodes":[{"Name":"boxed0","Endpoint":"default"}]}`,
	"instances/plain":  `{"Name":"plain","Driver":"docker","Nodes":[{"Name":"plain","Endpoint":"default"}]}`,
	"instances/cloud":  `{"Name":"cloud","Driver":"kubernetes","Nodes":[{"Name":"k","Endpoint":"k8s://"}]}`,
	"instances/none":   `{"Name":"none","Driver":"remote"}`,
	"instances/broken": `{`,
}

const host = "unix:///var/run/docker.sock"

func with(more map[string]string) map[string]string {
	out := map[string]string{}
	for _, all := range []map[string]string{instances, more} {
		for k, v := range all {
			out[k] = v
		}
	}
	return out
}

func TestBuilders(t *testing.T) {
	far := place{address: "tcp://far:1234", builder: "far", tls: &tlsFiles{serverName: "far", ca: "/ca"}}
	boxed := place{address: "docker-container://buildx_buildkit_boxed0", builder: "boxed", elsewhere: "default"}
	for name, c := range map[string]struct {
		files      map[string]string
		env, asked string
		want       place
	}{
		"the engine's own":              {nil, "", "", place{}},
		"asked for":                     {nil, "boxed", "far", far},
		"of the environment":            {nil, "boxed", "", boxed},
		"the engine's, by name":         {nil, "far", "default", place{}},
		"of the docker driver":          {nil, "", "plain", place{}},
		"an address":                    {nil, "", "unix:///b.sock", place{address: "unix:///b.sock", builder: "unix:///b.sock"}},
		"current":                       {map[string]string{"current": `{"Key":"` + host + `","Name":"far"}`}, "", "", far},
		"current of another engine":     {map[string]string{"current": `{"Key":"elsewhere","Name":"far"}`}, "", "", place{}},
		"current everywhere":            {map[string]string{"current": `{"Key":"elsewhere","Name":"far","Global":true}`}, "", "", far},
		"current, and gone":             {map[string]string{"current": `{"Key":"` + host + `","Name":"gone"}`}, "", "", place{}},
		"the engine's default":          {map[string]string{"defaults/13c4025c96f36e94b348": "boxed"}, "", "", boxed},
		"the environment is before use": {map[string]string{"current": `{"Key":"` + host + `","Name":"far"}`}, "default", "", place{}},
	} {
		b := Builders{Dir: kept(t, with(c.files)), Name: c.env, Context: host}
		got, err := b.find(c.asked)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(c.want, got, cmp.AllowUnexported(place{}, tlsFiles{})); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestBuildersRefuse(t *testing.T) {
	b := Builders{Dir: kept(t, instances), Context: host}
	for asked, want := range map[string]string{
		"gone": `no builder "gone" found`, "../instances/far": "no builder", "cloud": `its driver "kubernetes" is not supported`, "none": "has no node",
		"broken": "read ", "ssh://far": "only tcp://", "tcp://": "only tcp://",
	} {
		if _, err := b.find(asked); !errors.Is(err, engine.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", asked, err, want)
		}
	}
}

func TestBuildersOf(t *testing.T) {
	env := func(vars map[string]string) func(string) string {
		return func(name string) string { return vars[name] }
	}
	for _, c := range []struct {
		vars    map[string]string
		context string
		want    Builders
	}{
		{map[string]string{"HOME": "/h"}, "", Builders{Dir: "/h/.docker/buildx", Context: host}},
		{map[string]string{"HOME": "/h", "DOCKER_CONFIG": "/c", "BUILDX_BUILDER": "b"}, "default", Builders{Dir: "/c/buildx", Name: "b", Context: host}},
		{map[string]string{"DOCKER_CONFIG": "/c", "BUILDX_CONFIG": "/x"}, "far", Builders{Dir: "/x", Context: "far"}},
	} {
		if got := BuildersOf(env(c.vars), c.context, host); got != c.want {
			t.Errorf("%+v, want %+v", got, c.want)
		}
	}
}
