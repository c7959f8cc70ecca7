package render

import (
	"fmt"
	"strings"

	"github.com/docker/go-units"

	"github.com/tutti-run/tutti/engine"
)

// bar folds the layers of a pull into one.
type bar struct {
	layers map[string]*layer
	share  float64 // of the work that was done when last looked at: it never goes back
}

// layer is fetched and then unpacked, each about half of the work.
type layer struct {
	size, fetched, unpacked int64
	done                    bool
}

func (b *bar) take(p engine.Progress) {
	if p.Layer == "" {
		return
	}
	if b.layers == nil {
		b.layers = map[string]*layer{}
	}
	l := b.layers[p.Layer]
	if l == nil {
		l = &layer{}
		b.layers[p.Layer] = l
	}
	l.size = max(l.size, p.Total)
	switch p.Text {
	case "Downloading":
		l.fetched = max(l.fetched, p.Current)
	case "Verifying Checksum", "Download complete":
		l.fetched = l.size
	case "Extracting":
		l.fetched, l.unpacked = l.size, max(l.unpacked, p.Current)
	case "Pull complete", "Already exists":
		l.fetched, l.unpacked, l.done = l.size, l.size, true
	}
}

// sums over the layers.
func (b *bar) sums() (fetched, unpacked, size int64, done int) {
	for _, l := range b.layers {
		fetched, unpacked, size = fetched+l.fetched, unpacked+l.unpacked, size+l.size
		if l.done {
			done++
		}
	}
	return
}

// text is the bar, the sizes, and on a wide terminal the layers: "━━━━━━──── 12MB / 40MB, 3 of 5 layers".
func (b *bar) text(s Style, width int) string {
	fetched, unpacked, size, done := b.sums()
	if size == 0 {
		return ""
	}
	b.share = max(b.share, min(1, float64(fetched+unpacked)/float64(2*size)))
	full := int(b.share * float64(width))
	text := s.paint(green, strings.Repeat("━", full)) + s.paint(dim, strings.Repeat("─", width-full)) + " " + size3(fetched) + " / " + size3(size)
	if width > 20 {
		text += fmt.Sprintf(", %d of %d layers", done, len(b.layers))
	}
	return strings.TrimSpace(text)
}

func size3(n int64) string { return units.HumanSizeWithPrecision(float64(n), 3) }

// percent of the work that is done.
func percent(current, total int64) int {
	if total <= 0 {
		return 0
	}
	return int(min(100, 100*current/total))
}
