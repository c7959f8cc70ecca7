package render

import (
	"bytes"
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
	if got := LogName(l); got != "web-2" {
		t.Error(got)
	}
	if l.Name = "my-own"; LogName(l) != "my-own" {
		t.Error(LogName(l))
	}
}
