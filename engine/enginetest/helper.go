package enginetest

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
)

// probe is a healthcheck that the helper passes when it was told to be healthy.
var probe = []string{"CMD", "/helper", "probe"}

// helperDefaults is what the helper's image gives to its containers.
var helperDefaults = image.Defaults{
	Env: []string{"FROM_IMAGE=yes", "PATH=/"}, Entrypoint: []string{"/helper"}, Labels: map[string]string{"from.image": "yes"}, WorkingDir: "/",
	Volumes: []string{"/declared"}, Exposed: []string{"7000/tcp"},
}

const dockerfile = `FROM scratch
COPY helper /helper
ENV FROM_IMAGE=yes PATH=/
LABEL from.image=yes
WORKDIR /
VOLUME /declared
EXPOSE 7000
ENTRYPOINT ["/helper"]
`

// BuildHelper builds the suite's image from a Go program, on nothing, and takes it away when the test is over.
func BuildHelper(t *testing.T, e engine.Engine, ref string) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "helper"), "github.com/tutti-run/tutti/engine/enginetest/testdata/helper")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build helper: %v\n%s", err, out)
	}
	build := image.Build{Context: dir, DockerfileInline: dockerfile, Labels: map[string]string{"helper.ref": ref}} // no other run's image
	_, err := e.BuildImage(t.Context(), ref, build, func(engine.Progress) {})
	if err != nil {
		t.Fatal(err)
	}
}

// HelperImage is the suite's image for a Fake.
func HelperImage(ref string) Image {
	return Image{Ref: ref, Defaults: helperDefaults, Script: Script}
}

// Script tells how a container of the helper's image behaves. The words of its command are: say=LINE (say=!LINE to stderr), exit=CODE,
// after=DURATION, deaf (to SIGTERM), healthy=DURATION. Without exit it runs until SIGTERM and ends with 143. A command in it may also
// say what it is: uid, pwd, env=NAME.
func Script(s container.Spec) Behaviour {
	b := Behaviour{Unhealthy: true, Probe: "not ready", Exec: func(e engine.Exec) ([]string, int, time.Duration) { return executed(s, e) }}
	if s.Healthcheck != nil {
		b.HealthyAfter = s.Healthcheck.StartPeriod + time.Duration(max(s.Healthcheck.Retries, 1))*s.Healthcheck.Interval
	}
	for _, word := range s.Command {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "say":
			b.Logs = append(b.Logs, value)
		case "deaf":
			b.IgnoresTerm = true
		case "healthy":
			b.Unhealthy, b.Probe = false, "all is well"
			b.HealthyAfter, _ = time.ParseDuration(value)
		case "exit":
			code, _ := strconv.Atoi(value)
			b.ExitCode = &code
		case "after":
			b.After, _ = time.ParseDuration(value)
		}
	}
	return b
}

func executed(s container.Spec, e engine.Exec) (lines []string, code int, takes time.Duration) {
	if e.Command[0] != "/helper" {
		return []string{"exec: " + e.Command[0] + ": no such file or directory"}, 127, 0
	}
	for _, word := range e.Command[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "say":
			lines = append(lines, value)
		case "uid":
			lines = append(lines, cmp.Or(e.User, s.User, "0:0"))
		case "pwd":
			lines = append(lines, cmp.Or(e.WorkingDir, s.WorkingDir, helperDefaults.WorkingDir))
		case "env":
			lines = append(lines, variable(value, e.Environment, s, helperDefaults.Env))
		case "exit":
			code, _ = strconv.Atoi(value)
		case "after":
			takes, _ = time.ParseDuration(value)
		}
	}
	return lines, code, takes
}

// variable as the helper tells it: the command's before the container's before the image's.
func variable(name string, own []string, s container.Spec, image []string) string {
	of := s.Environment[name]
	for _, e := range slices.Concat(image, own) {
		if v, ok := strings.CutPrefix(e, name+"="); ok && (of == nil || slices.Contains(own, e)) {
			of = &v
		}
	}
	if of == nil {
		return "false "
	}
	return "true " + *of
}
