package compose_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/lint"
	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/enginetest"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// stackEnv is what the stacks of testdata are interpolated with.
var stackEnv = []string{"HOME=/home/demo", "LOGSTASH_PASSWORD=l0gstash", "SLACK_URL=https://hooks.example.org/x", "MONITORING_DB_PASSWORD=m0n", "STRIPE_KEY=sk_test",
	"LITELLM_MASTER_KEY=sk-1"}

// TestStacks loads files as people write them: what config prints, of the services that are enabled and of all, is byte for byte
// what Docker Compose 2.40.3 printed for the same (want/config.yaml, want/all.yaml, written by testdata/stacks/compose.sh); what is
// told of the files, what lint says and what the first up would do is as in want/diagnostics, want/lint and want/plan; once that is done nothing is left to do.
func TestStacks(t *testing.T) {
	dirs, err := filepath.Glob("testdata/stacks/*/want")
	if err != nil || len(dirs) != 10 {
		t.Fatal(len(dirs), "stacks", err)
	}
	for _, dir := range dirs {
		name := filepath.Base(filepath.Dir(dir))
		t.Run(name, func(t *testing.T) { checkStack(t, filepath.Dir(dir)) })
	}
}

func checkStack(t *testing.T, dir string) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := stack{t, dir}
	s.printed("config.yaml")
	s.printed("all.yaml", "*")
	res := s.load(load.Options{})
	var told strings.Builder
	for _, d := range res.Diags {
		fmt.Fprintf(&told, "%s: %s\n", d.Severity, d.Error())
	}
	s.wrote("diagnostics", told.String())
	s.wrote("lint", s.judged())
	synctest.Test(t, func(t *testing.T) { s.wrote("plan", upAndNothingMore(t, res.Project)) })
}

type stack struct {
	t   *testing.T
	dir string
}

func (s stack) load(o load.Options) load.Result {
	s.t.Helper()
	o.Dir, o.Environment = s.dir, append([]string{"PWD=" + s.dir}, stackEnv...)
	res, err := load.Load(s.t.Context(), o)
	if err != nil {
		s.t.Fatal(err)
	}
	return res
}

// printed compares with what Docker Compose printed.
func (s stack) printed(file string, profiles ...string) {
	s.t.Helper()
	got, err := s.load(load.Options{Lenient: true, Profiles: profiles}).Model.YAML()
	if err != nil {
		s.t.Fatal(err)
	}
	if diff := cmp.Diff(s.want(file), strings.ReplaceAll(string(got), s.dir, "/stack")); diff != "" {
		s.t.Errorf("%s: -docker compose +tutti\n%s", file, diff)
	}
}

// judged is what lint says: of each finding its place, rule and text.
func (s stack) judged() string {
	s.t.Helper()
	in, err := load.Lint(s.t.Context(), load.Options{Dir: s.dir, Environment: append([]string{"PWD=" + s.dir}, stackEnv...)})
	if err != nil {
		s.t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range lint.Run(in, lint.Options{}).Findings {
		fmt.Fprintf(&b, "%s: %s [%s]\n", f.Severity, f.Error(), f.Rule)
	}
	return b.String()
}

func (s stack) want(file string) string {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, "want", file))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// wrote compares with a file that -update rewrites.
func (s stack) wrote(file, text string) {
	s.t.Helper()
	text = strings.ReplaceAll(text, s.dir, "/stack")
	if *update {
		if err := os.WriteFile(filepath.Join(s.dir, "want", file), []byte(text), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	if diff := cmp.Diff(s.want(file), text); diff != "" {
		s.t.Errorf("%s:\n%s", file, diff)
	}
}

// upAndNothingMore carries out the first plan of a project, checks that nothing is left to do then, and returns the plan's text.
func upAndNothingMore(t *testing.T, p desired.Project) string {
	fake := enginetest.New()
	defer fake.Close()
	furnish(t, fake, p)
	tool := compose.Tool{Engine: fake}
	first := planOf(t, tool, p)
	if r := tool.Run(t.Context(), first, compose.RunOptions{}); r.Failed() {
		t.Fatalf("%+v", r.Failures)
	}
	if again := planOf(t, tool, p); !again.Empty() {
		t.Errorf("not empty after up:\n%s", again)
	}
	return first.String()
}

func planOf(t *testing.T, tool compose.Tool, p desired.Project) plan.Plan {
	t.Helper()
	pl, err := tool.Plan(t.Context(), p, compose.UpOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return pl
}

// furnish gives the engine what a project expects there. Containers that others wait for to complete do so after a minute.
func furnish(t *testing.T, fake *enginetest.Fake, p desired.Project) {
	awaited := p.Awaited()
	ends := func(c container.Spec) enginetest.Behaviour {
		for service := range awaited {
			if strings.HasPrefix(c.Name, p.Name+"-"+service+"-") {
				return enginetest.Behaviour{ExitCode: enginetest.Exits(0), After: time.Minute, HealthyAfter: time.Second}
			}
		}
		return enginetest.Behaviour{HealthyAfter: time.Second}
	}
	for _, s := range p.Services {
		for _, i := range s.Images() {
			fake.AddImage(enginetest.Image{Ref: i.Ref, ID: "sha256:" + i.Ref, Script: ends})
		}
	}
	for _, n := range p.Networks {
		if n.External {
			if _, err := fake.CreateNetwork(context.Background(), network.Spec{Name: n.Name}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, v := range p.Volumes {
		if v.External {
			if err := fake.CreateVolume(context.Background(), volume.Spec{Name: v.Name}, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
}
