// Package plugin is what Docker's command line asks of a plugin, how it tells one to end, and where it looks for one.
package plugin

import (
	"encoding/json"
	"io"
	"path/filepath"
	"slices"
	"strings"
)

// ComposeVersion is the Docker Compose that is answered for: its verbs, flags and output.
const ComposeVersion = "v5.5.0"

// Name of the file by which docker finds the plugin, and by which tutti knows that it is called in Docker Compose's stead.
const Name = "docker-compose"

// Called tells whether a program of that path stands in for Docker Compose.
func Called(path string) bool {
	return strings.TrimSuffix(filepath.Base(path), ".exe") == Name
}

// AsksMetadata tells whether docker asks what this is.
func AsksMetadata(args []string) bool {
	return len(args) > 0 && args[0] == "docker-cli-plugin-metadata"
}

// Metadata answers it. Source: docker/cli, cli-plugins/metadata, schema 0.1.0.
func Metadata(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "     ")
	return e.Encode(struct{ SchemaVersion, Vendor, Version, ShortDescription string }{"0.1.0", "tutti", ComposeVersion, "Docker Compose, by tutti"})
}

// Line is a command line as docker hands it over: its own flags, "compose", and what the user wrote behind that.
type Line struct {
	Args []string // for tutti
	Env  []string // KEY=VALUE that docker's flags stand for
}

// variables that docker's flags of certificates and settings stand for.
var variables = map[string]string{"--config": "DOCKER_CONFIG"}

// taking flags have a value behind them.
var taking = []string{"--config", "--context", "-c", "--host", "-H", "--log-level", "-l", "--tlscacert", "--tlscert", "--tlskey"}

// alone are flags without one.
var alone = map[string]string{"--debug": "", "-D": "", "--tls": "DOCKER_TLS=1", "--tlsverify": "DOCKER_TLS_VERIFY=1"}

// asking words may stand before all: they are docker asking on behalf of the user.
var asking = []string{"__complete", "__completeNoDesc", "help"}

// Read a command line. One that docker did not make is given back as it is.
func Read(args []string) Line {
	var first []string
	rest := args
	if len(rest) > 0 && slices.Contains(asking, rest[0]) {
		first, rest = rest[:1], rest[1:]
	}
	line := Line{Args: slices.Clone(first)}
	for len(rest) > 0 && strings.HasPrefix(rest[0], "-") {
		n := line.flag(rest)
		if n == 0 {
			return Line{Args: args}
		}
		rest = rest[n:]
	}
	if len(rest) == 0 || rest[0] != "compose" {
		return Line{Args: args}
	}
	line.Args = append(line.Args, rest[1:]...)
	return line
}

// flag of docker's at the beginning of the words: taken, and how many words it was; 0 if it is none.
func (l *Line) flag(words []string) int {
	name, value, joined := strings.Cut(words[0], "=")
	if env, ok := alone[name]; ok {
		if env != "" && value != "false" {
			l.Env = append(l.Env, env)
		}
		return 1
	}
	if !joined && len(name) > 2 && name[1] != '-' { // -Hunix://…
		name, value, joined = name[:2], words[0][2:], true
	}
	if !slices.Contains(taking, name) {
		return 0
	}
	n := 1
	if !joined {
		if len(words) < 2 {
			return 0
		}
		value, n = words[1], 2
	}
	l.take(name, value)
	return n
}

func (l *Line) take(name, value string) {
	switch name {
	case "--context", "-c":
		l.Args = append(l.Args, "--context", value)
	case "--host", "-H":
		l.Args = append(l.Args, "--host", value)
	case "--tlscacert", "--tlscert", "--tlskey":
		l.Env = append(l.Env, "DOCKER_CERT_PATH="+filepath.Dir(value)) // all three are in one folder, under docker's names
	default:
		if v := variables[name]; v != "" {
			l.Env = append(l.Env, v+"="+value)
		}
	}
}
