package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"
)

// serveRegistry answers on the engine's own loopback, the one address that every engine takes without TLS; a container in the host's network.
func serveRegistry(account string) error {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	h := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	if account != "" {
		h = guarded(h, account)
	}
	fmt.Println("registry", l.Addr())
	go http.Serve(l, h)
	return sleep()
}

// guarded asks for the name and password in account: "NAME:PASSWORD".
func guarded(h http.Handler, account string) http.Handler {
	name, password, _ := strings.Cut(account, ":")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n, p, ok := r.BasicAuth(); ok && n == name && p == password {
			h.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Www-Authenticate", `Basic realm="stub"`)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		io.WriteString(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`)
	})
}
