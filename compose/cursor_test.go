package compose

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tutti-run/tutti/engine"
)

// However often reading is broken off, each line is told once and in the order in which it is stored, also where times overlap.
func TestACursorTellsEachLineOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		stored := storedLines(t)
		c, read := &cursor{}, 0
		var told []engine.LogLine
		for read < len(stored) {
			read += rapid.IntRange(1, len(stored)-read).Draw(t, "more")
			for _, l := range since(stored[:read], c.next().Since) {
				if c.take(l) {
					told = append(told, l)
				}
			}
		}
		if fmt.Sprint(told) != fmt.Sprint(stored) {
			t.Errorf("told %v\nstored %v", told, stored)
		}
	})
}

// storedLines have times that go on, give or take what two streams may differ by.
func storedLines(t *rapid.T) []engine.LogLine {
	var out []engine.LogLine
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for i := range rapid.IntRange(1, 200).Draw(t, "lines") {
		now = now.Add(time.Duration(rapid.IntRange(0, int(20*time.Millisecond)).Draw(t, "step")))
		early := time.Duration(rapid.IntRange(0, int(overlap)).Draw(t, "early"))
		out = append(out, engine.LogLine{Time: now.Add(-early), Text: fmt.Sprint("line ", i), Stderr: early%2 == 1})
	}
	return out
}

// since is what engines give: lines of that time and later.
func since(all []engine.LogLine, from string) (out []engine.LogLine) {
	at, _ := time.Parse(time.RFC3339Nano, from)
	for _, l := range all {
		if !l.Time.Before(at) {
			out = append(out, l)
		}
	}
	return out
}
