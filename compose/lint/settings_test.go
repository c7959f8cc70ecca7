package lint_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tutti-run/tutti/compose/lint"
	"github.com/tutti-run/tutti/compose/load"
)

// TestSettings lints each archive. Options stand above the files, one a line: "file NAME", "enable RULE", "disable RULE",
// "service NAME", "strict", "env NAME=VALUE"; other lines say what the case is about.
func TestSettings(t *testing.T) {
	files, err := filepath.Glob("testdata/settings/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			unpack(t, a, dir)
			lo, o := options(string(a.Comment), dir)
			in, err := load.Lint(t.Context(), lo)
			if err != nil {
				t.Fatal(err)
			}
			want(t, a, path, report(lint.Run(in, o)))
		})
	}
}

func options(comment, dir string) (lo load.Options, o lint.Options) {
	lo = load.Options{Dir: dir, ProjectName: "demo", Environment: []string{"PWD=" + dir}}
	for line := range strings.Lines(comment) {
		switch verb, arg, _ := strings.Cut(strings.TrimSpace(line), " "); verb {
		case "file":
			lo.Files = append(lo.Files, arg)
		case "env":
			lo.Environment = append(lo.Environment, arg)
		case "strict":
			lo.Strict = true
		case "enable":
			o.Enable = append(o.Enable, arg)
		case "disable":
			o.Disable = append(o.Disable, arg)
		case "service":
			o.Services = append(o.Services, arg)
			lo.Services = o.Services
		}
	}
	return lo, o
}

// TestSecretsStayHidden: whatever a rule says of them, values do not get into the report.
func TestSecretsStayHidden(t *testing.T) {
	dir := t.TempDir()
	text := `services:
  a:
    image: nginx
    build: {context: ., args: {TOKEN: s3cr3t}}
    environment:
      PASSWORD: s3cr3t
      URL: "amqp://me:s3cr3t@mq"
      AUTH_TOKEN: 's3cr3t'
  b:
    image: nginx
    environment:
      - API_KEY="s3cr3t"
      - API_KEY=s3cr3t
`
	if err := os.WriteFile(filepath.Join(dir, "compose.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	in, err := load.Lint(t.Context(), load.Options{Dir: dir, Environment: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	r := lint.Run(in, lint.Options{Enable: lint.IDs()})
	if said := fmt.Sprintf("%+v", r); strings.Contains(said, "s3cr3t") {
		t.Error(said)
	}
	if !speaks(r, "secret-in-environment") || !speaks(r, "duplicate-variable") {
		t.Error(report(r))
	}
}

// BenchmarkRun is of rules alone: loading is measured in compose/load.
func BenchmarkRun(b *testing.B) {
	for _, n := range []int{100, 1000, 5000} {
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) {
			in, err := load.Lint(context.Background(), many(b, n))
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if r := lint.Run(in, lint.Options{}); len(r.Findings) < 3*n {
					b.Fatal(len(r.Findings), "findings")
				}
			}
		})
	}
}

// BenchmarkLint is all of it: files to findings.
func BenchmarkLint(b *testing.B) {
	for _, n := range []int{100, 1000, 5000} {
		b.Run(fmt.Sprintf("services=%d", n), func(b *testing.B) {
			o := many(b, n)
			for b.Loop() {
				in, err := load.Lint(context.Background(), o)
				if err != nil {
					b.Fatal(err)
				}
				lint.Run(in, lint.Options{})
			}
		})
	}
}

// many services that each have something wrong.
func many(b *testing.B, n int) load.Options {
	var text strings.Builder
	text.WriteString("services:\n")
	for i := range n {
		fmt.Fprintf(&text, `  s%04d:
    image: postgres
    environment: {PASSWORD: x%d, LEVEL: "${LEVEL:-info}"}
    ports: ["%d:5432"]
    volumes: ["data:/data", "./src:/src:ro"]
    depends_on: {s%04d: {condition: service_healthy}}
    x-lint-ignore: [host-network]
`, i, i, 1024+i, max(i-1, 0))
	}
	out := strings.Replace(text.String(), "    depends_on: {s0000: {condition: service_healthy}}\n", "", 1)
	dir := b.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "compose.yaml"), []byte(out+"volumes: {data: {}}\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	return load.Options{Dir: dir, ProjectName: "demo", Environment: []string{"PWD=" + dir}}
}

// TestDocs: docs/lint.md is the table.
func TestDocs(t *testing.T) {
	const path = "../../docs/lint.md"
	if *update {
		if err := os.WriteFile(path, []byte(lint.Markdown()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(path)
	if err != nil || string(have) != lint.Markdown() {
		t.Errorf("docs/lint.md is not as the table says (%v): go generate ./compose/lint", err)
	}
}
