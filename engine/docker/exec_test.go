package docker

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/tutti-run/tutti/engine"
)

// framed as the engine writes what a command does: stream, size, text.
func framed(stream byte, text string) string {
	head := make([]byte, 8)
	head[0] = stream
	binary.BigEndian.PutUint32(head[4:], uint32(len(text)))
	return string(head) + text
}

func newExecStub(inspect string, frames ...string) *stub {
	s := newStub(0)
	s.answers["/containers/web/exec"] = `{"Id":"e"}`
	s.answers["/exec/e/start"] = ""
	for _, f := range frames {
		s.answers["/exec/e/start"] += f
	}
	s.answers["/exec/e/json"] = inspect
	return s
}

// TestExecCutsAtLineEnds: frames are what was written at once, lines or not.
func TestExecCutsAtLineEnds(t *testing.T) {
	s := newExecStub(`{"ExitCode":3}`, framed(1, "a\nb"), framed(2, "x"), framed(1, "c\r\n\n"), framed(2, "y"), framed(1, "end"))
	e := s.dial(t)
	s.calls = nil
	var got []string
	code, err := e.Exec(t.Context(), "web", engine.Exec{Command: []string{"c"}}, func(l engine.LogLine) {
		sign := ""
		if l.Stderr {
			sign = "!"
		}
		got = append(got, sign+l.Text)
	})
	if want := []string{"a", "bc", "", "end", "!xy"}; err != nil || code != 3 || !slices.Equal(got, want) {
		t.Errorf("got %q, code %d, %v; want %q", got, code, err, want)
	}
	if want := []string{"POST /containers/web/exec", "POST /exec/e/start", "GET /exec/e/json"}; !slices.Equal(s.calls, want) {
		t.Errorf("calls %v", s.calls)
	}
}

// TestExecWaitsForTheCode of a command that closed its output before it ended.
func TestExecWaitsForTheCode(t *testing.T) {
	s := newExecStub(`{"Running":true}`)
	e := s.dial(t)
	time.AfterFunc(50*time.Millisecond, func() {
		s.Lock()
		defer s.Unlock()
		s.answers["/exec/e/json"] = `{"ExitCode":7}`
	})
	if code, err := e.Exec(t.Context(), "web", engine.Exec{Command: []string{"c"}}, nil); code != 7 || err != nil {
		t.Errorf("got %d, %v", code, err)
	}
}

func TestExecThatCannotBeStarted(t *testing.T) {
	s := newExecStub("")
	delete(s.answers, "/exec/e/start")
	if _, err := s.dial(t).Exec(t.Context(), "web", engine.Exec{Command: []string{"c"}}, nil); !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
