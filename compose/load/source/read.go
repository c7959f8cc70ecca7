package source

import (
	"errors"
	"io"
	"os"
)

// largest is how much is read of a file: what has no end, like a device, ends in an error before memory does.
const largest = 64 << 20

// ReadFile is os.ReadFile for what a user has written.
func ReadFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(Limited(f))
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
		return 0, errors.New("it is larger than 64 MiB")
	}
	return n, err
}
