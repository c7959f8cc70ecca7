package buildkit

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/opencontainers/go-digest"

	"github.com/tutti-run/tutti/engine"
)

// solve runs a build to its end and tells how it goes on. An error tells where in the Dockerfile, by this name, it went wrong.
func solve(ctx context.Context, c *client.Client, s client.SolveOpt, dockerfile string, progress func(engine.Progress)) (*client.SolveResponse, error) {
	status := make(chan *client.SolveStatus)
	told := make(chan *report, 1)
	go func() {
		r := newReport(progress)
		for s := range status {
			r.take(s)
		}
		told <- r
	}()
	res, err := c.Solve(ctx, nil, s, status)
	r := <-told
	switch {
	case err == nil:
		return res, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, r.failure(err, dockerfile)
}

// report follows a build's vertexes, and words them as BuildKit's plain output.
type report struct {
	progress func(engine.Progress)
	steps    map[digest.Digest]*step
}

// step is a vertex that has begun.
type step struct {
	number int
	name   string
	since  time.Time
	over   bool
	failed string   // why
	part   []byte   // a line that has no end yet
	tail   []string // what it wrote last
}

const tailLines = 20

func newReport(progress func(engine.Progress)) *report {
	return &report{progress: progress, steps: map[digest.Digest]*step{}}
}

func (r *report) take(s *client.SolveStatus) {
	for _, v := range s.Vertexes {
		if v.Started != nil {
			r.begin(v)
		}
	}
	for _, l := range s.Logs {
		if step := r.steps[l.Vertex]; step != nil {
			r.output(step, l)
		}
	}
	for _, v := range s.Vertexes {
		if v.Completed != nil {
			r.end(v)
		}
	}
}

func (r *report) begin(v *client.Vertex) {
	if r.steps[v.Digest] != nil {
		return
	}
	step := &step{number: len(r.steps) + 1, name: v.Name, since: *v.Started}
	r.steps[v.Digest] = step
	r.say(step, v.Name, false)
}

func (r *report) output(s *step, l *client.VertexLog) {
	s.part = append(s.part, l.Data...)
	for {
		line, rest, ok := bytes.Cut(s.part, []byte("\n"))
		if !ok {
			s.part = shown(s.part)
			return
		}
		s.part = rest
		r.line(s, string(line), l.Timestamp)
	}
}

// shown is what a terminal would show of a line that was written over and over, as programs show how far they are.
func shown(line []byte) []byte {
	if i := bytes.LastIndexByte(bytes.TrimRight(line, "\r"), '\r'); i >= 0 {
		return line[i+1:]
	}
	return line
}

func (r *report) line(s *step, text string, at time.Time) {
	text = string(shown([]byte(strings.TrimRight(text, "\r"))))
	if s.tail = append(s.tail, text); len(s.tail) > tailLines {
		s.tail = s.tail[1:]
	}
	r.say(s, fmt.Sprintf("%.3f %s", max(0, at.Sub(s.since).Seconds()), text), false)
}

func (r *report) end(v *client.Vertex) {
	s := r.steps[v.Digest]
	if s == nil || s.over {
		return
	}
	s.over, s.failed = true, v.Error
	if len(s.part) > 0 {
		r.line(s, string(s.part), *v.Completed)
		s.part = nil
	}
	switch {
	case strings.HasSuffix(v.Error, context.Canceled.Error()):
		s.failed = ""
		r.say(s, "CANCELED", true)
	case s.failed != "":
		r.say(s, "ERROR: "+v.Error, true)
	case v.Cached:
		r.say(s, "CACHED", true)
	default:
		r.say(s, fmt.Sprintf("DONE %.1fs", v.Completed.Sub(s.since).Seconds()), true)
	}
}

func (r *report) say(s *step, text string, over bool) {
	layer := fmt.Sprintf("#%d", s.number)
	r.progress(engine.Progress{Layer: layer, Text: layer + " " + text, Over: over})
}

// failure is why a build came to nothing, with what the step that failed wrote last, and where it stands.
func (r *report) failure(err error, dockerfile string) error {
	lines := []string{plain(err)}
	places := errdefs.Sources(err)
	if s := r.broken(err); s != nil {
		if len(places) == 0 { // an old BuildKit does not tell
			lines = append(lines, "> "+s.name+":")
		}
		lines = append(lines, s.tail...)
	}
	for _, src := range places {
		lines = append(lines, excerpt(src, dockerfile)...)
	}
	return failure{text: strings.Join(lines, "\n  "), err: err}
}

// broken is the step that an error is of; nil: it is of none. Others may have failed, too: a cache that is not there keeps no build back.
func (r *report) broken(err error) *step {
	for _, s := range r.steps {
		if s.failed != "" && strings.Contains(err.Error(), s.failed) {
			return s
		}
	}
	return nil
}

// excerpt of a Dockerfile, as BuildKit shows it.
func excerpt(src *errdefs.Source, dockerfile string) []string {
	named := &errdefs.Source{Info: named(src.Info, dockerfile), Ranges: src.Ranges}
	var text strings.Builder
	if named.Print(&text) != nil || text.Len() == 0 {
		return nil
	}
	return strings.Split(strings.TrimRight(text.String(), "\n"), "\n")
}

// named is a Dockerfile by the name that the user knows it by.
func named(src *pb.SourceInfo, dockerfile string) *pb.SourceInfo {
	if src == nil || dockerfile == "" {
		return src
	}
	return &pb.SourceInfo{Filename: dockerfile, Data: src.Data, Definition: src.Definition, Language: src.Language}
}

// wrappings are what BuildKit puts before the reason, and says nothing.
var wrappings = regexp.MustCompile(`^(failed to solve: |rpc error: code = \w+ desc = |failed to solve with frontend [\w.]+: |failed to build LLB: )+`)

func plain(err error) string { return wrappings.ReplaceAllString(err.Error(), "") }

// refusef is an engine.ErrInvalid in our own words alone.
func refusef(format string, args ...any) error {
	return failure{text: fmt.Sprintf(format, args...), err: engine.ErrInvalid}
}

type failure struct {
	text string
	err  error
}

func (f failure) Error() string { return f.text }
func (f failure) Unwrap() error { return f.err }
