package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tutti-run/tutti/cmd/internal/cli"
	"github.com/tutti-run/tutti/cmd/internal/plugin"
	"github.com/tutti-run/tutti/compose/load/remote/remotetest"
	"github.com/tutti-run/tutti/compose/lock"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/docker"
	"github.com/tutti-run/tutti/engine/enginetest"
)

var update = flag.Bool("update", false, "rewrite what scripts expect")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tutti": func() { os.Exit(tutti()) }, plugin.Name: func() { os.Exit(tutti()) }})
}

// tutti is the program, but for signals: INTERRUPT=WHEN,WHEN is when Ctrl-C is pressed, each after the one before: once a text was written, or after
// a time. With IMAGES it runs on an engine in memory, which lives as long
// as the command; without on the one that the environment says.
func tutti() int {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := make(chan struct{})
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // as the program does: so that commands that it runs have it, even where a shell has it ignored
	p := &presser{when: strings.FieldsFunc(os.Getenv("INTERRUPT"), func(r rune) bool { return r == ',' }), press: []func(){func() { close(stop) }, cancel}}
	p.next()
	line, asCompose := plugin.Line{Args: os.Args[1:]}, plugin.Called(os.Args[0])
	if asCompose {
		line = plugin.Read(line.Args)
	}
	app := cli.App{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), Version: "v1.2.3", AsCompose: asCompose, Stop: stop, Dial: dial}
	if os.Getenv("ON_TERMINAL") != "" { // of ttyin
		tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer tty.Close()
		defer time.Sleep(300 * time.Millisecond) // what reads the other end for ttyout closes it when this ends, read or not
		app.Stdout, app.Stderr = tty, tty
	}
	if len(p.when) > 0 {
		app.Stdout, app.Stderr = p.watch(app.Stdout), p.watch(app.Stderr)
	}
	return app.Run(ctx, line.Args)
}

// presser presses Ctrl-C.
type presser struct {
	mu      sync.Mutex
	when    []string
	press   []func()
	written strings.Builder
}

// next waits for its time, if it has one.
func (p *presser) next() {
	if len(p.when) == 0 {
		return
	}
	if d, err := time.ParseDuration(p.when[0]); err == nil {
		time.AfterFunc(d, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.pressed()
		})
	}
}

func (p *presser) pressed() {
	p.press[0]()
	p.when, p.press = p.when[1:], p.press[1:]
	p.next()
}

