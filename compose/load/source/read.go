package source

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/compose-spec/compose-go/v2/dotenv"
)

// largest is how much is read of a file: what has no end, like a device, ends in an error before memory does.
const largest = 64 << 20

// ReadFile is os.ReadFile for what a user has written.
func ReadFile(path string) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(Limited(f))
}

// refused is why a file is not read that compose-go would read, at length or forever.
type refused string

func (r refused) Error() string { return string(r) }

// Open opens a file that a user has written. A named pipe, which might wait for its other end forever, is refused, but those that
// the shell or the process before has opened are read: <(…), /dev/stdin.
func Open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	switch mode := info.Mode(); {
	case mode.IsDir():
		return nil, &os.PathError{Op: "read", Path: path, Err: syscall.EISDIR}
	case !mode.IsRegular() && !ofProcess(path):
		return nil, &os.PathError{Op: "read", Path: path, Err: refused("not a regular file")}
	}
	return os.Open(path)
}

// ofProcess tells whether a path is of the system's own: a device, or what the process has open.
func ofProcess(path string) bool {
	return strings.HasPrefix(filepath.Clean(path), "/dev/") || strings.HasPrefix(filepath.Clean(path), "/proc/")
}

// Limited reads what a user has written, and fails where that is more than anybody writes.
func Limited(r io.Reader) io.Reader { return &limited{r, largest} }

type limited struct {
	r    io.Reader
	left int
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.left -= n; l.left < 0 {
		return 0, refused("it is larger than 64 MiB")
	}
	return n, err
}

// ReadEnvFiles is dotenv.GetEnvFromFile for what a user has written: later files win, and each sees the variables of those before.
func ReadEnvFiles(env map[string]string, paths []string) (map[string]string, error) {
	out := map[string]string{}
	for _, path := range paths {
		err := ReadEnv(path, "", out, func(name string) (string, bool) {
			if v, ok := env[name]; ok {
				return v, true
			}
			v, ok := out[name]
			return v, ok
		})
		if errors.Is(err, os.ErrNotExist) {
			return maps.Clone(out), fmt.Errorf("couldn't find env file: %s", path)
		}
		if err != nil {
			return out, err
		}
	}
	return out, nil
}

// ReadEnv reads an env file of the format into a map.
func ReadEnv(path, format string, into map[string]string, lookup dotenv.LookupFn) error {
	text, err := ReadFile(path)
	if err != nil {
		return err
	}
	if line := crowded(string(text)); line > 0 && format != "raw" {
		return fmt.Errorf("%s: %w", path, refused(fmt.Sprintf("line %d: too many variables in one value", line)))
	}
	return dotenv.ParseWithFormat(strings.NewReader(string(text)), path, into, lookup, format)
}

// mostVariables of one line of an env file. compose-go needs for them what grows with the square, and for nested ones with the cube.
const mostVariables = 200

// crowded is the first line of an env file with more variables than anybody writes, or deeper ones; 0 if there is none.
func crowded(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		if n++; strings.Count(line, "${") > mostVariables || nested(line) > deepest {
			return n
		}
	}
	return 0
}
