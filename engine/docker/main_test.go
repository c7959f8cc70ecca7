package docker

import (
	"io"
	"net"
	"os"
)

func init() {
	if path := os.Getenv("TUTTI_DIAL_STDIO"); path != "" {
		dialStdio(path)
		os.Exit(0)
	}
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
