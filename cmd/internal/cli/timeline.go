package cli

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tutti-run/tutti/cmd/internal/render"
	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/timeline"
)

// timelineOptions of timeline.
type timelineOptions struct {
	*cli
	format, out string
}

func (c *cli) timeline() *cobra.Command {
	o := &timelineOptions{cli: c}
	cmd := &cobra.Command{
		Use: "timeline [OPTIONS]", Short: "Show what of the last run took how long, and its critical path", Args: noArgs,
		Long: "Show what of the last up, create, scale, start, restart, rollback or ci of the project took how long, and its critical path. Only\n" +
			"the last run from this machine that did something is kept, in the user's cache directory.",
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE:              func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	fs := cmd.Flags()
	fs.StringVar(&o.format, "format", "", "one of text, svg and json (Chrome's trace events); by default what the file's name says, or text")
	fs.StringVarP(&o.out, "output", "o", "", "write to a `file`")
	return cmd
}

func (o *timelineOptions) run(ctx context.Context) error {
	ctx, cancel := o.gentle(ctx)
	defer cancel()
	switch o.format {
	case "":
		o.format = drawnAs(o.out)
	case "text", "svg", "json":
	default:
		return usagef("--format must be text, svg or json, not %q", o.format)
	}
	name, err := o.projectName(ctx)
	if err != nil {
		return err
	}
	if _, err := o.tool(ctx); err != nil { // which says where the engine is
		return err
	}
	t, err := o.lastTimeline(name)
	if err != nil {
		return err
	}
	if o.out == "" || o.out == "-" {
		return draw(o.Stdout, t, o.format, o.style(o.Stdout))
	}
	return o.create(o.out, func(w io.Writer) error { return draw(w, t, o.format, render.Style{}) })
}

// drawnAs is what the name of a file asks for.
func drawnAs(name string) string {
	switch filepath.Ext(name) {
	case ".svg":
		return "svg"
	case ".json":
		return "json"
	}
	return "text"
}

func draw(w io.Writer, t timeline.Timeline, format string, s render.Style) error {
	switch format {
	case "svg":
		return render.TimelineSVG(w, t)
	case "json":
		return render.TimelineJSON(w, t)
	}
	return render.Timeline(w, t, s)
}

func timelineFlag(fs *pflag.FlagSet, file *string) {
	fs.StringVar(file, "timeline", "", "show what took how long and the critical path, or draw it to a `file`: .svg, .json (Chrome's trace events), else text")
}

// timed is the timeline of a run; nil where none is made.
type timed struct {
	timeline.Recorder
	command string
	file    string // "": only kept; "-": shown with the story
}

// event for its recorder.
func (t *timed) event() func(apply.Event) {
	if t == nil {
		return nil
	}
	return t.Event
}

// drawTimeline keeps the timeline of a run that is over, and draws it where that was asked for.
func (c *cli) drawTimeline(t *timed) error {
	if t == nil {
		return nil
	}
	line := t.Timeline(t.command)
	if line.Changed() {
		_ = c.keepTimeline(line) // it is but a convenience
	}
	switch t.file {
	case "":
		return nil
	case "-":
		w := c.status()
		return draw(c.screen.on(w), line, "text", c.style(w))
	}
	return c.create(t.file, func(w io.Writer) error { return draw(w, line, drawnAs(t.file), render.Style{}) })
}

// timelineFile is where the last timeline of a project on this engine is kept.
func (c *cli) timelineFile(project string) (string, error) {
	dir, _ := c.lookup("XDG_CACHE_HOME")
	if !filepath.IsAbs(dir) {
		var err error
		if dir, err = os.UserCacheDir(); err != nil {
			return "", err
		}
	}
	host := sha256.Sum256([]byte(c.engine.Info().Host))
	return filepath.Join(dir, "tutti", "timeline", fmt.Sprintf("%s-%x.json", project, host[:6])), nil
}

// keepTimeline so that a reader finds all of it or that of before.
func (c *cli) keepTimeline(t timeline.Timeline) error {
	name, err := c.timelineFile(t.Project)
	if err != nil {
		return err
	}
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "next-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}

func (c *cli) lastTimeline(project string) (timeline.Timeline, error) {
	var t timeline.Timeline
	name, err := c.timelineFile(project)
	if err != nil {
		return t, fmt.Errorf("read timeline: %w", err)
	}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return t, fmt.Errorf("project %q has no timeline yet: up, create, scale, start, restart, rollback and ci keep one when they have done something", project)
	}
	if err == nil {
		err = json.Unmarshal(text, &t)
	}
	if err != nil {
		return t, fmt.Errorf("read timeline: %w", err)
	}
	return t, nil
}
