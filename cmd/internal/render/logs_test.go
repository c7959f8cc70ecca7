package render

import (
	"bytes"
	"slices"
	"testing"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

func TestLogs(t *testing.T) {
	lines := func(o LogOptions) string {
		var b bytes.Buffer
		p := NewLogPrinter(&b, o)
		p.Attaching([]string{"api-1", "a-1"})
		p.Line("api-1", engine.LogLine{Time: t0, Text: "hello"})
		p.Line("a-1", engine.LogLine{Time: t0.Add(391304386), Stderr: true, Text: "\x1b[31mred\x1b[0m"})
		p.Register("longer-12")
		p.Line("api-1", engine.LogLine{Time: t0, Text: ""})
		p.Exited("a-1", 4, false)
		p.Exited("api-1", 0, true)
		return b.String()
	}
	golden(t, "logs.txt", lines(LogOptions{}))
	golden(t, "logs-colour.txt", lines(LogOptions{Color: true}))
	golden(t, "logs-timestamps.txt", lines(LogOptions{Timestamps: true}))
	golden(t, "logs-no-prefix.txt", lines(LogOptions{NoPrefix: true, Color: true}))
}

func TestLogsStderr(t *testing.T) {
	var out, err bytes.Buffer
	p := NewLogPrinter(&out, LogOptions{Stderr: &err})
	p.Line("web-1", engine.LogLine{Text: "one"})
	p.Line("web-1", engine.LogLine{Text: "two", Stderr: true})
	if out.String() != "web-1  | one\n" || err.String() != "web-1  | two\n" {
		t.Errorf("%q, %q", out.String(), err.String())
	}
}

func TestLogName(t *testing.T) {
	l := container.Live{Name: "rlshop-web-2", Labels: map[string]string{container.LabelProject: "rlshop", container.LabelService: "web", container.LabelNumber: "2"}}
	if got := LogName(&l); got != "web-2" {
		t.Error(got)
	}
	if l.Name = "my-own"; LogName(&l) != "my-own" {
		t.Error(LogName(&l))
	}
}

// TestLinesTogether: what follows at once is written at once, in order, and never later than anything else.
func TestLinesTogether(t *testing.T) {
	var writes []string
	p := NewLogPrinter(pieces(func(b []byte) { writes = append(writes, string(b)) }), LogOptions{})
	p.Register("a-1")
	p.Line("a-1", engine.LogLine{Text: "one", More: true})
	p.Line("b", engine.LogLine{Text: "two", More: true})
	p.Line("a-1", engine.LogLine{Text: "three"})
	p.Line("a-1", engine.LogLine{Text: "four", More: true})
	p.Exited("b", 0, false)
	p.Line("a-1", engine.LogLine{Text: "five", More: true})
	p.Flush()
	want := []string{"a-1  | one\nb    | two\na-1  | three\n", "a-1  | four\n", "b exited with code 0\n", "a-1  | five\n"}
	if !slices.Equal(writes, want) {
		t.Errorf("%q, want %q", writes, want)
	}
}

type pieces func([]byte)

func (w pieces) Write(b []byte) (int, error) { w(b); return len(b), nil }
