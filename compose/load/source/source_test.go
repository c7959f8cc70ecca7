package source

import (
	"strings"
	"testing"
)

// read are two files of one project: base.yaml, and over it top.yaml.
func read(t *testing.T, base, top string) *Files {
	t.Helper()
	s := &Files{Cwd: "/srv"}
	for _, f := range [][2]string{{"/srv/base.yaml", base}, {"/srv/top.yaml", top}} {
		if bad := s.Add(f[0], []byte(f[1]), "/srv", map[string]string{"DB": "db"}); len(bad) > 0 {
			t.Fatal(bad)
		}
	}
	return s
}

// TestNearest: the last file that has a path wins, extends and merge keys are followed, and of a path that no file has the
// longest part counts.
func TestNearest(t *testing.T) {
	s := read(t, `x-all: &all {restart: always}
services:
  base: {image: old, user: me}
  web:
    <<: *all
    depends_on: [$DB, cache]
    ports: ["80:80"]
  job: {extends: base}
`, `services:
  web: {image: new}
`)
	for path, want := range map[string]string{
		"services.web.image":            "top.yaml:2:16",
		"services.web.restart":          "base.yaml:1:23",
		"services.job.user":             "base.yaml:3:28",
		"services.web.ports.0":          "base.yaml:7:13",
		"services.web.build.context":    "top.yaml:2:3",
		"services.web.depends_on.db":    "base.yaml:6:5",
		"services.none":                 "top.yaml:1:1",
		"services.web.depends_on.cache": "base.yaml:6:23",
		"volumes.data":                  "",
	} {
		if got := s.Nearest(strings.Split(path, ".")...).Place().String(); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if got := s.Item([]string{"services", "web", "depends_on"}, "db").Place().String(); got != "base.yaml:6:18" {
		t.Errorf("an item that is a variable: %s", got)
	}
	if !s.Declares("services", "job", "user") || s.Declares("services", "web", "build") {
		t.Error("declared is what a file says")
	}
}

// TestPairs: own keys hide merged ones, the first merged mapping hides the later ones.
func TestPairs(t *testing.T) {
	s := read(t, `a: &a {one: a, two: a}
b: &b {<<: *a, one: b, three: b}
c: {<<: [*a, *b], two: c}
`, "{}")
	var got []string
	for _, p := range Pairs(Child(s.Main[0].Docs[0], "c")) {
		got = append(got, p.Key.Value+"="+p.Value.Value)
	}
	if text := strings.Join(got, " "); text != "two=c one=a three=b" {
		t.Error(text)
	}
}

func TestShown(t *testing.T) {
	for path, want := range map[string]string{"/srv/a/b": "a/b", "/srv": ".", "/c": "../c", "/x/y": "../x/y", Stdin: "stdin"} {
		if got := Shown("/srv", path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if got := Shown("/srv/deep", "/etc/x"); got != "/etc/x" {
		t.Errorf("far away: %s", got)
	}
}
