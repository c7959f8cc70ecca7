package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test's binary be the process that launches and measures.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "launch" {
		if err := launch(os.Args[2:]); err != nil {
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func TestLaunch(t *testing.T) {
	try := func(limit, follow time.Duration, script string) (sample, error) {
		s := stage{b: &bench{limit: limit}, dir: t.TempDir(), env: os.Environ()}
		return s.launch(context.Background(), []string{"/bin/sh", "-c", script}, follow)
	}
	ballast := make([]byte, 256<<20)
	for i := 0; i < len(ballast); i += 4096 {
		ballast[i] = 1
	}
	got, err := try(time.Minute, 0, "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done")
	if err != nil || got.Over || got.CPU <= 0 || got.Seconds < got.CPU/2 || got.Peak <= 0 || got.Peak > 64<<20 {
		t.Errorf("work: %+v, %v", got, err)
	}
	ballast[0] = 2
	if got, err := try(200*time.Millisecond, 0, "exec sleep 60"); err != nil || !got.Over || got.Seconds > 30 {
		t.Errorf("too long: %+v, %v", got, err)
	}
	if _, err := try(time.Minute, 0, "echo why; exit 3"); err == nil || !strings.Contains(err.Error(), "why") {
		t.Errorf("failure: %v", err)
	}
	if got, err := try(time.Minute, time.Second, "echo a; echo b; exec sleep 60"); err != nil || got.Over || got.Lines != 2 || got.Seconds > 30 {
		t.Errorf("followed: %+v, %v", got, err)
	}
}

func TestReport(t *testing.T) {
	steps := []step{
		{name: "quick", target: target{compose: 0.5, floor: 1.1}},
		{name: "hopeless", target: target{compose: 0.5}},
		{name: "edges", target: target{floor: 1, more: 2 * time.Second}},
		{name: "lines", follow: time.Second, target: target{compose: 0.5}},
	}
	all := results{}
	put := func(step, tool string, samples ...sample) { all.of(step, tool).samples = samples }
	put("quick", "tutti", sample{Seconds: 9, Peak: 5}, sample{Seconds: 1, Peak: 5}, sample{Seconds: 2, Peak: 5})
	put("quick", "compose", sample{Seconds: 8, Peak: 10})
	put("quick", "floor", sample{Seconds: 1})
	put("hopeless", "tutti", sample{Seconds: 6, Peak: 8})
	put("hopeless", "compose", sample{Seconds: 60, Peak: 10, Over: true})
	put("edges", "tutti", sample{Seconds: 5})
	put("edges", "floor", sample{Seconds: 4})
	put("lines", "tutti", sample{Seconds: 1, CPU: 1, Lines: 400, Peak: 7})
	put("lines", "compose", sample{Seconds: 1, CPU: 2, Lines: 200, Peak: 10})
	all.of("quick", "tutti").calls = 7
	r := newReport([]benchCase{{name: "all", steps: steps}}, []tool{{name: "tutti"}, {name: "compose"}, {name: "floor"}}, all)
	var text strings.Builder
	if err := r.markdown(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| quick | 2.00 s | 0 ms | 0 MB | 7 | 8.00 s |", "| 0.25 | ≤ 0.5 ✓ | 0.50 | ≤ 0.7 ✓ | 2.00 | ≤ 1.1 ✗ |",
		"| > 60.00 s |", "| < 0.10 | ≤ 0.5 ✓ | < 0.80 | ≤ 0.7 |",
		"| 1.25 | ≤ 1.5 ✓ |",
		"| lines | 400 lines/s | 2500.00 µs/line |", "| 0.25 | ≤ 0.5 ✓ | 0.70 | ≤ 0.7 ✓ |",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, &text)
		}
	}
	for _, line := range r.cells() {
		if len(line) != len(r.cells()[0]) {
			t.Errorf("%d cells under a head of %d: %q", len(line), len(r.cells()[0]), line)
		}
	}
}
