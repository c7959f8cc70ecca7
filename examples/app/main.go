// Command app is what the examples run: a web page, a key-value store behind it, a proxy, a migration. One small static program,
// so that an image is this file and nothing else.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const usage = `app store        key-value store on :7000, kept in /data
app web          page on :8080 that counts its visits in STORE; wants schema SCHEMA if that is set
app proxy        passes :8080 on to BACKEND
app migrate      brings the schema in STORE to version SCHEMA, then ends
app probe URL    writes what URL answers, exit code 1 if it does not; what healthchecks call`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	switch strings.Join(args, " ") {
	case "store":
		s, err := openStore("/data/store.log")
		if err != nil {
			return err
		}
		return listen(ctx, ":7000", s)
	case "web":
		return web(ctx)
	case "proxy":
		return proxy(ctx)
	case "migrate":
		return migrate(remote(os.Getenv("STORE")), os.Getenv("SCHEMA"))
	}
	if len(args) == 2 && args[0] == "probe" {
		text, err := ask(http.MethodGet, args[1], "")
		fmt.Print(text)
		return err
	}
	return errors.New(usage)
}

// listen serves until ctx ends, then lets running requests finish.
func listen(ctx context.Context, addr string, h http.Handler) error {
	server := &http.Server{Addr: addr, Handler: h, ReadHeaderTimeout: 5 * time.Second}
	finished := make(chan error, 1)
	defer context.AfterFunc(ctx, func() { finished <- server.Shutdown(context.WithoutCancel(ctx)) })()
	fmt.Println("listening on", addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-finished
}

// ask one thing over HTTP; anything but 200 is an error.
func ask(method, url, body string) (string, error) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	client := http.Client{Timeout: 2 * time.Second}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, url, resp.Status, strings.TrimSpace(string(text)))
	}
	return string(text), err
}

func web(ctx context.Context) error {
	store := remote(os.Getenv("STORE"))
	if want := os.Getenv("SCHEMA"); want != "" {
		if have, err := store.get("schema"); err != nil || have != want {
			return fmt.Errorf("schema is %q, this program wants %q (%v)", have, want, err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		if _, err := store.get("visits"); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		n, err := store.increment("visits")
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		fmt.Fprintf(w, "%s You are visitor number %s.\n", greeting(), n)
	})
	return listen(ctx, ":8080", mux)
}

func greeting() string {
	if g := os.Getenv("GREETING"); g != "" {
		return g
	}
	return "Hello from tutti!"
}

func proxy(ctx context.Context) error {
	backend, err := url.Parse(os.Getenv("BACKEND"))
	if err != nil {
		return err
	}
	p := httputil.NewSingleHostReverseProxy(backend)
	p.Transport = &http.Transport{DisableKeepAlives: true} // each request looks the backend up anew, and finds the replicas that there are
	return listen(ctx, ":8080", p)
}

// migrate brings the schema to a version, a step at a time; a newer one is left alone and is an error.
func migrate(store remote, want string) error {
	have, err := store.get("schema")
	if err != nil {
		return err
	}
	var from, to int
	fmt.Sscan(have, &from)
	if _, err := fmt.Sscan(want, &to); err != nil {
		return fmt.Errorf("SCHEMA %q is no number", want)
	}
	if from > to {
		return fmt.Errorf("schema is %d already, newer than %d", from, to)
	}
	for v := from + 1; v <= to; v++ {
		fmt.Printf("migrate %d to %d\n", v-1, v)
		if err := store.put("schema", fmt.Sprint(v)); err != nil {
			return err
		}
	}
	fmt.Println("schema is", to)
	return nil
}
