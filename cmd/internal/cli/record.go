package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/history"
	"github.com/tutti-run/tutti/compose/plan"
)

// revisions is how many are kept; 0: none.
func (c *cli) revisions() (int, error) {
	text, ok := c.lookup("TUTTI_HISTORY")
	if !ok || text == "" {
		return history.DefaultKeep, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, usagef("TUTTI_HISTORY must be a number, 0 or more (found: %q)", text)
	}
	return n, nil
}

// record a plan that is about to be carried out, beside it. That it cannot be is no reason not to.
func (c *cli) record(ctx context.Context, t compose.Tool, p plan.Plan, r run) *compose.Recording {
	if r.intent == nil {
		return nil
	}
	in := *r.intent
	in.Plan, in.By = p, who()
	in.Keep, _ = c.revisions() // checked at the beginning
	rec, err := t.Record(ctx, in)
	if err != nil {
		c.unrecorded(err)
	}
	if rec != nil && rec.Interrupted != nil && !r.back {
		c.warn(diag.List{{Severity: diag.Warning, Text: rec.Interrupted.String()}})
	}
	return rec
}

// settle what was recorded, by how the run ended.
func (c *cli) settle(ctx context.Context, rec *compose.Recording, report apply.Report) {
	began := time.Now()
	if err := rec.Settle(ctx, report); err != nil {
		c.unrecorded(err)
	}
	slog.Debug("recorded", "took", time.Since(began))
}

func (c *cli) unrecorded(err error) {
	c.warn(diag.List{{Severity: diag.Warning, Text: fmt.Sprintf("the change is not in the history: %v", err)}})
}

// who runs the command: "user@host".
func who() string {
	name := "?"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	return name + "@" + host
}