// watch what is written.
func (p *presser) watch(w io.Writer) io.Writer {
	return writer(func(b []byte) (int, error) {
		n, err := w.Write(b)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.written.Write(b)
		for len(p.when) > 0 && strings.Contains(p.written.String(), p.when[0]) {
			p.pressed()
		}
		return n, err
	})
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

func dial(ctx context.Context, host, name string) (engine.Engine, error) {
	images, ok := os.LookupEnv("IMAGES")
	if !ok {
		e, err := docker.Dial(ctx, docker.Options{Host: host, Context: name})
		if err != nil {
			return nil, err
		}
		return e, nil
	}
	f := enginetest.New()
	for _, i := range strings.Fields(images) {
		ref, behaviour, _ := strings.Cut(i, "=")
		b, err := parse(behaviour)
		if err != nil {
			return nil, err
		}
		f.AddImages(b, ref)
	}
	if err := hold(ctx, f, os.Getenv("HELD")); err != nil {
		return nil, err
	}
	for name, ref := range map[string]string{"PAST": "tutti-history:shop", "NEXT": "tutti-history:shop.next"} {
		if dir := os.Getenv(name); dir != "" {
			if err := keep(ctx, f, ref, dir); err != nil {
				return nil, err
			}
		}
	}
	if text := os.Getenv("BESIDE"); text != "" { // what Survey tells, as JSON
		return f, json.Unmarshal([]byte(text), &f.Beside)
	}
	return f, nil
}

// hold the lock of the project shop, as somebody on another machine, for a time, or "dead": nobody hears a knock.
func hold(ctx context.Context, f *enginetest.Fake, how string) error {
	if how == "" {
		return nil
	}
	anna := lock.Holder{Token: "T", User: "anna", Host: "build-3", PID: 812, Machine: "another", Command: "up", Since: time.Now().Add(-12 * time.Second)}
	d, err := time.ParseDuration(how)
	var engine lock.Marks = f
	if err != nil {
		engine, d = deaf{f}, time.Hour
	}
	l, err := lock.Take(ctx, engine, "shop", anna, lock.Options{})
	if err == nil {
		time.AfterFunc(d, func() { l.Release(ctx) })
	}
	return err
}

// keep a folder's files in the engine, as a history is.
func keep(ctx context.Context, f *enginetest.Fake, ref, dir string) error {
	files := map[string][]byte{}
	all, err := os.ReadDir(dir)
	for _, e := range all {
		text, readErr := os.ReadFile(filepath.Join(dir, e.Name()))
		files[e.Name()], err = text, errors.Join(err, readErr)
	}
	if err == nil {
		_, err = f.ImportArchive(ctx, ref, nil, files)
	}
	return err
}

// deaf hears of no mark.
type deaf struct{ *enginetest.Fake }

func (d deaf) WatchMarks(ctx context.Context, _ string) (<-chan engine.MarkEvent, <-chan error, error) {
	return d.Fake.WatchMarks(ctx, "nothing")
}

// parse "exit:3:200ms", "healthy:1h" or "deaf"; every container says hello.
func parse(text string) (enginetest.Behaviour, error) {
	b := enginetest.Behaviour{Logs: []string{"hello", "!oh"}}
	switch f := strings.Split(text, ":"); f[0] {
	case "exit":
		code, err := strconv.Atoi(f[1])
		after, err2 := time.ParseDuration(f[2])
		b.ExitCode, b.After = enginetest.Exits(code), after
		return b, errors.Join(err, err2)
	case "healthy":
		after, err := time.ParseDuration(f[1])
		b.HealthyAfter = after
		return b, err
	case "deaf":
		b.IgnoresTerm = true
	case "":
	default:
		return b, fmt.Errorf("behaviour %q", text)
	}
	return b, nil
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector's default is a second for each command
			e.Setenv("XDG_CACHE_HOME", e.WorkDir+"/.tmp/cache")
			e.Setenv("DOCKER_HOST", "unix://"+e.WorkDir+"/no.sock")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"code": code, "publish": publish, "commit": commit},
	})
}

// code N COMMAND… runs a command, which has to end with that exit code.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND [ARG...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[interface {
		error
		ExitCode() int
	}](err); ok {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("exit code %d, want %s", got, args[0])
	}
}

// publish NAME:TAG FILE… makes an artefact of files, in a registry that lives as long as the script and stands in $REGISTRY. Files
// named *.env are env files, base*.yaml are such as others extend.
func publish(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: publish NAME:TAG FILE...")
	}
	if ts.Getenv("REGISTRY") == "" {
		server := remotetest.Registry(nil)
		ts.Defer(server.Close)
		ts.Setenv("REGISTRY", remotetest.Host(server))
	}
	var layers []remotetest.Layer
	for _, path := range args[1:] {
		name, kind := filepath.Base(path), remotetest.File
		switch {
		case strings.HasSuffix(name, ".env"):
			kind = remotetest.EnvFile
		case strings.HasPrefix(name, "base"):
			kind = remotetest.Extended
		}
		layers = append(layers, kind(name, ts.ReadFile(path)))
	}
	d, err := remotetest.Publish(context.Background(), ts.Getenv("REGISTRY")+"/"+args[0], remotetest.ProjectType, layers...)
	ts.Check(err)
	ts.Setenv("DIGEST", d.Digest.String())
	ts.Setenv("HEX", d.Digest.Encoded())
}

// commit DIR makes a commit of all that is in a directory; its id stands in $COMMIT.
func commit(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: commit DIR")
	}
	id, err := remotetest.Commit(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Setenv("COMMIT", id)
}
