// Command tutti turns a Compose file into a plan you can read, and carries out exactly that plan.
package main

import (
	"context"
	"os"
	"runtime/debug"
	"strings"

	"github.com/tutti-run/tutti/cmd/internal/cli"
	"github.com/tutti-run/tutti/cmd/internal/plugin"
	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/buildkit"
	"github.com/tutti-run/tutti/engine/docker"
)

var version string // set when it is built by make

func main() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		lateCollection()
	}
	line, asCompose := plugin.Line{Args: os.Args[1:]}, plugin.Called(os.Args[0])
	if asCompose {
		if plugin.AsksMetadata(line.Args) {
			if plugin.Metadata(os.Stdout) != nil {
				os.Exit(1)
			}
			return
		}
		line = plugin.Read(line.Args)
	}
	for _, kv := range line.Env {
		k, v, _ := strings.Cut(kv, "=")
		os.Setenv(k, v)
	}
	s := listen()
	ctx, stop, first := s.interrupts()
	if asCompose {
		plugin.HungUp(os.Getenv(plugin.SocketVariable), s.hungUp)
		os.Unsetenv(plugin.SocketVariable) // which is not for what we run
	}
	if info, ok := debug.ReadBuildInfo(); ok && version == "" {
		version = info.Main.Version
	}
	compose.Version = version
	app := cli.App{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), Version: version, AsCompose: asCompose, Stop: stop, Signal: first, Signals: s.taken, Hangups: s.hangups, Dial: dial}
	os.Exit(app.Run(ctx, line.Args))
}

func dial(ctx context.Context, host, contextName string) (engine.Engine, error) {
	o := docker.Options{Host: host, Context: contextName}
	e, err := docker.Dial(ctx, o)
	if err != nil {
		return nil, err
	}
	return buildkit.With(e, buildkit.BuildersOf(os.Getenv, o.ContextName(), e.Info().Host)), nil
}
