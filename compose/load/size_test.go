package load

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// flatFile has n services that do not know of each other.
func flatFile(n int) string {
	var b strings.Builder
	b.WriteString("services:\n")
	for i := range n {
		fmt.Fprintf(&b, `  s%04d:
    image: busybox:1.36
    command: ["sh", "-c", "sleep 1000"]
    environment:
      COLOR: blue
      LEVEL: "${LEVEL:-info}"
    ports: ["%d:80"]
    volumes: ["data:/data", "./src:/src:ro"]
    labels: {team: core}
    healthcheck: {test: [CMD, "true"], interval: 10s, retries: 3}
    restart: unless-stopped
    networks: [front]
`, i, 1024+i)
	}
	b.WriteString("networks: {front: {}}\nvolumes: {data: {}}\n")
	return b.String()
}

// layered has layers of three services; if linked, each depends on all three of the layer below.
func layered(layers int, linked bool) string {
	var b strings.Builder
	b.WriteString("services:\n")
	for l := range layers {
		for i := range 3 {
			fmt.Fprintf(&b, "  l%02d-%d:\n    image: busybox:1.36\n", l, i)
			if linked && l > 0 {
				fmt.Fprintf(&b, "    depends_on: [l%02d-0, l%02d-1, l%02d-2]\n", l-1, l-1, l-1)
			}
		}
	}
	return b.String()
}

func chain(n int) string {
	var b strings.Builder
	b.WriteString("services:\n")
	for i := range n {
		fmt.Fprintf(&b, "  s%04d:\n    image: busybox:1.36\n", i)
		if i > 0 {
			fmt.Fprintf(&b, "    depends_on: [s%04d]\n", i-1)
		}
	}
	return b.String()
}

func extendsChain(n int) string {
	var b strings.Builder
	b.WriteString("services:\n  s0000: {image: busybox:1.36}\n")
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, "  s%04d: {extends: s%04d}\n", i, i-1)
	}
	return b.String()
}

func inFile(t testing.TB, text string) Options {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "compose.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Options{Dir: dir, Environment: []string{"PWD=" + dir}, ProjectName: "demo"}
}

func BenchmarkLoad(b *testing.B) {
	for _, c := range []struct {
		name, text string
	}{
		{"flat=20", flatFile(20)}, {"flat=100", flatFile(100)}, {"flat=1000", flatFile(1000)}, {"flat=5000", flatFile(5000)},
		{"layers=14x3-unlinked", layered(14, false)}, {"layers=14x3-linked", layered(14, true)}, {"chain=1000", chain(1000)},
		{"extends=300", extendsChain(300)},
	} {
		b.Run(c.name, func(b *testing.B) {
			o := inFile(b, c.text)
			for b.Loop() {
				if _, err := Load(b.Context(), o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLoadResolved(b *testing.B) {
	r, err := must(Load(b.Context(), inFile(b, flatFile(1000)))).Resolved()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := LoadResolved(b.Context(), r); err != nil {
			b.Fatal(err)
		}
	}
}

// TestLinear loads what takes compose-go's own check seconds, minutes or for ever; the test's time limit is the measure.
func TestLinear(t *testing.T) {
	for name, text := range map[string]string{
		"layers": layered(14, true), "many layers": layered(60, true), "chain": chain(1000), "extends": extendsChain(200),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Load(t.Context(), inFile(t, text)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestAnchorBomb: ten levels of tenfold aliases end in an error, not in memory running out.
func TestAnchorBomb(t *testing.T) {
	var b strings.Builder
	b.WriteString("x-0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&b, "x-%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	b.WriteString("services: {web: {image: x, cap_add: *a9}}\n")
	if _, err := Load(t.Context(), inFile(t, b.String())); err == nil {
		t.Error("loaded")
	}
}
