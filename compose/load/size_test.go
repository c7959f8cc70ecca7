package load

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
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

// layered has layers of so many services; if linked, each depends on all of the layer below.
func layered(layers, wide int, linked bool) string {
	var b strings.Builder
	b.WriteString("services:\n")
	for l := range layers {
		for i := range wide {
			fmt.Fprintf(&b, "  l%02d-%d:\n    image: busybox:1.36\n", l, i)
			if linked && l > 0 {
				b.WriteString("    depends_on:\n")
				for below := range wide {
					fmt.Fprintf(&b, "      - l%02d-%d\n", l-1, below)
				}
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
	for name, text := range map[string]string{"compose.yaml": text, "common.env": "A=1\nB=${LEVEL:-x}\nC='y z'\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Options{Dir: dir, Environment: []string{"PWD=" + dir}, ProjectName: "demo"}
}

// mixed has n services as projects have them: an anchor for all, each after two others, some with files, some with a profile.
func mixed(n int) string {
	var b strings.Builder
	b.WriteString("x-all: &all {restart: unless-stopped, logging: {driver: json-file, options: {max-size: 10m}}, networks: [back]}\nservices:\n")
	for i := range n {
		fmt.Fprintf(&b, `  s%04d:
    <<: *all
    image: registry.example.org/team/s%04d:${TAG:-1.4.2}
    environment: {SERVICE: s%04d, LEVEL: "${LEVEL:-info}", URL: "http://s%04d:8080/", EMPTY: , TOKEN: $$none}
    env_file: [common.env, {path: local.env, required: false}]
    volumes: ["data%d:/var/lib/data", "./config:/etc/s:ro"]
    labels: ["team=t%d", "tier=back"]
    healthcheck: {test: [CMD-SHELL, "curl -f localhost:8080 || exit 1"], interval: 10s, retries: 5}
    deploy: {resources: {limits: {memory: 256m, cpus: "0.5"}}}
`, i, i, i, max(i-1, 0), i%10, i%7)
		if i%3 == 0 {
			fmt.Fprintf(&b, "    ports: [\"127.0.0.1:%d:8080\"]\n    secrets: [key]\n", 10000+i)
		}
		if i%20 == 19 {
			b.WriteString("    profiles: [extra]\n")
		}
		if i >= 20 {
			fmt.Fprintf(&b, "    depends_on: {s%04d: {condition: service_healthy}, s%04d: {condition: service_started}}\n", i/20*20-3, i/20*20-2)
		}
	}
	b.WriteString("networks: {back: }\nsecrets: {key: {file: common.env}}\nvolumes:\n")
	for i := range 10 {
		fmt.Fprintf(&b, "  data%d:\n", i)
	}
	return b.String()
}

func BenchmarkLoad(b *testing.B) {
	for _, c := range []struct {
		name, text string
		services   int
	}{
		{"flat=20", flatFile(20), 20}, {"flat=1000", flatFile(1000), 1000},
		{"mixed=100", mixed(100), 100}, {"mixed=1000", mixed(1000), 1000}, {"mixed=5000", mixed(5000), 5000},
		{"layers=14x3-unlinked", layered(14, 3, false), 42}, {"layers=14x3", layered(14, 3, true), 42}, {"layers=30x5", layered(30, 5, true), 150},
		{"chain=1000", chain(1000), 1000}, {"extends=300", extendsChain(300), 300},
	} {
		b.Run(c.name, func(b *testing.B) {
			o := inFile(b, c.text)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Load(b.Context(), o); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*c.services), "ns/service")
			b.ReportMetric(peak(func() { _, _ = Load(b.Context(), o) }), "MB-peak")
		})
	}
}

// peak is how large the heap gets, in MB.
func peak(do func()) float64 {
	runtime.GC()
	done, most := make(chan struct{}), make(chan uint64)
	go func() {
		var m runtime.MemStats
		high := uint64(0)
		for {
			runtime.ReadMemStats(&m)
			high = max(high, m.HeapInuse)
			select {
			case <-done:
				most <- high
				return
			case <-time.After(2 * time.Millisecond):
			}
		}
	}()
	do()
	close(done)
	return float64(<-most) / 1e6
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
		"layers": layered(14, 3, true), "wide layers": layered(30, 5, true), "many layers": layered(60, 3, true), "chain": chain(1000), "extends": extendsChain(200),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Load(t.Context(), inFile(t, text)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// TestGrowth: four times as many services take four times as many allocations and bytes, not more by a fifth.
func TestGrowth(t *testing.T) {
	for name, of := range map[string]func(int) string{"flat": flatFile, "mixed": mixed, "chain": chain} {
		few, many := cost(t, of(100)), cost(t, of(400))
		if many.allocs > few.allocs*4*6/5 || many.bytes > few.bytes*4*6/5 {
			t.Errorf("%s: 100 services take %+v, 400 take %+v", name, few, many)
		}
	}
}

type costs struct{ allocs, bytes uint64 }

func cost(t *testing.T, text string) costs {
	t.Helper()
	o := inFile(t, text)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := Load(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	return costs{after.Mallocs - before.Mallocs, after.TotalAlloc - before.TotalAlloc}
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
