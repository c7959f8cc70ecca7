package render

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/charmbracelet/x/ansi"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
)

// LogOptions of a LogPrinter.
type LogOptions struct {
	Color      bool
	NoPrefix   bool
	Timestamps bool
	Stderr     io.Writer // takes what containers wrote to stderr; nil: goes where the rest goes
}

// LogPrinter prints the lines of several containers, each behind its container's name. It may be used from several goroutines.
type LogPrinter struct {
	out io.Writer
	o   LogOptions

	mu     sync.Mutex
	colour map[string]colour
	width  int
}

// NewLogPrinter prints to w.
func NewLogPrinter(w io.Writer, o LogOptions) *LogPrinter {
	return &LogPrinter{out: w, o: o, colour: map[string]colour{}}
}

// rainbow is Docker Compose's cycle of colours.
var rainbow = []colour{"36", "33", "32", "35", "34", "36;1", "33;1", "32;1", "35;1", "34;1"}

// Register makes room for a name and gives it the next colour. Names that are registered before the first line keep the column straight.
func (p *LogPrinter) Register(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.register(name)
}

func (p *LogPrinter) register(name string) {
	if _, known := p.colour[name]; known {
		return
	}
	p.colour[name] = rainbow[len(p.colour)%len(rainbow)]
	p.width = max(p.width, ansi.StringWidth(name))
}

// Line prints one line that a container wrote.
func (p *LogPrinter) Line(name string, l engine.LogLine) {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := l.Text + "\n"
	if p.o.Timestamps {
		text = l.Time.UTC().Format("2006-01-02T15:04:05.000000000Z07:00") + " " + text
	}
	w := p.out
	if l.Stderr && p.o.Stderr != nil {
		w = p.o.Stderr
	}
	_, _ = io.WriteString(w, p.prefix(name)+text)
}

func (p *LogPrinter) prefix(name string) string {
	p.register(name)
	if p.o.NoPrefix {
		return ""
	}
	return p.paint(name, pad(name, p.width+1)+" | ")
}

func (p *LogPrinter) paint(name, text string) string {
	return Style{Color: p.o.Color}.paint(p.colour[name], text)
}

// Event prints what happened to a container: "exited with code 0".
func (p *LogPrinter) Event(name, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.register(name)
	_, _ = io.WriteString(p.out, p.paint(name, name+" "+text)+"\n")
}

// Exited prints that a container has ended.
func (p *LogPrinter) Exited(name string, code int, restarting bool) {
	text := fmt.Sprintf("exited with code %d", code)
	if restarting {
		text += " (restarting)"
	}
	p.Event(name, text)
}

// Watch prints what a watch of files says.
func (p *LogPrinter) Watch(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	prefix := ""
	if !p.o.NoPrefix {
		prefix = Style{Color: p.o.Color}.paint("92", strings.Repeat(" ", p.width+1)+" ⦿ ")
	}
	for line := range strings.SplitSeq(tameLines(text), "\n") {
		_, _ = io.WriteString(p.out, prefix+line+"\n")
	}
}

// Attaching registers the names and says whose lines follow.
func (p *LogPrinter) Attaching(names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range names {
		p.register(n)
	}
	_, _ = io.WriteString(p.out, "Attaching to "+strings.Join(names, ", ")+"\n")
}

// LogName is the name that a container has in logs: without the project, unless the file names the container itself.
func LogName(l container.Live) string {
	project := l.Labels[container.LabelProject]
	if l.Name == fmt.Sprintf("%s-%s-%s", project, l.Service(), l.Labels[container.LabelNumber]) {
		return strings.TrimPrefix(l.Name, project+"-")
	}
	return l.Name
}
