package buildkit

import (
	"testing"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/image"
)

func TestCheckOf(t *testing.T) {
	const source = `"sources": [{"filename": "Dockerfile", "data": "RlJPTSBhIGFzIGIK"}]`
	const warning = `{"ruleName": "FromAsCasing", "url": "https://example.test/rule", "detail": "casing", "location": {"ranges": [{"start": {"line": 1}, "end": {"line": 1}}]}}`
	const lines = "--------------------\n   1 | >>> FROM a as b\n   2 |     \n--------------------\n"
	for name, c := range map[string]struct {
		result string
		want   engine.BuildCheck
	}{
		"clean": {`{}`, engine.BuildCheck{Text: "Check complete, no warnings found.\n", Clean: true}},
		"a warning": {`{"warnings": [` + warning + `], ` + source + `}`, engine.BuildCheck{
			Text: "Check complete, 1 warning has been found!\n\nWARNING: FromAsCasing - https://example.test/rule\ncasing\n/src/Dockerfile:1\n" + lines}},
		"an error": {`{"buildError": {"message": "no such stage", "location": {"ranges": [{"start": {"line": 1}, "end": {"line": 1}}]}}, ` + source + `}`, engine.BuildCheck{
			Text: "error: no such stage\n/src/Dockerfile:1\n" + lines}},
	} {
		got, err := checkOf(map[string][]byte{"result.json": []byte(c.result)}, "/src/Dockerfile")
		if err != nil || got != c.want {
			t.Errorf("%s: %v\n%s", name, err, got.Text)
		}
	}
	if _, err := checkOf(map[string][]byte{"result.json": []byte("{")}, ""); err == nil {
		t.Error("what cannot be read is clean")
	}
}

// TestCheckWithoutServices: what other services' builds make is not waited for.
func TestCheckWithoutServices(t *testing.T) {
	of := image.Build{Context: directoryWith(t), Contexts: map[string]string{"base": "docker-image://shop-base", "more": "docker-image://m"}, Services: map[string]string{"base": "base"}}
	s, err := solveOf("", alone(of))
	if err != nil {
		t.Fatal(err)
	}
	withoutServices(&s, of)
	if a := s.FrontendAttrs; a["context:base"] != "local:base" || a["context:more"] != "docker-image://m" || s.LocalMounts["base"] == nil || a["frontend.caps"] != contextsCapability {
		t.Errorf("%v", a)
	}
	if of.Contexts["base"] == "" {
		t.Error("the build itself is another now")
	}
}

func TestDockerfileName(t *testing.T) {
	for _, c := range []struct {
		of   image.Build
		want string
	}{{image.Build{Context: "/s"}, "/s/Dockerfile"}, {image.Build{Context: "/s", DockerfileInline: "FROM a"}, "inline"}, {image.Build{Context: "https://example.test/r.git"}, ""}} {
		if got := dockerfileName(c.of); got != c.want {
			t.Errorf("%+v: %q", c.of, got)
		}
	}
}
