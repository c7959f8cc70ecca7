package docker

import (
	"io"
	"net"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if path := os.Getenv("TUTTI_DIAL_STDIO"); path != "" {
		dialStdio(path)
		return
	}
	goleak.VerifyTestMain(m)
}

// dialStdio is what `docker system dial-stdio` does.
func dialStdio(path string) {
	c, err := net.Dial("unix", path)
	if err != nil {
		os.Exit(1)
	}
	go func() {
		io.Copy(c, os.Stdin)
		c.(*net.UnixConn).CloseWrite()
	}()
	io.Copy(os.Stdout, c)
}
