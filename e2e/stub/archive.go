package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// serveArchive answers every request with a tar archive of files, each NAME=TEXT, on the engine's own loopback.
func serveArchive(files []string) error {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		name, text, _ := strings.Cut(f, "=")
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(text)), Mode: 0o644}); err != nil {
			return err
		}
		if _, err := w.Write([]byte(text)); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("archive", l.Addr())
	go http.Serve(l, http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/x-tar")
		rw.Write(b.Bytes())
	}))
	return sleep()
}
