package compose_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/enginetest"
)

// TestBusyRegistry: a pull is tried again while the registry cannot answer, and only then.
func TestBusyRegistry(t *testing.T) {
	busy, denied := fmt.Errorf("pull web: toomanyrequests: %w", engine.ErrBusy), errors.New("pull web: denied")
	for name, tt := range map[string]struct {
		answers []error // of the pulls, in order; those behind them succeed
		pulls   int
		failed  bool
		least   time.Duration // that it takes: 1 s, 2 s, 4 s, 8 s between the tries, at least
	}{
		"busy once":    {[]error{busy}, 2, false, time.Second},
		"busy twice":   {[]error{busy, busy}, 3, false, 3 * time.Second},
		"busy forever": {[]error{busy, busy, busy, busy, busy, busy}, 5, true, 15 * time.Second},
		"denied":       {[]error{denied}, 1, true, 0},
		"busy, denied": {[]error{busy, denied}, 2, true, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			withEngine(t, nil, func(t *testing.T, f *enginetest.Fake) {
				pulls := 0
				f.Fail = func(c enginetest.Call) error {
					if c.Method != "PullImage" {
						return nil
					}
					if pulls++; pulls <= len(tt.answers) {
						return tt.answers[pulls-1]
					}
					return nil
				}
				f.AddImage(enginetest.Image{Ref: "web", Remote: true})
				began := time.Now()
				report := up(t, compose.Tool{Engine: f}, shop(service("web", "web")), compose.UpOptions{}, compose.RunOptions{})
				if pulls != tt.pulls || report.Failed() != tt.failed {
					t.Errorf("%d pulls, failed %v: want %d, %v", pulls, report.Failed(), tt.pulls, tt.failed)
				}
				if took := time.Since(began); took < tt.least {
					t.Errorf("%d pulls within %s: want pauses of %s", pulls, took, tt.least)
				}
				if tt.failed && !strings.Contains(report.Failures[0].Err.Error(), "pull web") {
					t.Errorf("the failure does not say what failed: %v", report.Failures[0].Err)
				}
			})
		})
	}
}
