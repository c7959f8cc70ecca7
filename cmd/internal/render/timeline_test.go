package render

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/tutti-run/tutti/compose/timeline"
)

func ms(n int) time.Duration { return time.Duration(n) * time.Millisecond }

var morning = timeline.Timeline{Project: "shop", Command: "up", Began: time.Date(2025, 6, 1, 9, 0, 0, 0, time.UTC), Took: ms(10000), Bars: []timeline.Bar{
	{ID: "create network shop_default", Subject: "network shop_default", Phase: timeline.Create, To: ms(100), Outcome: "done"},
	{ID: "pull registry.example.com/a/very/long/name/of/an/image:1", Subject: "db", Phase: timeline.Pull, To: ms(4000), Outcome: "done", Critical: true},
	{ID: "build <web> & \x1bmore", Subject: "web", Phase: timeline.Build, To: ms(3000), Outcome: "done"},
	{ID: "create db-1", Subject: "db", Phase: timeline.Create, From: ms(4000), To: ms(4200), Outcome: "done", Behind: "pull db", Critical: true},
	{ID: "start db-1", Subject: "db", Phase: timeline.Start, From: ms(4500), To: ms(5000), Outcome: "done", Behind: "create db-1", Critical: true},
	{ID: "wait db-1 well", Subject: "db", Phase: timeline.Healthy, From: ms(5000), To: ms(6000), Outcome: "done", Behind: "start db-1"},
	{ID: "wait db-1 healthy", Subject: "db", Phase: timeline.Healthy, From: ms(5000), To: ms(10000), Outcome: "failed", Behind: "start db-1", Critical: true},
	{ID: "commit", Subject: "service", Phase: timeline.Look, From: ms(10000), To: ms(10000), Outcome: "done"},
}}

func drawnTimeline(t *testing.T, tl timeline.Timeline, s Style) string {
	t.Helper()
	var b bytes.Buffer
	if err := Timeline(&b, tl, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTimelineText(t *testing.T) {
	plain := drawnTimeline(t, morning, Style{})
	golden(t, "timeline.txt", plain)
	noEscapes(t, plain)
	if i := strings.IndexFunc(plain, func(r rune) bool { return r > '~' }); i >= 0 {
		t.Errorf("not ASCII at %d", i)
	}
	golden(t, "timeline_80.txt", drawnTimeline(t, morning, Style{Width: 80}))
	golden(t, "timeline_colour.txt", drawnTimeline(t, morning, Style{Width: 60, Color: true}))
	golden(t, "timeline_nothing.txt", drawnTimeline(t, timeline.Timeline{Project: "shop", Command: "up"}, Style{}))
}

func TestTimelineFitsTheTerminal(t *testing.T) {
	for width := 30; width < 200; width++ {
		for line := range strings.Lines(drawnTimeline(t, morning, Style{Width: width, Color: true})) {
			if n := ansi.StringWidth(strings.TrimRight(line, "\n")); n > width {
				t.Fatalf("%d columns of %d: %s", n, width, line)
			}
		}
	}
}

func TestTimelineSVG(t *testing.T) {
	var b bytes.Buffer
	if err := TimelineSVG(&b, morning); err != nil {
		t.Fatal(err)
	}
	golden(t, "timeline.svg", b.String())
	for d := xml.NewDecoder(&b); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTimelineJSON(t *testing.T) {
	var b bytes.Buffer
	if err := TimelineJSON(&b, morning); err != nil {
		t.Fatal(err)
	}
	golden(t, "timeline.json", b.String())
	var doc struct {
		TraceEvents []struct {
			Name, Cat, Ph string
			TS, Dur       float64
			PID, TID      int
		}
	}
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	bars, free := 0, map[int]float64{}
	for _, e := range doc.TraceEvents {
		if e.Ph != "X" {
			continue
		}
		want := morning.Bars[bars]
		if e.Name != string(want.ID) || e.Cat != string(want.Phase) || e.TS != float64(want.From.Microseconds()) || e.Dur != float64(want.Took().Microseconds()) {
			t.Errorf("%+v is not %+v", e, want)
		}
		if e.TS < free[e.TID] {
			t.Errorf("%s overlaps in lane %d", e.Name, e.TID)
		}
		free[e.TID] = e.TS + e.Dur
		bars++
	}
	if bars != len(morning.Bars) {
		t.Errorf("%d of %d bars", bars, len(morning.Bars))
	}
}
