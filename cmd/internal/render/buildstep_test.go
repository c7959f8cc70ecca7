package render

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
)

// TestBuildSteps: what a build does stands beneath its image, as long as it does it and there is room.
func TestBuildSteps(t *testing.T) {
	n := plan.Node{ID: "build shop-web", Step: plan.BuildImage{}, Resource: plan.Resource{Kind: plan.Image, Name: "shop-web"}}
	b := newBoard()
	b.event(apply.Planned{Plan: plan.Plan{Nodes: []plan.Node{n}}})
	b.event(apply.StepStarted{Node: n, At: time.Unix(0, 0)})
	say := func(layer, text string, over bool) {
		b.event(apply.StepProgress{Node: n, Progress: engine.Progress{Layer: layer, Text: layer + " " + text, Over: over}})
	}
	see := func(rows int) []string {
		f := frame{board: b, cols: 60, rows: rows, now: time.Unix(0, 0)}
		var out []string
		for _, line := range f.lines()[1:] {
			out = append(out, strings.TrimRight(strings.Join(strings.Fields(ansi.Strip(line)), " "), " "))
		}
		return out
	}
	for _, c := range []struct {
		layer, text string
		over        bool
		rows        int
		want        []string
	}{
		{"#1", "[a 1/2] RUN make", false, 24, []string{"⠋ Image shop-web Building 0.0s", "⠋ [a 1/2] RUN make"}},
		{"#2", "[b 1/2] RUN test", false, 24, []string{"⠋ Image shop-web Building 0.0s", "⠋ [a 1/2] RUN make", "⠋ [b 1/2] RUN test"}},
		{"#1", "0.1 cc x.c", false, 24, []string{"⠋ Image shop-web Building 0.0s", "⠋ [a 1/2] RUN make 0.1 cc x.c", "⠋ [b 1/2] RUN test"}},
		{"#9", "CACHED", true, 4, []string{"⠋ Image shop-web Building 0.0s", "⠋ [a 1/2] RUN make 0.1 cc x.c"}},
		{"#1", "DONE 0.3s", true, 24, []string{"⠋ Image shop-web Building 0.0s", "⠋ [b 1/2] RUN test"}},
		{"#2", "0.2 ok", false, 3, []string{"⠋ Image shop-web Building #2 0.2 ok 0.0s"}},
		{"#2", "DONE 0.2s", true, 24, []string{"⠋ Image shop-web Building #2 DONE 0.2s 0.0s"}},
	} {
		say(c.layer, c.text, c.over)
		if got := see(c.rows); !slices.Equal(got, c.want) {
			t.Errorf("after %s %s: %q, want %q", c.layer, c.text, got, c.want)
		}
	}
}
