package render

import (
	"cmp"
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
	prefix map[string]string // of the names, at that width
	held   []byte            // not written yet, for more follows at once
	stderr bool              // held goes to o.Stderr
	err    error             // the first in writing
}

// enough is what a LogPrinter holds at most.
const enough = 32 << 10

// NewLogPrinter prints to w.
func NewLogPrinter(w io.Writer, o LogOptions) *LogPrinter {
	return &LogPrinter{out: w, o: o, colour: map[string]colour{}, prefix: map[string]string{}}
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
	clear(p.prefix)
}

// Line prints one line that a container wrote. One that has More may be held until the next.
func (p *LogPrinter) Line(name string, l engine.LogLine) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if stderr := l.Stderr && p.o.Stderr != nil; stderr != p.stderr {
		p.flush()
		p.stderr = stderr
	}
	p.held = append(p.held, p.before(name)...)
	if p.o.Timestamps {
		p.held = append(l.Time.UTC().AppendFormat(p.held, "2006-01-02T15:04:05.000000000Z07:00"), ' ')
	}
	p.held = append(append(p.held, l.Text...), '\n')
	if !l.More || len(p.held) > enough {
		p.flush()
	}
}

// Flush writes what is held. The error is the first that there was in writing.
func (p *LogPrinter) Flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flush()
	return p.err
}

func (p *LogPrinter) flush() {
	if len(p.held) == 0 {
		return
	}
	w := p.out
	if p.stderr {
		w = p.o.Stderr
	}
	_, err := w.Write(p.held)
	p.err = cmp.Or(p.err, err)
	p.held = p.held[:0]
}

// say something that is no line of a container's.
func (p *LogPrinter) say(text string) {
	p.flush()
	_, err := io.WriteString(p.out, text)
	p.err = cmp.Or(p.err, err)
}

// before is what stands in front of a line.
func (p *LogPrinter) before(name string) string {
	if p.o.NoPrefix {
		return ""
	}
	p.register(name)
	text, known := p.prefix[name]
	if !known {
		text = p.paint(name, pad(name, p.width+1)+" | ")
		p.prefix[name] = text
	}
	return text
}

func (p *LogPrinter) paint(name, text string) string {
	return Style{Color: p.o.Color}.paint(p.colour[name], text)
}

// Event prints what happened to a container: "exited with code 0".
func (p *LogPrinter) Event(name, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.register(name)
	p.say(p.paint(name, name+" "+text) + "\n")
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
		p.say(prefix + line + "\n")
	}
}

// Attaching registers the names and says whose lines follow.
func (p *LogPrinter) Attaching(names []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range names {
		p.register(n)
	}
	p.say("Attaching to " + strings.Join(names, ", ") + "\n")
}

// LogName is the name that a container has in logs: without the project, unless the file names the container itself.
func LogName(l *container.Live) string {
	short, ok := strings.CutPrefix(l.Name, l.Labels[container.LabelProject]+"-")
	if !ok {
		return l.Name
	}
	if number, ok := strings.CutPrefix(short, l.Labels[container.LabelService]+"-"); !ok || number != l.Labels[container.LabelNumber] {
		return l.Name
	}
	return short
}
