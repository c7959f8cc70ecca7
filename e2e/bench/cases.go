package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tutti-run/tutti/e2e/internal/dock"
)

// benchCase is a stack and what is done with it.
type benchCase struct {
	name string
	file func() string
	run  func(ctx context.Context, s *stage) error
}

var cases = []benchCase{
	{"flat", flat, runFlat},
	{"chain", chain, runChain},
	{"deaf", deaf, runDeaf},
}

const flatServices, chainDepth = 20, 5

func flat() string {
	var b strings.Builder
	b.WriteString("services:\n")
	for i := range flatServices {
		fmt.Fprintf(&b, "  s%02d:\n    image: ${STUB}\n", i)
	}
	return b.String()
}

func runFlat(ctx context.Context, s *stage) error {
	if err := s.timed(ctx, fmt.Sprintf("first up, %d services", flatServices), "up", "-d"); err != nil {
		return err
	}
	if err := s.timed(ctx, fmt.Sprintf("no-op up, %d services", flatServices), "up", "-d"); err != nil {
		return err
	}
	return s.timed(ctx, fmt.Sprintf("down, %d services", flatServices), "down")
}

// chain of services that each wait for the one before to be healthy. The probe succeeds at once, after its interval.
func chain() string {
	var b strings.Builder
	b.WriteString("services:\n")
	for i := range chainDepth {
		fmt.Fprintf(&b, "  c%d:\n    image: ${STUB}\n    healthcheck: {test: [CMD, /stub, probe], interval: 500ms}\n", i)
		if i > 0 {
			fmt.Fprintf(&b, "    depends_on:\n      c%d: {condition: service_healthy}\n", i-1)
		}
	}
	return b.String()
}

func runChain(ctx context.Context, s *stage) error {
	s.proxy.Calls()
	start := time.Now()
	if err := s.command(ctx, "up", "-d"); err != nil {
		return err
	}
	took, calls := time.Since(start), s.proxy.Calls()
	s.b.record(fmt.Sprintf("first up, %d deep chain", chainDepth), s.t, took, len(calls))
	if err := s.edges(ctx, calls); err != nil {
		return err
	}
	return s.timed(ctx, fmt.Sprintf("no-op up, %d deep chain", chainDepth), "up", "-d")
}

// edges records, for each edge of the chain, the time from the end of the probe that succeeded to the call that starts the dependent.
func (s *stage) edges(ctx context.Context, calls []dock.Call) error {
	starts := map[string]time.Time{}
	for _, c := range calls {
		if id, ok := strings.CutSuffix(strings.TrimPrefix(c.Path, "/containers/"), "/start"); ok && c.Method == http.MethodPost {
			starts[id] = c.At
		}
	}
	for i := 1; i < chainDepth; i++ {
		before, err := s.b.engine.Inspect(ctx, fmt.Sprintf("%s-c%d-1", s.project, i-1))
		if err != nil {
			return err
		}
		after, err := s.b.engine.Inspect(ctx, fmt.Sprintf("%s-c%d-1", s.project, i))
		if err != nil {
			return err
		}
		healthy, err := time.Parse(time.RFC3339Nano, dock.Pick(before, "State/Health/Log/0/End"))
		if err != nil {
			return err
		}
		at, ok := starts[dock.Pick(after, "Id")]
		if !ok {
			return fmt.Errorf("no call started c%d", i)
		}
		s.b.record("each edge: healthy → start", s.t, at.Sub(healthy), 0)
	}
	return nil
}

// deaf is a stack with one service that ignores SIGTERM, and one that does not.
func deaf() string {
	return `services:
  deaf:
    image: ${STUB}
    command: deaf
    stop_grace_period: 5s
    environment: {COLOR: "${COLOR:-red}"}
  web:
    image: ${STUB}
    environment: {COLOR: "${COLOR:-red}"}
`
}

func runDeaf(ctx context.Context, s *stage) error {
	if err := s.command(ctx, "up", "-d"); err != nil {
		return err
	}
	s.env = append(s.env, "COLOR=blue")
	start, done := time.Now(), make(chan error, 1)
	go func() { done <- s.command(ctx, "up", "-d") }()
	back := time.Duration(0)
	for ended := false; back == 0 || !ended; time.Sleep(5 * time.Millisecond) {
		if back == 0 && s.isBlue(ctx, "web") {
			back = time.Since(start)
		}
		select {
		case err := <-done:
			if err != nil {
				return err
			}
			ended = true
		case <-ctx.Done():
			return errors.New("the service does not come back")
		default:
		}
	}
	s.b.record("one ignores SIGTERM (5 s): the other is back", s.t, back, 0)
	s.b.record("one ignores SIGTERM (5 s): all done", s.t, time.Since(start), 0)
	return nil
}

// isBlue tells whether the new container of a service runs under its name.
func (s *stage) isBlue(ctx context.Context, service string) bool {
	v, err := s.b.engine.Inspect(ctx, s.project+"-"+service+"-1")
	return err == nil && strings.Contains(dock.Pick(v, "Config/Env"), "COLOR=blue") && dock.Pick(v, "State/Status") == "running"
}
