package enginetest

import (
	"cmp"
	"slices"
	"time"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// probe a container as its healthcheck says, until it is healthy: each time an interval after the last, in the start period after that of the
// start where the engine knows it. A failure in the start period does not count; so many in a row make it unhealthy.
func (w *world) probe(b *box) {
	var h container.Healthcheck
	if b.spec.Healthcheck != nil {
		h = *b.spec.Healthcheck
	}
	starts := func() bool { return time.Since(b.began) < h.StartPeriod }
	every := cmp.Or(h.Interval, 30*time.Second)
	if w.knobs.Caps.StartInterval && starts() {
		every = cmp.Or(h.StartInterval, 5*time.Second)
	}
	w.later(b, every, func() {
		if b.isReady() {
			w.health(b, container.Healthy)
			return
		}
		if !starts() {
			b.fails++
		}
		if b.fails >= cmp.Or(h.Retries, 3) {
			w.health(b, container.Unhealthy)
		}
		w.probe(b)
	})
}

func (b *box) isReady() bool { return time.Since(b.began) >= b.b.Ready }

// isProbe tells whether a command is that of the container's healthcheck.
func (b *box) isProbe(command []string) bool {
	h := b.spec.Healthcheck
	switch {
	case h == nil || len(h.Test) < 2:
		return false
	case h.Test[0] == "CMD-SHELL":
		return slices.Equal(command, []string{"/bin/sh", "-c", h.Test[1]})
	}
	return slices.Equal(command, h.Test[1:])
}

// answer of the probe as it is now.
func (b *box) answer() func(engine.Exec) ([]string, int, time.Duration) {
	code := 1
	if b.isReady() {
		code = 0
	}
	return func(engine.Exec) ([]string, int, time.Duration) { return []string{b.b.Probe}, code, 0 }
}
